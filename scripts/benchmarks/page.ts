/** What was measured, as a page for people: the machine, then a table a benchmark. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, type as system, totalmem } from 'node:os';
import { type Figure, median } from './measure.ts';

export type Result = Figure & { readonly benchmark: string };

const version = (command: string, flag: string): string =>
  execFileSync(command, [flag], { encoding: 'utf8' }).trim().split('\n')[0] ?? '';

/** The machine, in one sentence; `loadBefore` is the load average before anything was measured, null where it does not matter. */
export function machineText(loadBefore: number | null): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const tools = [`Node ${process.version}`, version('git', '--version'), version('tmux', '-V')].join(', ');
  const machine = `${cpus().length} cores (${cpu?.model.trim() || 'unknown'}), ${memory} GB, ${system()} ${release()}; ${tools}`;
  if (loadBefore === null) return machine;
  return `${machine}; load ${loadBefore.toFixed(1)} before and ${(loadavg()[0] ?? 0).toFixed(1)} after`;
}

/** A number in three digits. */
export const rounded = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

function cells({ name, unit, samples, floor }: Result): readonly string[] {
  const middle = median(samples);
  const bottom = floor === null ? Number.NaN : median(floor.samples);
  const spread =
    samples.length < 2 ? '' : `${rounded(Math.min(...samples))} – ${rounded(Math.max(...samples))}`;
  const isCompared = floor !== null && bottom > 0;
  return [
    name,
    `${rounded(middle)} ${unit}`,
    spread,
    isCompared ? rounded(bottom) : '',
    isCompared ? (middle / bottom).toFixed(2) : '',
    floor?.name ?? '',
  ];
}

/** A benchmark's part of the page: what it is, when the machine did how much else, and its table. */
export function sectionOf(
  { name, summary }: { readonly name: string; readonly summary: string },
  results: readonly Result[],
  when: string,
): string {
  const lines = results.map((result) => `| ${cells(result).join(' | ')} |`);
  const head = [
    '| figure | median | spread | floor | times | the floor is |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  return [`### ${name}`, '', `${summary}. ${when}`, '', ...head, ...lines].join('\n');
}

/** The page's parts with these in the places of those of the same names; the others stay, in the order of `names`. */
export function withSections(
  page: string,
  sections: ReadonlyMap<string, string>,
  names: readonly string[],
): string {
  const kept = page
    .split(/^(?=### )/m)
    .map((text) => [/^### (\S+)/.exec(text)?.[1] ?? '', text.trim()] as const);
  const all = new Map([...kept, ...sections]);
  return names.flatMap((name) => all.get(name) ?? []).join('\n\n');
}
