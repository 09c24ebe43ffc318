/** A plan that is changed while agents are at work on it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Worker } from '../support/worker-desk.ts';
import { createProjectRig, planFile, statesOf } from '../support/worker-rig.ts';

test('streams and dependencies that come while agents work are followed, with no agent disturbed', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  const poller = rig.start();
  const [a, b] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  // B is to be built on A from now on, and C comes.
  const plan = JSON.stringify(planFile({ A: [], B: ['A'], C: ['B'] }));
  await rig.run(['import', '-', '--update'], 0, { input: plan });
  const finish = async (worker: Worker): Promise<void> => {
    await worker.commit(`${worker.stream}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  };
  await finish(b);
  await finish(a);
  await finish(await rig.nextWorker('C'));
  assert.equal((await poller.end()).code, 0, poller.output());
  assert.deepEqual(statesOf(await rig.look()), { A: 'done', B: 'done', C: 'done' });
  for (const [part, whole] of [
    ['a', 'b'],
    ['b', 'c'],
  ])
    rig.cli.git('merge-base', '--is-ancestor', `orchestrate/${part}`, `orchestrate/${whole}`);
  assert.deepEqual(
    rig.desk
      .starts()
      .map(({ stream, run }) => `${stream}${run}`)
      .sort(),
    ['A1', 'B1', 'C1'],
  );
});
