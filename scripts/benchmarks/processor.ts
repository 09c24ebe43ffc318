/** What commands cost in processor time, their children's included: that changes little on a busy machine, where waiting decides all else. */
import { createProjectRig, type ProjectRig } from '../../test/support/worker-rig.ts';
import { type Benchmark, childrenCpuMs, type Figure } from './measure.ts';
import { amount, bigPlan, commandMs, eachOf, lookFloorMs, nodeMs, sizes } from './projects.ts';

/** Processor time is told by steps of 10 ms, so that only a mean of many runs says more. */
const ROUNDS = 10;

/** The mean of each of `works`, done by turns; nothing else of this process may end meanwhile. */
async function meansOf<const T extends readonly (() => Promise<unknown>)[]>(
  works: T,
): Promise<{ [At in keyof T]: number }> {
  const sums = works.map(() => 0);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [at, work] of works.entries()) {
      const before = childrenCpuMs(process.pid);
      await work();
      sums[at] = (sums[at] ?? 0) + childrenCpuMs(process.pid) - before;
    }
  return sums.map((sum) => sum / ROUNDS) as { [At in keyof T]: number };
}

const figure = (name: string, mean: number, floor: string, bare: number): Figure => ({
  name,
  unit: 'ms',
  samples: [mean],
  floor: { name: floor, samples: [bare] },
});

async function ofTasks(rig: ProjectRig): Promise<readonly Figure[]> {
  const [task] = rig.store.listTasks({ stream: 'Stream-0' });
  const update = ['task', 'update', task?.id ?? '', '--status', 'in_progress'];
  await commandMs(rig, update);
  const [list, updated, node] = await meansOf([
    () => commandMs(rig, ['task', 'list']),
    () => commandMs(rig, update),
    () => nodeMs(rig),
  ]);
  const bare = 'node -e 0';
  return [figure('task list', list, bare, node), figure('task update', updated, bare, node)];
}

async function ofPlan(streams: number): Promise<readonly Figure[]> {
  await using rig = await createProjectRig({ plan: { file: bigPlan(streams) } });
  for (const command of ['status', 'plan']) await commandMs(rig, [command]);
  const [status, plan, look] = await meansOf([
    () => commandMs(rig, ['status']),
    () => commandMs(rig, ['plan']),
    () => lookFloorMs(rig),
  ]);
  const [of, bare] = [`of ${amount(streams)} streams`, 'node -e 0, git and tmux'];
  return [
    ...(streams === 4 ? await ofTasks(rig) : []),
    figure(`status ${of}`, status, bare, look),
    figure(`plan ${of}`, plan, bare, look),
  ];
}

export const processor: readonly Benchmark[] = [
  {
    name: 'processor',
    summary: 'processor time of status, plan and task, means of ten runs, beside that of the bare processes',
    run: (full) => eachOf(sizes(full), ofPlan),
  },
];
