/** A hand-off, from the end of a dependency's process to the birth of its dependents', beside the bare git and tmux commands for as many. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { run } from '../../src/process/run.ts';
import { keepStarters } from '../../src/process/starters.ts';
import { STEERED_WORKER, type Worker } from '../../test/support/worker-desk.ts';
import { createProjectRig, type ProjectRig } from '../../test/support/worker-rig.ts';
import { type Benchmark, type Figure, repeated } from './measure.ts';
import { amount, commitFiles, eachOf } from './projects.ts';

/** What the tests' agents do before one hands off, so that whatever is made ahead of need can be. */
const WORK_MS = 1_500;

/** How hand-offs are made: files of the repository, dependencies of each stream, how many at once, a set-up that takes so long. */
type Shape = {
  readonly files: number;
  readonly dependencies: 1 | 2;
  readonly atOnce: number;
  readonly setupSeconds: number;
  readonly rounds: number;
};

const bornMs = (rig: ProjectRig, stream: string): number =>
  rig.desk.starts().find((each) => each.stream === stream)?.bornMs ?? Number.NaN;

/**
 * Runs a bare command; what it printed. Not by this process itself, which is so large that its doubling would take longer than
 * the command: the floor is what the tools take, not what a benchmark does.
 */
async function bareCommand(rig: ProjectRig, file: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run({
    file,
    args,
    cwd: rig.root,
    env: rig.cli.env,
    timeLimitMs: null,
  });
  if (exitCode !== 0) throw new Error(`${file} ${args[0]}: ${stderr.toString()}`);
  return stdout.toString().trim();
}

/** Git cannot add several worktrees at once: one that is half made makes the others fail. */
let lastAdded: Promise<unknown> = Promise.resolve();

/** The bare commands of one hand-off: merge where there are several dependencies, worktree, window with the same agent. */
async function bare(rig: ProjectRig, stream: string, heads: readonly string[]): Promise<void> {
  const where = join(rig.cli.home, stream);
  let [base = 'main'] = heads;
  for (const other of heads.slice(1)) {
    const tree = await bareCommand(rig, 'git', ['merge-tree', '--write-tree', base, other]);
    const commit = ['commit-tree', tree, '-p', base, '-p', other, '-m', 'Merge'];
    base = await bareCommand(rig, 'git', commit);
  }
  const place = ['--quiet', '--no-track', '-b', stream, where, base];
  const add = () => bareCommand(rig, 'git', ['worktree', 'add', ...place]);
  lastAdded = lastAdded.then(add);
  await lastAdded;
  const agent = [process.execPath, STEERED_WORKER, rig.desk.socketPath, rig.desk.ledger, stream, '-'];
  await bareCommand(rig, 'tmux', ['-L', rig.cli.socket, 'new-window', '-d', '-c', where, ...agent]);
  const worker = await rig.nextWorker(stream);
  worker.exit(0);
  await worker.end();
}

async function finish(rig: ProjectRig, worker: Worker): Promise<number> {
  await worker.commit(`${worker.stream}.txt`);
  rig.setTasks(worker.stream, 'completed');
  worker.exit(0);
  await worker.end();
  return Date.now();
}

/** Rounds of a wave: `dependencies` streams, which `atOnce` others build on, on which the next round's build. */
function planOf({ dependencies, atOnce, rounds }: Shape): Record<string, string[]> {
  const plan: Record<string, string[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    const first = Array.from({ length: dependencies }, (_, at) => `D${round}-${at}`);
    for (const id of first) plan[id] = round === 0 ? [] : [`S${round - 1}-0`];
    for (let at = 0; at < atOnce; at += 1) plan[`S${round}-${at}`] = first;
  }
  return plan;
}

