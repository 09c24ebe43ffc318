/** Who a worker is and what it is kept from: its launch token tells its run, and no command of its may change the plan or steer the work. */

import type { Project } from '../app/project.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { type RunScope, ScopeRefusal } from '../core/scope.ts';
import { sha256 } from '../files/sha256.ts';
import type { StateStore } from '../state/types.ts';

/** Events quote no more of a refusal than this, whatever ids it names. */
const EVENT_CHARACTERS = 500;

type Env = Project['env'];

/** What is kept of a launch token: whoever reads our memory cannot act as the worker. */
export function hashToken(token: string): string {
  return sha256(token);
}

/** The run of a launch token; `state` is null where there is no memory yet. Throws ScopeRefusal when it is unknown or has ended. */
export function scopeOfToken(token: string, state: Pick<StateStore, 'runByTokenHash'> | null): RunScope {
  const found = state?.runByTokenHash(hashToken(token)) ?? null;
  if (found === null) throw new ScopeRefusal(null, 'This launch token belongs to no run.');
  const { run, streamId, initiativeId } = found;
  const scope = { streamId, initiativeId, key: run.key, run: run.number };
  if (run.endedAtMs === null) return scope;
  throw new ScopeRefusal(scope, `Run ${run.number} of stream ${streamId} has ended; its access is revoked.`);
}

/** Writes down what a worker wanted and was refused; `what` is the command or tool. */
export function noteRefusal(
  state: Pick<StateStore, 'addEvent'>,
  kind: 'task-refused' | 'mcp-refused',
  what: string,
  { scope, message }: ScopeRefusal,
): void {
  state.addEvent({
    atMs: Date.now(),
    key: scope?.key ?? null,
    run: scope?.run ?? null,
    kind,
    message: printable(`${what}: ${message}`, EVENT_CHARACTERS),
  });
}

/** The run that this process works for, and our memory, which stays open until the project is closed. */
export type WorkerRun = { readonly scope: RunScope; readonly state: StateStore };

/**
 * The run of this process, null outside of runs; `busyTimeoutMs` bounds each wait for another's lock on our memory. Throws
 * exit 5 for a token that is unknown or whose run has ended.
 */
export async function readRun(
  project: Project,
  options: { readonly busyTimeoutMs?: number } = {},
): Promise<WorkerRun | null> {
  const token = project.env['ORCHESTRATE_TOKEN'];
  if (!token) return null;
  const state = await project.openState(options);
  try {
    if (state === null) throw new ScopeRefusal(null, 'This launch token belongs to no run.');
    return { scope: scopeOfToken(token, state), state };
  } catch (error) {
    throw error instanceof ScopeRefusal ? refusedTask(error) : error;
  }
}

/** Runs a change of tasks for the worker; what its scope does not allow is written down and becomes exit 5. */
export function inScope<T>(worker: WorkerRun | null, what: string, change: () => T): T {
  try {
    return change();
  } catch (error) {
    if (!(error instanceof ScopeRefusal)) throw error;
    if (worker !== null) noteRefusal(worker.state, 'task-refused', what, error);
    throw refusedTask(error);
  }
}

function refusedTask({ message }: ScopeRefusal): OrchestrateError {
  return new OrchestrateError(
    EXIT.refused,
    `${printable(message)}; an agent changes only its own open tasks`,
    'orchestrate task list',
  );
}

/** Throws exit 5 inside a worker's run (whatever its token is worth); `verb` is the command, as in `import`. */
export function refuseInsideRun(env: Env, verb: string): void {
  if (!env['ORCHESTRATE_TOKEN']) return;
  throw new OrchestrateError(
    EXIT.refused,
    `orchestrate ${verb} changes the plan, which an agent may not do: say in the notes of your task what should be planned`,
    'orchestrate task list',
  );
}

/** Throws exit 5 inside a worker's run, in whatever project: what is typed to an agent is its user's word. */
export function refuseTyping(env: Env): void {
  if (!env['ORCHESTRATE_TOKEN']) return;
  throw new OrchestrateError(
    EXIT.refused,
    'an agent may not type to other agents: say it in the notes of your task',
    'orchestrate task list',
  );
}

/**
 * Throws exit 5 inside a run of the project at `root`; `verb` is the command, as in `stop`. (What a worker does in a
 * project of its own, such as one that a test makes, is its business.)
 */
export function refuseSteering(env: Env, root: string, verb: string): void {
  if (!env['ORCHESTRATE_TOKEN'] || env['ORCHESTRATE_PROJECT'] !== root) return;
  throw new OrchestrateError(
    EXIT.refused,
    `orchestrate ${verb} steers the work, which is for users: an agent may not do it; say what you need as the reason of a task that you set to blocked`,
    'orchestrate task list',
  );
}

/**
 * Throws exit 5 while workers of another initiative than this one live (null: while any do): to make it the current one
 * would archive their streams under their hands, or start them once more. `fix` says how to stop them first.
 */
export function refuseWhileWorkersLive(
  state: Pick<StateStore, 'hasOpenRuns'> | null,
  initiativeId: string | null,
  fix: string,
): void {
  if (state === null || !state.hasOpenRuns(initiativeId ?? undefined)) return;
  const who = initiativeId === null ? 'agents' : 'agents of another initiative';
  throw new OrchestrateError(EXIT.refused, `${who} are still at work`, fix);
}

/** The same for a project that is not opened further. */
export async function refuseSwitch(
  project: Project,
  initiativeId: string | null,
  fix: string,
): Promise<void> {
  refuseWhileWorkersLive(await project.openState(), initiativeId, fix);
}
