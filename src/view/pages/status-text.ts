/** `status` for people: the whole plan once, in one frame of the live screen: who needs the user first, every stream, the last events. */
import type { StatusReport, TextStyle } from '../../report/types.ts';
import { forScreen } from '../../report/urgency.ts';
import { plural, usageText } from '../amounts.ts';
import { createStyle } from '../style.ts';
import { attentionBlock } from '../summary/attention.ts';
import { eventRows } from '../summary/event-rows.ts';
import { headline } from '../summary/headline.ts';
import { contextOf, streamBlock } from '../summary/summary.ts';
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

/** `orchestrate runs at most 5 agents · tmux session orchestrate-app (orchestrate attach) · 1.2M tokens, $2.34`. */
function factsLine({ style, columns }: Page, report: StatusReport): string[] {
  const { poller, session, summary } = report;
  const used = usageText(summary);
  const facts = [
    ...(poller.alive && poller.maxWorkers !== null ? [`at most ${plural(poller.maxWorkers, 'agent')}`] : []),
    ...(session.alive && session.name !== null ? [`session ${session.name}: orchestrate attach`] : []),
    ...(used === '' ? [] : [used]),
  ];
  const text = facts.join(` ${style.glyphs.event} `);
  return explained({ style, columns }, 0, text, null).map(style.paint('gray'));
}

/** The whole plan as lines of text. Commands are never broken; all texts in the report are taken as untrusted. */
export function renderStatus(whole: StatusReport, options: TextOptions): string[] {
  const report = forScreen(whole);
  const style = createStyle(options);
  const { columns, nowMs } = options;
  const page: Page = { style, columns };
  const attention = attentionBlock(report, style, { columns, nowMs, room: 1_000, alerts: 10 });
  const top = [
    ...attention,
    ...(attention.length === 0 ? [] : ['']),
    ...headline(report, style, { columns, nowMs, lines: 4 }),
    ...factsLine(page, report),
    '',
  ];
  if (report.streams.length === 0)
    return [...top, ...explained(page, 0, 'No plan yet.', 'orchestrate import plan.yaml')];
  const left = FRAME - top.length;
  const context = contextOf(report, style, nowMs);
  const streams = streamBlock(report, context, columns, left - LEAST_EVENTS - 1, true);
  const room = Math.max(LEAST_EVENTS, left - streams.length - 1);
  const events = eventRows(
    report.events,
    style,
    columns,
    options.allEvents === true ? report.events.length : room,
  );
  return [...top, ...streams, ...(events.length === 0 ? [] : ['', ...events])];
}
