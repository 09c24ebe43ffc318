/** Archiving streams and bringing archived ones back. */
import { requireNoRun } from '../../core/scope.ts';
import { currentInitiative, findInitiative } from './initiatives.ts';
import { findPrd, insertPrd, newestPrd } from './prds.ts';
import { type CopilotDb, logActivity, Refusal, SELECT_TASKS, STREAM_ID, type TaskRow } from './rows.ts';

/** Archives every stream task of a PRD or an initiative (default: the current one). */
export function archiveAllStreams(
  db: CopilotDb,
  input: { confirm: boolean; initiativeId?: string | undefined; prdId?: string | undefined },
) {
  requireNoRun(db.scope, 'stream_archive_all');
  if (!input.confirm) throw new Refusal('Must set confirm=true to archive all streams');
  const initiativeId = initiativeFor(db, input);
  const rows = db.sql
    .prepare(
      `${SELECT_TASKS} WHERE coalesce(t.archived, 0) = 0 AND ${STREAM_ID} IS NOT NULL AND p.initiative_id = @initiativeId
         AND (@prdId IS NULL OR t.prd_id = @prdId)`,
    )
    .all({ initiativeId, prdId: input.prdId ?? null }) as TaskRow[];
  const archive = db.sql.prepare(
    'UPDATE tasks SET archived = 1, archived_at = ?, archived_by_initiative_id = ? WHERE id = ?',
  );
  for (const row of rows) archive.run(db.now, initiativeId, row.id);
  const streamsArchived = new Set(rows.map((row) => row.stream_id)).size;
  logActivity(db, {
    initiativeId,
    type: 'streams_archived',
    entityId: input.prdId ?? initiativeId,
    entityType: input.prdId === undefined ? 'initiative' : 'prd',
    summary: `Archived ${rows.length} tasks of ${streamsArchived} streams`,
  });
  return { streamsArchived, tasksArchived: rows.length, archivedAt: db.now };
}

/**
 * Takes a stream out of the archive and into an initiative (default: the current one). Its tasks move to `prdId`, or,
 * where their PRD belongs to another initiative, to one of this initiative, so that the stream is seen there.
 */
export function unarchiveStream(
  db: CopilotDb,
  input: { streamId: string; initiativeId?: string | undefined; prdId?: string | undefined },
) {
  requireNoRun(db.scope, 'stream_unarchive');
  const { streamId, prdId } = input;
  // As Task Copilot says it, to which a PRD is where to look.
  if (prdId !== undefined && findPrd(db, prdId) === null)
    throw new Refusal(`No archived tasks found for stream: ${streamId} for PRD ${prdId}`);
  const newInitiativeId = initiativeFor(db, input);
  const rows = lastArchived(db, input.streamId);
  const moving = rows.filter((row) => input.prdId !== undefined || row.initiative_id !== newInitiativeId);
  const target = moving.length === 0 ? null : (input.prdId ?? prdIn(db, newInitiativeId, moving));
  const restore = db.sql.prepare(
    `UPDATE tasks SET archived = 0, archived_at = NULL, archived_by_initiative_id = NULL, prd_id = ?,
       updated_at = ? WHERE id = ?`,
  );
  for (const row of rows) restore.run(moving.includes(row) ? target : row.prd_id, db.now, row.id);
  logActivity(db, {
    initiativeId: newInitiativeId,
    type: 'stream_unarchived',
    entityId: newInitiativeId,
    entityType: 'initiative',
    summary: `Unarchived stream ${input.streamId} (${rows.length} tasks)`,
  });
  return { streamId: input.streamId, tasksUnarchived: rows.length, newInitiativeId };
}

/** The initiative meant by the input; a PRD that is named must belong to it. */
function initiativeFor(
  db: CopilotDb,
  input: { initiativeId?: string | undefined; prdId?: string | undefined },
): string {
  const prd = input.prdId === undefined ? null : findPrd(db, input.prdId);
  if (input.prdId !== undefined && prd === null) throw new Refusal(`prdId: there is no PRD ${input.prdId}`);
  const id = input.initiativeId ?? prd?.initiative_id ?? currentInitiative(db)?.id;
  if (id === undefined) {
    throw new Refusal('No current initiative found. Link one with initiative_link first.');
  }
  if (findInitiative(db, id) === null) throw new Refusal(`initiativeId: there is no initiative ${id}`);
  if (prd !== null && prd.initiative_id !== id) {
    throw new Refusal(`prdId: PRD ${prd.id} belongs to initiative ${prd.initiative_id}, not ${id}`);
  }
  return id;
}

/** The archived tasks of a stream; where several initiatives had one of that id, those archived last. */
function lastArchived(db: CopilotDb, streamId: string): TaskRow[] {
  const rows = db.sql
    .prepare(
      `${SELECT_TASKS} WHERE t.archived = 1 AND ${STREAM_ID} = ? ORDER BY julianday(t.archived_at) DESC, t.rowid`,
    )
    .all(streamId) as TaskRow[];
  const [latest] = rows;
  if (latest === undefined) throw new Refusal(`No archived tasks found for stream: ${streamId}`);
  return rows.filter((row) => row.initiative_id === latest.initiative_id);
}

/** The newest PRD of the initiative, or a new one named like that of the tasks. */
function prdIn(db: CopilotDb, initiativeId: string, rows: readonly TaskRow[]): string {
  const newest = newestPrd(db, initiativeId);
  if (newest !== null) return newest.id;
  const former =
    rows[0]?.prd_id === undefined || rows[0].prd_id === null ? null : findPrd(db, rows[0].prd_id);
  const title = former?.title ?? 'Unarchived streams';
  return insertPrd(db, initiativeId, {
    title,
    content: former?.content ?? title,
    metadata: { scopeLocked: false },
  });
}
