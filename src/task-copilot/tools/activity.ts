/** The activity log: who did what, as Task Copilot keeps it for its summaries. */
import { randomUUID } from 'node:crypto';
import type { CopilotDb } from './tool-database.ts';

/** Adds one line to the log of an initiative. */
export function logActivity(
  db: CopilotDb,
  entry: {
    initiativeId: string;
    type: string;
    entityId: string;
    entityType: 'initiative' | 'prd' | 'task' | 'work_product';
    summary: string;
  },
): void {
  db.sql
    .prepare(
      `INSERT INTO activity_log (id, initiative_id, type, entity_id, entity_type, summary, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      randomUUID(),
      entry.initiativeId,
      entry.type,
      entry.entityId,
      entry.entityType,
      entry.summary,
      db.now,
    );
}
