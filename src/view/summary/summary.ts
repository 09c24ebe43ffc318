/** The live screen: what needs a person first, then the whole, then every stream, then the last events; fits any size. */

import { shortIds } from '../../core/short-names.ts';
import { isFinished } from '../../core/states.ts';
import type { ReportStream, StatusReport, TextStyle } from '../../report/types.ts';
import { byDepth, depthGroups, forScreen, mostUrgent } from '../../report/urgency.ts';
import { createStyle, type Style } from '../style.ts';
import { cut } from '../text-width.ts';
import { attentionBlock } from './attention.ts';
import { eventRows } from './event-rows.ts';
import { headline } from './headline.ts';
import { neighboursOf } from './stream-note.ts';
import { type RowContext, streamRows } from './stream-rows.ts';

export type SummaryOptions = TextStyle & {
  readonly columns: number;
  readonly rows: number;
  readonly nowMs: number;
};

/** Share of the screen that the needs-you block may take, and when there is room for more than the bare minimum. */
const ATTENTION_SHARE = 0.4;
const ROOMY = 20;

function eventReserve(rows: number): number {
  if (rows >= 30) return 6;
  if (rows >= ROOMY) return 3;
  return rows >= 14 ? 1 : 0;
}

/** `Wave 2 · 2 of 3 done`. */
function waveHeading(style: Style, streams: readonly ReportStream[], columns: number): string {
  const wanted = streams.filter(({ state }) => state !== 'cancelled');
  const done = wanted.filter(isFinished).length;
  const text = `Wave ${(streams[0]?.depth ?? 0) + 1} ${style.glyphs.event} ${done} of ${wanted.length} done`;
  return style.paint('gray')(cut(text, columns, style.glyphs.ellipsis));
}

/** `… 12 more: 4 waiting, 8 done`. */
function hiddenLine(style: Style, hidden: readonly ReportStream[], columns: number): string {
  const counts = new Map<string, number>();
  for (const { state } of hidden) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, count]) => `${count} ${state}`);
  const text = `${style.glyphs.ellipsis} ${hidden.length} more: ${parts.join(', ')}`;
  return style.paint('gray')(cut(text, columns, style.glyphs.ellipsis));
}

/**
 * All rows under headings when they fit, else all without, else the most urgent and a count of the rest; `complete`: all in any
 * case.
 */
export function streamBlock(
  report: StatusReport,
  context: RowContext,
  columns: number,
  room: number,
  complete = false,
): string[] {
  const ordered = byDepth(report.streams);
  const groups = depthGroups(ordered);
  if (ordered.length + groups.length <= room) {
    const rows = streamRows(ordered, context, columns);
    return groups.flatMap(({ streams }) => [
      waveHeading(context.style, streams, columns),
      ...rows.splice(0, streams.length),
    ]);
  }
  const compact = { ...context, depthColumn: true };
  if (complete || ordered.length <= room) return streamRows(ordered, compact, columns);
  const { shown, hidden } = mostUrgent(ordered, room - 1);
  return [...streamRows(shown, compact, columns), hiddenLine(context.style, hidden, columns)];
}

/** What rows of streams are drawn with. */
export function contextOf(report: StatusReport, style: Style, nowMs: number): RowContext {
  const names = shortIds(report.streams.map(({ id }) => id));
  return { style, nowMs, depthColumn: false, neighbours: neighboursOf(report.streams, names) };
}

/**
 * The screen as lines, at most `rows` of them and none wider than `columns`; `nowMs` is the time that ages refer to.
 * All texts in the report are taken as untrusted.
 */
export function renderSummary(whole: StatusReport, options: SummaryOptions): string[] {
  const report = forScreen(whole);
  const { columns, rows, nowMs } = options;
  const style = createStyle(options);
  const context = contextOf(report, style, nowMs);
  const gap = rows >= ROOMY ? [''] : [];
  const room = Math.max(3, Math.floor(rows * ATTENTION_SHARE));
  const attention = attentionBlock(report, style, {
    columns,
    room,
    nowMs,
    alerts: rows >= ROOMY ? 3 : rows >= 14 ? 2 : 1,
  });
  const head = headline(report, style, { columns, nowMs, lines: rows >= ROOMY ? 4 : rows >= 14 ? 3 : 2 });
  const top = [...attention, ...(attention.length > 0 ? gap : []), ...head, ...gap];
  const left = rows - top.length;
  const reserve = Math.min(
    eventReserve(rows),
    report.events.length === 0 ? 0 : report.events.length + gap.length,
  );
  const streams =
    report.streams.length === 0
      ? [
          cut(
            'no streams yet: orchestrate import PLAN, or orchestrate generate',
            columns,
            style.glyphs.ellipsis,
          ),
        ]
      : streamBlock(report, context, columns, Math.max(1, left - reserve));
  const below = left - streams.length - gap.length;
  const events = eventRows(report.events, style, columns, below);
  const lines = [...top, ...streams, ...(events.length > 0 ? [...gap, ...events] : [])];
  return lines.slice(0, rows);
}
