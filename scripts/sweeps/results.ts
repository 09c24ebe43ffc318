/** What a run of the sweeps found, as a table for a terminal and as one for the documentation. */
import { machineText } from '../benchmarks/page.ts';
import type { Outcome } from './sweep.ts';

export type Result = Outcome & {
  readonly sweep: string;
  readonly name: string;
  readonly harm: string;
  /** Every how many calls one was harmed. */
  readonly every: number;
  readonly seconds: number;
};

const nth = (every: number): string => {
  if (every === 1) return 'each';
  const ending = /1[123]$/.test(String(every)) ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[every % 10] ?? 'th');
  return `every ${every}${ending}`;
};

/** Which of the command's calls were harmed; nothing where no calls are counted. */
function callsText({ calls, every }: Result): string {
  if (calls === undefined) return '';
  return every === 1
    ? `each of ${calls - 1}`
    : `${nth(every)} of about ${Math.max(1, calls - Math.ceil(every / 2))}`;
}

const HEAD = ['sweep', 'case', 'harm', 'calls', 'injected', 'held'];

function row(result: Result): readonly string[] {
  const { sweep, name, harm, injected, broken } = result;
  const held = broken.length === 0 ? 'yes' : `NO: ${broken.length}`;
  return [sweep, name, harm, callsText(result), String(injected), held];
}

function summaryOf(results: readonly Result[]): string {
  const injected = results.reduce((sum, each) => sum + each.injected, 0);
  const broken = results.reduce((sum, each) => sum + each.broken.length, 0);
  return `${injected} injections in ${results.length} cases, ${broken === 0 ? 'all held' : `${broken} did not hold`}`;
}

/** A line a case: sweep, case, harm, how often, and whether all of it held. */
export function table(results: readonly Result[]): string {
  const rows = [HEAD, ...results.map(row)];
  const widths = HEAD.map((_, at) => Math.max(...rows.map((cells) => cells[at]?.length ?? 0)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, '', summaryOf(results)].join('\n');
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** What did not hold, each with the command that does it again. */
export function troubles(results: readonly Result[]): string {
  return results
    .flatMap(({ sweep, name, harm, broken }) =>
      broken.map(({ where, again, why }) =>
        `${name}, ${harm}, ${where}: ${why}\n  again: scripts/sweep ${sweep} --case ${quoted(`${name}, ${harm}`)} ${again}`.trimEnd(),
      ),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** The table for people. `commit`: what was swept; `leftOut`: the cases that a run which was ended early did not come to. */
export function pageOf(results: readonly Result[], commit: string, leftOut: number): string {
  // A command that makes no such call at all has nothing to show.
  const tried = results.filter(({ injected }) => injected > 0);
  const rows = tried.map((result) => row(result).map((cell) => cell.replace(/^NO(?=:)/, '**no**')));
  const hours = results.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const early = leftOut === 0 ? '' : ` It was ended early: ${leftOut} cases were not come to.`;
  const summary = `One run, of ${hours.toFixed(1)} hours, at commit ${commit}: ${summaryOf(tried)}.${early} ${machineText(null)}.`;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [summary, '', line(HEAD), line(HEAD.map(() => '---')), ...rows.map(line)].join('\n');
}
