/** Archiving streams and bringing archived ones back. */
import { type CopilotDb, newId, Refusal } from './database.ts';
import { logActivity } from './activity.ts';
import { currentInitiative, findInitiative } from './initiatives.ts';
import { findPrd } from './prds.ts';
import { OLDEST_FIRST, SELECT_TASKS, STREAM_ID, type TaskRow } from './rows.ts';

/** Archives every stream task of a PRD or an initiative (default: the current one). */
export function archiveAllStreams(
  db: CopilotDb,
  input: { confirm: boolean; initiativeId?: string | undefined; prdId?: string | undefined },
) {
  if (!input.confirm) throw new Refusal('Must set confirm=true to archive all streams');
  const initiativeId = initiativeOf(db, input);
  const rows = db.sql
    .prepare(
      `${SELECT_TASKS} WHERE t.archived = 0 AND ${STREAM_ID} IS NOT NULL AND p.initiative_id = @initiativeId
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
    entityId: initiativeId,
    entityType: 'initiative',
    summary: `Archived ${rows.length} tasks of ${streamsArchived} streams`,
  });
  return { streamsArchived, tasksArchived: rows.length, archivedAt: db.now };
}

/**
 * Takes a stream out of the archive and into an initiative (default: the current one): its tasks move to `prdId`, or to
 * a PRD of that initiative when theirs belongs to another one, so that the stream is seen there.
 */
export function unarchiveStream(
  db: CopilotDb,
  input: { streamId: string; initiativeId?: string | undefined; prdId?: string | undefined },
) {
  const newInitiativeId = initiativeOf(db, input);
  const rows = latestArchived(db, input.streamId);
  const restore = db.sql.prepare(
    `UPDATE tasks SET archived = 0, archived_at = NULL, archived_by_initiative_id = NULL, prd_id = ?,
       updated_at = ? WHERE id = ?`,
  );
  const moved = new Map<string | null, string>();
  for (const row of rows) {
    const stays = input.prdId === undefined && row.initiative_id === newInitiativeId;
    const prdId = stays ? row.prd_id : (moved.get(row.prd_id) ?? targetPrd(db, row, newInitiativeId, input.prdId));
    if (prdId !== null) moved.set(row.prd_id, prdId);
    restore.run(prdId, db.now, row.id);
  }
  logActivity(db, {
    initiativeId: newInitiativeId,
    type: 'stream_unarchived',
    entityId: input.streamId,
    entityType: 'initiative',
    summary: `Unarchived stream ${input.streamId} (${rows.length} tasks)`,
  });
  return { streamId: input.streamId, tasksUnarchived: rows.length, newInitiativeId };
}
