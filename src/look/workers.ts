/** Reads what became of each open run: its claim, its pane, its process, and what its agent says; decides nothing. */

import { runDir } from '../app/paths.ts';
import type { Ports } from '../app/ports.ts';
import { messageOf } from '../core/errors.ts';
import type { Known, ProcessIdentity, Run, StreamRecord, WorkerFact } from '../core/types.ts';
import { UNKNOWN_ACTIVITY } from '../core/worker-types.ts';
import type { PaneFact, RecordedPane, TmuxFacts } from '../tmux/types.ts';
import { type Claim, readClaim } from '../worker/wrapper.ts';

type Eyes = Pick<Ports, 'paths' | 'processes' | 'agentThatMade' | 'tmux'>;

/** The last run of a stream while it has not ended. */
export function openRun(record: StreamRecord): Run | null {
  const run = record.runs.at(-1);
  return run === undefined || run.endedAtMs !== null ? null : run;
}

/** The panes that open runs were given, as they were written down. */
export function recordedPanes(records: Iterable<StreamRecord>): RecordedPane[] {
  return [...records].flatMap((record) => {
    const run = openRun(record);
    if (run === null || run.pane === null || run.server === null) return [];
    return [{ id: run.pane, server: run.server, key: run.key, run: run.number }];
  });
}

/** What became of the open runs; unknown as a whole only when tmux could not be asked. */
export type Workers = {
  readonly workers: Known<ReadonlyMap<string, WorkerFact>>;
  /** Streams whose run could not be looked at, by key, and why. */
  readonly unseen: ReadonlyMap<string, string>;
};

/** Facts of every open run, by key; what cannot be read of one makes that one unseen. */
export async function readWorkers(
  eyes: Eyes,
  records: ReadonlyMap<string, StreamRecord>,
  tmux: Known<TmuxFacts>,
): Promise<Workers> {
  const unseen = new Map<string, string>();
  if (!tmux.known) return { workers: tmux, unseen };
  const panes = new Map(
    tmux.value.panes
      .filter((pane) => pane.role === 'worker')
      .map((pane) => [`${pane.key}#${pane.run}`, pane]),
  );
  const facts = new Map<string, WorkerFact>();
  const look = async (run: Run): Promise<void> => {
    const pane = panes.get(`${run.key}#${run.number}`) ?? null;
    try {
      facts.set(run.key, await readWorker(eyes, run, pane, tmux.value));
    } catch (error) {
      unseen.set(run.key, messageOf(error));
    }
  };
  await Promise.all([...records.values()].flatMap((record) => openRun(record) ?? []).map(look));
  return { workers: { known: true, value: facts }, unseen };
}

async function readWorker(eyes: Eyes, run: Run, pane: PaneFact | null, tmux: TmuxFacts): Promise<WorkerFact> {
  const agent = eyes.agentThatMade(run);
  const claim = readClaim(runDir(eyes.paths, run.key, run.number));
  const identity = run.worker ?? identityOf(eyes, claim, pane);
  const claimed = claim !== null || run.claimedAtMs !== null;
  const process =
    run.bootId === eyes.processes.bootId() ? processState(eyes, identity, claim, pane, claimed) : 'gone';
  const activity =
    claimed && process === 'alive' && identity !== null && pane !== null
      ? await agent.activity(run, identity, () => eyes.tmux.capture(pane.id))
      : UNKNOWN_ACTIVITY;
  return {
    run: run.number,
    claimed,
    pane: pane === null ? null : { id: pane.id, dead: pane.dead, exitCode: pane.exitCode },
    process,
    identity,
    serverGone: run.server !== null && run.server !== tmux.server,
    activity,
    lastError: process === 'gone' ? agent.lastError(run) : null,
    closedByUser: process === 'gone' && agent.closedByUser(run),
  };
}

/** The worker's identity by its own claim; where the claim has no start time, by looking at the pid while its pane lives. */
function identityOf(eyes: Eyes, claim: Claim | null, pane: PaneFact | null): ProcessIdentity | null {
  if (claim === null) return null;
  if (claim.start !== null) return { pid: claim.pid, start: claim.start };
  return isPaneOf(claim, pane) ? eyes.processes.identify(claim.pid) : null;
}

/** True while the pane lives and its process is the one that the claim tells of. */
function isPaneOf(claim: Claim | null, pane: PaneFact | null): boolean {
  return pane !== null && !pane.dead && (claim?.keeper ?? claim)?.pid === pane.pid;
}

/**
 * Before the claim the pane tells, also while one that was just taken has no text yet, as on a busy machine; after it the
 * process itself does. A process that is gone while its pane is not dead yet is about to be: its keeper will end, and tmux
 * will say so, with the exit status, within moments.
 */
function processState(
  eyes: Eyes,
  identity: ProcessIdentity | null,
  claim: Claim | null,
  pane: PaneFact | null,
  claimed: boolean,
): WorkerFact['process'] {
  if (identity !== null && eyes.processes.isAlive(identity)) return 'alive';
  if (!claimed || claim?.pid === 0) return pane !== null && !pane.dead ? 'alive' : 'gone';
  return isPaneOf(claim, pane) ? 'alive' : 'gone';
}
