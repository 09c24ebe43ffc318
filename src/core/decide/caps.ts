/** Caps of a stream: how long its agents may work and what its runs may cost together; reaching one parks it. */

import { dollars } from '../dollars.ts';
import { workedMs } from '../pause.ts';
import { commandFor } from '../shell-word.ts';
import type { Run, StreamRecord } from '../types.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess, endRun } from './assessment.ts';

/** Parks a stream whose runs together (since the user last cleared them) went over a configured cap; null when none did, or without a poller to do it. */
export function overCap(situation: Situation, run: Run): Assessment | null {
  const { record, snapshot, stream } = situation;
  const reason =
    record === null || !snapshot.pollerAlive
      ? null
      : (overTime(situation, record) ?? overCost(situation, record));
  if (reason === null) return null;
  const action = endRun(situation, run, 'stopped', reason, { intent: 'parked' });
  return assess('parked', { reason, remedy: commandFor('retry', stream.id), action });
}

/** Runs that count: those since the user last cleared the stream's attempts. */
function countedRuns(record: StreamRecord): readonly Run[] {
  return record.runs.filter((run) => run.number > record.clearedAfterRun);
}

function overTime({ policy, snapshot }: Situation, record: StreamRecord): string | null {
  if (policy.maxRunMs === null) return null;
  const usedMs = countedRuns(record).reduce((sum, each) => sum + workedMs(each, snapshot.nowMs), 0);
  if (usedMs < policy.maxRunMs) return null;
  const minutes = (ms: number): number => Math.round(ms / 6_000) / 10;
  return `worked ${minutes(usedMs)} minutes, the cap is ${minutes(policy.maxRunMs)} (limits.maxMinutes)`;
}

/** What the stream's counted runs cost together, by the agent's own word. */
export function costUsd(record: StreamRecord): number {
  return countedRuns(record).reduce((sum, each) => sum + (each.usage?.costUsd ?? 0), 0);
}

function overCost({ policy }: Situation, record: StreamRecord): string | null {
  if (policy.maxCostUsd === null) return null;
  const cost = costUsd(record);
  if (cost < policy.maxCostUsd) return null;
  return `cost ${dollars(cost)}, the cap is ${dollars(policy.maxCostUsd)} (limits.maxCostUsd)`;
}
