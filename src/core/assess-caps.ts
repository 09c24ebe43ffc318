/** Caps of a stream: how long its runs may take and what they may cost together; reaching one parks it. */
import type { Assessment, Situation } from './assessment.ts';
import { assess, endRun } from './assessment.ts';
import { commandFor } from './shell-word.ts';
import type { Run, StreamRecord } from './types.ts';

/** Parks a stream whose runs together (since a person last cleared them) went over a configured cap; null when none did. */
export function overCap(situation: Situation, run: Run): Assessment | null {
  const { record, stream } = situation;
  const reason = record === null ? null : (overTime(situation, record) ?? overCost(situation, record));
  if (reason === null) return null;
  const action = endRun(situation, run, 'stopped', reason, { intent: 'parked' });
  return assess('parked', { reason, remedy: commandFor('retry', stream.id), action });
}

/** Runs that count: those that began since a person last cleared the stream's attempts. */
function countedRuns(record: StreamRecord): readonly Run[] {
  return record.runs.filter((run) => run.startedAtMs >= record.attemptsClearedAtMs);
}

function overTime({ policy, snapshot }: Situation, record: StreamRecord): string | null {
  if (policy.maxRunMs === null) return null;
  const usedMs = countedRuns(record).reduce(
    (sum, each) => sum + ((each.endedAtMs ?? snapshot.nowMs) - each.startedAtMs),
    0,
  );
  if (usedMs <= policy.maxRunMs) return null;
  const minutes = (ms: number): number => Math.round(ms / 6_000) / 10;
  return `worked ${minutes(usedMs)} minutes, the cap is ${minutes(policy.maxRunMs)} (limits.maxMinutes)`;
}

function overCost({ policy }: Situation, record: StreamRecord): string | null {
  if (policy.maxCostUsd === null) return null;
  const cost = countedRuns(record).reduce((sum, each) => sum + (each.usage?.costUsd ?? 0), 0);
  if (cost <= policy.maxCostUsd) return null;
  return `cost $${cost.toFixed(2)}, the cap is $${policy.maxCostUsd.toFixed(2)} (limits.maxCostUsd)`;
}
