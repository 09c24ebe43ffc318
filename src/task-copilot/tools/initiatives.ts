/** Initiatives: linking makes one current and archives the streams of earlier ones. */
import { requireNoRun } from '../../core/scope.ts';
import { type CopilotDb, given, logActivity, newId, Refusal, STREAM_ID } from './rows.ts';

type InitiativeRow = {
  readonly id: string;
  readonly title: string;
  readonly description: string | null;
  readonly created_at: string;
  readonly updated_at: string;
};

/** The current initiative: the one that was linked last. Rows without an id (another writer's damage) don't count. */
export function currentInitiative(db: CopilotDb): InitiativeRow | null {
  const row = db.sql
    .prepare(
      'SELECT * FROM initiatives WHERE id IS NOT NULL ORDER BY julianday(updated_at) DESC, rowid DESC LIMIT 1',
    )
    .get() as InitiativeRow | undefined;
  return row ?? null;
}

/** One initiative, or null. */
export function findInitiative(db: CopilotDb, id: string): InitiativeRow | null {
  const row = db.sql.prepare('SELECT * FROM initiatives WHERE id = ?').get(id) as InitiativeRow | undefined;
  return row ?? null;
}

/** Creates or renames the initiative, makes it current, and archives the streams of the others. */
export function linkInitiative(
  db: CopilotDb,
  input: { initiativeId: string; title: string; description?: string | undefined },
): { created: boolean; archivedTasks: number } {
  requireNoRun(db.scope, 'initiative_link');
  const previous = currentInitiative(db);
  const created = findInitiative(db, input.initiativeId) === null;
  db.sql
    .prepare(
      `INSERT INTO initiatives (id, title, description, created_at, updated_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET title = excluded.title,
         description = coalesce(excluded.description, description), updated_at = excluded.updated_at`,
    )
    .run(input.initiativeId, input.title, input.description ?? null, db.now, laterThan(previous, db.now));
  const switches = previous !== null && previous.id !== input.initiativeId;
  return { created, archivedTasks: switches ? archiveOtherStreams(db, input.initiativeId) : 0 };
}

/** A time after the previous initiative's, so that a clock set back doesn't keep that one current. */
function laterThan(previous: InitiativeRow | null, now: string): string {
  if (previous === null) return now;
  const before = Date.parse(previous.updated_at);
  return Date.parse(now) > before || Number.isNaN(before) ? now : new Date(before + 1).toISOString();
}

function archiveOtherStreams(db: CopilotDb, newInitiativeId: string): number {
  const result = db.sql
    .prepare(
      `UPDATE tasks SET archived = 1, archived_at = @now, archived_by_initiative_id = @initiative
       WHERE coalesce(archived, 0) = 0 AND id IN (
         SELECT t.id FROM tasks t LEFT JOIN prds p ON p.id = t.prd_id
         WHERE (p.initiative_id IS NULL OR p.initiative_id <> @initiative) AND ${STREAM_ID} IS NOT NULL)`,
    )
    .run({ now: db.now, initiative: newInitiativeId });
  if (result.changes > 0) {
    logActivity(db, {
      initiativeId: newInitiativeId,
      type: 'streams_auto_archived',
      entityId: newInitiativeId,
      entityType: 'initiative',
      summary: `Archived ${result.changes} stream tasks of earlier initiatives`,
    });
  }
  return result.changes;
}

/** The current initiative, made on the spot where there is none. */
export function ensureInitiative(db: CopilotDb): InitiativeRow {
  const current = currentInitiative(db);
  if (current !== null) return current;
  const initiativeId = newId('INIT');
  linkInitiative(db, { initiativeId, title: 'Default Initiative' });
  const made = findInitiative(db, initiativeId);
  if (made === null) throw new Refusal('No initiative found');
  return made;
}

/** An initiative (the current one when `id` is not given) with its counts, or null. */
export function getInitiative(db: CopilotDb, id: string | undefined) {
  const row = id === undefined ? currentInitiative(db) : findInitiative(db, id);
  if (row === null) return null;
  const counts = db.sql
    .prepare(
      `SELECT (SELECT count(*) FROM prds WHERE initiative_id = @id) AS prdCount, count(t.id) AS taskCount,
         sum(t.status = 'completed') AS completedTasks
       FROM tasks t JOIN prds p ON p.id = t.prd_id WHERE p.initiative_id = @id`,
    )
    .get({ id: row.id }) as { prdCount: number; taskCount: number; completedTasks: number | null };
  return {
    id: row.id,
    title: row.title,
    description: given(row.description),
    isCurrent: row.id === currentInitiative(db)?.id,
    ...counts,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
