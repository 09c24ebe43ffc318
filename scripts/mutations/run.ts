/** Runs given tests against one mutation of given sources at a time, each in its own copy, and lists those that survive. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { context } from 'esbuild';
import { type Mutation, mutated, mutationsOf } from './mutations.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const AT_ONCE = 2;
/** A mutation may make a loop endless; then the tests have noticed it. */
const HANGS_AFTER_MS = 180_000;

const HELP = `scripts/mutate [--sample N] [--again FILE] [--list] source.ts ... -- test.ts ...

Makes one small change at a time to the sources (negates a condition, swaps an operator, drops a guard, turns true into
false, moves a number by one), in a copy, and runs the tests: those that need no build. Lists the changes that no test
noticed; exit 1 when there are any. A change that is as good as the original (an equivalent one) survives too.

  --sample N   only N of the changes, spread evenly
  --again FILE only those that an earlier run, whose output is in FILE, said to survive
  --list       prints the changes and runs nothing
  --help       prints this
`;

type Place = Mutation & { readonly source: string };

/** Every n-th of the list, so that `count` are left. */
function sampled<T>(all: readonly T[], count: number): readonly T[] {
  return all.filter(
    (_, at) => Math.floor((at * count) / all.length) !== Math.floor(((at - 1) * count) / all.length),
  );
}

/** A copy in which sources may be changed; packages are shared. */
function copy(): string {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-mutate-'));
  for (const part of ['src', 'test', 'scripts', 'templates', 'package.json', 'tsconfig.json'])
    cpSync(join(root, part), join(directory, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}

type Trial = { readonly pass: () => Promise<boolean>; readonly end: () => Promise<void> };

/** The tests of a copy as one bundle, made again after each change: it loads several times faster than file after file. */
async function trialIn(directory: string, tests: readonly string[]): Promise<Trial> {
  // As far below the root as the tests are, for those that look for a file of the project.
  const outfile = join(directory, 'test', 'mutated', 'tests.mjs');
  const imports = tests.map((test) => `import ${JSON.stringify(join(directory, test))};`);
  const bundle = await context({
    stdin: { contents: imports.join('\n'), resolveDir: directory },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile,
    logLevel: 'silent',
  });
  const pass = async (): Promise<boolean> => {
    await bundle.rebuild();
    return runsWell(outfile, directory);
  };
  return { pass, end: () => bundle.dispose() };
}

/** Whether the tests pass; all files in one process, which costs least. */
function runsWell(file: string, cwd: string): Promise<boolean> {
  const child = spawn(process.execPath, [file], {
    cwd,
    stdio: 'ignore',
    timeout: HANGS_AFTER_MS,
    killSignal: 'SIGKILL',
  });
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('exit', (code) => done(code === 0));
  });
}

function lineText({ source, line, what }: Place): string {
  const text = readFileSync(join(root, source), 'utf8').split('\n')[line - 1] ?? '';
  return `${source}:${line}: ${what}: ${text.trim()}`;
}

/** Tries the places in one copy after the other until none is left; returns the survivors. */
async function tryAll(places: readonly Place[], tests: readonly string[]): Promise<readonly Place[]> {
  const queue = [...places];
  const survivors: Place[] = [];
  const work = async (): Promise<void> => {
    const directory = copy();
    const trial = await trialIn(directory, tests);
    try {
      if (!(await trial.pass())) throw new Error('the tests fail without any change');
      for (let place = queue.shift(); place !== undefined; place = queue.shift()) {
        const file = join(directory, place.source);
        const original = readFileSync(file, 'utf8');
        writeFileSync(file, mutated(original, place));
        if (await trial.pass()) {
          survivors.push(place);
          console.log(lineText(place));
        }
        writeFileSync(file, original);
      }
    } finally {
      await trial.end();
      rmSync(directory, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, places.length) }, work));
  return survivors;
}

/** Paths before and after the `--`, from the project's root. */
function asked() {
  const { values, tokens } = parseArgs({
    allowPositionals: true,
    tokens: true,
    options: {
      sample: { type: 'string' },
      again: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const border = tokens.find(({ kind }) => kind === 'option-terminator')?.index ?? Number.POSITIVE_INFINITY;
  const named = tokens.filter((token) => token.kind === 'positional');
  const sources = named.filter(({ index }) => index < border).map(({ value }) => inProject(value));
  const tests = named.filter(({ index }) => index > border).map(({ value }) => inProject(value));
  return { values, sources, tests };
}

async function main(): Promise<number> {
  const { values, sources, tests } = asked();
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  if (sources.length === 0 || (tests.length === 0 && values.list !== true)) {
    console.error(HELP);
    return 2;
  }
  const all = sources.flatMap((source) =>
    mutationsOf(readFileSync(join(root, source), 'utf8')).map((each): Place => ({ ...each, source })),
  );
  const survived = values.again === undefined ? null : readFileSync(values.again, 'utf8').split('\n');
  const chosen = survived === null ? all : all.filter((place) => survived.includes(lineText(place)));
  const places = sampled(chosen, Number(values.sample ?? chosen.length));
  if (values.list === true) {
    for (const place of places) console.log(lineText(place));
    return 0;
  }
  const survivors = await tryAll(places, tests);
  console.log(
    `${places.length - survivors.length} of ${places.length} noticed, ${survivors.length} survived`,
  );
  return survivors.length === 0 ? 0 : 1;
}

const inProject = (path: string): string => relative(root, resolve(path));

process.exitCode = await main();
