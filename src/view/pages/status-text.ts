/** `status` for people: the whole plan once, in one frame of the live screen: who needs the user first, every stream, the last events. */

import { newsAmong } from '../../core/events.ts';
import { NO_PLAN } from '../../core/plan/plan.ts';
import { plural } from '../../core/printable.ts';
import { shortIds } from '../../core/short-names.ts';
import type { ReportEvent, StatusReport, TextStyle } from '../../report/types.ts';
import { byDepth, depthGroups, forScreen } from '../../report/urgency.ts';
import { moment, usageText } from '../amounts.ts';
import { type Column, renderTable } from '../row-layout.ts';
import { createStyle, type Style } from '../style.ts';
import { attentionBlock } from '../summary/attention.ts';
import { headline } from '../summary/headline.ts';
import { neighboursOf } from '../summary/stream-note.ts';
import { NARROW, streamRows, withHeadings } from '../summary/stream-rows.ts';
import { spaced, unbroken, widthOf } from '../text-width.ts';
import { explained, type Page } from './paragraphs.ts';

export type TextOptions = TextStyle & {
  /** No line is wider, but for a command that is to be copied. */
  readonly columns: number;
  readonly nowMs: number;
  /** All events that are kept, instead of the last few. */
  readonly allEvents?: boolean;
};

/** Lines that a page should take, so that its top stays on a terminal of 24 with a prompt below. */
const FRAME = 23;
/** Events that are shown where the streams leave no room for more. */
const LEAST_EVENTS = 2;
/** Columns that the name of an event's stream may take. */
const LONGEST_NAME = 20;

const ATTACH = 'orchestrate attach';

/** `at most 5 agents`, `session orchestrate-app: orchestrate attach`, `1.2M tokens, $2.34`, as far as known. */
export function factsOf({ poller, session, summary }: StatusReport): string[] {
  // Dollars stand in the head.
  const used = usageText({ tokens: summary.tokens, costUsd: null });
  return [
    ...(poller.alive && poller.maxWorkers !== null ? [`at most ${plural(poller.maxWorkers, 'agent')}`] : []),
    ...(session.alive && session.name !== null ? [`session ${session.name}: ${ATTACH}`] : []),
    ...(used === '' ? [] : [used]),
  ];
}

function factsLine({ style, columns }: Page, report: StatusReport): string[] {
  const text = factsOf(report).join(` ${style.glyphs.event} `).replace(ATTACH, unbroken);
  return explained({ style, columns }, 0, text, null).map((line) => style.paint('gray')(spaced(line)));
}

/** The whole plan as lines of text; a command is broken only where it is wider than the terminal. All texts in the report are untrusted. */
export function renderStatus(whole: StatusReport, options: TextOptions): string[] {
  const report = forScreen(whole);
  const style = createStyle(options);
  const { columns, nowMs } = options;
  const page: Page = { style, columns };
  const attention = attentionBlock(report, { style, columns, nowMs });
  const top = [
    ...attention,
    ...(attention.length === 0 ? [] : ['']),
    ...headline(report, style, { columns, nowMs, lines: 4 }),
    ...factsLine(page, report),
    '',
  ];
  if (report.streams.length === 0) return [...top, ...explained(page, 0, NO_PLAN.text, NO_PLAN.remedy)];
  const left = FRAME - top.length;
  const streams = streamLines(report, page, nowMs, left - LEAST_EVENTS - 1);
  const room = Math.max(LEAST_EVENTS, left - streams.length - 1);
  const count = options.allEvents === true ? report.events.length : room;
  const events = eventLines(
    report.events,
    page,
    count,
    nowMs,
    report.streams.map(({ id }) => id),
  );
  return [...top, ...streams, ...(events.length === 0 ? [] : ['', ...events])];
}

/** All streams below their titles, under headings of waves where `room` lines are enough for these. */
function streamLines(report: StatusReport, { style, columns }: Page, nowMs: number, room: number): string[] {
  const ordered = byDepth(report.streams);
  const neighbours = neighboursOf(ordered, shortIds(ordered.map(({ id }) => id)));
  const all = { from: 0, to: ordered.length };
  const { titles, lines } = streamRows(ordered, { style, nowMs, neighbours }, columns, all);
  const headed = ordered.length + depthGroups(ordered).length < room;
  return [titles, ...(headed ? withHeadings(ordered, lines, style, columns) : lines)];
}

/** The last `count` events: time, stream and what happened. */
function eventLines(
  events: readonly ReportEvent[],
  { style, columns }: Page,
  count: number,
  nowMs: number,
  ids: readonly string[],
): string[] {
  const gray = style.paint('gray');
  const column = (
    [min, max, rank]: readonly [number, number, number],
    text: (event: ReportEvent) => string,
    paint: Style['plain'],
  ): Column<ReportEvent> => ({
    min,
    max,
    rank,
    align: 'left',
    cell: (event) => ({ text: text(event), paint }),
  });
  const names = columns < NARROW ? shortIds(ids) : null;
  const nameOf = (id: string): string => style.clean(names?.get(id) ?? id);
  // A name that is to be typed is not cut for the sake of a longer message.
  const longest = Math.max(6, ...ids.map((id) => widthOf(nameOf(id))));
  const table = [
    column([8, 16, 2], ({ at }) => moment(Date.parse(at), nowMs), gray),
    column(
      [Math.min(longest, LONGEST_NAME), LONGEST_NAME, 1],
      ({ stream }) => (stream === null ? '' : nameOf(stream)),
      style.plain,
    ),
    column([12, 400, 0], ({ message }) => style.clean(message), gray),
  ];
  const shown = newsAmong(events, ({ stream }) => stream).slice(-count);
  return renderTable(style, shown, table, columns, 2);
}
