/** When a stream counts as done, and what becomes of a worker that ended without being it. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createProjectRig, statesOf, streamOf } from '../support/worker-rig.ts';

const ONE_ATTEMPT = { restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [0.1] } };

test('a worker that leaves its work unfinished has failed, in whichever way, and its streams keep apart', async () => {
  await using rig = await createProjectRig({
    plan: {
      Dirty: [],
      Untracked: [],
      Empty: [],
      Early: [],
      Branch: [],
      Merging: [],
      Rewritten: [],
      Exit1: [],
    },
    config: { ...ONE_ATTEMPT, maxWorkers: 8 },
  });
  const scripts: Readonly<Record<string, string>> = {
    Dirty: 'commit; echo more >> work.txt',
    Untracked: 'commit; echo new > new.txt',
    Empty: 'true',
    Early: 'commit',
    Branch: 'git switch --quiet --create elsewhere; commit',
    Merging:
      'git switch --quiet --create other; commit 1; git switch --quiet -; commit 2; ! git merge -q other',
    Rewritten: 'echo x > x && git add . && git commit -q --amend -m Amended',
    Exit1: 'commit',
  };
  rig.onWorker(async (worker) => {
    await worker.sh(
      `commit() { echo "$1" > work.txt && git add . && git commit -qm Work; }; ${scripts[worker.stream]}`,
    );
    if (worker.stream !== 'Early') rig.setTasks(worker.stream, 'completed');
    worker.exit(worker.stream === 'Exit1' ? 1 : 0);
  });
  const { code, stdout } = await rig.start().end();
  assert.equal(code, 1, stdout);
  const report = await rig.look();
  const expected: Record<string, RegExp> = {
    Dirty: /uncommitted: work\.txt/,
    Untracked: /uncommitted: new\.txt/,
    Empty: /there is no commit yet/,
    Early: /agent ended \(exit 0\), 1 task open/,
    Branch: /on elsewhere, not on orchestrate\/branch/,
    Merging: /a merge is in progress/,
    Rewritten: /stopped without merging its base$/,
    Exit1: /exit 1/,
  };
  for (const [id, reason] of Object.entries(expected)) {
    const stream = streamOf(report, id);
    assert.equal(stream.state, 'failed', `${id}: ${stream.reason}`);
    assert.match(stream.reason ?? '', reason);
    assert.equal(stream.remedy, `orchestrate retry ${id}`);
    assert.match(stdout, new RegExp(`${id}[^\\n]*failed|failed[^\\n]*${id}`), 'the summary names it');
  }
  assert.equal(
    readFileSync(join(rig.root, '.claude/worktrees/dirty/work.txt'), 'utf8').split('\n').length,
    3,
  );
});

test('without commits it is done when a note says that none are needed', async () => {
  await using rig = await createProjectRig();
  rig.onWorker(async (worker) => {
    rig.setTasks('A', 'completed', { notes: 'looked at it\nno-changes: it was right already' });
    worker.exit(0);
  });
  const { code, stdout } = await rig.start().end();
  assert.equal(code, 0, stdout);
  assert.equal((await rig.stream('A')).verifiedSha, rig.cli.git('rev-parse', 'main'));
});

test('a gate that fails uses up the attempts; then retry, with the gate mended, finishes', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'] },
    config: { gates: [{ name: 'test', command: 'echo looking; test -e good.txt' }] },
  });
  rig.onWorker(async (worker) => {
    await worker.commit(`try-${worker.run}.txt`);
    if (worker.run > 3) await worker.commit('good.txt');
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  const first = await rig.start().end();
  assert.equal(first.code, 1);
  assert.equal(rig.desk.starts().length, 3, 'three attempts');
  const report = await rig.look();
  const a = streamOf(report, 'A');
  assert.equal(a.state, 'failed');
  assert.equal(a.reason, 'gave up after 3 attempts: gate "test" failed');
  assert.match(readFileSync(a.gate?.log ?? '', 'utf8'), /looking/);
  const b = streamOf(report, 'B');
  assert.deepEqual([b.state, b.reason, b.remedy], ['blocked', 'waits for A (failed)', 'orchestrate retry A']);

  const again = await rig.start().end();
  assert.equal(again.code, 1, 'a plain start does not clear what failed');
  assert.equal(rig.desk.starts().length, 3);
  await rig.run(['retry', 'A']);
  const last = await rig.start().end();
  assert.equal(last.code, 0, last.stdout);
  assert.deepEqual(
    rig.desk.starts().map(({ stream, run }) => `${stream}${run}`),
    ['A1', 'A2', 'A3', 'A4', 'B1'],
  );
  assert.equal(
    rig.cli.git('log', '--oneline', 'main..orchestrate/a').split('\n').length,
    5,
    'every commit is kept',
  );
});

test('attempts are counted across pollers', async () => {
  await using rig = await createProjectRig();
  rig.onWorker(async (worker) => {
    await worker.print('boom: \u001b[31mout of cheese\u001b[0m\n\n');
    worker.exit(1);
  });
  for (const runs of [1, 2]) {
    const poller = rig.start();
    await rig.until(
      `run ${runs} has ended`,
      ({ events }) => events.filter((e) => e.kind === 'run-failed').length >= runs,
    );
    await poller.kill();
  }
  assert.equal((await rig.start().end()).code, 1);
  assert.equal(rig.desk.starts().length, 3);
  const { reason } = await rig.stream('A');
  assert.equal(
    reason,
    'gave up after 3 attempts: agent ended (exit 1), 1 task open; it printed last: boom: out of cheese',
  );
});

test('a blocked task waits for the user, and its dependents say whom they wait for', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  rig.onWorker(async (worker) => {
    await worker.commit('half.txt');
    rig.setTasks('A', 'blocked', { blockedReason: 'which database?' });
    worker.exit(0);
  });
  assert.equal((await rig.start().end()).code, 1);
  const report = await rig.look();
  const a = streamOf(report, 'A');
  assert.equal(a.state, 'blocked');
  assert.match(a.reason ?? '', /which database\?/);
  assert.match(a.remedy ?? '', /^orchestrate task update TASK-\S+ --status pending$/);
  assert.equal(streamOf(report, 'B').reason, 'waits for A (blocked)');
  assert.equal(rig.desk.starts().length, 1);
});

test('work that is complete without any run is adopted; one that was left complete is verified again', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  rig.setTasks('A', 'completed');
  const poller = rig.start();
  const b = await rig.nextWorker('B');
  assert.equal(b.env['ORCHESTRATE_BASE_SHA'], rig.cli.git('rev-parse', 'main'));
  await poller.kill();
  await b.commit('b.txt');
  rig.setTasks('B', 'completed');
  b.exit(0);
  await b.end();
  // Its connection is gone before its process is.
  const before = await rig.untilState('B', 'verifying');
  assert.equal(before.remedy, 'orchestrate start B');
  assert.equal((await rig.start().end()).code, 0);
  assert.equal((await rig.stream('B')).state, 'done');
  assert.equal(rig.desk.starts().length, 1, 'the work was not done again');
});

test('a worktree that is dirty from birth is said to be so, and does not keep its stream from being done', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'] },
    config: {
      worktree: { setup: ['echo 1 >> lock.json; echo left > left-by-setup'] },
      restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [0.1] },
    },
  });
  rig.cli.write('legacy.txt', 'one\r\ntwo\r\n');
  rig.cli.write('lock.json', '0\n');
  rig.cli.git('add', 'legacy.txt', 'lock.json');
  rig.cli.git('commit', '--quiet', '-m', 'With CRLF');
  rig.cli.write('.gitattributes', '*.txt text eol=lf\n');
  rig.cli.git('add', '.gitattributes');
  rig.cli.git('commit', '--quiet', '-m', 'Attributes');
  rig.onWorker(async (worker) => {
    await worker.commit(`${worker.stream}.md`);
    // What it changes and leaves is its own all the same.
    if (worker.stream === 'B') await worker.sh('echo more >> legacy.txt; echo 2 >> lock.json');
    await worker.completeTasks();
    worker.exit(0);
  });
  assert.equal((await rig.start().end()).code, 1);
  const report = await rig.look();
  assert.deepEqual(statesOf(report), { A: 'done', B: 'failed' });
  assert.match(streamOf(report, 'B').reason ?? '', /uncommitted: legacy\.txt, lock\.json$/);
  const log = rig.cli.read('.claude/orchestrator/logs/orchestrator.log');
  assert.match(log, /legacy\.txt as modified .*git add --renormalize \./);
  assert.match(log, /set-up leaves uncommitted lock\.json, left-by-setup/);
  assert.match(log, /dirty from the start and unchanged: legacy\.txt, lock\.json, left-by-setup/);
});

test('work that cannot be committed says why in the words of the hook or of git, not that it is uncommitted', async () => {
  await using rig = await createProjectRig({ plan: { Hook: [], Name: [], Key: [] }, config: ONE_ATTEMPT });
  const hook = join(rig.root, '.git', 'hooks', 'pre-commit');
  rig.cli.write('.git/hooks/pre-commit', '#!/bin/sh\necho "no tabs, please"\nexit 1\n');
  chmodSync(hook, 0o755);
  const tries =
    'echo work > work.txt; git add work.txt; git commit -m Work > /dev/tty 2>&1 || echo "commit failed" > /dev/tty';
  const leave = async (stream: string) => {
    const worker = await rig.nextWorker(stream);
    return async () => {
      await worker.sh(tries);
      await worker.completeTasks();
      worker.exit(0);
      return (await rig.untilState(stream, 'failed')).reason ?? '';
    };
  };
  const poller = rig.start();
  const [byHook, byName, byKey] = await Promise.all(['Hook', 'Name', 'Key'].map(leave));
  assert.match((await byHook?.()) ?? '', /its commit failed: .*no tabs, please/);
  rmSync(hook);
  rig.cli.git('config', 'commit.gpgSign', 'true');
  rig.cli.git('config', 'gpg.format', 'ssh');
  rig.cli.git('config', 'user.signingKey', '/nonexistent.pub');
  assert.match(
    (await byKey?.()) ?? '',
    /its commit failed: .*nonexistent|cannot sign commits here: .*nonexistent/,
  );
  rig.cli.git('config', 'commit.gpgSign', 'false');
  rig.cli.git('config', '--unset', 'user.email');
  rig.cli.git('config', 'user.useConfigOnly', 'true');
  const unnamed = (await byName?.()) ?? '';
  assert.match(unnamed, /git cannot commit here: no email was given and auto-detection is disabled/);
  assert.doesNotMatch(unnamed, /uncommitted/);
  assert.equal((await poller.end()).code, 1);
});

test('leftovers: commit commits tracked changes, and never an untracked file', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: [] },
    config: { ...ONE_ATTEMPT, leftovers: 'commit' },
  });
  rig.onWorker(async (worker) => {
    await worker.commit('file.txt');
    await worker.sh('echo more >> file.txt');
    if (worker.stream === 'B') await worker.sh('echo secret > untracked.txt');
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  assert.equal((await rig.start().end()).code, 1);
  const report = await rig.look();
  assert.equal(streamOf(report, 'A').state, 'done');
  assert.match(rig.cli.git('log', '-1', '--format=%B', 'orchestrate/a'), /leftovers: commit/);
  assert.match(streamOf(report, 'B').reason ?? '', /uncommitted: untracked\.txt/);
  assert.ok(existsSync(join(rig.root, '.claude/worktrees/b/untracked.txt')));
});

for (const [finishedWindows, left] of [
  ['close-on-done', []],
  ['keep', ['a 1']],
] as const) {
  test(`finishedWindows: ${finishedWindows}: the window of a stream that is done`, async () => {
    await using rig = await createProjectRig({ config: { finishedWindows } });
    rig.onWorker(async (worker) => {
      await worker.commit('file.txt');
      rig.setTasks('A', 'completed');
      worker.exit(0);
    });
    assert.equal((await rig.start().end()).code, 0);
    const panes = rig.tmux('list-panes', '-a', '-F', '#{window_name} #{pane_dead}').split('\n');
    assert.deepEqual(
      panes.filter((pane) => pane.startsWith('a ')),
      left,
    );
  });
}
