/** What a worker may change in the plan's store: the tasks of its own stream, and of these nothing that the plan is made of. Pure. */

/** The run that a launch token belongs to. */
export type RunScope = {
  readonly streamId: string;
  readonly initiativeId: string;
  readonly key: string;
  readonly run: number;
};

/** A task as far as the scope looks at it; `initiativeId` is that of its PRD. */
export type ScopedTask = {
  readonly id: string;
  readonly status: string;
  readonly streamId: string | null;
  readonly initiativeId: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
};

type Metadata = ScopedTask['metadata'];

/** Something that the scope does not allow; the message is shown to the worker and logged. */
export class ScopeRefusal extends Error {
  override readonly name = 'ScopeRefusal';
  /** Null for a token that belongs to no run. */
  readonly scope: RunScope | null;

  constructor(scope: RunScope | null, message: string) {
    super(message);
    this.scope = scope;
  }
}

/** Keys of a task's metadata that streams are made of: one task's value can stop or redirect the whole plan. */
const PLAN_KEYS = [
  ...['streamId', 'streamName', 'streamPhase', 'phase'],
  ...['dependencies', 'streamDependencies', 'files', 'worktreePath', 'branchName'],
];

/** What a task's work is judged by: a worker may add it where nobody has, but not change it. */
const JUDGED_BY = ['acceptanceCriteria', 'verificationRequired'];

/** Throws unless the task is one of the run's own stream. */
export function requireOwnTask(scope: RunScope, task: ScopedTask): void {
  const ownInitiative = task.initiativeId === null || task.initiativeId === scope.initiativeId;
  if (task.streamId === scope.streamId && ownInitiative) return;
  const stream = task.streamId === null ? 'no stream' : `stream ${task.streamId}`;
  const where = ownInitiative ? stream : `${stream} of initiative ${task.initiativeId}`;
  throw new ScopeRefusal(
    scope,
    `Task ${task.id} belongs to ${where}; this run may only change tasks of stream ${scope.streamId}.`,
  );
}

/** Throws unless the change is one that a worker may make to a task of its own; what stays as it is may be repeated. */
export function requireAllowedUpdate(
  scope: RunScope,
  task: ScopedTask,
  change: { readonly status?: string | undefined; readonly metadata?: Metadata | undefined },
): void {
  requireOwnTask(scope, task);
  if (task.status === 'completed' && change.status === 'pending') {
    throw new ScopeRefusal(scope, `Task ${task.id} is completed; an agent cannot set it back to pending.`);
  }
  if (task.status !== 'cancelled' && change.status === 'cancelled') {
    throw new ScopeRefusal(
      scope,
      `Task ${task.id} is part of the plan, which only a user cancels: complete it with notes that say why nothing is left to be done, or mark it blocked with the reason.`,
    );
  }
  requirePlanKept(scope, change.metadata ?? {}, task.metadata);
  requireMeasureKept(scope, change.metadata ?? {}, task);
}

/** Throws unless a worker may add a task with this metadata: it can only go into the run's own stream. */
export function requireAllowedCreation(scope: RunScope, metadata: Metadata): void {
  requirePlanKept(scope, metadata, {
    streamId: scope.streamId,
    dependencies: [],
    streamDependencies: [],
    files: [],
  });
}

/** Throws where `given` has a key of the plan with another value than `stored`. */
function requirePlanKept(scope: RunScope, given: Metadata, stored: Metadata): void {
  const changed = PLAN_KEYS.filter((key) => Object.hasOwn(given, key) && !isSame(given[key], stored[key]));
  const [first] = changed;
  if (first === undefined) return;
  if (first === 'streamId') {
    const { streamId } = given;
    throw new ScopeRefusal(
      scope,
      `This run works on stream ${scope.streamId}; it cannot put a task into ${typeof streamId === 'string' ? `stream ${streamId}` : 'no stream'}.`,
    );
  }
  throw new ScopeRefusal(
    scope,
    `metadata.${first} is part of the plan, which a run cannot change; say in the notes what should be planned.`,
  );
}

/** Throws where `given` changes what the task's work is judged by, also by a reviewer. */
function requireMeasureKept(scope: RunScope, given: Metadata, { id, metadata }: ScopedTask): void {
  const changed = JUDGED_BY.find(
    (key) => Object.hasOwn(given, key) && !isUnsaid(metadata[key]) && !isSame(given[key], metadata[key]),
  );
  if (changed === undefined) return;
  throw new ScopeRefusal(
    scope,
    `metadata.${changed} of task ${id} is what its work is judged by, which a run cannot change; say in the notes what should be planned.`,
  );
}

function isUnsaid(value: unknown): boolean {
  return !value || (Array.isArray(value) && value.length === 0);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

/** Throws for a worker: `what` changes more than one stream's tasks. */
export function requireNoRun(scope: RunScope | null, what: string): void {
  if (scope === null) return;
  throw new ScopeRefusal(
    scope,
    `${what} changes the whole plan; a run may only change tasks of its own stream, ${scope.streamId}.`,
  );
}
