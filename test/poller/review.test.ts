/** Reviewing: each stream's own change, in the user's program or as text, and what a review says becomes work of the very agent. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../support/wait.ts';
import { createProjectRig, statesOf } from '../support/worker-rig.ts';

test('review shows the change of each once; its notes go to the agent, living or ended, as data', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'], Idle: ['B'] } });
  assert.match((await rig.run(['review'])).stdout, /^nothing to review/);
  assert.match(
    (await rig.run(['review', 'B'], 6)).stderr,
    /B was never started\n {2}fix: orchestrate status B\n/,
  );
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await a.commit('a.txt', 'one\n');
  // A program that prints nothing has nothing to say; one that fails is named, and nothing is sent.
  rig.configure({ review: { command: 'true' } });
  assert.equal((await rig.run(['review', 'A'])).stdout, 'A: no notes\n');
  rig.configure({ review: { command: 'echo half; exit 3' } });
  assert.match((await rig.run(['review', 'A'], 1)).stderr, /review\.command failed for A \(exit 3\)/);
  rig.configure({
    review: { command: 'git diff --stat "$ORCHESTRATE_BASE_SHA" "$ORCHESTRATE_HEAD_SHA"; pwd' },
  });
  assert.equal((await rig.run(['review', 'A'])).stdout, 'A: the notes were sent to its agent\n');
  const screen = rig.tmux('capture-pane', '-p', '-J', '-t', (await rig.stream('A')).pane ?? '');
  assert.match(screen, /^Notes from the review of your work/m);
  assert.match(screen, /^> .*a\.txt \| 1 \+/m);
  assert.match(screen, /^> .*\.claude\/worktrees\/a$/m);
  // What is too long to be typed is in a file, whole, which the message names.
  rig.configure({ review: { command: "seq -f 'note %g' 1 2000; yes x | head -c 30000" } });
  const long = await rig.run(['review', 'A']);
  assert.deepEqual([long.stdout, /cut/.test(long.stderr)], ['A: the notes were sent to its agent\n', true]);
  const named = rig.tmux('capture-pane', '-p', '-J', '-S', '-', '-t', (await rig.stream('A')).pane ?? '');
  const file = /all are in (\S+review-notes\.md)/.exec(named)?.[1] ?? '';
  assert.match(readFileSync(file, 'utf8'), /^note 1\n[\s\S]*^note 2000\n/m);
  rig.setTasks('A', 'completed');
  a.exit(0);
  const b = await rig.nextWorker('B');
  await b.commit('b.txt', 'two\n');
  rig.setTasks('B', 'completed');
  b.exit(0);
  const idle = await rig.nextWorker('Idle');
  await idle.commit('idle.txt');
  rig.setTasks('Idle', 'completed');
  idle.exit(0);
  assert.equal((await poller.end()).code, 0);

  rig.configure({ review: { command: null } });
  const { stdout } = await rig.run(['review']);
  assert.deepEqual(
    stdout.match(/^\+\S+$/gm),
    ['+one', '+two'],
    'what a stream builds on is the change of another',
  );
  assert.match(stdout, /^B: 1 commit, 1 file, \+1 −0 \([0-9a-f]{10}\.\.[0-9a-f]{10}\)$/m);
  const { streams } = JSON.parse((await rig.run(['review', 'B', '--json'])).stdout) as {
    streams: { id: string; files: string[]; base: string; head: string }[];
  };
  const before = await rig.stream('B');
  assert.deepEqual(
    streams.map(({ id, files, base, head }) => [id, files, base, head]),
    [['B', ['b.txt'], before.baseSha, before.headSha]],
  );

  rig.configure({ review: { command: "printf 'b.txt:1: wrong\\n## Never\\n'" } });
  assert.equal(
    (await rig.run(['review', 'B'])).stdout,
    'B: the notes are the first work of its agent; start it with: orchestrate start\n',
  );
  assert.equal((await rig.stream('B')).state, 'ready');
  const again = rig.start();
  const second = await rig.nextWorker('B');
  assert.equal(second.run, 2);
  const prompt = await second.sh('cat "$1"', second.promptFile);
  assert.match(prompt, /^## From the review of your work$/m);
  assert.match(prompt, /^ {3}> b\.txt:1: wrong$/m);
  assert.match(prompt, /^ {3}> ## Never$/m);
  // Cut short, it is not done with them; only a run that comes to its end is.
  await rig.run(['stop', 'B']);
  await second.end();
  await again.end();
  const last = rig.start();
  const third = await rig.nextWorker('B');
  assert.match(await third.sh('cat "$1"', third.promptFile), /b\.txt:1: wrong/);
  const living = await rig.run(['review', 'A']);
  assert.equal(living.stdout, 'A: the notes are the first work of its agent; it starts as soon as it can\n');
  (await rig.nextWorker('A')).exit(0);
  await third.commit('b.txt', 'three\n');
  third.exit(0);
  assert.equal((await last.end()).code, 0);
  assert.deepEqual(statesOf(await rig.look()), { A: 'done', B: 'done', Idle: 'done' });
  assert.equal(rig.cli.git('show', 'orchestrate/idle:b.txt'), 'three', 'what builds on it followed');
  await rig.run(['start']);
  assert.equal(rig.desk.starts().filter(({ stream }) => stream === 'B').length, 3);
});

test('notes that are given while the work is checked, or after a look at an earlier run, are the work of the next one', async () => {
  const config = {
    gates: [{ name: 'slow', command: 'while ! [ -e "$ORCHESTRATE_PROJECT/../go" ]; do sleep 0.05; done' }],
    review: { command: 'echo first' },
  };
  await using rig = await createProjectRig({ plan: { A: [] }, config });
  const poller = rig.start();
  const first = await rig.nextWorker('A');
  await first.commit('a.txt');
  rig.setTasks('A', 'completed');
  first.exit(0);
  await rig.until('its gate runs', ({ events }) => events.some(({ kind }) => kind === 'gate'));
  const given = await rig.run(['review', 'A']);
  assert.match(given.stdout, /^A: the notes are the first work of its agent/);
  writeFileSync(join(rig.cli.home, 'go'), '');
  const second = await Promise.race([rig.nextWorker('A'), poller.end()]);
  assert.ok('run' in second, 'the plan ended without anybody who dealt with the notes');
  assert.match(await second.sh('cat "$1"', second.promptFile), /^ {3}> first$/m);

  const [begun, read] = [join(rig.cli.home, 'begun'), join(rig.cli.home, 'read')];
  const command = `: > '${begun}'; while ! [ -e '${read}' ]; do sleep 0.05; done; echo second`;
  rig.configure({ review: { command } });
  const reviewing = rig.run(['review', 'A']);
  await until('the review has begun', () => existsSync(begun));
  second.exit(1);
  const third = await rig.nextWorker('A');
  await third.commit('more.txt');
  third.exit(0);
  assert.equal((await poller.end()).code, 0);
  writeFileSync(read, '');
  assert.match((await reviewing).stdout, /^A: the notes are the first work of its agent; start it/);
  assert.equal((await rig.stream('A')).state, 'ready');
});
