/** Writes down what runs use, by their agents' word, now and then while they work and when they have ended. */
import { isDeepStrictEqual } from 'node:util';
import type { Ports } from '../../app/ports.ts';
import type { Run } from '../../core/types.ts';
import type { Look } from '../../look/snapshot.ts';

/** Conversations grow fast, and what they used changes nothing at once. */
const READ_EACH_MS = 5_000;

/** Records what a run used; cheap when that is what was known. */
export function recordUsage(ports: Pick<Ports, 'agent' | 'state'>, run: Run): void {
  const usage = ports.agent.usage(run);
  if (usage === null || isDeepStrictEqual(usage, run.usage)) return;
  ports.state.patchRun(run.key, run.number, { usage });
}

/** Called at each tick; reads the open runs' conversations at most every few seconds. */
export function createUsageRecorder(ports: Ports): (look: Pick<Look, 'snapshot'>) => void {
  let readMs = 0;
  return ({ snapshot }) => {
    if (Math.abs(ports.now() - readMs) < READ_EACH_MS) return;
    readMs = ports.now();
    for (const record of snapshot.records.values()) {
      const run = record.runs.at(-1);
      if (run !== undefined && run.endedAtMs === null && run.claimedAtMs !== null) recordUsage(ports, run);
    }
  };
}
