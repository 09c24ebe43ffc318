/** Runs the benchmarks asked for, one after the other, and prints what they measured as a table or as JSON. */
import { availableParallelism, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { putResults, resultsIn } from '../page/results.ts';
import { claude } from './claude.ts';
import { commands } from './commands.ts';
import { core } from './core.ts';
import { handOff } from './hand-off.ts';
import { keys } from './keys.ts';
import { landing } from './landing.ts';
import { mcp } from './mcp.ts';
import { type Benchmark, median } from './measure.ts';
import { machineText, type Result, rounded, sectionOf, withSections } from './page.ts';
import { poller } from './poller.ts';
import { processor } from './processor.ts';
import { redrawing } from './redraw.ts';
import { soaking } from './soak.ts';
import { tidy } from './tidy.ts';
import { view } from './view.ts';

const BENCHMARKS: readonly Benchmark[] = [
  ...core,
  ...commands,
  ...handOff,
  ...poller,
  ...processor,
  ...redrawing,
  ...view,
  ...keys,
  ...mcp,
  ...claude,
  ...landing,
  ...tidy,
  ...soaking,
];

const HELP = `scripts/bench [--full] [--json] [--page] [--list] [name ...]

Measures what orchestrate costs and how quick it is, each figure beside a floor measured in the same run. Without names
all benchmarks are run.

  --full   measures also what takes long: 50,000 files, 16 at once, 200 starts, 3,000 streams, four times the soak
  --json   prints JSON: every figure with all its samples and its floor's
  --page   writes the results into docs/performance.md, each in its place, as soon as it has them
  --list   prints the benchmarks' names
  --help   prints this

${BENCHMARKS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}
`;

/** A line per figure: benchmark, name, median, least and most, the floor and how many times it that is. */
function table(results: readonly Result[]): string {
  const head = ['benchmark', 'figure', 'median', 'least - most', 'floor', 'times', 'floor is'];
  const rows = results.map(({ benchmark, name, unit, samples, floor }) => {
    const middle = median(samples);
    const floorMiddle = floor === null ? Number.NaN : median(floor.samples);
    return [
      benchmark,
      name,
      `${rounded(middle)} ${unit}`,
      samples.length < 2 ? '' : `${rounded(Math.min(...samples))} - ${rounded(Math.max(...samples))}`,
      floor === null ? '' : rounded(floorMiddle),
      floor === null || floorMiddle === 0 ? '' : (middle / floorMiddle).toFixed(2),
      floor?.name ?? '',
    ];
  });
  const widths = head.map((title, at) =>
    Math.max(...[head, ...rows].map((row) => (row[at] ?? title).length)),
  );
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));

/** Puts one benchmark's results into the page; what was measured of others stays. */
function writePage(benchmark: Benchmark, results: readonly Result[], loadBefore: number): void {
  const when = `Load ${loadBefore.toFixed(1)} before and ${load().toFixed(1)} after, ${new Date().toISOString().slice(0, 10)}.`;
  const section = new Map([[benchmark.name, sectionOf(benchmark, results, when)]]);
  const names = ['', ...BENCHMARKS.map(({ name }) => name)];
  const machine = new Map([['', `Measured on ${machineText(null)}.`]]);
  putResults(PAGE, withSections(resultsIn(PAGE), new Map([...machine, ...section]), names));
}

async function runAll(
  chosen: readonly Benchmark[],
  { full, page }: { readonly full: boolean; readonly page: boolean },
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const benchmark of chosen) {
    process.stderr.write(`bench: ${benchmark.name} ...\n`);
    const loadBefore = load();
    const figures = await benchmark.run(full);
    const found = figures.map((figure) => ({ benchmark: benchmark.name, ...figure }));
    if (page) writePage(benchmark, found, loadBefore);
    results.push(...found);
  }
  return results;
}

/** How many processes wanted to run in the last minute. */
const load = (): number => loadavg()[0] ?? 0;

const OPTIONS = {
  full: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  page: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false, short: 'h' },
} as const;

/** Prints the help; an error when names were asked for that are none. */
function help(unknown: readonly string[]): number {
  if (unknown.length === 0) process.stdout.write(HELP);
  else process.stderr.write(`bench: error: no benchmark ${unknown.join(', ')}\n\n${HELP}`);
  return unknown.length === 0 ? 0 : 2;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS });
  const unknown = positionals.filter((asked) => !BENCHMARKS.some(({ name }) => name === asked));
  if (values.help || unknown.length > 0) return help(unknown);
  const chosen = BENCHMARKS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (values.list) {
    console.log(chosen.map(({ name }) => name).join('\n'));
    return 0;
  }
  const loadBefore = load();
  const results = await runAll(chosen, values);
  const machine = { node: process.version, cpus: availableParallelism(), loadBefore };
  if (values.json) console.log(JSON.stringify({ ...machine, results }, null, 2));
  else console.log(`${machineText(loadBefore)}\n\n${table(results)}`);
  return 0;
}

process.exitCode = await main();
