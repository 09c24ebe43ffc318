/** What a worker may do with `orchestrate task`: inside a run only its own stream's tasks, and only while the run is open. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Project } from '../app/project.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import type { Task, TaskStatus } from '../core/types.ts';
import { openStateStore } from '../state/state-store.ts';
import type { StateStore } from '../state/types.ts';

/** A run as its token tells; null outside of runs. */
export type Scope = {
  readonly stream: string;
  readonly initiative: string;
  readonly key: string;
  readonly run: number;
  readonly state: StateStore;
} | null;

/**
 * The scope of this process; `busyTimeoutMs` bounds each wait for another's lock on our memory. Throws exit 5 for a token
 * that is unknown or whose run has ended.
 */
export function readScope(project: Project, options: { readonly busyTimeoutMs?: number } = {}): Scope {
  const token = project.env['ORCHESTRATE_TOKEN'];
  if (token === undefined || token === '') return null;
  if (!existsSync(project.paths.stateDb)) throw refused('the run of this token is not known here');
  const state = openStateStore(project.paths.stateDb, options);
  project.onClose(() => state.close());
  const found = state.runByTokenHash(createHash('sha256').update(token).digest('hex'));
  if (found === null) throw refused('the run of this token is not known here');
  if (found.run.endedAtMs !== null) throw refused(`run ${found.run.number} of ${found.streamId} has ended`);
  return {
    stream: found.streamId,
    initiative: found.initiativeId,
    key: found.run.key,
    run: found.run.number,
    state,
  };
}

/** Refuses (and writes down) a change that the scope does not allow. */
export function checkScope(scope: Scope, task: Task, status: TaskStatus | undefined): void {
  if (scope === null) return;
  const foreign = task.stream !== scope.stream;
  const undone = task.status === 'completed' && status === 'pending';
  if (!foreign && !undone) return;
  const what = foreign
    ? `task ${task.id} belongs to ${task.stream ?? 'no stream'}, not to ${scope.stream}`
    : `task ${task.id} is completed: a worker can not set it back`;
  scope.state.addEvent({
    atMs: Date.now(),
    key: scope.key,
    run: scope.run,
    kind: 'task-refused',
    message: printable(what),
  });
  throw refused(what);
}

function refused(what: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.refused,
    printable(what),
    'a worker changes only its own open tasks: orchestrate task list',
  );
}
