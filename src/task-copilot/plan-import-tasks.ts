/** Writes the tasks of an imported plan: adds those that are new, changes those that nobody has begun, leaves the others. */

import { parseMetadata, type TaskRow } from './tools/rows.ts';
import { type CopilotDb, newId } from './tools/tool-database.ts';
import type { PlanInput } from './types.ts';

type TaskInput = PlanInput['tasks'][number];
type Metadata = Readonly<Record<string, unknown>>;

/** The newest PRD of an initiative, or null. */
export function latestPrd(db: CopilotDb, initiativeId: string): string | null {
  const id = db.sql
    .prepare(
      `SELECT id FROM prds WHERE initiative_id = ? AND id IS NOT NULL
       ORDER BY julianday(created_at) DESC, rowid DESC LIMIT 1`,
    )
    .pluck()
    .get(initiativeId) as string | undefined;
  return id ?? null;
}

/** Matches the tasks to those of the initiative by stream and title; tells how many were added and changed. */
export function importTasks(
  db: CopilotDb,
  plan: { initiativeId: string; prd: string; tasks: readonly TaskInput[] },
): { added: number; changed: number } {
  const known = knownTasks(db, plan.initiativeId);
  let added = 0;
  let changed = 0;
  for (const task of plan.tasks) {
    const metadata = withBothDependencyKeys(task.metadata);
    const match = known.get(nameOf(metadata['streamId'], task.title))?.shift();
    if (match === undefined) {
      addTask(db, plan.prd, task, metadata);
      added++;
    } else if (match.status === 'pending' && changeTask(db, match, task, metadata)) {
      changed++;
    }
  }
  return { added, changed };
}

/** The initiative's tasks by stream and title; several of one name are matched in their order. */
function knownTasks(db: CopilotDb, initiativeId: string): Map<string, TaskRow[]> {
  const rows = db.sql
    .prepare(
      `SELECT t.* FROM tasks t LEFT JOIN prds p ON p.id = t.prd_id
       WHERE coalesce(t.archived, 0) = 0 AND (t.prd_id IS NULL OR p.initiative_id = ?) ORDER BY t.rowid`,
    )
    .all(initiativeId) as TaskRow[];
  const known = new Map<string, TaskRow[]>();
  for (const row of rows) {
    const name = nameOf(parseMetadata(row.metadata)['streamId'], row.title);
    const same = known.get(name);
    if (same === undefined) known.set(name, [row]);
    else same.push(row);
  }
  return known;
}

function nameOf(stream: unknown, title: string): string {
  return JSON.stringify([stream ?? null, title]);
}

/** Readers look at one key or the other, so both hold all the dependencies. */
export function withBothDependencyKeys(metadata: Metadata): Metadata {
  const lists = [metadata['dependencies'], metadata['streamDependencies']].filter(
    (value) => value !== undefined && value !== null,
  );
  const outside = metadata['streamId'] === undefined || metadata['streamId'] === null;
  if (outside || !lists.every((value) => Array.isArray(value))) return metadata;
  const all = [...new Set(lists.flat())];
  return { ...metadata, dependencies: all, streamDependencies: all };
}

function addTask(db: CopilotDb, prd: string, task: TaskInput, metadata: Metadata): void {
  db.sql
    .prepare(
      `INSERT INTO tasks (id, prd_id, title, description, assigned_agent, status, metadata, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, ?)`,
    )
    .run(
      newId('TASK'),
      prd,
      task.title,
      task.description,
      task.assignedAgent,
      JSON.stringify(metadata),
      db.now,
      db.now,
    );
}

/** Writes what the plan says of a task that is pending; false when it says nothing new. Other keys of its metadata stay. */
function changeTask(db: CopilotDb, row: TaskRow, task: TaskInput, metadata: Metadata): boolean {
  const merged = JSON.stringify({ ...parseMetadata(row.metadata), ...metadata });
  const same =
    row.description === task.description &&
    row.assigned_agent === task.assignedAgent &&
    row.metadata === merged;
  if (same) return false;
  db.sql
    .prepare(
      'UPDATE tasks SET description = ?, assigned_agent = ?, metadata = ?, updated_at = ? WHERE id = ?',
    )
    .run(task.description, task.assignedAgent, merged, db.now, row.id);
  return true;
}
