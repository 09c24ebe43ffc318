/** `--all`: streams of an initiative that another one took the place of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProjectRig } from '../support/worker-rig.ts';

test('--all shows what became of an earlier initiative, also where ids are the same', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  rig.onWorker(async (worker) => {
    await worker.commit('a.txt');
    rig.setTasks('A', 'completed');
    worker.exit(0);
  });
  assert.equal((await rig.start(['A']).end()).code, 0);
  const plan = {
    initiative: { id: 'init-2', title: 'The second' },
    streams: [{ id: 'A', tasks: [{ title: 'Another task' }] }],
  };
  await rig.run(['import', '-'], 0, { input: JSON.stringify(plan) });

  const of = async (...args: string[]) => JSON.parse((await rig.run([...args, '--json'])).stdout);
  assert.equal((await of('status')).streams.length, 1);
  const all = await of('status', '--all');
  assert.deepEqual(
    all.streams.map((s: Record<string, unknown>) => [s['initiative'], s['id'], s['state'], s['key']]),
    [
      ['init-2', 'A', 'ready', all.streams[0].key],
      ['init-1', 'A', 'done', 'a'],
      ['init-1', 'B', 'stopped', 'b'],
    ],
  );
  assert.notEqual(all.streams[0].key, 'a');
  assert.deepEqual(all.summary.streams, { total: 3, ready: 1, done: 1, stopped: 1 });
  assert.equal(all.summary.tasks.total, 3);
  const text = (await rig.run(['status', '--all'])).stdout;
  assert.match(text, /\nEarlier: The initiative\n {2}✓ A .* done .*\n {2}. B .* stopped /);

  const kept = (await rig.run(['clean'])).stdout;
  assert.match(
    kept,
    /^Kept A: its work has not landed \(of an earlier plan\)\n {2}orchestrate status --all$/m,
  );

  const planned = await of('plan', '--all');
  assert.deepEqual(planned.depths, [['A', 'A'], ['B']]);
  assert.equal(planned.streams.length, 3);
  assert.match(
    (await rig.run(['plan', '--all'])).stdout,
    /\nEarlier: The initiative\n[\s\S]*B \(Work of B\) → depends on: A/,
  );
  assert.match((await rig.run(['plan', '--all', '--dot'])).stdout, /"A \(The initiative\)/);
  assert.equal((await of('task', 'list', '--all')).tasks.length, 3);
  assert.equal((await of('task', 'list')).tasks.length, 1);
});
