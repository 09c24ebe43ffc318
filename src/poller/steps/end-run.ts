/** Ends a run: fences a launch that never claimed, ends the whole process tree, keeps the exit status, closes the window. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { whyDeaf } from '../../agent/typed-message.ts';
import { runDir } from '../../app/paths.ts';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import type { EndRun, ProcessIdentity, Run, Snapshot } from '../../core/types.ts';
import { type Claim, type ClaimedProcess, fenceRun, readClaim } from '../../worker/wrapper.ts';
import { commitObstacle, lastPrinted } from './commit-obstacle.ts';
import type { Step } from './step.ts';
import { note, privateDirectory, recordOf } from './step.ts';
import { tellAgent } from './tell-agent.ts';

/** Time between asking a tree to end and killing it. */
const GRACE_MS = 3_000;
/** tmux notices the end of a pane's process a moment after we do. */
const NOTICE_MS = 500;
const NOTICE_STEP_MS = 25;

/** What the end of a run has to know: whoever stops one need not have looked at anything. */
type Ending = Pick<Step, 'ports'> & { readonly snapshot: Pick<Snapshot, 'records' | 'workers'> };

/** Ends the run and records how; throws (and leaves the run open) when its processes would not go. */
export async function applyEnd(step: Ending, action: EndRun): Promise<void> {
  const { ports } = step;
  const run = recordOf(step, action.key).runs.find((each) => each.number === action.run);
  if (run === undefined || run.endedAtMs !== null) return;
  if (action.farewell !== null) await sayFarewell(step, run, action.farewell);
  const exitCode = await endWorker(step, run, action.exitCode);
  if (action.closeWindow && run.pane !== null) await closeIfAsked(step, run.pane, run);
  recordUsage(ports, run);
  const reason = await reasonOf(step, run, action, exitCode);
  if (action.intent !== null) ports.state.setIntent(action.key, action.intent, ports.now(), action.reason);
  const ended = ports.state.endRun(action.key, action.run, {
    endedAtMs: ports.now(),
    outcome: action.outcome,
    reason,
    exitCode,
    retryAtMs: action.retryAtMs,
  });
  // Poller and command may do this at the same time; what the first wrote down stays.
  if (!ended) return;
  rmSync(pidFile(step, action.key), { force: true });
  note(step, action.key, action.run, `run-${action.outcome}`, reason);
}

/** Longest wait for an agent to have heard its farewell. */
const FAREWELL_MS = 2_000;
const HEARD_STEP_MS = 100;

/** Types a farewell to an agent that would read it as a message: alive, past its start, no dialog open, nobody typing. */
async function sayFarewell({ ports, snapshot }: Ending, run: Run, text: string): Promise<void> {
  const fact = snapshot.workers.known ? snapshot.workers.value.get(run.key) : undefined;
  const agent = ports.agentThatMade(run);
  if (fact?.pane == null || fact.run !== run.number || fact.process !== 'alive') return;
  if (!agent.interactive || whyDeaf(agent, fact) !== null) return;
  const pane = fact.pane.id;
  const heard = agent.listen(run);
  if ((await tellAgent({ ports }, { ...run, pane }, text, { hasLeft: false })) !== null) return;
  for (
    let waitedMs = 0;
    waitedMs < FAREWELL_MS && (heard?.(text) ?? null) === null;
    waitedMs += HEARD_STEP_MS
  )
    await pause(HEARD_STEP_MS);
}

/**
 * A worker that failed by itself (not by a check of its work): why it could not commit, where that shows, is the cause, else
 * what it printed last where nothing else tells of it.
 */
async function reasonOf(
  { ports }: Pick<Step, 'ports'>,
  run: Run,
  { outcome, reason }: EndRun,
  exitCode: number | null,
): Promise<string> {
  if (outcome !== 'failed' || run.verdict !== null) return reason;
  const obstacle = await commitObstacle({ ports }, run);
  if (obstacle !== null) return `${reason}; ${obstacle}`;
  const tells = exitCode === 0 || ports.agentThatMade(run).transcripts(run).length > 0;
  const last = tells ? null : lastPrinted(ports, run, 1);
  return last === null ? reason : `${reason}; it printed last: ${last}`;
}

/** Closes the window of a run whose processes have ended: a tmux that cannot be asked keeps it, and no run open. */
async function closeIfAsked(step: Pick<Step, 'ports'>, pane: string, run: Run): Promise<void> {
  try {
    await closeWindow(step.ports, pane, run);
  } catch (error) {
    if (!(error instanceof OrchestrateError) || error.exitCode !== EXIT.environment) throw error;
    note(step, run.key, run.number, 'window-left', `its window was not closed: ${error.message}`);
  }
}

/** Records what a run used; cheap when that is what was known. */
export function recordUsage(ports: Pick<Step['ports'], 'agentThatMade' | 'state'>, run: Run): void {
  const usage = ports.agentThatMade(run).usage(run);
  if (usage === null || isDeepStrictEqual(usage, run.usage)) return;
  ports.state.patchRun(run.key, run.number, { usage });
}

