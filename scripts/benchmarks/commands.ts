/** How long the commands take that people and agents call most, beside Node doing nothing. */
import { join } from 'node:path';
import { openStateDatabase } from '../../src/state/state-schema.ts';
import { createProjectRig } from '../../test/support/worker-rig.ts';
import { type Benchmark, byTurns, durationMs, type Figure } from './measure.ts';
import { amount, bigPlan, commandMs, eachOf, lookFloorMs, nodeMs, sizes } from './projects.ts';

const ROUNDS = 9;
const NODE = 'node -e 0';
const LOOK = 'node -e 0, git and tmux at once';

async function smallCommands(): Promise<readonly Figure[]> {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'], C: ['A'], D: ['B', 'C'] } });
  const [task] = rig.store.listTasks({ stream: 'A' });
  await commandMs(rig, ['status']);
  const update = ['task', 'update', task?.id ?? '', '--status', 'in_progress'];
  const [list, updated, version, node] = await byTurns(ROUNDS, [
    () => commandMs(rig, ['task', 'list']),
    () => commandMs(rig, update),
    () => commandMs(rig, ['--version']),
    () => nodeMs(rig),
  ]);
  const bare = { name: NODE, samples: node };
  return [
    { name: 'task list', unit: 'ms', samples: list, floor: bare },
    { name: 'task update', unit: 'ms', samples: updated, floor: bare },
    { name: '--version', unit: 'ms', samples: version, floor: bare },
  ];
}

async function looks(streams: number): Promise<readonly Figure[]> {
  const agent = { kind: 'custom', command: '/bin/sleep', args: ['1000'] };
  await using rig = await createProjectRig({
    plan: { file: bigPlan(streams) },
    config: { maxWorkers: 1, agent },
  });
  await commandMs(rig, ['status']);
  const [status, json, plan, look] = await byTurns(streams > 500 ? 5 : ROUNDS, [
    () => commandMs(rig, ['status']),
    () => commandMs(rig, ['status', '--json']),
    () => commandMs(rig, ['plan']),
    () => lookFloorMs(rig),
  ]);
  const poller = rig.start();
  await rig.until('an agent runs', (report) => report.streams.some(({ pid }) => pid !== null));
  await commandMs(rig, ['status']);
  const [beside, lookBeside] = await byTurns(streams > 500 ? 5 : ROUNDS, [
    () => commandMs(rig, ['status']),
    () => lookFloorMs(rig),
  ]);
  await poller.kill();
  const floor = { name: LOOK, samples: look };
  const of = `of ${amount(streams)} streams`;
  return [
    { name: `status ${of}`, unit: 'ms', samples: status, floor },
    { name: `status --json ${of}`, unit: 'ms', samples: json, floor },
    { name: `plan ${of}`, unit: 'ms', samples: plan, floor },
    {
      name: `status ${of}, beside their poller`,
      unit: 'ms',
      samples: beside,
      floor: { name: LOOK, samples: lookBeside },
    },
  ];
}

/** The hook of a stop, called by a living worker: free, and while another program holds the state's lock. */
async function stopHook(): Promise<readonly Figure[]> {
  await using rig = await createProjectRig();
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  const hook = () => durationMs(() => worker.sh('orchestrate hook stop 2>&1 || true'));
  const [free, node] = await byTurns(ROUNDS, [hook, () => durationMs(() => worker.sh('node -e 0'))]);
  const db = openStateDatabase(join(rig.root, '.claude', 'orchestrator', 'state.db'), {});
  db.exec('BEGIN IMMEDIATE');
  const [locked] = await byTurns(3, [hook]);
  db.exec('ROLLBACK');
  db.close();
  await poller.kill();
  const floor = { name: `${NODE} by an agent`, samples: node };
  return [
    { name: 'hook stop', unit: 'ms', samples: free, floor },
    { name: 'hook stop, state locked', unit: 'ms', samples: locked, floor },
  ];
}

export const commands: readonly Benchmark[] = [
  {
    name: 'commands',
    summary: 'task list, task update, --version and hook stop, beside Node doing nothing',
    run: async () => [...(await smallCommands()), ...(await stopHook())],
  },
  {
    name: 'looks',
    summary: 'status and plan of 4 to 3,000 streams of ten tasks, beside Node with one git and one tmux call',
    run: (full) => eachOf(sizes(full), looks),
  },
];
