/** Whether a poller grows: streams whose task is opened again whenever they are done, run after run, and what is held early and late. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { ifPresent } from '../../src/files/present.ts';
import { openStateDatabase } from '../../src/state/state-schema.ts';
import { createProjectRig, type ProjectRig } from '../../test/support/worker-rig.ts';
import { type Benchmark, type Figure, rest, type Unit } from './measure.ts';
import { amount } from './projects.ts';

const LANES = ['A', 'B', 'C'];
/** Its agent stays, so that the plan is never finished. */
const STAYS = 'Z';
/** Runs of each lane; an hour's worth: SOAK_RUNS=1000. */
const RUNS = { short: 24, full: 120 };
/** Of a stream's runs the last few are kept: from here on each that comes makes one old. */
const SETTLED_RUNS = 8;
/** So many events are kept; a project of weeks begins with them. */
const EVENTS = 20_000;
const SAMPLE_MS = 500;

const UNITS = {
  'memory of orchestrate': 'MB',
  'open files of orchestrate': 'files',
  'events kept': 'rows',
  'files of ours': 'files',
  'size of state.db': 'MB',
} as const satisfies Readonly<Record<string, Unit>>;
type Held = Readonly<Record<keyof typeof UNITS, number>>;

const ownOf = (rig: ProjectRig): string => join(rig.root, '.claude', 'orchestrator');

/** Fills the table of events as weeks would. */
function fillEvents(rig: ProjectRig): void {
  const db = openStateDatabase(join(ownOf(rig), 'state.db'), {});
  const insert = db.prepare(`INSERT INTO events (at_ms, kind, message) VALUES (?, 'launched', ?)`);
  db.transaction(() => {
    for (let at = 0; at < EVENTS; at += 1) insert.run(at, `what happened as number ${at}`);
  })();
  db.close();
}

/** Old runs go while they are counted. */
function filesBelow(directory: string): number {
  const entries = ifPresent(() => readdirSync(directory, { withFileTypes: true })) ?? [];
  const below = entries.map((each) => (each.isDirectory() ? filesBelow(join(directory, each.name)) : 0));
  return below.reduce((sum, files) => sum + files, entries.length);
}

function heldBy(rig: ProjectRig, pid: number): Held {
  const own = ownOf(rig);
  const db = new Database(join(own, 'state.db'), { readonly: true });
  const row = db.prepare('SELECT count(*) AS count FROM events').get() as { count: number };
  db.close();
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    'memory of orchestrate': Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
    'open files of orchestrate': readdirSync(`/proc/${pid}/fd`).length,
    'events kept': row.count,
    'files of ours': filesBelow(own),
    'size of state.db': statSync(join(own, 'state.db')).size / 2 ** 20,
  };
}

/** One stream, run after run. */
async function workLane(rig: ProjectRig, lane: string, runs: number, ended: () => void): Promise<void> {
  for (let run = 1; run <= runs; run += 1) {
    const worker = await rig.nextWorker(lane);
    await worker.commit(`${lane}.txt`);
    rig.setTasks(lane, 'completed');
    worker.exit(0);
    // Ending a run gives way to launches: it may still be open when its stream is done.
    await rig.until(`${lane} is done`, ({ streams }) =>
      streams.some(({ id, state, endedAt }) => id === lane && state === 'done' && endedAt !== null),
    );
    ended();
    if (run < runs) rig.setTasks(lane, 'pending');
  }
}

async function soak(full: boolean): Promise<readonly Figure[]> {
  const runs = Number(process.env['SOAK_RUNS'] ?? (full ? RUNS.full : RUNS.short));
  const plan = Object.fromEntries([STAYS, ...LANES].map((id) => [id, []]));
  await using rig = await createProjectRig({ plan, config: { maxWorkers: LANES.length + 1 } });
  fillEvents(rig);
  const poller = rig.start();
  await rig.nextWorker(STAYS);
  let done = 0;
  let working = true;
  const lanes = LANES.map((lane) =>
    workLane(rig, lane, runs, () => {
      done += 1;
    }),
  );
  const all = Promise.all(lanes).finally(() => {
    working = false;
  });
  const samples: { readonly done: number; readonly held: Held }[] = [];
  while (working) {
    samples.push({ done, held: heldBy(rig, poller.child.pid ?? 0) });
    await rest(SAMPLE_MS)();
  }
  await all;
  await poller.kill();
  const [from, to] = [SETTLED_RUNS * LANES.length, runs * LANES.length];
  const quarter = (to - from) / 4;
  const between = (least: number, most: number) =>
    samples.filter((each) => each.done >= least && each.done <= most).map(({ held }) => held);
  return figures(between(from, from + quarter), between(to - quarter, to), to);
}

function figures(early: readonly Held[], late: readonly Held[], runs: number): readonly Figure[] {
  return (Object.keys(UNITS) as (keyof Held)[]).map((what) => ({
    name: `${what} in the last of ${amount(runs)} runs`,
    unit: UNITS[what],
    samples: late.map((held) => held[what]),
    floor: { name: 'early in the same soak', samples: early.map((held) => held[what]) },
  }));
}

export const soaking: readonly Benchmark[] = [
  { name: 'soak', summary: 'what a poller holds after many runs, beside what it held early on', run: soak },
];
