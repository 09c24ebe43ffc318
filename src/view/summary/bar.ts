/** Progress bars, whole or by a stream's task counts. */
import type { TaskCounts } from '../../core/types.ts';
import type { Paint, Style } from '../style.ts';

/** Columns of the filled part: none only for nothing, all only for everything. */
function filledColumns(part: number, total: number, columns: number): number {
  if (total <= 0 || part <= 0) return 0;
  if (part >= total) return columns;
  return Math.min(columns - 1, Math.max(1, Math.round((columns * part) / total)));
}

/** A bar exactly `columns` wide. */
export function progressBar(
  style: Style,
  counts: Pick<TaskCounts, 'completed' | 'total'>,
  columns: number,
  paint: Paint,
): string {
  const filled = filledColumns(counts.completed, counts.total, columns);
  const { glyphs } = style;
  return (
    paint(glyphs.filled.repeat(filled)) +
    style.paint('gray')(glyphs.empty.repeat(Math.max(0, columns - filled)))
  );
}
