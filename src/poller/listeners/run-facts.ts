/** Writes down what a look tells of open runs: their process, pane and conversation when first seen, now and then what they use. */
import type { Ports } from '../../app/ports.ts';
import { createLostTime, pauseAfter, withLostTime } from '../../core/pause.ts';
import type { Run, WorkerFact } from '../../core/types.ts';
import type { Look } from '../../look/snapshot.ts';
import type { RunPatch } from '../../state/types.ts';
import { recordUsage, writePidFile } from '../steps/end-run.ts';
import { eachByItself, type Listener } from './listener.ts';

/** What a tick may take beyond the time between two. */
const SLACK_MS = 60_000;

/** Records new facts of open runs, and the time in which this machine slept; cheap when there are none. */
export function workerFacts(ports: Ports): Listener {
  const lostTime = createLostTime(2 * ports.config.pollSeconds * 1000 + SLACK_MS);
  return {
    name: 'worker facts',
    onLook: (look) => recordFacts(ports, look, lostTime(look.snapshot.nowMs, performance.now())),
  };
}

function recordFacts(ports: Ports, { snapshot, tmux }: Look, lostMs: number): void {
  if (!snapshot.workers.known || !tmux.known) return;
  eachByItself(snapshot.workers.value, ([key, fact]) => {
    const run = snapshot.records.get(key)?.runs.at(-1);
    if (run === undefined || run.number !== fact.run) return;
    const patch = newFacts(run, fact, { nowMs: snapshot.nowMs, lostMs }, tmux.value.server);
    if (Object.keys(patch).length === 0) return;
    ports.state.patchRun(key, run.number, patch);
    if (patch.worker) writePidFile({ ports }, key, patch.worker);
  });
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

/** Conversations grow fast, and what they used changes nothing at once. */
const READ_EACH_MS = 5_000;

/** Records what open runs use; reads their conversations at most every few seconds. */
export function usage(ports: Ports): Listener {
  let readMs = Number.NEGATIVE_INFINITY;
  return {
    name: 'usage',
    onLook({ snapshot }) {
      if (performance.now() - readMs < READ_EACH_MS) return;
      readMs = performance.now();
      eachByItself(snapshot.records.values(), (record) => {
        const run = record.runs.at(-1);
        if (run !== undefined && run.endedAtMs === null && run.claimedAtMs !== null) recordUsage(ports, run);
      });
    },
  };
}
