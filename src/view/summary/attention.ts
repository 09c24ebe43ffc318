/** The block on top of the live screen: who waits for the user and what to type, and what keeps the whole plan from going on. */

import { isFinished, traitsOf } from '../../core/states.ts';
import type { ReportStream, StatusReport } from '../../report/types.ts';
import { waitingForYou } from '../../report/urgency.ts';
import { doneLines } from '../pages/next-steps.ts';
import type { Style } from '../style.ts';
import { cut, fit, fold, widthOf, wrap } from '../text-width.ts';
import { ageOf } from './stream-note.ts';

const LEAST_REASON = 24;

/** Where and how lines of the block are drawn. */
export type Block = { readonly style: Style; readonly columns: number; readonly nowMs: number };

/** Is there work that only a running poller would take further? */
export function lacksPoller(report: StatusReport): boolean {
  return !report.poller.alive && report.streams.some(({ state }) => traitsOf(state).phase !== 'settled');
}

/** Facts about the whole plan that the user has to deal with, as (what, what to type). */
export function alertsOf(report: StatusReport): { readonly text: string; readonly remedy: string | null }[] {
  const [problem] = report.problems;
  const more = report.problems.length - 1;
  return [
    ...(problem === undefined
      ? []
      : [
          {
            text: `the plan cannot be run: ${problem.message}${more > 0 ? ` (and ${more} more)` : ''}`,
            remedy: 'orchestrate plan',
          },
        ]),
    ...(lacksPoller(report) && report.streams.length > 0
      ? [{ text: 'Not running. Start with: orchestrate start', remedy: null }]
      : []),
    ...staleAlert(report),
    ...report.warnings.map((text) => ({ text, remedy: null })),
  ];
}

/** Done streams that no longer build on what their dependencies have come to; the remedy is that of the first one's. */
function staleAlert({ streams }: StatusReport): { readonly text: string; readonly remedy: string | null }[] {
  const outdated = streams.filter(({ state, stale }) => stale && state === 'done');
  const [first] = outdated;
  if (first === undefined) return [];
  const more = outdated.length === 1 ? '' : ` (and ${outdated.length - 1} more)`;
  return [{ text: `${first.id}${more} is stale: ${first.reason}`, remedy: first.remedy }];
}

/**
 * A sentence and its remedy on one line, where there is room; else on two, the remedy cut last; or with `whole` each on as many
 * as it takes.
 */
export function withRemedy(
  block: Block,
  lead: string,
  paintLead: (text: string) => string,
  text: string,
  remedy: string | null,
  whole = false,
): string[] {
  const { style, columns } = block;
  const { ellipsis, to, fix } = style.glyphs;
  const room = columns - widthOf(lead);
  const command = remedy === null ? '' : `  ${to} ${remedy}`;
  const left = room - widthOf(command);
  if (remedy === null || left >= Math.min(whole ? Infinity : LEAST_REASON, widthOf(text))) {
    return [`${paintLead(lead)}${cut(text, left, ellipsis)}${style.paint('bold')(command)}`];
  }
  const [first = ''] = whole ? wrap(text, Math.max(LEAST_REASON, room)) : [text];
  const rest = text.slice(first.length).trimStart();
  return [
    paintLead(lead) + cut(first, room, ellipsis),
    ...(rest === '' ? [] : wrap(rest, columns - 4)).map((line) => `    ${cut(line, columns - 4, ellipsis)}`),
    ...remedyLines(`${fix} ${remedy}`, columns - 4, whole).map(
      (line) => `    ${style.paint('bold')(cut(line, columns - 4, ellipsis))}`,
    ),
  ];
}

function remedyLines(text: string, columns: number, whole: boolean): string[] {
  return whole ? fold(text, columns, 2) : [text];
}

/** Everyone who waits for the user: id, age, the whole reason, and what to type. */
function entries(block: Block, waiting: readonly ReportStream[]): string[] {
  const { style, columns, nowMs } = block;
  const { ellipsis } = style.glyphs;
  const widest = (texts: readonly string[]): number =>
    texts.reduce((most, text) => Math.max(most, widthOf(text)), 0);
  const ids = widest(waiting.map(({ id }) => style.clean(id)));
  // What is to be typed is not cut while there is room for anything else.
  const idWidth = Math.min(ids, Math.max(8, Math.min(Math.floor(columns / 2), columns - 24)));
  const ageWidth = widest(waiting.map((stream) => ageOf(stream, nowMs)));
  return waiting.flatMap((stream) => {
    const { symbol, word, paint } = style.state(stream.state);
    const id = fit(style.clean(stream.id), idWidth, ellipsis, 'left');
    const age = fit(ageOf(stream, nowMs), ageWidth, ellipsis, 'right');
    const remedy = stream.remedy === null ? null : style.clean(stream.remedy);
    const reason = style.clean(stream.reason ?? word);
    return withRemedy(block, `  ${symbol} ${id} ${age}  `, paint, reason, remedy, true);
  });
}

/** When all is done that is the news, with what to do next. */
export function allDone(block: Block, report: StatusReport): string[] {
  if (report.streams.length === 0 || !report.streams.every(isFinished)) return [];
  return doneLines(report, block.style, block.columns);
}

/** `2 STREAMS NEED YOU`. */
export function needYouTitle(count: number): string {
  return count === 1 ? '1 STREAM NEEDS YOU' : `${count} STREAMS NEED YOU`;
}

/** The block, never wider than `columns`: everyone who waits for the user, then alerts, or the end; empty when nothing needs anybody. */
export function attentionBlock(report: StatusReport, block: Block): string[] {
  const { style, columns } = block;
  const { alert, ellipsis } = style.glyphs;
  const loud = style.paint('yellow');
  const waiting = waitingForYou(report.streams);
  const count = waiting.length;
  return [
    ...(count === 0
      ? []
      : [loud(style.paint('bold')(cut(`${alert} ${needYouTitle(count)}`, columns, ellipsis)))]),
    ...entries(block, waiting),
    ...alertsOf(report).flatMap(({ text, remedy }) =>
      withRemedy(block, `${alert} `, loud, style.clean(text), remedy, true),
    ),
    ...allDone(block, report),
  ];
}
