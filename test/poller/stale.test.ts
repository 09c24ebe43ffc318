/** A dependency that moves after its dependents were built on it: they follow it in order, by the poller itself, and no agent is started for it. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStateStore } from '../../src/state/state-store.ts';
import { createShim, type Moment } from '../support/shim.ts';
import { createProjectRig, type ProjectRig, statesOf, streamOf } from '../support/worker-rig.ts';

const DIAMOND = { A: [], B: ['A'], C: ['A'], D: ['B', 'C'] };

/** The next worker of the stream writes the file and is done. */
async function finish(rig: ProjectRig, stream: string, file: string, text?: string): Promise<void> {
  const worker = await rig.nextWorker(stream);
  await worker.commit(file, text);
  rig.setTasks(stream, 'completed');
  worker.exit(0);
}

/** Everyone who comes writes a file of their own for each run, and is done. */
function workOn(rig: ProjectRig): void {
  rig.onWorker(async (worker) => {
    await worker.commit(`${worker.stream}-${worker.run}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
}

async function finishPlan(rig: ProjectRig): Promise<void> {
  const ended = await rig.start().end();
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
}

const files = (rig: ProjectRig, branch: string): string[] =>
  rig.cli.git('ls-tree', '--name-only', branch).split('\n');
const starts = (rig: ProjectRig): string[] =>
  rig.desk
    .starts()
    .map(({ stream }) => stream)
    .sort();
const worktreeOf = (rig: ProjectRig, key: string): string => join(rig.root, '.claude', 'worktrees', key);

/** Nothing is stale, each branch contains the heads of what it builds on, and worktrees and branches agree. */
async function assertUpToDate(rig: ProjectRig, plan: Readonly<Record<string, readonly string[]>>) {
  const report = await rig.look();
  for (const [id, on] of Object.entries(plan)) {
    const stream = streamOf(report, id);
    assert.deepEqual([stream.state, stream.stale, stream.reason], ['done', false, null], id);
    assert.equal(stream.verifiedSha, stream.headSha, `${id} was checked at its head`);
    for (const each of on)
      rig.cli.git(
        'merge-base',
        '--is-ancestor',
        streamOf(report, each).verifiedSha ?? '',
        stream.headSha ?? '',
      );
    assert.equal(rig.cli.git('-C', worktreeOf(rig, id.toLowerCase()), 'status', '--porcelain'), '', id);
  }
}

test('a diamond follows a task that was opened again: one wave, in order, gates on each, no agent but the one', async () => {
  await using rig = await createProjectRig({
    plan: DIAMOND,
    config: { gates: [{ name: 'look', command: 'ls >> "$TMPDIR/gates-$ORCHESTRATE_KEY" 2>&1 || true' }] },
  });
  workOn(rig);
  await finishPlan(rig);
  rig.setTasks('A', 'pending');
  // A worktree that is gone is made again for the check; what the user left beside is no obstacle.
  rmSync(worktreeOf(rig, 'c'), { recursive: true });
  await finishPlan(rig);
  await assertUpToDate(rig, DIAMOND);
  // A fix of the user's own moves it as well.
  const tree = worktreeOf(rig, 'a');
  writeFileSync(join(tree, 'fix.txt'), 'mine');
  rig.cli.git('-C', tree, 'add', 'fix.txt');
  rig.cli.git('-C', tree, 'commit', '--quiet', '--message', 'Fix by hand');
  await finishPlan(rig);
  await assertUpToDate(rig, DIAMOND);
  assert.ok(files(rig, 'orchestrate/d').includes('fix.txt'));
  assert.deepEqual(starts(rig), ['A', 'A', 'B', 'C', 'D']);
  for (const key of ['b', 'c', 'd']) assert.ok(files(rig, `orchestrate/${key}`).includes('A-2.txt'), key);

  const report = await rig.look();
  const d = streamOf(report, 'D');
  const own = rig.cli.git('diff', '--name-only', `${d.baseSha}`, `${d.headSha}`);
  assert.equal(own, 'D-1.txt', 'its own change is what it has beyond what it builds on');
  const passed = await rig.run(['logs', 'D']);
  assert.match(passed.stdout, /brought up to date with B at [0-9a-f]{10}, C at [0-9a-f]{10}/);
  const done = report.streams.map(({ verifiedSha }) => verifiedSha);
  await finishPlan(rig);
  assert.deepEqual(
    (await rig.look()).streams.map(({ verifiedSha }) => verifiedSha),
    done,
    'a plan that is up to date is left alone',
  );
});

test('a chain moves while one of it runs: what it finishes has all of it, and nothing is built on what is outdated', async () => {
  const plan = { A: [], B: ['A'], C: ['B'], D: ['C'] };
  await using rig = await createProjectRig({ plan });
  const poller = rig.start();
  await finish(rig, 'A', 'a.txt');
  await finish(rig, 'B', 'b.txt');
  const c = await rig.nextWorker('C');
  rig.setTasks('A', 'pending');
  await finish(rig, 'A', 'a-again.txt');
  await rig.until('B has followed', (report) => {
    const b = streamOf(report, 'B');
    return b.state === 'done' && !b.stale && files(rig, 'orchestrate/b').includes('a-again.txt');
  });
  assert.equal(streamOf(await rig.look(), 'C').stale, true);
  await c.commit('c.txt');
  rig.setTasks('C', 'completed');
  c.exit(0);
  await finish(rig, 'D', 'd.txt');
  assert.equal((await poller.end()).code, 0);
  await assertUpToDate(rig, plan);
  assert.deepEqual(starts(rig), ['A', 'A', 'B', 'C', 'D']);
  for (const file of ['a.txt', 'a-again.txt', 'b.txt', 'c.txt', 'd.txt'])
    assert.ok(files(rig, 'orchestrate/d').includes(file), file);
});

test('a clash is named with its files, resolve gives it to the very stream, and those behind follow', async () => {
  const plan = { A: [], B: ['A'], C: ['B'] };
  await using rig = await createProjectRig({ plan });
  workOn(rig);
  const poller = rig.start();
  await finish(rig, 'A', 'shared.txt', 'one');
  await finish(rig, 'B', 'shared.txt', 'two');
  assert.equal((await poller.end()).code, 0);
  const before = rig.cli.git('rev-parse', 'orchestrate/b');
  rig.setTasks('A', 'pending');
  const again = rig.start();
  await finish(rig, 'A', 'shared.txt', 'three');
  assert.equal((await again.end()).code, 1, 'a plan with what is outdated is not finished');
  const report = await rig.look();
  assert.deepEqual(statesOf(report), { A: 'done', B: 'base-conflict', C: 'done' });
  assert.match(streamOf(report, 'B').reason ?? '', /does not merge with what .*: shared\.txt/);
  assert.equal(streamOf(report, 'C').stale, true);
  assert.equal(rig.cli.git('rev-parse', 'orchestrate/b'), before);
  assert.deepEqual(starts(rig), ['A', 'A', 'B', 'C']);

  await rig.run(['resolve', 'B']);
  const last = rig.start();
  const b = await rig.nextWorker('B');
  assert.equal(b.run, 2);
  const head = streamOf(report, 'A').verifiedSha ?? '';
  assert.match(await b.sh('cat "$1"', b.promptFile), new RegExp(`git merge --no-edit ${head}`));
  await b.sh('git merge --quiet "$1" || { echo both > shared.txt; git commit -qam Merge; }', head);
  b.exit(0);
  assert.equal((await last.end()).code, 0);
  await assertUpToDate(rig, plan);
  assert.deepEqual(starts(rig), ['A', 'A', 'B', 'B', 'C']);
});

test('a gate that fails on the merge goes to the stream itself, and what depends on it waits for that', async () => {
  const plan = { A: [], B: ['A'], C: ['B'] };
  await using rig = await createProjectRig({
    plan,
    config: {
      gates: [{ name: 'apart', command: '! { [ -e A-2.txt ] && [ -e B-1.txt ] && [ ! -e B-2.txt ]; }' }],
    },
  });
  workOn(rig);
  await finishPlan(rig);
  rig.setTasks('A', 'pending');
  await finishPlan(rig);
  await assertUpToDate(rig, plan);
  assert.deepEqual(starts(rig), ['A', 'A', 'B', 'B', 'C']);
  const second = rig.desk.seen.find(({ stream, run }) => stream === 'B' && run === 2);
  assert.match(readFileSync(second?.promptFile ?? '', 'utf8'), /ended with: gate "apart" failed/);
});

test('bytes that are not committed are never touched: it says where they are, and goes on when they are gone', async () => {
  const plan = { A: [], B: ['A'] };
  await using rig = await createProjectRig({ plan });
  workOn(rig);
  writeFileSync(join(rig.root, '.git', 'info', 'exclude'), '*.ignored\n', { flag: 'a' });
  await finishPlan(rig);
  rig.setTasks('A', 'pending');
  const tree = worktreeOf(rig, 'b');
  writeFileSync(join(tree, 'B-1.txt'), 'mine');
  assert.equal((await rig.start().end()).code, 1);
  const { reason, remedy } = await rig.stream('B');
  assert.match(reason ?? '', /could not be brought up to date: uncommitted: B-1\.txt/);
  assert.match(remedy ?? '', /^git -C \S+ status && orchestrate sync \S+$/);
  assert.equal(readFileSync(join(tree, 'B-1.txt'), 'utf8'), 'mine');
  rig.cli.git('-C', tree, 'checkout', '--quiet', '--', 'B-1.txt');

  // A file that git would take for worthless, in the very place of one that comes with the dependency.
  rig.setTasks('A', 'pending');
  const busy = rig.start();
  const a = await rig.nextWorker('A');
  await a.sh('echo theirs > secret.ignored && git add -f secret.ignored && git commit -qm Secret');
  writeFileSync(join(tree, 'secret.ignored'), 'mine');
  rig.setTasks('A', 'completed');
  a.exit(0);
  assert.equal((await busy.end()).code, 1);
  assert.match((await rig.stream('B')).reason ?? '', /stand in the way: secret\.ignored/);
  assert.equal(readFileSync(join(tree, 'secret.ignored'), 'utf8'), 'mine');
  rmSync(join(tree, 'secret.ignored'));
  await finishPlan(rig);
  await assertUpToDate(rig, plan);
});

test('kill -9 of the poller in between: the next one finishes, once, and loses nothing', async () => {
  using shim = createShim();
  await using rig = await createProjectRig({ plan: DIAMOND, tools: [shim.directory] });
  workOn(rig);
  await finishPlan(rig);
  rig.setTasks('A', 'pending');
  const kills: [Moment, string][] = [
    ['before', 'merge --ff-only'],
    ['orphaned', 'merge --ff-only'],
    ['after', 'merge --ff-only'],
    ['after', 'commit-tree'],
    ['before', '-m verified refs/orchestrate/verified/d'],
    ['after', '-m verified refs/orchestrate/verified/d'],
  ];
  const happened: string[] = [];
  for (const [moment, words] of kills) {
    shim.arm('git', 1, moment, words);
    const { signal } = await rig.start().end();
    if (signal === 'SIGKILL') happened.push(`${moment} ${words}`);
  }
  shim.disarm();
  assert.ok(happened.length >= 4, happened.join('; '));
  await finishPlan(rig);
  await assertUpToDate(rig, DIAMOND);
  assert.deepEqual(starts(rig), ['A', 'A', 'B', 'C', 'D'], happened.join('; '));
  const merges = rig.cli.git('log', '--merges', '--format=%s', 'orchestrate/b').split('\n');
  assert.deepEqual(
    merges,
    ['Bring b up to date with its dependencies'],
    'one merge, however often it was begun',
  );
});

test('where it is left to the user, sync does it: foreseen, with no poller, through a living one, by name', async () => {
  const plan = { A: [], B: ['A'], C: ['B'], Other: [] };
  await using rig = await createProjectRig({ plan, config: { sync: 'ask' } });
  workOn(rig);
  await finishPlan(rig);
  assert.match((await rig.run(['sync'])).stdout, /everything is up to date/);
  rig.setTasks('A', 'pending');
  const poller = rig.start();
  assert.equal((await poller.end()).code, 1);
  const before = await rig.look();
  assert.deepEqual(
    before.streams.filter(({ stale }) => stale).map(({ id, remedy }) => [id, remedy]),
    [
      ['B', 'orchestrate sync B'],
      ['C', 'orchestrate sync C'],
    ],
  );
  const refs = rig.cli.git('for-each-ref');
  const dry = await rig.run(['sync', '--dry-run', '--json']);
  const foreseen = JSON.parse(dry.stdout) as { streams: { id: string; result: string }[] };
  assert.deepEqual(
    foreseen.streams.map(({ id, result }) => [id, result]),
    [
      ['B', 'synced'],
      ['C', 'synced'],
    ],
  );
  assert.equal(rig.cli.git('for-each-ref'), refs, 'it leaves no trace');
  // The last of the chain takes what it builds on along.
  const done = await rig.run(['sync', 'C']);
  assert.match(done.stdout, /^B: up to date \([0-9a-f]{7}\)\nC: up to date \([0-9a-f]{7}\)$/m);
  await assertUpToDate(rig, plan);

  rig.setTasks('A', 'pending');
  rig.setTasks('Other', 'pending');
  const living = rig.start();
  const other = await rig.nextWorker('Other');
  await rig.until('A has moved', (report) => streamOf(report, 'B').stale);
  await rig.run(['sync']);
  await assertUpToDate(rig, { A: [], B: ['A'], C: ['B'] });
  await other.commit('other.txt');
  rig.setTasks('Other', 'completed');
  other.exit(0);
  assert.equal((await living.end()).code, 0);
  assert.deepEqual(starts(rig), ['A', 'A', 'A', 'B', 'C', 'Other', 'Other']);

  // Bytes in the way, and a clash: said by stream, and what to type.
  rig.setTasks('A', 'pending');
  const last = rig.start();
  await finish(rig, 'A', 'B-1.txt', 'not of A');
  assert.equal((await last.end()).code, 1);
  const refused = await rig.run(['sync', '--json'], 1);
  const { streams } = JSON.parse(refused.stdout) as {
    streams: { id: string; result: string; files: string[] }[];
  };
  assert.deepEqual(
    streams.map(({ id, result, files: named }) => [id, result, named]),
    [
      ['B', 'conflict', ['B-1.txt']],
      ['C', 'waiting', []],
    ],
  );
});

/** Has the stream's check have failed for the machine's reasons, which is tried again only after a while. */
function failedJustNow(rig: ProjectRig, key: string): void {
  const state = openStateStore(join(rig.root, '.claude', 'orchestrator', 'state.db'));
  const trouble = { kind: 'verify', message: 'bad disk', fix: 'dmesg', cause: null, count: 5 } as const;
  state.patchStream(key, { trouble: { ...trouble, atMs: Date.now() } });
  state.close();
}

test('a sync that was killed between the merge and the check is finished by the next one, not called up to date', async () => {
  using shim = createShim(['sync']);
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'], C: ['B'] },
    config: { sync: 'ask' },
    tools: [shim.directory],
  });
  workOn(rig);
  await finishPlan(rig);
  rig.setTasks('A', 'pending');
  assert.equal((await rig.start().end()).code, 1);
  shim.arm('git', 1, 'before', '-m verified refs/orchestrate/verified/b');
  assert.equal((await rig.cli.run(['sync'])).signal, 'SIGKILL');
  shim.disarm();
  assert.deepEqual(
    (await rig.look()).streams.map(({ id, state, stale }) => [id, state, stale]),
    [
      ['A', 'done', false],
      ['B', 'verifying', false],
      ['C', 'done', false],
    ],
  );
  const dry = await rig.run(['sync', '--dry-run', 'B']);
  assert.match(dry.stdout, /^B: would be checked, being up to date with A at /m);
  failedJustNow(rig, 'b');
  const again = await rig.run(['sync']);
  assert.match(again.stdout, /^B: up to date \([0-9a-f]+\)\nC: up to date \([0-9a-f]+\)$/m);
  await assertUpToDate(rig, { A: [], B: ['A'], C: ['B'] });
  assert.deepEqual(starts(rig), ['A', 'A', 'B', 'C']);
});

test('a sync by hand does not wait for an agent that is at work on what the stream builds on', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] }, config: { sync: 'ask' } });
  const first = rig.start();
  await finish(rig, 'A', 'a.txt');
  await finish(rig, 'B', 'b.txt');
  assert.equal((await first.end()).code, 0);
  rig.setTasks('A', 'pending');
  const second = rig.start();
  await finish(rig, 'A', 'again.txt');
  assert.equal((await second.end()).code, 1);
  rig.setTasks('A', 'pending');
  rig.start();
  await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  const { stdout } = await rig.run(['sync', 'B'], 1);
  assert.match(stdout, /^B: waits for A, which is running$/m);
});
