/** The one back-off: when a run, or a step of ours, that failed or came to nothing is tried again, and when it is enough. */

import type { Elapsed } from '../elapsed.ts';
import { commandFor, isCommand, thenTry } from '../shell-word.ts';
import type { Policy, Run, StreamRecord, Trouble } from '../types.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess } from './assessment.ts';

/** Share of a delay that is spread by stream, so that streams failing together don't restart together. */
const JITTER = 0.2;

/** Interruptions of a run in one window after which something is taken to end the workers each time: they cost money too. */
const MOST_INTERRUPTIONS = 5;

/** What the runs of a stream, and its launches that failed, mean for the next one. */
export type Attempts = {
  /** Set once it is enough: only the user's `retry` clears it. */
  readonly exhausted: 'failures' | 'interruptions' | 'launches' | null;
  /** Time until a new attempt may start; 0 when there is nothing to wait for. */
  readonly waitMs: number;
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

/** Ages of the runs that ended so and count, oldest first. */
function agesOf(record: StreamRecord, elapsed: Elapsed, counts: (run: Run) => boolean): number[] {
  return record.runs.flatMap((run) =>
    run.endedAtMs !== null && run.number > record.clearedAfterRun && counts(run)
      ? [elapsed(run.endedAtMs)]
      : [],
  );
}

/** True when some `max` of them lie within one window. */
function burst(agesMs: readonly number[], max: number, windowMs: number): boolean {
  return agesMs.some((ageMs, i) => {
    const first = agesMs[i - max + 1];
    return first !== undefined && first - ageMs <= windowMs;
  });
}

/** What is left of the delay after the last of them; those out of the window do not add to it. */
function restOf(agesMs: readonly number[], windowMs: number, delayMs: (count: number) => number): number {
  const lastMs = agesMs.at(-1);
  const recent = agesMs.filter((ageMs) => ageMs <= windowMs).length;
  return lastMs === undefined || recent === 0 ? 0 : Math.max(0, delayMs(recent) - lastMs);
}

/**
 * What the record's runs, and a launch that failed (`trouble`), mean for the next run. A first interruption is followed by
 * a run at once (the tmux server or the machine was restarted); later ones wait as failures do.
 */
export function judgeAttempts(
  record: StreamRecord,
  trouble: Trouble | undefined,
  policy: Pick<Policy, 'maxAttempts' | 'windowMs' | 'delaysMs'>,
  elapsed: Elapsed,
): Attempts {
  const { maxAttempts, windowMs, delaysMs } = policy;
  const delay = (count: number): number => restartDelayMs(record.key, count, delaysMs);
  const failed = agesOf(record, elapsed, ({ outcome }) => outcome === 'failed');
  // One that was never claimed cost nothing, and is a launch that failed, if anything.
  const lost = agesOf(record, elapsed, (run) => run.outcome === 'interrupted' && run.claimedAtMs !== null);
  const launches = trouble?.kind === 'launch' ? trouble : null;
  return {
    exhausted: burst(failed, maxAttempts, windowMs)
      ? 'failures'
      : burst(lost, Math.max(maxAttempts, MOST_INTERRUPTIONS), windowMs)
        ? 'interruptions'
        : launches !== null && launches.count >= maxAttempts
          ? 'launches'
          : null,
    waitMs: Math.max(
      restOf(failed, windowMs, delay),
      restOf(lost, windowMs, (count) => (count < 2 ? 0 : delay(count - 1))),
      launches === null
        ? 0
        : Math.max(0, retryDelayMs(launches, record.key, delaysMs) - elapsed(launches.atMs)),
    ),
  };
}

/** However short the configured delays are: a failing step must not keep a core busy. */
const SHORTEST_DELAY_MS = 250;

/** Delay in ms after a step of the stream `key`, or a whole tick, that failed `count` times in a row. */
export function retryDelayMs(
  { count }: Pick<Trouble, 'count'>,
  key: string,
  delaysMs: readonly number[],
): number {
  return Math.max(SHORTEST_DELAY_MS, restartDelayMs(key, count, delaysMs));
}

/**
 * The assessment with its step held back while that failed a short time ago; a check is given up after `maxAttempts`, until
 * the user asks again. Launches wait in their own rules, beside the runs that they would follow.
 */
export function holdBack(situation: Situation, assessment: Assessment): Assessment {
  const { snapshot, policy, key, record } = situation;
  const trouble = snapshot.troubles.get(key);
  if (trouble === undefined) return assessment;
  const { kind } = trouble;
  const { reason, remedy } = toType(situation, trouble);
  const isDue = assessment.action?.kind === kind;
  if (
    isCheck(situation, assessment, kind) &&
    trouble.count >= policy.maxAttempts &&
    record?.verifyRequested !== true
  )
    return assess('failed', { reason, remedy, sinceMs: trouble.atMs });
  if (staysBehind(situation, assessment, isDue ? trouble.count : policy.maxAttempts))
    return { ...assessment, reason, remedy, action: null };
  if (!isDue || kind === 'launch') return assessment;
  const restMs = retryDelayMs(trouble, key, policy.delaysMs) - snapshot.elapsed(trouble.atMs);
  return restMs <= 0
    ? assessment
    : { ...assessment, reason, remedy, dueAtMs: snapshot.nowMs + restMs, action: null };
}

/** What to say of a step that failed, and to type; advice that is no command stands with the reason. */
function toType({ stream }: Situation, { kind, message, fix }: Trouble): ReturnType<typeof thenTry> {
  if (isCommand(fix)) return { reason: message, remedy: fix };
  const again = kind === 'sync' ? 'sync' : kind === 'verify' || kind === 'adopt' ? 'verify' : 'status';
  return thenTry(message, fix, commandFor(again, stream.id));
}

/** True for a check like the one that failed; also without a poller, which shows no step: what was given up stays so. */
function isCheck({ record }: Situation, { state }: Assessment, kind: Trouble['kind']): boolean {
  const checks = kind === 'verify' || kind === 'sync' || (kind === 'adopt' && record?.runs.length === 0);
  return checks && state === 'verifying';
}

/** A stream that is done and could not follow its dependencies stays so: a user has to see to it, and asks for it again. */
function staysBehind(
  { snapshot, policy, key, stale, stream }: Situation,
  { state }: Assessment,
  count: number,
): boolean {
  const kind = snapshot.troubles.get(key)?.kind;
  return kind === 'sync' && state === 'done' && stale.has(stream.id) && count >= policy.maxAttempts;
}
