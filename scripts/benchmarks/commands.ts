/** How long the commands take that people and agents call most, beside Node doing nothing. */
import { join } from 'node:path';
import { openStateDatabase } from '../../src/state/state-schema.ts';
import { createProjectRig } from '../../test/support/worker-rig.ts';
import { type Benchmark, byTurns, durationMs, type Figure } from './measure.ts';
import { bigPlan, commandMs, lookFloorMs, nodeMs } from './projects.ts';

const ROUNDS = 9;
const NODE = 'node -e 0';
const LOOK = 'node -e 0, git and tmux at once';

async function smallCommands(): Promise<readonly Figure[]> {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'], C: ['A'], D: ['B', 'C'] } });
  const [task] = rig.store.listTasks({ stream: 'A' });
  await commandMs(rig, ['status']);
  const update = ['task', 'update', task?.id ?? '', '--status', 'in_progress'];
  const [status, list, updated, version, node, look] = await byTurns(ROUNDS, [
    () => commandMs(rig, ['status']),
    () => commandMs(rig, ['task', 'list']),
    () => commandMs(rig, update),
    () => commandMs(rig, ['--version']),
    () => nodeMs(rig),
    () => lookFloorMs(rig),
  ]);
  const bare = { name: NODE, samples: node };
  return [
    { name: 'status of 4 streams', unit: 'ms', samples: status, floor: { name: LOOK, samples: look } },
    { name: 'task list', unit: 'ms', samples: list, floor: bare },
    { name: 'task update', unit: 'ms', samples: updated, floor: bare },
    { name: '--version', unit: 'ms', samples: version, floor: bare },
  ];
}

async function bigStatus(): Promise<readonly Figure[]> {
  await using rig = await createProjectRig({ plan: { file: bigPlan(300) } });
  await commandMs(rig, ['status']);
  const [status, look] = await byTurns(ROUNDS, [() => commandMs(rig, ['status']), () => lookFloorMs(rig)]);
  return [
    { name: 'status of 300 streams', unit: 'ms', samples: status, floor: { name: LOOK, samples: look } },
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
  const floor = { name: `${NODE} by a worker`, samples: node };
  return [
    { name: 'hook stop', unit: 'ms', samples: free, floor },
    { name: 'hook stop, state locked', unit: 'ms', samples: locked, floor },
  ];
}

export const commands: readonly Benchmark[] = [
  {
    name: 'commands',
    summary: 'status, task list, task update and hook stop, beside Node doing nothing',
    run: async () => [...(await smallCommands()), ...(await bigStatus()), ...(await stopHook())],
  },
];
