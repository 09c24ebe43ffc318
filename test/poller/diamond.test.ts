/** From a plan to finished branches: dependents start from what their dependencies made, and not before it was verified. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProjectRig, statesOf } from '../support/worker-rig.ts';

test('a diamond is finished, each stream on top of its dependencies', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'], C: ['A'], D: ['B', 'C'] },
    config: {
      gates: [
        { name: 'whole', command: 'test -e A.txt && { [ "$ORCHESTRATE_KEY" != d ] || ls B.txt C.txt; }' },
      ],
    },
  });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  assert.deepEqual(statesOf(await rig.look()), { A: 'running', B: 'waiting', C: 'waiting', D: 'waiting' });
  assert.equal(a.env['ORCHESTRATE_BASE_SHA'], rig.cli.git('rev-parse', 'main'));
  assert.equal(a.env['ORCHESTRATE_TMUX_SOCKET'], rig.cli.env['ORCHESTRATE_TMUX_SOCKET']);
  assert.equal(a.cwd, `${rig.root}/.claude/worktrees/a`);
  await a.commit('A.txt');
  await a.completeTasks();
  assert.equal((await rig.look()).streams[0]?.state, 'running', 'not done while its worker lives');
  a.exit(0);

  const [b, c] = await Promise.all([rig.nextWorker('B'), rig.nextWorker('C')]);
  const verifiedA = rig.cli.git('rev-parse', 'refs/orchestrate/verified/a');
  for (const worker of [b, c]) {
    assert.equal(worker.env['ORCHESTRATE_BASE_SHA'], verifiedA);
    assert.match(await worker.sh('cat A.txt'), /by A, run 1/);
  }
  assert.notEqual(b.env['PORT'], c.env['PORT']);
  await b.commit('B.txt');
  await c.commit('C.txt');
  rig.setTasks('B', 'completed');
  rig.setTasks('C', 'completed');
  b.exit(0);
  c.exit(0);

  const d = await rig.nextWorker('D');
  assert.equal(await d.sh('ls *.txt'), 'A.txt\nB.txt\nC.txt');
  const parents = rig.cli.git('rev-list', '--parents', '-1', d.env['ORCHESTRATE_BASE_SHA'] ?? '');
  const verified = ['b', 'c'].map((key) => rig.cli.git('rev-parse', `refs/orchestrate/verified/${key}`));
  assert.deepEqual(parents.split(' ').slice(1), verified);
  await d.commit('D.txt');
  rig.setTasks('D', 'completed');
  d.exit(0);

  const ended = await poller.end();
  assert.equal(ended.code, 0, poller.output());
  const report = await rig.status();
  assert.deepEqual(report.summary.streams, { total: 4, done: 4 });
  for (const stream of report.streams) assert.equal(stream.verifiedSha, stream.headSha);
  assert.equal(report.poller.alive, false);
  const one = JSON.parse((await rig.run(['status', 'D', '--json'])).stdout);
  assert.deepEqual(one.streams, report.streams.slice(3), 'one stream in the form of all');
  assert.deepEqual([one.workspace, one.summary], [report.workspace, report.summary]);
});
