/** Streams that are not wanted any more: cancelled in the store or by `cancel`, before they run and while they do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProjectRig, statesOf, streamOf } from '../support/worker-rig.ts';

test('a cancelled stream never runs, what depends on it says so, and cancel lets that go on without', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'], C: ['A'], Z: ['B', 'C'] } });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await a.commit('a.txt');
  rig.setTasks('B', 'cancelled');
  rig.setTasks('A', 'completed');
  a.exit(0);
  const c = await rig.nextWorker('C');
  const report = await rig.until('Z waits for the user', (seen) => streamOf(seen, 'Z').needsYou);
  assert.deepEqual(statesOf(report), { A: 'done', B: 'cancelled', C: 'running', Z: 'blocked' });
  const { reason, remedy } = streamOf(report, 'Z');
  assert.deepEqual([reason, remedy], ['depends on B, which is cancelled', 'orchestrate cancel B']);
  assert.match((await rig.run(['retry', 'B'], 5)).stderr, /B is cancelled/);
  assert.match((await rig.run(['verify', 'B'], 5)).stderr, /B is cancelled: there is nothing to check/);
  assert.match((await rig.run(['cancel', 'A'], 5)).stderr, /A is done/);
  const { dependents } = JSON.parse((await rig.run(['cancel', 'B', '--json'])).stdout);
  assert.deepEqual(dependents, [{ id: 'Z', dependencies: ['A', 'C'] }]);
  await c.commit('c.txt');
  rig.setTasks('C', 'completed');
  c.exit(0);
  const z = await rig.nextWorker('Z');
  assert.equal(await z.sh('cat a.txt c.txt'), 'by A, run 1\nby C, run 1');
  await z.commit('z.txt');
  rig.setTasks('Z', 'completed');
  z.exit(0);
  const ended = await poller.end();
  assert.equal(ended.code, 0, poller.output());
  assert.match(poller.output(), /All 3 streams done/);
  const { summary } = await rig.status();
  assert.deepEqual(summary.streams, { total: 4, done: 3, cancelled: 1 });
  assert.deepEqual(
    rig.desk.starts().map(({ stream }) => stream),
    ['A', 'C', 'Z'],
  );
});

test('of a stream that never began cancel names no branch', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  assert.equal((await rig.run(['cancel', 'B'])).stdout, 'cancelled B\n');
});

test('an agent whose stream is cancelled is ended, its work is kept, and a task that is set back brings it back', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  const poller = rig.start();
  const [a, b] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  await a.commit('kept.txt');
  rig.setTasks('A', 'cancelled');
  await a.end();
  await rig.untilState('A', 'cancelled');
  await rig.until('its run is stopped', ({ events }) => events.some(({ kind }) => kind === 'run-stopped'));
  await b.commit('kept.txt');
  assert.match(
    (await rig.run(['cancel', 'B'])).stdout,
    /^cancelled B, its agent was ended \(run 1\); its work stays on orchestrate\/b$/m,
  );
  await b.end();
  assert.equal((await poller.end()).code, 0);
  assert.equal(rig.cli.git('show', 'orchestrate/b:kept.txt'), 'by B, run 1');
  rig.setTasks('A', 'pending');
  const again = rig.start();
  const a2 = await rig.nextWorker('A');
  assert.equal(await a2.sh('cat kept.txt'), 'by A, run 1');
  await again.kill();
});
