/** The whole plan in two to four lines: title, poller, times, progress, totals by state and the critical path's rest. */

import { dollars, plural } from '../../core/printable.ts';
import { isFinished, tally } from '../../core/states.ts';
import type { StatusReport } from '../../report/types.ts';
import { STATES_BY_URGENCY } from '../../report/urgency.ts';
import { duration, percent } from '../amounts.ts';
import type { Style } from '../style.ts';
import { cut, widthOf } from '../text-width.ts';
import { progressBar } from './bar.ts';

/** Below this the count of open tasks makes room for the chain. */
const LEAST_CHAIN = 8;

type Headline = { readonly style: Style; readonly columns: number; readonly nowMs: number };

/** Percent of the tasks, 100 only when every stream is done as well. */
export function overallPercent(report: StatusReport): number {
  const { tasks } = report.summary;
  const whole = percent(tasks.completed, tasks.total);
  return report.streams.every(isFinished) ? whole : Math.min(whole, 99);
}

/** `3 of 4 streams done, 1 stale, 1 cancelled`: a stale stream does not count as done, a cancelled one not at all. */
export function finishedText(report: StatusReport, of = ' of '): string {
  const { wanted, finished, stale, cancelled } = tally(report.streams);
  return [
    `${finished}${of}${plural(wanted, 'stream')} done`,
    ...(stale === 0 ? [] : [`${stale} stale`]),
    ...(cancelled === 0 ? [] : [`${cancelled} cancelled`]),
  ].join(', ');
}

/** Time since the first run; goes on between two reports while something is open. */
export function elapsedNow(report: StatusReport, nowMs: number): number | null {
  if (report.elapsedMs === null) return null;
  const open = !report.streams.every(isFinished);
  return report.elapsedMs + (open ? Math.max(0, nowMs - Date.parse(report.at)) : 0);
}

/** The title of the plan, not yet cleaned. */
export function titleOf(report: StatusReport): string {
  const title = report.initiative?.title ?? '';
  return title === '' ? (report.initiative?.id ?? report.workspace) : title;
}

/** Texts joined as long as they fit, the most important first. */
function joinFitting(parts: readonly string[], separator: string, columns: number): string {
  let line = '';
  for (const part of parts) {
    const longer = line === '' ? part : line + separator + part;
    if (widthOf(longer) > columns) break;
    line = longer;
  }
  return line;
}

/** `12m elapsed`, `~5m left`, `$2.34`, as far as known. */
export function spentOf(report: StatusReport, nowMs: number): string[] {
  const elapsed = elapsedNow(report, nowMs);
  return [
    ...(elapsed === null ? [] : [`${duration(elapsed)} elapsed`]),
    ...(report.etaMs === null ? [] : [`~${duration(report.etaMs)} left`]),
    ...(report.summary.costUsd === null ? [] : [dollars(report.summary.costUsd)]),
  ];
}

function titleLine({ style, columns, nowMs }: Headline, report: StatusReport): string {
  const facts = spentOf(report, nowMs);
  const title = style.clean(titleOf(report));
  const right = joinFitting(facts, '  ', columns - Math.min(widthOf(title), Math.floor(columns / 3)) - 2);
  const left = cut(title, columns - widthOf(right) - 2, style.glyphs.ellipsis);
  const space = ' '.repeat(Math.max(1, columns - widthOf(left) - widthOf(right)));
  return style.paint('bold')(left) + (right === '' ? '' : space + style.paint('gray')(right));
}

function progressLine({ style, columns }: Headline, report: StatusReport): string {
  const { tasks } = report.summary;
  const whole = `${overallPercent(report)}%`;
  const parts = [finishedText(report, '/'), `${tasks.completed}/${plural(tasks.total, 'task')}`];
  const bar = Math.max(8, Math.min(60, Math.floor(columns / 3)));
  const text = joinFitting([whole, ...parts], '  ', columns - bar - 1);
  const paint = style.paint(overallPercent(report) === 100 ? 'green' : 'cyan');
  const shown = `${progressBar(style, tasks, bar, paint)} ${style.paint('bold')(text)}`;
  return columns < bar + 1 + widthOf(text) ? cut(text, columns, style.glyphs.ellipsis) : shown;
}

function totalsLine({ style, columns }: Headline, report: StatusReport): string {
  let line = '';
  let used = 0;
  for (const state of STATES_BY_URGENCY) {
    const count = report.summary.streams[state] ?? 0;
    if (count === 0) continue;
    const { symbol, word, paint } = style.state(state);
    const text = `${symbol} ${count} ${word}`;
    const gap = used === 0 ? '' : '  ';
    if (used + gap.length + widthOf(text) > columns) break;
    line += gap + paint(text);
    used += gap.length + widthOf(text);
  }
  return line;
}

/** `critical path  B → Z  5 open tasks`; the chain is cut, not the count. Where nothing but checks is left, no tasks are counted. */
export function criticalPathText(report: StatusReport, style: Style): { chain: string; rest: string } {
  const byId = new Map(report.streams.map((stream) => [stream.id, stream]));
  const open = report.criticalPath.reduce((sum, id) => {
    const tasks = byId.get(id)?.tasks;
    return sum + (tasks === undefined ? 0 : tasks.total - tasks.completed);
  }, 0);
  const chain = report.criticalPath.map((id) => style.clean(id)).join(` ${style.glyphs.to} `);
  return { chain, rest: open === 0 ? '' : plural(open, 'open task') };
}

function pathLine({ style, columns }: Headline, report: StatusReport): string {
  const { chain, rest } = criticalPathText(report, style);
  const label = columns >= 60 ? 'critical path  ' : 'path ';
  const room = columns - label.length - rest.length - 2;
  const gray = style.paint('gray');
  const { ellipsis } = style.glyphs;
  if (room < LEAST_CHAIN) return gray(label) + cut(chain, columns - label.length, ellipsis);
  return `${gray(label)}${cut(chain, room, ellipsis)}  ${gray(rest)}`.trimEnd();
}

/** The first `lines` of: title, progress, totals, critical path (where there is one). */
export function headline(
  report: StatusReport,
  style: Style,
  size: { readonly columns: number; readonly lines: number; readonly nowMs: number },
): string[] {
  const shape: Headline = { style, columns: size.columns, nowMs: size.nowMs };
  const all = [titleLine(shape, report), progressLine(shape, report), totalsLine(shape, report)];
  if (report.criticalPath.length > 0) all.push(pathLine(shape, report));
  return all.filter((line) => line !== '').slice(0, size.lines);
}
