/** A dependency that moves after its dependents were done: they are stale, nothing is built on them, and the plan is not finished. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { createProjectRig, type ProjectRig, statesOf, streamOf } from '../support/worker-rig.ts';

/** Does what the stream's remedy says, word for word. */
async function followRemedy(rig: ProjectRig, id: string): Promise<void> {
  const { remedy } = await rig.stream(id);
  const [merge = '', verify = ''] = (remedy ?? '').split(', then orchestrate ');
  assert.match(merge, /^git -C \S+ merge [0-9a-f]{40}$/);
  execFileSync('sh', ['-c', `${merge} --no-edit`], { env: rig.cli.env, stdio: 'ignore' });
  await rig.run(verify.split(' '));
}

test('what was built on it is stale, the plan ends with 1, and merging and verifying as said finishes it', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'], C: ['B'], D: ['C'] } });
  const poller = rig.start();
  const finish = async (stream: string, file: string): Promise<void> => {
    const worker = await rig.nextWorker(stream);
    await worker.commit(file);
    rig.setTasks(stream, 'completed');
    worker.exit(0);
  };
  await finish('A', 'a.txt');
  await finish('B', 'b.txt');
  const c = await rig.nextWorker('C');
  rig.setTasks('A', 'pending');
  await finish('A', 'a-again.txt');
  await rig.until('A has moved', (report) => streamOf(report, 'B').stale);
  await c.commit('c.txt');
  rig.setTasks('C', 'completed');
  c.exit(0);
  assert.equal((await poller.end()).code, 1);

  const report = await rig.look();
  assert.deepEqual(statesOf(report), { A: 'done', B: 'done', C: 'done', D: 'waiting' });
  assert.deepEqual(
    report.streams.filter(({ stale }) => stale).map(({ id }) => id),
    ['B', 'C'],
  );
  assert.match(streamOf(report, 'B').reason ?? '', /^A has moved on to [0-9a-f]{10}$/);
  assert.match(streamOf(report, 'D').reason ?? '', /^waits for C, which is stale/);

  await followRemedy(rig, 'B');
  await followRemedy(rig, 'C');
  const next = rig.start();
  await finish('D', 'd.txt');
  const ended = await next.end();
  assert.equal(ended.code, 0, ended.stdout);
  const files = rig.cli.git('ls-tree', '--name-only', 'orchestrate/d').split('\n');
  for (const file of ['a.txt', 'a-again.txt', 'b.txt', 'c.txt', 'd.txt'])
    assert.ok(files.includes(file), file);
  assert.deepEqual(
    rig.desk
      .starts()
      .map(({ stream }) => stream)
      .sort(),
    ['A', 'A', 'B', 'C', 'D'],
  );
});