/** Closes a run's window; nothing happens when the pane of that id is another run's by now. */
export function closeWindow(
  ports: Pick<Step['ports'], 'tmux'>,
  pane: string,
  run: Pick<Run, 'key' | 'number'>,
): Promise<void> {
  return ports.tmux.closePane(pane, { key: run.key, run: run.number });
}

/** Ends every process of the run; returns the exit status of the agent as far as it is known. */
async function endWorker(step: Pick<Step, 'ports'>, run: Run, known: number | null): Promise<number | null> {
  const { ports } = step;
  const directory = runDir(ports.paths, run.key, run.number);
  privateDirectory(directory);
  const roots = fenceRun(directory) ? [] : claimedRoots(ports, run, await writtenClaim(directory));
  const wasAlive = roots[0] !== undefined && ports.processes.isAlive(roots[0]);
  refuseSurvivors(
    `run ${run.number} of ${run.key}`,
    await ports.processes.endTree({
      roots,
      mark: ports.marks.run(run.key, run.number),
      graceMs: GRACE_MS,
      firstSignal: ports.agentThatMade(run).endSignal,
    }),
  );
  return wasAlive ? exitCodeOf(step, run) : known;
}

/**
 * Ends what still lives of any earlier run of the stream, also of one that nothing is remembered of (state.db was moved
 * away): before a new worker starts no other may live. Throws exit 5 when something would not go.
 */
export async function endFormerWorkers(
  { processes, marks }: Pick<Step['ports'], 'processes' | 'marks'>,
  key: string,
): Promise<void> {
  const roots = processes.findMarked(marks.runs(key)).map(({ identity }) => identity);
  if (roots.length === 0) return;
  refuseSurvivors(
    `earlier runs of ${key}`,
    await processes.endTree({ roots, mark: null, graceMs: GRACE_MS }),
  );
}

/** Throws exit 5 for processes that would not end; `whose`: what they are of. */
export function refuseSurvivors(whose: string, survivors: readonly ProcessIdentity[]): void {
  if (survivors.length === 0) return;
  const pids = survivors.map((each) => each.pid).join(', ');
  throw new OrchestrateError(
    EXIT.refused,
    `processes of ${whose} would not end: ${pids}`,
    `kill -9 ${pids.replaceAll(',', '')}`,
  );
}

/**
 * The claim of a run that is not fenced. Whoever took it a moment ago, on a busy machine, may not have written it yet, and carries
 * no mark either: waited for, or an agent that nobody knows would begin behind our back. One that died then never writes it.
 */
async function writtenClaim(directory: string): Promise<Claim | null> {
  for (let waitedMs = 0; ; waitedMs += NOTICE_STEP_MS) {
    const claim = readClaim(directory);
    if (claim?.pid !== 0 || waitedMs >= GRACE_MS) return claim;
    await pause(NOTICE_STEP_MS);
  }
}

/**
 * The worker, then its keeper, as far as they can be known; none for a run of before a reboot, whose numbers are other
 * processes' now. The keeper leads the session: by it, also a dead one, is found what left the worker's tree.
 */
function claimedRoots(ports: Step['ports'], run: Run, claim: Claim | null): ProcessIdentity[] {
  if (run.bootId !== ports.processes.bootId()) return [];
  const worker = run.worker ?? identified(ports, claim);
  if (worker === null) return [];
  const keeper = claim?.keeper ?? null;
  if (keeper === null) return [worker];
  // Without a start time its pid is known to be its own while its child, the worker, lives, and once nobody has it.
  if (keeper.start === null && !ports.processes.isAlive(worker)) {
    const taken = ports.processes.identify(keeper.pid) !== null;
    return taken ? [worker] : [worker, { pid: keeper.pid, start: '' }];
  }
  const found = identified(ports, keeper);
  return found === null ? [worker] : [worker, found];
}

/** A process that told of itself; where it could not tell its start time, as it is seen now. */
function identified(ports: Step['ports'], claimed: ClaimedProcess | null): ProcessIdentity | null {
  if (claimed === null) return null;
  return claimed.start === null
    ? ports.processes.identify(claimed.pid)
    : { pid: claimed.pid, start: claimed.start };
}

/** The exit status that the dead pane keeps; null when its window is gone, or tmux does not notice the end in time. */
async function exitCodeOf(step: Pick<Step, 'ports'>, run: Run): Promise<number | null> {
  for (let waitedMs = 0; ; waitedMs += NOTICE_STEP_MS) {
    const look = await step.ports.tmux.look(run.server);
    if (!look.known) return null;
    const pane = look.value.panes.find((each) => each.key === run.key && each.run === run.number);
    if (pane === undefined || pane.dead || waitedMs >= NOTICE_MS) return pane?.exitCode ?? null;
    await pause(NOTICE_STEP_MS);
  }
}

function pidFile(step: Pick<Step, 'ports'>, key: string): string {
  return join(step.ports.paths.pidsDir, `${key}.pid`);
}

/** Writes the worker's pid and start time for people and scripts. */
export function writePidFile(step: Pick<Step, 'ports'>, key: string, worker: ProcessIdentity): void {
  privateDirectory(step.ports.paths.pidsDir);
  writeFileSync(pidFile(step, key), `${worker.pid} ${worker.start}\n`, { mode: 0o600 });
}
