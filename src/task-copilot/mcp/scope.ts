/** What a worker's server may change: its own stream's tasks while its run is open; the launch token tells which, never an argument. */
import type { StateStore } from '../../state/types.ts';

/** The run that a launch token belongs to. */
export type RunScope = {
  readonly streamId: string;
  readonly initiativeId: string;
  readonly key: string;
  readonly run: number;
};

/** Something the scope doesn't allow; the message is shown to the worker and logged. */
export class ScopeRefusal extends Error {
  override readonly name = 'ScopeRefusal';
  readonly scope: RunScope | null;

  constructor(scope: RunScope | null, message: string) {
    super(message);
    this.scope = scope;
  }
}

/** Finds the run of a launch token (given as its SHA-256 in hex). Throws ScopeRefusal when it is unknown or has ended. */
export function openScope(tokenHash: string, state: StateStore | null): RunScope {
  const found = state?.runByTokenHash(tokenHash) ?? null;
  if (found === null) throw new ScopeRefusal(null, 'This launch token belongs to no run.');
  const { run, streamId, initiativeId } = found;
  const scope = { streamId, initiativeId, key: run.key, run: run.number };
  if (run.endedAtMs !== null) {
    throw new ScopeRefusal(
      scope,
      `Run ${run.number} of stream ${streamId} has ended; its access is revoked.`,
    );
  }
  return scope;
}

/** A task as far as the scope looks at it. */
type TaskFacts = {
  readonly id: string;
  readonly status: string;
  readonly stream_id: string | null;
  readonly initiative_id: string | null;
};

/** Throws unless the task is one of the run's own stream. */
export function requireOwnTask(scope: RunScope, task: TaskFacts): void {
  const ownInitiative = task.initiative_id === null || task.initiative_id === scope.initiativeId;
  if (task.stream_id === scope.streamId && ownInitiative) return;
  const stream = task.stream_id === null ? 'no stream' : `stream ${task.stream_id}`;
  const where = ownInitiative ? stream : `${stream} of initiative ${task.initiative_id}`;
  throw new ScopeRefusal(
    scope,
    `Task ${task.id} belongs to ${where}; this run may only change tasks of stream ${scope.streamId}.`,
  );
}

/** Throws unless the change is one that a worker may make to a task of its own. */
export function requireAllowedUpdate(
  scope: RunScope,
  task: TaskFacts,
  change: { status?: string | undefined; streamId?: unknown },
): void {
  requireOwnTask(scope, task);
  if (task.status === 'completed' && change.status === 'pending') {
    throw new ScopeRefusal(scope, `Task ${task.id} is completed; a worker can't set it back to pending.`);
  }
  if (change.streamId !== undefined) requireOwnStream(scope, change.streamId);
}

/** Throws unless `streamId` is the run's own stream. */
export function requireOwnStream(scope: RunScope, streamId: unknown): void {
  if (streamId === scope.streamId) return;
  throw new ScopeRefusal(
    scope,
    `This run works on stream ${scope.streamId}; it can't put a task into ${typeof streamId === 'string' ? `stream ${streamId}` : 'no stream'}.`,
  );
}

/** Throws for a worker: the tool changes more than one stream's tasks. */
export function requirePerson(scope: RunScope | null, toolName: string): void {
  if (scope === null) return;
  throw new ScopeRefusal(
    scope,
    `${toolName} changes the whole plan; a run may only change tasks of its own stream, ${scope.streamId}.`,
  );
}
