/** What is said when everything is done: in how much time, at what cost, and what to type next. */
import { dollars } from '../../core/printable.ts';
import { tally } from '../../core/states.ts';
import type { StatusReport } from '../../report/types.ts';
import { duration } from '../amounts.ts';
import type { Style } from '../style.ts';
import { cut, widthOf } from '../text-width.ts';

/** What follows on work that is done, and its command. */
export const DONE_STEPS: readonly (readonly [what: string, command: string])[] = [
  ['Review', 'orchestrate review'],
  ['Merge', 'orchestrate merge'],
  ['Clean up', 'orchestrate clean'],
];

/** True when nothing that is wanted has still to land. */
function allLanded({ streams }: StatusReport): boolean {
  return tally(streams.filter(({ landed }) => !landed)).wanted === 0;
}

/** The same of work that has landed; what is left of it can be taken away. */
export function stepsAfter(report: StatusReport): typeof DONE_STEPS {
  if (!allLanded(report)) return DONE_STEPS;
  const left = report.streams.some(({ headSha }) => headSha !== null);
  return [['Report', 'orchestrate report'], ...(left ? DONE_STEPS.slice(-1) : [])];
}

/** `All 6 streams done in 10m, $2.34.`, of a plan of which every stream is finished. */
export function doneText(report: StatusReport): string {
  const { costUsd } = report.summary;
  const { wanted } = tally(report.streams);
  const facts = [
    ...(report.elapsedMs === null ? [] : [` in ${duration(report.elapsedMs)}`]),
    ...(costUsd === null ? [] : [`, ${dollars(costUsd)}`]),
  ];
  const done = allLanded(report) ? 'done and landed' : 'done';
  return `${wanted === 1 ? `1 stream ${done}` : `All ${wanted} streams ${done}`}${facts.join('')}.`;
}

/** That, and what to type next: on one line where there is room for all of it, else with a line for each command. */
export function doneLines(report: StatusReport, style: Style, columns: number): string[] {
  const { symbol, paint } = style.state('done');
  const text = `${symbol} ${doneText(report)}`;
  const steps = stepsAfter(report).map(([what, command]) => `${what}: ${command}`);
  const bold = style.paint('bold');
  const fitted = (line: string): string => cut(line, columns, style.glyphs.ellipsis);
  return widthOf([text, ...steps].join('  ')) <= columns
    ? [`${paint(text)}  ${bold(steps.join('  '))}`]
    : [paint(fitted(text)), ...steps.map((step) => bold(fitted(`  ${step}`)))];
}
