/** The summary of an initiative's progress: counts, milestones, velocity and the latest activity. */
import { currentInitiative, findInitiative } from './initiatives.ts';
import type { PrdRow } from './prds.ts';
import { type CopilotDb, parseMetadata, Refusal, textList, textOf } from './rows.ts';

const BAR_CELLS = 20;
const RECENT_LINES = 5;
const SPANS_DAYS = [7, 14, 30] as const;
/** A change smaller than this share of the earlier span reads as stable. */
const NOTABLE_CHANGE = 0.1;

const INDICATORS = { improving: '↗', stable: '→', declining: '↘', insufficient_data: '?' } as const;
type Trend = keyof typeof INDICATORS;

/** The summary of an initiative (default: the current one). Throws Refusal where there is none. */
export function progressSummary(
  db: CopilotDb,
  input: { initiativeId?: string | undefined; minConfidence?: number | undefined },
) {
  const initiative =
    input.initiativeId === undefined ? currentInitiative(db) : findInitiative(db, input.initiativeId);
  if (initiative === null) throw new Refusal('No initiative found');
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
      completed: prds.filter((prd) => prd.status === 'archived').length,
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

function progressBar(completed: number, total: number): string {
  const share = total === 0 ? 0 : completed / total;
  const filled = Math.floor(share * BAR_CELLS);
  return `[${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)}] ${Math.round(share * 100)}% (${completed}/${total})`;
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

/** The milestones of the PRDs, in order; what is no milestone in someone's metadata is left out. */
function milestonesOf(db: CopilotDb, prds: readonly PrdRow[]) {
  const isCompleted = db.sql.prepare(`SELECT 1 FROM tasks WHERE id = ? AND status = 'completed'`);
  return prds.flatMap((prd) =>
    milestoneList(prd).map(({ taskIds, ...milestone }) => {
      const completedTasks = taskIds.filter((id) => isCompleted.get(id) !== undefined).length;
      const totalTasks = taskIds.length;
      return {
        ...milestone,
        totalTasks,
        completedTasks,
        percentComplete: totalTasks === 0 ? 0 : Math.round((100 * completedTasks) / totalTasks),
        isComplete: totalTasks > 0 && completedTasks === totalTasks,
      };
    }),
  );
}

function milestoneList(prd: PrdRow) {
  const list = parseMetadata(prd.metadata)['milestones'];
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    if (typeof item !== 'object' || item === null) return [];
    const { id, name, description, taskIds } = item as Readonly<Record<string, unknown>>;
    if (typeof id !== 'string' || typeof name !== 'string') return [];
    return [{ id, name, description: textOf(description), taskIds: textList(taskIds) }];
  });
}

/** Completed tasks in the last 7, 14 and 30 days, each compared with the span before it. */
function velocityOf(db: CopilotDb, initiativeId: string) {
  const countBetween = db.sql
    .prepare(
      `SELECT count(*) FROM tasks t LEFT JOIN prds p ON p.id = t.prd_id
       WHERE t.status = 'completed' AND (p.initiative_id = ? OR (t.prd_id IS NULL AND coalesce(t.archived, 0) = 0))
         AND julianday(t.updated_at) > julianday(?) - ? AND julianday(t.updated_at) <= julianday(?) - ?`,
    )
    .pluck();
  const count = (from: number, to: number) =>
    Number(countBetween.get(initiativeId, db.now, from, db.now, to));
  return SPANS_DAYS.map((days) => {
    const tasksCompleted = count(days, 0);
    const trend = trendOf(tasksCompleted, count(2 * days, days));
    return {
      period: `${days}d`,
      tasksCompleted,
      tasksPerDay: Math.round((100 * tasksCompleted) / days) / 100,
      trend,
      trendIndicator: INDICATORS[trend],
    };
  });
}

function trendOf(now: number, before: number): Trend {
  if (before === 0) return 'insufficient_data';
  const change = (now - before) / before;
  if (Math.abs(change) < NOTABLE_CHANGE) return 'stable';
  return change > 0 ? 'improving' : 'declining';
}
