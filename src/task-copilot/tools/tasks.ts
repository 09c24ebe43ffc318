/** Tasks: showing and listing them, as Task Copilot does; changes none. */
import type { TaskStatus } from '../../core/types.ts';
import {
  type CopilotDb,
  given,
  OLDEST_FIRST,
  parseMetadata,
  SELECT_TASKS,
  STREAM_ID,
  type TaskRow,
  taskRow,
} from './rows.ts';

/** A task in full; what is null in the store is left out. */
export function fullTask(row: TaskRow) {
  return {
    id: row.id,
    prdId: given(row.prd_id),
    parentId: given(row.parent_id),
    title: row.title,
    description: given(row.description),
    assignedAgent: given(row.assigned_agent),
    status: row.status,
    blockedReason: given(row.blocked_reason),
    notes: given(row.notes),
    metadata: parseMetadata(row.metadata),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** One task with what was asked for along with it, or null. */
export function getTask(db: CopilotDb, id: string, include: { subtasks: boolean; workProducts: boolean }) {
  const row = taskRow(db, id);
  if (row === null) return null;
  return {
    ...fullTask(row),
    subtasks: include.subtasks ? subtasksOf(db, id) : undefined,
    workProducts: include.workProducts ? workProductsOf(db, id) : undefined,
  };
}

function subtasksOf(db: CopilotDb, id: string) {
  const rows = db.sql.prepare(`${SELECT_TASKS} WHERE t.parent_id = ? ${OLDEST_FIRST}`).all(id) as TaskRow[];
  return rows.map((row) => ({
    id: row.id,
    title: row.title,
    status: row.status,
    assignedAgent: given(row.assigned_agent),
  }));
}

function workProductsOf(db: CopilotDb, id: string): unknown[] {
  return db.sql
    .prepare(
      `SELECT id, type, title, created_at AS createdAt FROM work_products WHERE task_id = ?
       ORDER BY julianday(created_at) DESC, rowid DESC`,
    )
    .all(id);
}

/** Which tasks to list; `parentId: null` means those without a parent. */
export type TaskFilter = {
  readonly prdId?: string | undefined;
  readonly parentId?: string | null | undefined;
  readonly status?: TaskStatus | undefined;
  readonly assignedAgent?: string | undefined;
  readonly streamId?: string | undefined;
  readonly includeArchived: boolean;
};

type ListedRow = TaskRow & {
  readonly subtasks: number;
  readonly completed_subtasks: number | null;
  readonly products: number;
};

/** The tasks that fit, oldest first. */
export function listTasks(db: CopilotDb, filter: TaskFilter) {
  const rows = db.sql
    .prepare(
      `SELECT t.*, ${STREAM_ID} AS stream_id,
         (SELECT count(*) FROM tasks s WHERE s.parent_id = t.id) AS subtasks,
         (SELECT sum(s.status = 'completed') FROM tasks s WHERE s.parent_id = t.id) AS completed_subtasks,
         EXISTS (SELECT 1 FROM work_products w WHERE w.task_id = t.id) AS products
       FROM tasks t
       WHERE (@prdId IS NULL OR t.prd_id = @prdId)
         AND (@parentId IS NULL OR t.parent_id = @parentId) AND (NOT @topLevel OR t.parent_id IS NULL)
         AND (@status IS NULL OR t.status = @status)
         AND (@assignedAgent IS NULL OR t.assigned_agent = @assignedAgent)
         AND (@streamId IS NULL OR ${STREAM_ID} = @streamId)
         AND (@includeArchived OR coalesce(t.archived, 0) = 0)
       ${OLDEST_FIRST}`,
    )
    .all({
      prdId: filter.prdId ?? null,
      parentId: filter.parentId ?? null,
      topLevel: filter.parentId === null ? 1 : 0,
      status: filter.status ?? null,
      assignedAgent: filter.assignedAgent ?? null,
      streamId: filter.streamId ?? null,
      includeArchived: filter.includeArchived ? 1 : 0,
    }) as ListedRow[];
  return rows.map((row) => ({
    id: row.id,
    title: row.title,
    status: row.status,
    assignedAgent: given(row.assigned_agent),
    streamId: given(row.stream_id),
    subtaskCount: row.subtasks,
    completedSubtasks: row.completed_subtasks,
    hasWorkProducts: row.products === 1,
  }));
}
