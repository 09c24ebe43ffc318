/** Writes down what a look saw for the first time: a claimed run's process and pane, a changed conversation id. */

import type { Ports } from '../../app/ports.ts';
import { pauseAfter, withLostTime } from '../../core/pause.ts';
import type { Run, WorkerFact } from '../../core/types.ts';
import type { Look } from '../../look/snapshot.ts';
import type { RunPatch } from '../../state/types.ts';
import { writePidFile } from '../steps/end-run.ts';

/** Records new facts of open runs; cheap when there are none. `lostMs`: see `createLostTime`. */
export function observe(ports: Ports, { snapshot, tmux }: Look, lostMs: number): void {
  if (!snapshot.workers.known || !tmux.known) return;
  for (const [key, fact] of snapshot.workers.value) {
    const run = snapshot.records.get(key)?.runs.at(-1);
    if (run === undefined || run.number !== fact.run) continue;
    const patch = newFacts(run, fact, { nowMs: snapshot.nowMs, lostMs }, tmux.value.server);
    if (Object.keys(patch).length === 0) continue;
    ports.state.patchRun(key, run.number, patch);
    if (patch.worker) writePidFile({ ports }, key, patch.worker);
  }
}

function newFacts(
  run: Run,
  fact: WorkerFact,
  { nowMs, lostMs }: { readonly nowMs: number; readonly lostMs: number },
  server: string | null,
): RunPatch {
  const session = fact.activity.sessionId;
  const paused = pauseAfter({ ...run, paused: withLostTime(run, lostMs) }, fact.activity, nowMs);
  return {
    ...(fact.claimed && run.claimedAtMs === null ? { claimedAtMs: nowMs } : {}),
    ...(fact.claimed && run.worker === null && fact.identity !== null ? { worker: fact.identity } : {}),
    ...(fact.pane !== null && run.pane === null ? { pane: fact.pane.id, server } : {}),
    ...(paused === run.paused ? {} : { paused }),
    ...(session !== null && session !== run.sessionId ? { sessionId: session } : {}),
  };
}
