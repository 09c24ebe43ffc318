/** Dependencies that do not merge: seen before an agent starts, named, and given to an agent only when asked. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSlowTool } from '../support/shim.ts';
import { createProjectRig, statesOf, streamOf } from '../support/worker-rig.ts';

/** What the agent of a clash is told of the two sides of this test's file. */
const BOTH_SIDES = /What your branch did there:\n[\s\S]*> \+A\n[\s\S]*What B did there:\n[\s\S]*> \+B\n/;

test('a clash names its files while the others go on; resolve gives the merge to an agent', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [], Both: ['A', 'B'], Other: ['A'] } });
  rig.onWorker(async (worker) => {
    if (worker.stream === 'Both') {
      assert.equal(worker.env['ORCHESTRATE_BASE_SHA'], rig.cli.git('rev-parse', 'orchestrate/a'));
      const other = rig.cli.git('rev-parse', 'orchestrate/b');
      const prompt = await worker.sh('cat "$1"', worker.promptFile);
      assert.match(prompt, new RegExp(other));
      assert.match(prompt, BOTH_SIDES);
      await worker.sh('git merge --quiet "$1" || { echo both > shared.txt; git commit -qam Merge; }', other);
    } else await worker.commit(worker.stream === 'Other' ? 'other.txt' : 'shared.txt', worker.stream);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  const first = await rig.start().end();
  assert.equal(first.code, 1);
  const report = await rig.look();
  assert.deepEqual(statesOf(report), { A: 'done', B: 'done', Both: 'base-conflict', Other: 'done' });
  const both = streamOf(report, 'Both');
  assert.match(both.reason ?? '', /shared\.txt/);
  assert.equal(both.remedy, 'orchestrate resolve Both');
  assert.equal(both.run, null, 'nothing was launched');
  assert.equal((await rig.run(['resolve', 'A'], 5)).stderr.split('\n').length, 3);

  await rig.run(['resolve', 'Both']);
  const second = await rig.start().end();
  assert.equal(second.code, 0, second.stdout + String(rig.desk.troubles));
  const parents = ['a', 'b'].map((key) =>
    rig.cli.git('merge-base', `orchestrate/${key}`, 'orchestrate/both'),
  );
  assert.deepEqual(
    parents,
    ['a', 'b'].map((key) => rig.cli.git('rev-parse', `orchestrate/${key}`)),
  );
});

test('what both sides did is told also where the instructions are written before the branch is made', async () => {
  using slow = createSlowTool('git', 'update-ref*heads/orchestrate/both', 'begun');
  await using rig = await createProjectRig({
    plan: { A: [], B: [], Both: ['A', 'B'] },
    tools: [slow.directory],
  });
  const told: string[] = [];
  rig.onWorker(async (worker) => {
    if (worker.stream === 'Both') {
      told.push(await worker.sh('cat "$1"', worker.promptFile));
      await worker.sh(
        'git merge --quiet orchestrate/b || { echo both > shared.txt; git commit -qam Merge; }',
      );
    } else await worker.commit('shared.txt', worker.stream);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  await rig.start().end();
  await rig.run(['resolve', 'Both']);
  assert.equal((await rig.start().end()).code, 0);
  assert.match(told.join('\n'), BOTH_SIDES);
});

test('an agent that leaves a dependency out of the merge is not done', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: [], Both: ['A', 'B'] },
    config: { restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [0.1] } },
  });
  rig.onWorker(async (worker) => {
    await worker.commit(worker.stream === 'Both' ? 'both.txt' : 'shared.txt', worker.stream);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  assert.equal((await rig.start().end()).code, 1);
  await rig.run(['resolve', 'Both']);
  assert.equal((await rig.start().end()).code, 1);
  assert.match((await rig.stream('Both')).reason ?? '', /stopped without merging [AB] \([0-9a-f]{7}\)$/);
});

test('a clash in landing is given to the stream itself, with what both sides did, and is verified with the merge in it', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  const work = async (text: string): Promise<void> => {
    const worker = await rig.nextWorker('A');
    await worker.commit('shared.txt', text);
    rig.setTasks('A', 'completed');
    worker.exit(0);
  };
  const poller = rig.start();
  await work('of A\n');
  assert.equal((await poller.end()).code, 0);
  rig.cli.git('commit', '--quiet', '--allow-empty', '--message', 'Beside');
  writeFileSync(join(rig.root, 'shared.txt'), 'of the user\n');
  rig.cli.git('add', 'shared.txt');
  rig.cli.git('commit', '--quiet', '--message', 'By the user');
  const tip = rig.cli.git('rev-parse', 'HEAD');
  assert.match((await rig.run(['resolve', 'A'])).stdout, /^The agent of A will merge main first;/);
  const again = rig.start();
  const a = await rig.nextWorker('A');
  const prompt = await a.sh('cat "$1"', a.promptFile);
  assert.match(prompt, new RegExp(`git merge --no-edit ${tip}`));
  for (const side of ['What your branch did there', 'What main did there', '> +of A', '> +of the user'])
    assert.ok(prompt.includes(side), side);
  await a.sh('git merge --quiet "$1" || { echo both > shared.txt; git add -A; git commit -qm Merge; }', tip);
  a.exit(0);
  assert.equal((await again.end()).code, 0);
  const { verifiedSha } = await rig.stream('A');
  rig.cli.git('merge-base', '--is-ancestor', tip, verifiedSha ?? '');
});
