/** Refuses changes that would break the plan: a task that closes a cycle of streams, an import that brings problems, a worker's task that others trip over. */
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import { findCycles } from '../../core/plan/cycles.ts';
import { plural } from '../../core/printable.ts';
import { ScopeRefusal } from '../../core/scope.ts';
import type { Plan } from '../../core/types.ts';
import { currentPlan, planStreams } from './plan-rows.ts';
import {
  type CopilotDb,
  type Metadata,
  OLDEST_FIRST,
  Refusal,
  SELECT_TASKS,
  STREAM_ID,
  type TaskRow,
  textOf,
} from './rows.ts';

/** A task as it is about to be stored. */
type ProposedTask = {
  /** The stored task that it replaces; null for a new one. */
  readonly id: string | null;
  readonly title: string;
  /** Initiative of its PRD. */
  readonly initiativeId: string | null;
  readonly metadata: Metadata;
};

/**
 * Throws Refusal when the task would make its stream depend on itself, directly or through other streams of its
 * initiative. A cycle elsewhere in the plan is not this task's doing.
 */
export function refuseCycle(db: CopilotDb, task: ProposedTask): void {
  const streamId = textOf(task.metadata['streamId']);
  if (streamId === undefined || !declaresDependencies(task.metadata)) return;
  const streams = planStreams([...othersInPlan(db, task), proposedRow(db, task)]);
  const own = streams.find((stream) => stream.id === streamId);
  if (own === undefined) return;
  if (own.dependencies.includes(streamId)) refuse([streamId]);
  // The stream goes first, so that the cycle found is one through it.
  const cycle = findCycles([own, ...streams.filter((stream) => stream !== own)]).find((path) =>
    path.includes(streamId),
  );
  if (cycle !== undefined) refuse(cycle);
}

function declaresDependencies(metadata: Metadata): boolean {
  return [metadata['dependencies'], metadata['streamDependencies']].some(
    (list) => Array.isArray(list) && list.length > 0,
  );
}

function othersInPlan(db: CopilotDb, task: ProposedTask): TaskRow[] {
  return db.sql
    .prepare(
      `${SELECT_TASKS} WHERE ${STREAM_ID} IS NOT NULL AND coalesce(t.archived, 0) = 0 AND t.id IS NOT @id
         AND (@initiative IS NULL OR p.initiative_id IS NULL OR p.initiative_id = @initiative) ${OLDEST_FIRST}`,
    )
    .all({ id: task.id, initiative: task.initiativeId }) as TaskRow[];
}

function proposedRow(db: CopilotDb, task: ProposedTask) {
  return {
    id: task.id ?? '',
    title: task.title,
    status: 'pending' as const,
    notes: null,
    blocked_reason: null,
    metadata: JSON.stringify(task.metadata),
    created_at: db.now,
    updated_at: db.now,
  };
}

function refuse(cycle: readonly string[]): never {
  throw new Refusal(`Circular dependency detected: ${[...cycle, cycle[0]].join(' -> ')}`);
}

/** The problems of a plan, by their messages. */
export function problemsOf(plan: Plan): ReadonlySet<string> {
  return new Set(plan.problems.map((problem) => problem.message));
}

/** The most telling problem that the plan did not have before, or null. */
function newProblem(before: ReadonlySet<string>, plan: Plan): string | null {
  const news = plan.problems.filter((problem) => !before.has(problem.message));
  // That there is no root follows from a cycle, and says less.
  const found = news.find((problem) => problem.code !== 'no-root') ?? news[0];
  return found?.message ?? null;
}

/** Old and new parts of a plan can be sound by themselves and yet close a cycle together: exit 7. */
export function refuseNewProblems(before: ReadonlySet<string>, plan: Plan): void {
  const problem = newProblem(before, plan);
  if (problem === null) return;
  throw new OrchestrateError(
    EXIT.input,
    `the plan cannot be imported: ${problem}`,
    'correct the plan and import it again; nothing was changed',
  );
}

/** Throws exit 7 when the initiative's plan has streams already. */
export function refuseSecondPlan({ streams }: Plan, initiativeId: string): void {
  if (streams.length === 0) return;
  throw new OrchestrateError(
    EXIT.input,
    `initiative ${initiativeId} has a plan already (${plural(streams.length, 'stream')}): start another initiative, or add to this one`,
    'orchestrate import plan.yaml --update',
  );
}

/**
 * Runs `add`, which adds a task in the scope of a run. Throws ScopeRefusal when other streams would feel it: a title that
 * a dependency is spelled as can break the plan or turn a dependency elsewhere.
 */
export function withoutEffectOnPlan<T>(db: CopilotDb, add: () => T): T {
  if (db.scope === null) return add();
  const before = currentPlan(db);
  const added = add();
  const after = currentPlan(db);
  const problem = newProblem(problemsOf(before), after);
  const edges = (plan: Plan) =>
    JSON.stringify(plan.streams.map(({ id, dependencies }) => [id, dependencies]));
  if (problem === null && edges(before) === edges(after)) return added;
  throw new ScopeRefusal(
    db.scope,
    `This task would change the plan: ${problem ?? 'its title is a dependency'}.`,
  );
}