async function measureRound(
  rig: ProjectRig,
  shape: Shape,
  round: number,
): Promise<{ samples: number[]; floors: number[] }> {
  const first = Array.from({ length: shape.dependencies }, (_, at) => `D${round}-${at}`);
  const streams = Array.from({ length: shape.atOnce }, (_, at) => `S${round}-${at}`);
  const workers = await Promise.all(first.map((id) => rig.nextWorker(id)));
  await pause(WORK_MS + 1_000 * shape.setupSeconds * shape.atOnce);
  let endedMs = Number.NaN;
  for (const worker of workers) endedMs = await finish(rig, worker);
  const dependents = await Promise.all(streams.map((id) => rig.nextWorker(id)));
  const samples = streams.map((id) => bornMs(rig, id) - endedMs);
  // In between, so that both meet the same load.
  const heads = first.map((id) => `orchestrate/${id.toLowerCase()}`);
  const names = streams.map((id) => `bare-${id.toLowerCase()}`);
  const startMs = Date.now();
  await Promise.all(names.map((name) => bare(rig, name, heads)));
  const floors = names.map((name) => bornMs(rig, name) - startMs);
  for (const worker of dependents) await finish(rig, worker);
  return { samples, floors };
}

async function measure(shape: Shape): Promise<readonly Figure[]> {
  const { files, dependencies, atOnce, setupSeconds, rounds } = shape;
  keepStarters();
  const setup = setupSeconds === 0 ? [] : [`sleep ${setupSeconds}`];
  const config = { maxWorkers: atOnce + dependencies, worktree: { setup } };
  await using rig = await createProjectRig({ plan: planOf(shape), config });
  commitFiles(rig, files);
  const poller = rig.start();
  const samples: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const measured = await measureRound(rig, shape, round);
    samples.push(...measured.samples);
    floors.push(...measured.floors);
  }
  await poller.end();
  const words = [
    `${amount(files)} files`,
    `${dependencies} ${dependencies === 1 ? 'dependency' : 'dependencies'}`,
    ...(atOnce === 1 ? [] : [`${atOnce} at once`]),
    ...(setupSeconds === 0 ? [] : [`set-up of ${setupSeconds} s`]),
  ];
  const floor = {
    name: `${dependencies === 1 ? '' : 'merge-tree, '}worktree add and new-window by hand`,
    samples: floors,
  };
  return [{ name: words.join(', '), unit: 'ms', samples, floor }];
}

const SHAPE: Shape = { files: 20, dependencies: 1, atOnce: 1, setupSeconds: 0, rounds: 7 };

function shapes(full: boolean): readonly Shape[] {
  return [
    SHAPE,
    { ...SHAPE, dependencies: 2 },
    { ...SHAPE, atOnce: 4, rounds: 4 },
    { ...SHAPE, setupSeconds: 2, rounds: 4 },
    { ...SHAPE, files: 5_000, rounds: 5 },
    { ...SHAPE, files: 5_000, dependencies: 2, rounds: 4 },
    ...(full
      ? [
          { ...SHAPE, atOnce: 16, rounds: 2 },
          { ...SHAPE, files: 50_000, rounds: 3 },
        ]
      : []),
  ];
}

type PlanOfIds = Readonly<Record<string, readonly string[]>>;

/** The longest path of a plan, where each stream takes as long as `takesMs` says. */
function longestPathMs(plan: PlanOfIds, takesMs: (id: string) => number): number {
  const upTo = (id: string): number => takesMs(id) + Math.max(0, ...(plan[id] ?? []).map(upTo));
  return Math.max(...Object.keys(plan).map(upTo));
}

/** Whole plans and starts vary with what else the machine does: each is taken so often. */
const ROUNDS = 3;

