/** What a run of the sweeps found, as a table for a terminal and as one for the documentation. */
import { plural } from '../../src/core/printable.ts';
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

/** Which of the command's calls were harmed, and how many there are as far as that shows; nothing where no calls are counted. */
function callsText({ calls, different, every }: Result): string {
  if (calls === undefined) return '';
  if (different !== undefined) return `the ${different} that differ, of ${calls - 1}`;
  return every === 1 ? `each of ${calls - 1}` : `${nth(every)} of ${calls - every} to ${calls - 1}`;
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

type Row = readonly string[];

const PAGE_HEAD: Row = [...HEAD, 'commit'];

/** The rows of a table that such a run wrote; none where none stands. */
function rowsOf(page: string): readonly Row[] {
  const lines = page.split('\n').filter((line) => line.startsWith('| '));
  const rows = lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
  return rows.filter((cells) => cells.length === PAGE_HEAD.length && !/^(?:sweep|---)$/.test(cells[0] ?? ''));
}

/** What a case is told from others by: sweep, name and harm. */
export const caseOf = ([sweep, name, harm]: readonly string[]): string => [sweep, name, harm].join(' | ');

/**
 * The table for people, with the commit at which each case was run last. `before`: the page's results so far, of which the rows of
 * cases that were not run now stay, unless the run was a whole one; those of cases that are none any more (not in `cases`) go.
 */
export function pageOf(
  results: readonly Result[],
  run: {
    readonly commit: string;
    readonly before: string;
    readonly whole: boolean;
    readonly cases: ReadonlySet<string>;
  },
): string {
  // A command that makes no such call at all has nothing to show.
  const tried = results.filter(({ injected }) => injected > 0);
  const rows = tried.map(
    (result): Row => [...row(result).map((cell) => cell.replace(/^NO(?=:)/, '**no**')), run.commit],
  );
  const now = new Map(rows.map((each) => [caseOf(each), each]));
  const there = rowsOf(run.before).filter((each) => run.cases.has(caseOf(each)));
  const kept = run.whole ? [] : there.map((each) => now.get(caseOf(each)) ?? each);
  const known = new Set(kept.map(caseOf));
  const all = [...kept, ...rows.filter((each) => !known.has(caseOf(each)))];
  const injected = all.reduce((sum, cells) => sum + Number(cells[4]), 0);
  const broken = all.filter((cells) => cells[5] !== 'yes').length;
  const summary = `${injected} injections in ${all.length} cases, ${broken === 0 ? 'all held' : `${plural(broken, 'case')} did not hold`}. ${run.whole ? '' : 'The latest rows: '}${machineText(null)}.`;
  const line = (cells: Row): string => `| ${cells.join(' | ')} |`;
  return [summary, '', line(PAGE_HEAD), line(PAGE_HEAD.map(() => '---')), ...all.map(line)].join('\n');
}
