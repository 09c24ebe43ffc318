/** Whether a poller grows: streams that are started and finished one after another for as long as wanted, and what it holds early and late. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createProjectRig, type ProjectRig } from '../../test/support/worker-rig.ts';
import type { Benchmark, Figure } from './measure.ts';
import { amount } from './projects.ts';

/** Streams that go on at the same time; the other of each lane follow. */
const LANES = 3;

type Held = {
  readonly memory: number;
  readonly descriptors: number;
  readonly events: number;
  readonly files: number;
};

function heldBy(rig: ProjectRig, pid: number): Held {
  const own = join(rig.root, '.claude', 'orchestrator');
  const db = new Database(join(own, 'state.db'), { readonly: true });
  const row = db.prepare('SELECT count(*) AS count FROM events').get() as { count: number };
  db.close();
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    memory: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    events: row.count,
    files: readdirSync(own, { recursive: true }).length,
  };
}

async function soak(full: boolean): Promise<readonly Figure[]> {
  const length = full ? 120 : 30;
  const lanes = Array.from({ length: LANES }, (_, lane) => lane);
  const plan = Object.fromEntries(
    lanes.flatMap((lane) =>
      Array.from({ length }, (_, at) => [`S${lane}-${at}`, at === 0 ? [] : [`S${lane}-${at - 1}`]] as const),
    ),
  );
  await using rig = await createProjectRig({ plan, config: { maxWorkers: LANES } });
  const poller = rig.start();
  const pid = poller.child.pid ?? 0;
  const total = LANES * length;
  let done = 0;
  let early: Held | null = null;
  let late: Held | null = null;
  rig.onWorker(async (worker) => {
    await worker.commit(`${worker.stream}.txt`);
    done += 1;
    if (done === Math.round(total / 3)) early = heldBy(rig, pid);
    if (done === total - LANES) late = heldBy(rig, pid);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  await poller.end();
  return early === null || late === null ? [] : figures(early, late, total);
}

function figures(early: Held, late: Held, total: number): readonly Figure[] {
  const compared = (what: string, unit: Figure['unit'], of: (held: Held) => number): Figure => ({
    name: `${what} after ${amount(total)} streams`,
    unit,
    samples: [of(late)],
    floor: { name: `after a third of them`, samples: [of(early)] },
  });
  return [
    compared('memory of orchestrate', 'MB', ({ memory }) => memory),
    compared('open files of orchestrate', 'files', ({ descriptors }) => descriptors),
    compared('events kept', 'rows', ({ events }) => events),
    compared('files of ours', 'files', ({ files }) => files),
  ];
}

export const soaking: readonly Benchmark[] = [
  { name: 'soak', summary: 'what orchestrate holds after many streams, beside a third of them', run: soak },
];
