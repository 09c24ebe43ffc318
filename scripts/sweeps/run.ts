/** Runs the sweeps asked for, one case after the other, and prints what held as a table or as JSON. */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { putResults, resultsIn } from '../page/results.ts';
import { catalogue } from './catalogue.ts';
import { chaos } from './chaos.ts';
import { environment } from './environment.ts';
import { errors } from './errors.ts';
import { kills } from './kills.ts';
import { landing } from './landing.ts';
import { caseOf, pageOf, type Result, table, troubles } from './results.ts';
import type { Case, Reach, Sweep } from './sweep.ts';

const SWEEPS: readonly Sweep[] = [kills, errors, environment, chaos, landing, catalogue];

const HELP = `scripts/sweep [name ...] [options]

Does harm of every kind to orchestrate and looks from outside at whether its promises held: at most one living agent a
stream, every commit and byte kept, the branch with each work once, a status that agrees with the world, documented exits.
Without names all sweeps are run. Exits 1 when something did not hold.

  --quick        one injection in every eighteenth case: a sample, as it is run with the tests; another seed takes others
  --case TEXT    only cases whose name or harm holds this
  --every N      harm every N-th call only; 1 (each) when left out. Commands that make many calls can be given a
                 number of their own: --every '7,start=29,start of one=1'
  --different    of errors, and of kills at writes of files: at each call that differs from the others by its file or by the
                 file of the call before, the first such and the last; --every counts for the others
  --at N         harm the N-th call alone: what a line "again:" takes to do it once more
  --runs N       worlds of each random case; 20 when left out
  --seed S       where random cases begin; 1 when left out
  --jobs N       injections at the same time; the number of cores when left out
  --json         prints JSON
  --page         writes the table into docs/proof.md, beside printing it; of some cases: their rows alone
  --list         prints the cases, and runs none

Ctrl-C ends it when the case under way has ended, with the table of those before it; a second one ends it at once.

${SWEEPS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}
`;

const PAGE = fileURLToPath(new URL('../../docs/proof.md', import.meta.url));

async function runCase(sweep: Sweep, { name, harm, run }: Case, reach: Reach): Promise<Result> {
  const startedMs = performance.now();
  process.stderr.write(`sweep: ${sweep.name}: ${name}, ${harm} ... `);
  const outcome = await run(reach);
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  process.stderr.write(
    `${outcome.injected} in ${seconds} s${outcome.broken.length === 0 ? '' : ', NOT HELD'}\n`,
  );
  const result = { sweep: sweep.name, name, harm, every: reach.every, seconds, ...outcome };
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
      different: { type: 'boolean', default: false },
      at: { type: 'string' },
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

/** How far a run goes, and every how many calls of the commands that have a number of their own. */
type Asked = { readonly reach: Reach; readonly everyOf: ReadonlyMap<string, number> };

/** What the command line asks for; null when it makes no sense. */
function askedBy(values: ReturnType<typeof wordsOf>['values']): Asked | null {
  const parts = values.every.split(',').map((part) => part.split('='));
  const own = parts.filter(({ length }) => length === 2).map(([verb = '', n]) => [verb, Number(n)] as const);
  const every = Number(parts.find(({ length }) => length === 1)?.[0] ?? 1);
  const [runs = 0, jobs = 0, at = 0] = [values.runs, values.jobs, values.at ?? '1'].map(Number);
  const seed = Number(values.seed);
  const positive = [every, runs, jobs, at, ...own.map(([, n]) => n)];
  if (!positive.every((each) => Number.isInteger(each) && each >= 1) || !Number.isInteger(seed)) return null;
  const one = values.at === undefined ? null : at;
  const { quick, different } = values;
  return { reach: { quick, different, every, at: one, seed, runs, jobs }, everyOf: new Map(own) };
}

/** A quick run tries one case of so many; another seed tries others. */
const SAMPLED = 18;

type Chosen = { readonly sweep: Sweep; readonly each: Case };

function chosenOf(names: readonly string[], text: string): readonly Chosen[] {
  return SWEEPS.filter(({ name }) => names.length === 0 || names.includes(name))
    .flatMap((sweep) => sweep.cases().map((each) => ({ sweep, each })))
    .filter(({ each }) => `${each.name}, ${each.harm}`.includes(text));
}

/** Runs one case after the other, until all are done or `over` says so. */
async function runAll(
  chosen: readonly Chosen[],
  asked: Asked,
  over: () => boolean,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const { sweep, each } of chosen) {
    if (over()) break;
    const obstacle = sweep.obstacle();
    const every = asked.everyOf.get(/^[^,]+/.exec(each.name)?.[0] ?? '') ?? asked.reach.every;
    if (obstacle !== null) process.stderr.write(`sweep: ${sweep.name} is left out: ${obstacle}\n`);
    else {
      const result = await runCase(sweep, each, { ...asked.reach, every });
      // Ctrl-C reaches what the case had running too: what came of that says nothing.
      if (!over()) results.push(result);
    }
  }
  return results;
}

function list(chosen: readonly Chosen[]): number {
  for (const { sweep, each } of chosen) console.log(`${sweep.name}: ${each.name}, ${each.harm}`);
  return 0;
}

/** True from the first Ctrl-C on; the second one ends the process, as it does without us. */
function askedToEnd(): () => boolean {
  let asked = false;
  process.once('SIGINT', () => {
    asked = true;
    process.stderr.write('\nsweep: ends after this case; again, and it ends now\n');
  });
  return () => asked;
}

const commit = (): string =>
  execFileSync('git', ['rev-parse', '--short=10', 'HEAD'], { cwd: dirname(PAGE), encoding: 'utf8' }).trim();

async function main(): Promise<number> {
  const { values, positionals } = wordsOf(process.argv.slice(2));
  const asked = askedBy(values);
  const known = positionals.every((name) => SWEEPS.some((sweep) => sweep.name === name));
  if (values.help || asked === null || !known) {
    (values.help ? process.stdout : process.stderr).write(HELP);
    return values.help ? 0 : 2;
  }
  const all = chosenOf(positionals, values.case);
  const { quick, seed } = asked.reach;
  const chosen = quick ? all.filter((_, at) => (at + seed) % SAMPLED === 0) : all;
  if (values.list) return list(chosen);
  const at = commit();
  const results = await runAll(chosen, asked, askedToEnd());
  const whole = positionals.length === 0 && values.case === '' && !quick && results.length === chosen.length;
  const cases = new Set(
    chosenOf([], '').map(({ sweep, each }) => caseOf([sweep.name, each.name, each.harm])),
  );
  if (values.page) putResults(PAGE, pageOf(results, { commit: at, before: resultsIn(PAGE), whole, cases }));
  console.log(values.json ? JSON.stringify({ results }, null, 2) : table(results));
  return results.every(({ broken }) => broken.length === 0) ? 0 : 1;
}

process.exitCode = await main();
