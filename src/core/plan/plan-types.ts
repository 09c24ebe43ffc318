/** The plan's vocabulary: tasks, streams, and what can be wrong with them. */

/** Statuses of a task, as Task Copilot stores them. */
export const TASK_STATUSES = ['pending', 'in_progress', 'blocked', 'completed', 'cancelled'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** Phases of a stream, in the order in which they are listed; only for display, the dependencies decide. */
export const STREAM_PHASES = ['foundation', 'parallel', 'integration'] as const;

/** One task of the plan. `stream` is the stream id, null for a task outside any stream. */
export type Task = {
  readonly id: string;
  readonly title: string;
  readonly description: string | null;
  readonly status: TaskStatus;
  readonly stream: string | null;
  readonly assignedAgent: string | null;
  readonly blockedReason: string | null;
  readonly notes: string | null;
  readonly acceptanceCriteria: readonly string[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** Task counts of a stream or a plan; `total` leaves cancelled tasks out. */
export type TaskCounts = {
  readonly total: number;
  readonly completed: number;
  readonly inProgress: number;
  readonly pending: number;
  readonly blocked: number;
  readonly cancelled: number;
};

/** One node of the plan: the tasks that share a stream id. */
export type PlanStream = {
  readonly id: string;
  readonly name: string;
  readonly phase: string;
  /** Stream ids, union of both metadata keys, title-style spellings resolved, sorted, no duplicates. */
  readonly dependencies: readonly string[];
  readonly files: readonly string[];
  readonly tasks: TaskCounts;
  /** True when a task's notes have a line beginning `no-changes:`. */
  readonly declaresNoChanges: boolean;
  /** The title of the task in progress (the latest), for display. */
  readonly currentTask: string | null;
  /** The first blocked task, one that gives a reason before others. */
  readonly blockedTask: { readonly id: string; readonly reason: string | null } | null;
  /** Ids of the tasks neither completed nor cancelled, oldest first. */
  readonly openTasks: readonly string[];
};

/** Why a plan cannot be run; `code` is stable, `message` names streams and tasks. */
export type PlanProblem = {
  readonly code:
    | 'no-streams'
    | 'archived-only'
    | 'no-root'
    | 'cycle'
    | 'unknown-dependency'
    | 'self-dependency'
    | 'bad-dependencies'
    | 'bad-metadata'
    | 'bad-stream-id';
  readonly message: string;
  readonly streams: readonly string[];
  readonly tasks: readonly string[];
};

export type Initiative = { readonly id: string; readonly title: string };

/** The plan of the current initiative. `streams` are in the order of their oldest task. */
export type Plan = {
  readonly initiative: Initiative | null;
  readonly streams: readonly PlanStream[];
  readonly problems: readonly PlanProblem[];
};
