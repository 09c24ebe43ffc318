/** Ends the open runs of streams because the operator said so; a poller may be doing the same: each run is ended once. */
import type { Ports } from '../app/ports.ts';
import { endAction } from '../core/decide/assessment.ts';
import type { StreamRecord } from '../core/types.ts';
import { takeLook } from '../look/snapshot.ts';
import { applyEnd } from '../poller/steps/end-run.ts';

/** A run that was ended. */
export type EndedRun = { readonly stream: string; readonly run: number };

const UNSEEN = { known: false, why: 'not looked at' } as const;

/**
 * Ends the open run of each of the streams, all at once: whole process trees, with their windows; work is kept, no attempt
 * counts; an agent that listens is told the `farewell` first. Throws exit 5 naming the processes that would not end.
 */
export async function endOpenRuns(
  ports: Ports,
  records: readonly StreamRecord[],
  reason: string,
  farewell: string | null = null,
): Promise<readonly EndedRun[]> {
  const open = records.flatMap((record) => {
    const run = record.runs.at(-1);
    return run === undefined || run.endedAtMs !== null ? [] : [{ record, run }];
  });
  if (open.length === 0) return [];
  // Only to be told something an agent has to be seen: else it ends also where the plan cannot be read.
  const workers = farewell === null ? UNSEEN : (await takeLook(ports, null, false)).snapshot.workers;
  // A look knows the streams of the plan; these may be another initiative's.
  const step = { ports, snapshot: { workers, records: new Map(records.map((each) => [each.key, each])) } };
  const ends = open.map(({ run }) => applyEnd(step, endAction(run, 'stopped', reason, { farewell })));
  // One that will not end takes no end from the others.
  const refused = (await Promise.allSettled(ends)).find((each) => each.status === 'rejected');
  if (refused !== undefined) throw refused.reason;
  return open.map(({ record, run }) => ({ stream: record.streamId, run: run.number }));
}