/** One plan of streams with a second of work: how long it took, and the longest path of its agents' lives. */
async function throughPlan(plan: PlanOfIds): Promise<{ readonly tookMs: number; readonly livesMs: number }> {
  await using rig = await createProjectRig({ plan, config: { maxWorkers: 8 } });
  const endedMs = new Map<string, number>();
  rig.onWorker(async (worker) => {
    await pause(1_000);
    endedMs.set(worker.stream, await finish(rig, worker));
  });
  await rig.start().end();
  const ids = Object.keys(plan);
  const livedMs = (id: string): number => (endedMs.get(id) ?? Number.NaN) - bornMs(rig, id);
  const tookMs = Math.max(...endedMs.values()) - Math.min(...ids.map((id) => bornMs(rig, id)));
  return { tookMs, livesMs: longestPathMs(plan, livedMs) };
}

/**
 * How long such a plan takes, beside its longest path: of the work alone, and of the lives that its agents had, which start,
 * commit and report besides.
 */
async function makespan(plan: PlanOfIds, name: string): Promise<readonly Figure[]> {
  const rounds = await repeated(ROUNDS, () => throughPlan(plan));
  const samples = rounds.map(({ tookMs }) => tookMs);
  const work = { name: 'the longest path of its work', samples: [longestPathMs(plan, () => 1_000)] };
  const lives = {
    name: "the longest path of its agents' lives",
    samples: rounds.map(({ livesMs }) => livesMs),
  };
  return [
    { name, unit: 'ms', samples, floor: work },
    { name: `${name}, beside its agents`, unit: 'ms', samples, floor: lives },
  ];
}

async function makespans(): Promise<readonly Figure[]> {
  const level = (at: number) => Array.from({ length: 4 }, (_, each) => `L${at}-${each}`);
  const five = Object.fromEntries(
    [0, 1, 2, 3, 4].flatMap((at) => level(at).map((id) => [id, at === 0 ? [] : level(at - 1).slice(0, 2)])),
  );
  return [
    ...(await makespan({ A: [], B: ['A'], C: ['A'], D: ['B', 'C'] }, 'a diamond')),
    ...(await makespan(five, '20 streams in 5 levels, 8 agents')),
  ];
}

/** Many streams that are ready at once, from the command to the last agent's birth, and the bare commands for as many. */
async function startAll(count: number): Promise<{ readonly tookMs: number; readonly bareMs: number }> {
  const ids = Array.from({ length: count }, (_, at) => `S${at}`);
  const config = { maxWorkers: count, agent: { kind: 'custom', command: '/bin/sleep', args: ['1000'] } };
  await using rig = await createProjectRig({ plan: Object.fromEntries(ids.map((id) => [id, []])), config });
  commitFiles(rig, 20);
  const startMs = performance.now();
  const poller = rig.start();
  await rig.until('all run', ({ streams }) => streams.every(({ pid }) => pid !== null));
  const tookMs = performance.now() - startMs;
  await poller.kill();
  const script =
    'for s in $1; do git worktree add --quiet --no-track -b "bare-$s" "../bare-$s" main && tmux -L "$2" new-window -d -c "../bare-$s" /bin/sleep 1000 || exit 1; done';
  const bareStartMs = performance.now();
  await bareCommand(rig, '/bin/sh', ['-c', script, 'sh', ids.join(' '), rig.cli.socket]);
  return { tookMs, bareMs: performance.now() - bareStartMs };
}

async function startOf(count: number): Promise<readonly Figure[]> {
  const rounds = await repeated(ROUNDS, () => startAll(count));
  const floor = {
    name: 'worktree add and new-window by hand, in a row',
    samples: rounds.map(({ bareMs }) => bareMs),
  };
  const samples = rounds.map(({ tookMs }) => tookMs);
  return [{ name: `${count} streams from start to running`, unit: 'ms', samples, floor }];
}

export const handOff: readonly Benchmark[] = [
  {
    name: 'hand-off',
    summary: "from the end of a dependency's process to the birth of its dependent's",
    run: (full) => eachOf(shapes(full), measure),
  },
  { name: 'makespan', summary: 'whole plans beside their longest path', run: makespans },
  {
    name: 'start',
    summary: 'thirty (two hundred) streams that are ready at once',
    run: (full) => eachOf(full ? [30, 200] : [30], startOf),
  },
];
