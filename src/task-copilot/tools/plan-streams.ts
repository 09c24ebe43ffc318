/** The dependencies between the streams of some task rows, by the one reading of them that the whole program shares. */
import { buildPlan, type PlanRow } from '../../core/plan/plan.ts';
import type { PlanStream } from '../../core/types.ts';
import { parseTime } from '../clock-text.ts';
import { parseMetadata, type TaskRow } from './rows.ts';

/** The part of a task's row that its place in the plan follows from. */
export type PlannedTask = Pick<
  TaskRow,
  'id' | 'title' | 'status' | 'notes' | 'blocked_reason' | 'metadata' | 'created_at' | 'updated_at'
>;

/** The streams that the tasks make up, both dependency keys united and every spelling resolved. */
export function planStreams(tasks: readonly PlannedTask[]): readonly PlanStream[] {
  return buildPlan(tasks.map(planRow), null, 0).streams;
}

/** The dependencies of each of those streams, by stream id. */
export function dependenciesByStream(tasks: readonly PlannedTask[]): ReadonlyMap<string, readonly string[]> {
  return new Map(planStreams(tasks).map((stream) => [stream.id, stream.dependencies]));
}

function planRow(task: PlannedTask): PlanRow {
  return {
    id: task.id,
    title: task.title,
    status: task.status,
    notes: task.notes,
    blockedReason: task.blocked_reason,
    metadata: parseMetadata(task.metadata),
    metadataError: null,
    createdAtMs: parseTime(task.created_at),
    updatedAtMs: parseTime(task.updated_at),
  };
}
