/** The door to Task Copilot's store (tasks.db): the plan and its tasks; no SQL shows through it. */
import type { PlanInput } from '../core/plan/plan-input.ts';
import type { RunScope } from '../core/scope.ts';
import type { Initiative, Plan, Task, TaskStatus } from '../core/types.ts';

export type { PlanInput } from '../core/plan/plan-input.ts';

export type TaskPatch = {
  readonly status?: TaskStatus;
  readonly notes?: string;
  readonly blockedReason?: string;
};

/** What cancelling a stream changed: tasks of it, and the streams that depended on it with what they depend on now. */
export type CancelledStream = {
  readonly tasks: readonly string[];
  readonly dependents: readonly { readonly id: string; readonly dependencies: readonly string[] }[];
};

/** Task Copilot's store. Every method is synchronous and bounded by the busy timeout; a lock held longer throws exit 4. */
export type PlanStore = {
  readonly path: string;
  /** From now on each call waits for another's lock for so long at most, in ms. */
  waitAtMost(ms: number): void;
  /** The plan of the current initiative; cached until the database changes. Never throws on malformed rows. */
  readPlan(): Plan;
  /** The plans of all other initiatives that have streams, the latest first; their tasks are mostly archived. */
  earlierPlans(): Plan[];
  currentInitiative(): Initiative | null;
  /** Oldest first. `stream`: only that stream's; `all`: those of other initiatives and archived ones too. */
  listTasks(filter?: { stream?: string; status?: TaskStatus; all?: boolean }): Task[];
  getTask(id: string): Task | null;
  /**
   * Updates one task with Task Copilot's side effects, in one transaction. Throws exit 7 for an unknown or archived task,
   * ScopeRefusal for what the run of `scope` may not change.
   */
  updateTask(id: string, patch: TaskPatch, scope?: RunScope | null): Task;
  /** Takes a stream of the current plan out of it, in one transaction: all its tasks are cancelled, and no stream depends on it. */
  cancelStream(streamId: string): CancelledStream;
  /**
   * Links the initiative, creates PRD and tasks, in one transaction; `update` matches stream + title. `again`: what to type
   * for an update where one was not asked for.
   */
  importPlan(
    plan: PlanInput,
    options: { update: boolean; dryRun: boolean; again?: string },
  ): {
    prd: string;
    streams: number;
    tasks: number;
    added: number;
    changed: number;
    /** Stream tasks of the initiative that was current before: linking another one archives them. */
    archivedTasks: number;
  };
  /** Changes whenever another connection committed, or another file took the store's place; costs microseconds. */
  changeToken(): number;
  close(): void;
};
