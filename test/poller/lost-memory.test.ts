/** What orchestrate remembers is gone (removed, or moved away because it was broken): work is taken up, and nobody works beside another. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createProjectRig, type ProjectRig } from '../support/worker-rig.ts';

function forget(rig: ProjectRig): void {
  const folder = join(rig.root, '.claude/orchestrator');
  for (const name of readdirSync(folder)) {
    if (/^(?:state|lock)\.db/.test(name)) rmSync(join(folder, name));
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
