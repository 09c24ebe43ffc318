/** A tmux server that does not answer (stopped, swapped out): what is known is said, and what needs no tmux is done. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusReport } from '../../src/report/types.ts';
import { isAlive } from '../support/alive.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig, streamOf } from '../support/worker-rig.ts';

/** Stops the server; it goes on at the end, so that it can be ended. */
function silence(rig: ProjectRig): Disposable & { readonly pid: number; goOn(): void } {
  const pid = Number(rig.tmux('display-message', '-p', '#{pid}'));
  process.kill(pid, 'SIGSTOP');
  let stopped = true;
  const goOn = (): void => {
    if (stopped) process.kill(pid, 'SIGCONT');
    stopped = false;
  };
  return { pid, goOn, [Symbol.dispose]: goOn };
}

test('with a tmux server that does not answer, status says so and all else, stop ends the workers, the poller goes on afterwards', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [], C: ['A'] } });
  const poller = rig.start();
  const [a, b] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  using server = silence(rig);
  const why = `the tmux server does not answer (pid ${server.pid})`;
  const status = await rig.run(['status', '--json']);
  const report: StatusReport = JSON.parse(status.stdout);
  assert.equal(report.streams.length, 3);
  for (const id of ['A', 'B']) {
    assert.equal(streamOf(report, id).state, 'running');
    assert.ok(streamOf(report, id).reason?.includes(why), streamOf(report, id).reason ?? '');
  }
  assert.equal(streamOf(report, 'C').state, 'waiting');
  await until('the poller says it', () => poller.output().includes(why));
  // One stream's worker is ended while the poller lives, though nothing can be asked of tmux.
  await rig.run(['stop', 'A']);
  assert.ok(!isAlive(a.pid));
  assert.ok(isAlive(b.pid));
  // And all of them without it.
  await rig.run(['stop']);
  assert.ok(!isAlive(b.pid));
  await poller.end();
  server.goOn();
  const next = rig.start(['A', 'B', 'C']);
  for (const id of ['A', 'B', 'C']) {
    const worker = await rig.nextWorker(id);
    await worker.commit(`${id}.txt`);
    rig.setTasks(id, 'completed');
    worker.exit(0);
  }
  assert.equal((await next.end()).code, 0, next.output());
  rig.desk.assertSound();
});
