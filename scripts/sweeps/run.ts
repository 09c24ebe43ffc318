/** Runs the sweeps asked for, one case after the other, and prints what held as a table or as JSON. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machineText } from '../benchmarks/page.ts';
import { putResults } from '../page/results.ts';
import { catalogue } from './catalogue.ts';
import { chaos } from './chaos.ts';
import { environment } from './environment.ts';
import { errors } from './errors.ts';
import { kills } from './kills.ts';
import { landing } from './landing.ts';
import type { Case, Outcome, Reach, Sweep } from './sweep.ts';

const SWEEPS: readonly Sweep[] = [kills, errors, environment, chaos, landing, catalogue];

const HELP = `scripts/sweep [name ...] [options]

Does harm of every kind to orchestrate and looks from outside at whether its promises held: at most one living agent a
stream, every commit and byte kept, the branch with each work once, a status that agrees with the world, documented exits.
Without names all sweeps are run. Exits 1 when something did not hold.

  --quick        one injection in every twelfth case: a sample, as it is run with the tests; another seed takes others
  --case TEXT    only cases whose name or harm holds this
  --every N      harm every N-th call only; 1 (each) when left out
  --runs N       worlds of each random case; 20 when left out
  --seed S       where random cases begin; 1 when left out
  --jobs N       injections at the same time; the number of cores when left out
  --json         prints JSON
  --page         writes the table into docs/proof.md, beside printing it
  --list         prints the cases

${SWEEPS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}
`;

type Result = Outcome & {
  readonly sweep: string;
  readonly name: string;
  readonly harm: string;
  readonly seconds: number;
};

/** A line a case: sweep, case, harm, how often, and whether all of it held; below it what did not. */
function table(results: readonly Result[]): string {
  const head = ['sweep', 'case', 'harm', 'injected', 'held'];
  const rows = results.map(({ sweep, name, harm, injected, broken }) => [
    sweep,
    name,
    harm,
    String(injected),
    broken.length === 0 ? 'yes' : `NO: ${broken.length}`,
  ]);
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const injected = results.reduce((sum, each) => sum + each.injected, 0);
  const broken = results.reduce((sum, each) => sum + each.broken.length, 0);
  return [
    ...lines,
    '',
    `${injected} injections in ${results.length} cases, ${broken === 0 ? 'all held' : `${broken} did not hold`}`,
  ].join('\n');
}

function troubles(results: readonly Result[]): string {
  return results
    .flatMap(({ name, harm, broken }) =>
      broken.map(({ where, why }) => `${name}, ${harm}, ${where}: ${why}\n`),
    )
    .join('');
}

const PAGE = fileURLToPath(new URL('../../docs/proof.md', import.meta.url));

/** The same for people: cases in which the command made no such call are left out. */
function pageOf(results: readonly Result[]): string {
  const tried = results.filter(({ injected }) => injected > 0);
  const rows = tried.map(({ sweep, name, harm, injected, broken }) => {
    const held = broken.length === 0 ? 'yes' : `**no**: ${broken.length}`;
    return `| ${sweep} | ${name} | ${harm} | ${injected} | ${held} |`;
  });
  const all = tried.reduce((sum, { injected }) => sum + injected, 0);
  const failed = tried.reduce((sum, { broken }) => sum + broken.length, 0);
  const summary = `${all} injections in ${tried.length} cases, ${failed === 0 ? 'all held' : `${failed} did not hold`}.`;
  const head = ['| sweep | case | harm | injected | held |', '| --- | --- | --- | --- | --- |'];
  return [`${summary} ${machineText(null)}.`, '', ...head, ...rows].join('\n');
}

async function runCase(sweep: Sweep, { name, harm, run }: Case, reach: Reach): Promise<Result> {
  const startedMs = performance.now();
  process.stderr.write(`sweep: ${sweep.name}: ${name}, ${harm} ... `);
  const outcome = await run(reach);
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  process.stderr.write(
    `${outcome.injected} in ${seconds} s${outcome.broken.length === 0 ? '' : ', NOT HELD'}\n`,
  );
  const result = { sweep: sweep.name, name, harm, seconds, ...outcome };
  process.stderr.write(troubles([result]));
  return result;
}

function wordsOf(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      case: { type: 'string', default: '' },
      every: { type: 'string', default: '1' },
      runs: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      json: { type: 'boolean', default: false },
      page: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
}

/** What the command line asks for; null when it makes no sense. */
function reachOf(values: ReturnType<typeof wordsOf>['values']): Reach | null {
  const [every = 0, runs = 0, jobs = 0] = [values.every, values.runs, values.jobs].map(Number);
  const seed = Number(values.seed);
  if (![every, runs, jobs].every((each) => each >= 1) || !Number.isInteger(seed)) return null;
  return { quick: values.quick, every, seed, runs, jobs };
}

/** A quick run tries one case of so many; another seed tries others. */
const SAMPLED = 12;

type Chosen = { readonly sweep: Sweep; readonly each: Case };

function chosenOf(names: readonly string[], text: string): readonly Chosen[] {
  return SWEEPS.filter(({ name }) => names.length === 0 || names.includes(name))
    .flatMap((sweep) => sweep.cases().map((each) => ({ sweep, each })))
    .filter(({ each }) => `${each.name}, ${each.harm}`.includes(text));
}

async function runAll(chosen: readonly Chosen[], reach: Reach): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const { sweep, each } of chosen) {
    const obstacle = sweep.obstacle();
    if (obstacle !== null) process.stderr.write(`sweep: ${sweep.name} is left out: ${obstacle}\n`);
    else results.push(await runCase(sweep, each, reach));
  }
  return results;
}

function list(chosen: readonly Chosen[]): number {
  for (const { sweep, each } of chosen) console.log(`${sweep.name}: ${each.name}, ${each.harm}`);
  return 0;
}

async function main(): Promise<number> {
  const { values, positionals } = wordsOf(process.argv.slice(2));
  const reach = reachOf(values);
  const known = positionals.every((asked) => SWEEPS.some(({ name }) => name === asked));
  if (values.help || reach === null || !known) {
    (values.help ? process.stdout : process.stderr).write(HELP);
    return values.help ? 0 : 2;
  }
  const all = chosenOf(positionals, values.case);
  const chosen = reach.quick ? all.filter((_, at) => (at + reach.seed) % SAMPLED === 0) : all;
  if (values.list) return list(chosen);
  const results = await runAll(chosen, reach);
  if (values.page) putResults(PAGE, pageOf(results));
  console.log(values.json ? JSON.stringify({ results }, null, 2) : table(results));
  return results.every(({ broken }) => broken.length === 0) ? 0 : 1;
}

process.exitCode = await main();
