/** Rules for a step that failed: it is not taken again at once, and a check that goes on failing waits for a person. */
import type { Assessment, Situation } from './assessment.ts';
import { assess } from './assessment.ts';
import { restartDelayMs } from './restarts.ts';

/** However short the configured delays are: a failing step must not keep a core busy. */
const SHORTEST_DELAY_MS = 250;

/** The assessment with its step held back while that failed a short time ago, or given up after `maxAttempts`. */
export function afterTrouble(situation: Situation, assessment: Assessment): Assessment {
  const { snapshot, policy, key, record } = situation;
  const trouble = snapshot.troubles.get(key);
  if (trouble === undefined || trouble.atMs <= (record?.attemptsClearedAtMs ?? 0)) return assessment;
  const { kind, message: reason, fix: remedy } = trouble;
  const isDue = assessment.action?.kind === kind;
  // Also without a poller, which shows no step: what was given up stays so.
  const isCheck = kind === 'adopt' ? isDue : kind === 'verify' && assessment.state === 'verifying';
  if (isCheck && trouble.count >= policy.maxAttempts && record?.verifyRequested !== true)
    return assess('failed', { reason, remedy, sinceMs: trouble.atMs });
  if (!isDue) return assessment;
  const delayMs = Math.max(SHORTEST_DELAY_MS, restartDelayMs(key, trouble.count, policy.delaysMs));
  const dueAtMs = trouble.atMs + delayMs;
  return snapshot.nowMs >= dueAtMs ? assessment : { ...assessment, reason, remedy, dueAtMs, action: null };
}
