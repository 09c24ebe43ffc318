/** Refuses a task that would close a cycle of streams, with the whole path. */
import { findCycles } from '../../core/plan/cycles.ts';
import { planStreams } from './plan-streams.ts';
import { type Metadata, OLDEST_FIRST, SELECT_TASKS, STREAM_ID, type TaskRow, textOf } from './rows.ts';
import { type CopilotDb, Refusal } from './tool-database.ts';

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
