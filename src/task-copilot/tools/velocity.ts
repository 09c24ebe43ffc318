/** How many tasks an initiative completes, over three spans of time, and whether that grows. */
import type { CopilotDb } from './tool-database.ts';

const SPANS_DAYS = [7, 14, 30] as const;
/** A change smaller than this share of the earlier span reads as stable. */
const NOTABLE_CHANGE = 0.1;

const INDICATORS = { improving: '↗', stable: '→', declining: '↘', insufficient_data: '?' } as const;
type Trend = keyof typeof INDICATORS;

/** Completed tasks in the last 7, 14 and 30 days, each compared with the span before it. */
export function velocityOf(db: CopilotDb, initiativeId: string) {
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
