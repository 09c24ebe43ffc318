/** What orchestrate remembers is gone (removed, or moved away because it was broken): work is taken up, and nobody works beside another. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLandingWorld } from '../support/landing-world.ts';
import { createProjectRig, type ProjectRig, statesOf } from '../support/worker-rig.ts';

function forget(rig: ProjectRig): void {
  const folder = join(rig.root, '.claude/orchestrator');
  for (const name of readdirSync(folder)) {
    // What a living poller is just writing beside them has another name by now.
    if (/^(?:state|lock)\.db/.test(name)) rmSync(join(folder, name), { force: true });
  }
}

test('without its memory a poller ends, and the next one takes up worktree and branch with one worker', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  const first = rig.start();
  const old = await rig.nextWorker('A');
  const sha = await old.commit('old.txt');
  await old.sh('echo half > half.txt');
  await old.ignoreSignals();
  await rig.untilState('A', 'running');
  forget(rig);
  const second = rig.start();
  const ended = await first.end();
  assert.equal(ended.code, 6, ended.stdout);
  assert.match(ended.stderr, /(?:lock|state)\.db was removed or replaced .*\n {2}fix: orchestrate start/);
  const next = await rig.nextWorker('A');
  await old.end();
  assert.equal(next.cwd, old.cwd);
  assert.equal(await next.sh('git rev-parse HEAD; cat half.txt'), `${sha}\nhalf`);
  await second.kill();
});

test('without its memory complete work is checked again, follows and lands; what lacks something is named, never said to be there', async () => {
  await using world = await createLandingWorld({ A: [], B: ['A'], C: [], D: [] });
  const { rig, git } = world;
  for (const id of ['A', 'B', 'C']) {
    const made = await world.finish(id, (at) => writeFileSync(join(at, `${id}.txt`), `${id}\n`));
    assert.ok(made);
  }
  const [a, c] = ['A', 'C'].map((id) => world.worktreeOf(id));
  assert.ok(a && c);
  writeFileSync(join(c, 'C.txt'), 'half\n');
  rig.setTasks('D', 'completed');
  forget(rig);
  const ended = await rig.start().end();
  assert.equal(ended.code, 1, ended.stdout);
  const report = await rig.status();
  assert.deepEqual(statesOf(report), { A: 'done', B: 'done', C: 'failed', D: 'done' });
  for (const { id, headSha, verifiedSha, landed } of report.streams) {
    if (id !== 'C' && id !== 'D') assert.deepEqual([verifiedSha, landed], [headSha, false], id);
    if (id === 'C') assert.deepEqual([verifiedSha, landed], [null, false]);
  }
  const behind = report.streams.find(({ id }) => id === 'C');
  assert.match(behind?.reason ?? '', /uncommitted/);
  assert.match(behind?.remedy ?? '', /^git -C \S+ status && orchestrate verify C$/);
  git(['checkout', '--quiet', '--', '.'], c);
  await rig.run(['verify', 'C']);

  // It follows what it builds on, with its own work, and lands with it.
  writeFileSync(join(a, 'A.txt'), 'moved\n');
  git(['commit', '--quiet', '--all', '-m', 'Move'], a);
  await rig.run(['verify', 'A']);
  await rig.run(['sync']);
  git(['merge-base', '--is-ancestor', 'orchestrate/a', 'orchestrate/b']);
  await rig.run(['merge']);
  for (const id of ['B', 'C']) assert.equal(git(['show', `main:${id}.txt`]), id);
  assert.equal(git(['show', 'main:A.txt']), 'moved');
});

test('without its memory work that was never committed makes no stream done', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  const first = rig.start();
  const a = await rig.nextWorker('A');
  await a.sh('echo half > half.txt');
  await first.kill();
  a.kill();
  await a.end();
  rig.setTasks('A', 'completed');
  forget(rig);
  const ended = await rig.start().end();
  assert.equal(ended.code, 1, ended.stdout);
  const [left] = (await rig.status()).streams;
  assert.equal(left?.state, 'failed');
  assert.match(left?.reason ?? '', /uncommitted: half\.txt/);
});
