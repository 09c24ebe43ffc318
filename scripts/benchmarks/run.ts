/** Runs the benchmarks asked for, one after the other, and prints what they measured as a table or as JSON. */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { claude } from './claude.ts';
import { commands } from './commands.ts';
import { core } from './core.ts';
import { landing } from './landing.ts';
import { mcp } from './mcp.ts';
import { type Benchmark, type Figure, median } from './measure.ts';
import { poller } from './poller.ts';
import { tidy } from './tidy.ts';
import { view } from './view.ts';

const BENCHMARKS: readonly Benchmark[] = [
  ...core,
  ...commands,
  ...poller,
  ...view,
  ...mcp,
  ...claude,
  ...landing,
  ...tidy,
];

const HELP = `scripts/bench [--json] [--list] [name ...]

Measures what orchestrate costs and how quick it is, each figure beside a floor measured in the same run. Without names
all benchmarks are run.

  --json   prints JSON: every figure with all its samples and its floor's
  --list   prints the benchmarks' names
  --help   prints this

${BENCHMARKS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}
`;

type Result = Figure & { readonly benchmark: string };

const rounded = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

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

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  const unknown = positionals.filter((asked) => !BENCHMARKS.some(({ name }) => name === asked));
  if (values.help === true || unknown.length > 0) {
    const wrong = unknown.length > 0;
    (wrong ? process.stderr : process.stdout).write(
      `${wrong ? `bench: error: no benchmark ${unknown.join(', ')}\n\n` : ''}${HELP}`,
    );
    return wrong ? 2 : 0;
  }
  const chosen = BENCHMARKS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (values.list === true) {
    console.log(chosen.map(({ name }) => name).join('\n'));
    return 0;
  }
  const machine = { node: process.version, cpus: availableParallelism(), loadBefore: loadavg()[0] };
  const results: Result[] = [];
  for (const { name, run } of chosen) {
    process.stderr.write(`bench: ${name} ...\n`);
    results.push(...(await run()).map((figure) => ({ benchmark: name, ...figure })));
  }
  if (values.json === true) console.log(JSON.stringify({ ...machine, results }, null, 2));
  else
    console.log(
      `node ${machine.node}, ${machine.cpus} cores, load ${machine.loadBefore?.toFixed(2)}\n\n${table(results)}`,
    );
  return 0;
}

process.exitCode = await main();
