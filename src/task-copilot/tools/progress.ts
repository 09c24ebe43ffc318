/** The summary of an initiative's progress: counts, milestones, velocity and the latest activity. */

import { currentInitiative, findInitiative } from './initiatives.ts';
import { milestonesOf } from './milestones.ts';
import type { PrdRow } from './prds.ts';
import type { CopilotDb } from './tool-database.ts';
import { velocityOf } from './velocity.ts';

const BAR_CELLS = 20;
const RECENT_LINES = 5;

/** The summary of an initiative (default: the current one), or null where there is none. */
export function progressSummary(
  db: CopilotDb,
  input: { initiativeId?: string | undefined; minConfidence?: number | undefined },
) {
  const initiative =
    input.initiativeId === undefined ? currentInitiative(db) : findInitiative(db, input.initiativeId);
  if (initiative === null) return null;
  const prds = db.sql
    .prepare('SELECT * FROM prds WHERE initiative_id = ? ORDER BY rowid')
    .all(initiative.id) as PrdRow[];
  const tasks = countTasks(db, initiative.id);
  const milestones = milestonesOf(db, prds);
  return {
    initiativeId: initiative.id,
    title: initiative.title,
    prds: {
      total: prds.length,
      active: prds.filter((prd) => prd.status === 'active').length,
      completed: completedPrds(db, initiative.id),
    },
    tasks: { ...tasks, progressBar: progressBar(tasks.completed, tasks.total) },
    workProducts: countProducts(db, initiative.id, input.minConfidence),
    milestones: milestones.length === 0 ? undefined : milestones,
    velocity: velocityOf(db, initiative.id),
    recentActivity: recentActivity(db, initiative.id),
  };
}

function countTasks(db: CopilotDb, initiativeId: string) {
  return db.sql
    .prepare(
      `SELECT count(*) AS total, count(*) FILTER (WHERE t.status = 'pending') AS pending,
         count(*) FILTER (WHERE t.status = 'in_progress') AS inProgress,
         count(*) FILTER (WHERE t.status = 'completed') AS completed,
         count(*) FILTER (WHERE t.status = 'blocked') AS blocked
       FROM tasks t LEFT JOIN prds p ON p.id = t.prd_id
       WHERE p.initiative_id = ? OR (t.prd_id IS NULL AND coalesce(t.archived, 0) = 0)`,
    )
    .get(initiativeId) as {
    total: number;
    pending: number;
    inProgress: number;
    completed: number;
    blocked: number;
  };
}

/** PRDs whose tasks are all completed or cancelled, at least one completed. */
function completedPrds(db: CopilotDb, initiativeId: string): number {
  const row = db.sql
    .prepare(
      `SELECT count(*) AS completed FROM prds p WHERE p.initiative_id = ?
         AND EXISTS (SELECT 1 FROM tasks t WHERE t.prd_id = p.id AND t.status = 'completed')
         AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.prd_id = p.id AND t.status NOT IN ('completed', 'cancelled'))`,
    )
    .get(initiativeId) as { completed: number };
  return row.completed;
}

function progressBar(completed: number, total: number): string {
  const share = total === 0 ? 0 : completed / total;
  const filled = Math.floor(share * BAR_CELLS);
  return `[${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)}] ${Math.round(share * 100)}%`;
}

function countProducts(db: CopilotDb, initiativeId: string, minConfidence: number | undefined) {
  const rows = db.sql
    .prepare(
      `SELECT w.type, w.confidence FROM work_products w JOIN tasks t ON t.id = w.task_id
         LEFT JOIN prds p ON p.id = t.prd_id
       WHERE (p.initiative_id = @initiativeId OR (t.prd_id IS NULL AND coalesce(t.archived, 0) = 0))
         AND (@minConfidence IS NULL OR w.confidence >= @minConfidence)`,
    )
    .all({ initiativeId, minConfidence: minConfidence ?? null }) as {
    type: string;
    confidence: number | null;
  }[];
  const byType: Record<string, number> = {};
  for (const { type } of rows) byType[type] = (byType[type] ?? 0) + 1;
  const confidences = rows.flatMap(({ confidence }) => (confidence === null ? [] : [confidence]));
  return { total: rows.length, byType, confidenceStats: confidenceStats(confidences, rows.length) };
}

function confidenceStats(confidences: readonly number[], total: number) {
  if (confidences.length === 0) return undefined;
  const sum = confidences.reduce((all, one) => all + one, 0);
  const high = confidences.filter((one) => one >= 0.8).length;
  const low = confidences.filter((one) => one < 0.5).length;
  return {
    averageConfidence: Math.round((100 * sum) / confidences.length) / 100,
    highConfidence: high,
    mediumConfidence: confidences.length - high - low,
    lowConfidence: low,
    noConfidence: total - confidences.length,
  };
}

function recentActivity(db: CopilotDb, initiativeId: string): unknown[] {
  return db.sql
    .prepare(
      `SELECT created_at AS timestamp, type, summary FROM activity_log WHERE initiative_id = ?
       ORDER BY julianday(created_at) DESC, rowid DESC LIMIT ${RECENT_LINES}`,
    )
    .all(initiativeId);
}
