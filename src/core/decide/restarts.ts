/** The restart policy: which runs count as attempts, when the next one is due and when it is enough. */
import type { Policy, Run, StreamRecord } from '../types.ts';

/** Share of a delay that is spread by stream, so that streams failing together don't restart together. */
const JITTER = 0.2;

export type Attempts = {
  /** Failed attempts that count now. */
  readonly failed: number;
  /** True once `maxAttempts` failures fell within one window: only a person's `retry` clears it. */
  readonly exhausted: boolean;
  /** Before this moment no new attempt starts; 0 when there is nothing to wait for. */
  readonly notBeforeMs: number;
};

/** A number in [0, 1) that depends on the text alone. */
function spread(text: string): number {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return (hash >>> 0) / 2 ** 32;
}

/** Delay after the n-th failure in a row (n from 1), in ms, spread by ±`JITTER`/2 by key and number. */
export function restartDelayMs(key: string, failures: number, delaysMs: readonly number[]): number {
  const delay = delaysMs[Math.min(failures, delaysMs.length) - 1] ?? 0;
  return Math.round(delay * (1 + JITTER * (spread(`${key}/${failures}`) - 0.5)));
}

/** Failed runs that have not been cleared by a person, oldest first. */
function countedFailures(record: StreamRecord): Run[] {
  return record.runs.filter(
    (run) => run.outcome === 'failed' && run.endedAtMs !== null && run.endedAtMs > record.attemptsClearedAtMs,
  );
}

/** True when some `max` failures in a row lie within one window. */
function burst(endedAtMs: readonly number[], max: number, windowMs: number): boolean {
  return endedAtMs.some((endMs, i) => {
    const first = endedAtMs[i - max + 1];
    return first !== undefined && endMs - first <= windowMs;
  });
}

/** Judges the record's runs (and failed launch preparations) against the policy. */
export function judgeAttempts(
  record: StreamRecord,
  policy: Pick<Policy, 'maxAttempts' | 'windowMs' | 'delaysMs'>,
  nowMs: number,
): Attempts {
  const ended = countedFailures(record).map((run) => run.endedAtMs ?? 0);
  const recent = ended.filter((atMs) => nowMs - atMs <= policy.windowMs).length;
  const lastMs = ended.at(-1);
  const failure = record.launchFailure;
  const launchCounts = failure !== null && failure.atMs > record.attemptsClearedAtMs;
  const dueMs =
    lastMs === undefined || recent === 0 ? 0 : lastMs + restartDelayMs(record.key, recent, policy.delaysMs);
  const launchDueMs = launchCounts
    ? failure.atMs + restartDelayMs(record.key, failure.count, policy.delaysMs)
    : 0;
  return {
    failed: recent,
    exhausted:
      burst(ended, policy.maxAttempts, policy.windowMs) ||
      (launchCounts && failure.count >= policy.maxAttempts),
    notBeforeMs: Math.max(dueMs, launchDueMs),
  };
}
