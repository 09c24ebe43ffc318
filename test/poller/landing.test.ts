/** `merge`: what is done lands on the user's branch, once, by each strategy; what cannot is named and stays. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LandingReport } from '../../src/core/landing.ts';
import { createLandingWorld } from '../support/landing-world.ts';
import { createShim, type Moment } from '../support/shim.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig, type RigOptions } from '../support/worker-rig.ts';

const DIAMOND = { A: [], B: ['A'], C: ['A'], Z: ['B', 'C'] } as const;
const REVIEW = { name: 'review', agent: true, command: `echo '{"verdict":"pass","findings":[]}'` };

function git(rig: ProjectRig, ...args: string[]): string {
  return execFileSync('git', args, { cwd: rig.root, env: rig.cli.env, encoding: 'utf8' }).trimEnd();
}

/** What is not committed in the main checkout, beside what `init` made. */
const changes = (rig: ProjectRig) =>
  git(rig, 'status', '--porcelain', '--', '.', ':!.claude', ':!watch-status');

const LOCK = '.git/index.lock';

/** Waits until the main checkout has the file and is let go again: the branch moves first, and its files come after it. */
const followed = (rig: ProjectRig, file: string) =>
  until(
    'the checkout has followed',
    () => existsSync(join(rig.root, file)) && !existsSync(join(rig.root, LOCK)),
  );

/** A project whose plan is worked off by agents that each run a script, given by stream. */
async function worked(
  scripts: Readonly<Record<string, string>>,
  options: RigOptions = {},
): Promise<ProjectRig> {
  const rig = await createProjectRig(options);
  rig.onWorker(async (worker) => {
    await worker.sh(
      `${scripts[worker.stream] ?? `echo ${worker.stream} > ${worker.stream}.txt`}; git add -A; git commit -qm 'work of ${worker.stream}'`,
    );
    await worker.completeTasks();
    worker.exit(0);
  });
  await rig.start().end();
  return rig;
}

async function merge(rig: ProjectRig, args: readonly string[] = [], code = 0): Promise<LandingReport> {
  const { stdout } = await rig.run(['merge', '--json', ...args], code);
  return JSON.parse(stdout) as LandingReport;
}

const landedOf = (report: LandingReport) => report.landed.map(({ stream }) => stream);

for (const strategy of ['merge', 'squash', 'rebase'] as const) {
  test(`a diamond lands by ${strategy}: each stream once, the verified tree, nothing the second time`, async () => {
    await using rig = await worked(
      {},
      { plan: DIAMOND, config: { landing: { strategy }, gates: [{ name: 'any', command: 'true' }, REVIEW] } },
    );
    const before = git(rig, 'for-each-ref');
    const dry = await merge(rig, ['--dry-run']);
    assert.deepEqual([landedOf(dry), dry.gates.status, dry.gates.as], [['A', 'B', 'C', 'Z'], 'hold', 'Z']);
    assert.equal(git(rig, 'for-each-ref'), before);
    const report = await merge(rig);
    assert.deepEqual(landedOf(report), ['A', 'B', 'C', 'Z']);
    // A review judged each stream's own change; the whole has none.
    assert.deepEqual([report.gates.status, report.gates.names], ['hold', ['any']]);
    assert.equal(report.next, 'orchestrate clean');
    assert.equal(git(rig, 'rev-parse', 'main^{tree}'), git(rig, 'rev-parse', 'orchestrate/z^{tree}'));
    assert.equal(changes(rig), '');
    assert.equal(readFileSync(join(rig.root, 'Z.txt'), 'utf8'), 'Z\n');
    assert.equal(git(rig, 'for-each-ref', 'refs/orchestrate/landing'), '');
    const subjects = git(rig, 'log', '--first-parent', '--format=%s', `${report.from}..main`).split('\n');
    const expected = {
      merge: ['Merge Z: Work of Z', 'Merge C: Work of C', 'Merge B: Work of B', 'Merge A: Work of A'],
      squash: ['Z: Work of Z', 'C: Work of C', 'B: Work of B', 'A: Work of A'],
      rebase: ['work of Z', 'work of C', 'work of B', 'work of A'],
    };
    assert.deepEqual(subjects, expected[strategy]);
    if (strategy !== 'rebase')
      assert.match(git(rig, 'log', '-1', '--format=%B'), /Tasks:\n- Task of Z\n\nStream: Z\nRun: 1/);
    const { streams } = await rig.status();
    assert.ok(streams.every(({ landed }) => landed));
    const again = await merge(rig);
    assert.deepEqual([landedOf(again), again.contained.length], [[], 4]);
    assert.equal(again.to, report.to);
  });
}

test('what clashes is named and waits, its agent resolves it, all lands, and all of it is cleaned away', async () => {
  await using rig = await worked(
    { A: 'echo a > x.txt', B: 'echo b > x.txt', E: 'echo e > "odd name"' },
    { plan: { A: [], B: [], D: ['B'], E: [] }, config: { gates: [{ name: 'any', command: 'true' }] } },
  );
  const dry = await merge(rig, ['--dry-run'], 1);
  const report = await merge(rig, [], 1);
  assert.deepEqual(landedOf(report), ['A', 'E']);
  assert.deepEqual(report.clashes, [
    { stream: 'B', files: ['x.txt'], against: ['A'], remedy: 'orchestrate resolve B' },
  ]);
  assert.deepEqual(report.waiting, [{ stream: 'D', on: ['B'] }]);
  assert.deepEqual(landedOf(dry), landedOf(report));
  const { stdout } = await rig.run(['merge'], 1);
  // A landed by now, so that the other side is the branch itself.
  assert.match(stdout, /B {2}clashes with main in x\.txt\n.*orchestrate resolve B/);
  assert.match(stdout, /D {2}waits for B/);
  const kept = await rig.run(['clean']);
  assert.match(kept.stdout, /^Removed A: [\s\S]*^Kept B: its work has not landed/m);

  await rig.run(['resolve', 'B']);
  const poller = rig.start();
  const b = await rig.nextWorker('B');
  assert.equal(b.run, 2);
  assert.match(readFileSync(b.promptFile, 'utf8'), new RegExp(`git merge --no-edit ${report.to}`));
  await b.sh('git merge -q "$1" || { echo both > x.txt; git commit -qam Resolve; }', report.to);
  b.exit(0);
  assert.equal((await poller.end()).code, 0);
  const landed = await merge(rig);
  assert.deepEqual(landedOf(landed).sort(), ['B', 'D']);
  assert.deepEqual(landed.clashes, []);
  const text = (path: string) => readFileSync(join(rig.root, path), 'utf8');
  assert.deepEqual(['x.txt', 'D.txt', 'odd name'].map(text), ['both\n', 'D\n', 'e\n']);
  assert.deepEqual(
    git(rig, 'log', '--first-parent', '--format=%s', `${dry.from}..main`).split('\n'),
    ['D', 'B', 'E', 'A'].map((id) => `Merge ${id}: Work of ${id}`),
  );

  await rig.run(['clean']);
  assert.equal(git(rig, 'worktree', 'list').split('\n').length, 1);
  assert.equal(git(rig, 'for-each-ref', '--format=%(refname)', 'refs/heads'), 'refs/heads/main');
  assert.equal(changes(rig), '');
  const cleaned = async () => {
    const seen = await rig.status();
    assert.deepEqual(
      seen.streams.map(({ state, landed: there, stale, reason }) => [state, there, stale, reason]),
      seen.streams.map(() => ['done', true, false, null]),
    );
    assert.deepEqual(seen.warnings, []);
  };
  await cleaned();
  assert.match((await rig.run(['status'])).stdout, /All 4 streams done and landed in/);
  assert.match(
    (await rig.run(['verify', 'B'])).stdout,
    /its work has landed \([0-9a-f]{7}\), and its worktree/,
  );
  assert.equal((await rig.start().end()).code, 0);
  await cleaned();
  assert.equal((await merge(rig)).contained.length, 4);
  assert.equal(git(rig, 'worktree', 'list').split('\n').length, 1);
});

test('while other streams are at work what is done lands; a stream asked for that is not done is named', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'], C: [] } });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await rig.nextWorker('C');
  await rig.run(['merge'], 1);
  await a.commit('A.txt');
  await a.completeTasks();
  a.exit(0);
  await rig.untilState('A', 'done');
  const b = await rig.nextWorker('B');
  const named = await merge(rig, ['B'], 1);
  assert.deepEqual(landedOf(named), ['A']);
  assert.deepEqual(
    named.notDone.map(({ stream, state }) => [stream, state]),
    [['B', 'running']],
  );
  const all = await merge(rig);
  assert.deepEqual([all.contained, all.notDone.map(({ stream }) => stream)], [['A'], ['C', 'B']]);
  await b.commit('B.txt');
  await b.completeTasks();
  b.exit(0);
  await rig.untilState('B', 'done');
  assert.deepEqual(landedOf(await merge(rig, ['B'])), ['B']);
  await poller.kill('SIGTERM');
});

test('a gate that fails on the result is traced to its stream, which is left out with what builds on it', async () => {
  // Each is well by itself; B breaks only beside A.
  const gate = 'test ! -e A.txt || test ! -e B.txt';
  await using rig = await worked(
    {},
    { plan: { A: [], B: [], C: [], D: ['B'] }, config: { gates: [{ name: 'both', command: gate }] } },
  );
  const dry = await merge(rig, ['--dry-run']);
  assert.equal(dry.gates.status, 'to-run');
  const report = await merge(rig, [], 1);
  assert.deepEqual(landedOf(report), ['A', 'C']);
  assert.deepEqual(
    report.rejected.map(({ stream }) => stream),
    ['B'],
  );
  assert.match(report.rejected[0]?.why ?? '', /gate "both" failed \(exit 1\), log: /);
  assert.deepEqual(report.waiting, [{ stream: 'D', on: ['B'] }]);
  assert.equal(report.gates.status, 'passed');
  assert.equal(git(rig, 'worktree', 'list').split('\n').length, 5);
  const forced = await merge(rig, ['--no-gates']);
  assert.deepEqual(landedOf(forced), ['B', 'D']);
  assert.equal(forced.gates.status, 'skipped');
});

test('what another way brought to the branch is not landed again, and is the base of later streams', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'] },
    config: { landing: { strategy: 'squash' } },
  });
  await rig.run(['park', 'B']);
  const first = rig.start();
  const a = await rig.nextWorker('A');
  await a.commit('A.txt');
  await a.completeTasks();
  a.exit(0);
  await first.end();
  git(rig, 'merge', '--squash', 'orchestrate/a');
  git(rig, 'commit', '-qm', 'by hand');
  await rig.until('A has landed', ({ streams }) => streams.find(({ id }) => id === 'A')?.landed === true);
  const tip = git(rig, 'rev-parse', 'main');
  await rig.run(['retry', 'B']);
  const poller = rig.start();
  const b = await rig.nextWorker('B');
  assert.equal((await rig.stream('B')).baseSha, tip);
  await b.commit('B.txt');
  await b.completeTasks();
  b.exit(0);
  await rig.untilState('B', 'done');
  await poller.end();
  const report = await merge(rig);
  assert.deepEqual([report.contained, landedOf(report)], [['A'], ['B']]);
});

test('three merges at once land everything once', async () => {
  await using rig = await worked({}, { plan: { A: [], B: [], C: ['A'] } });
  const from = git(rig, 'rev-parse', 'main');
  const ended = await Promise.all([1, 2, 3].map(() => rig.cli.run(['merge', '--json'])));
  assert.deepEqual(
    ended.map(({ code, stderr }) => [code, stderr]),
    [0, 0, 0].map((code) => [code, '']),
  );
  assert.equal(git(rig, 'rev-list', '--first-parent', '--count', `${from}..main`), '3');
  assert.equal(changes(rig), '');
});

test('with landing.auto each stream lands as soon as it is done, and once the user is out of the way', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: [] },
    config: { landing: { auto: true }, gates: [{ name: 'any', command: 'true' }] },
  });
  const poller = rig.start();
  const [a, b] = [await rig.nextWorker('A'), await rig.nextWorker('B')];
  await a.commit('A.txt');
  await a.completeTasks();
  a.exit(0);
  await rig.until('A has landed', ({ streams }) => streams.find(({ id }) => id === 'A')?.landed === true);
  await followed(rig, 'A.txt');
  assert.equal(changes(rig), '');
  await b.commit('B.txt');
  writeFileSync(join(rig.root, 'B.txt'), 'mine\n');
  await b.completeTasks();
  b.exit(0);
  await poller.end();
  assert.match(poller.output(), /nothing landed: main is checked out .* B\.txt; nothing was changed/);
  assert.equal(readFileSync(join(rig.root, 'B.txt'), 'utf8'), 'mine\n');
  execFileSync('rm', ['B.txt'], { cwd: rig.root });
  await rig.start().end();
  assert.ok((await rig.look()).streams.every(({ landed }) => landed));
  assert.equal(changes(rig), '');
});

test('with landing.auto, kill -9 of the poller at any call by which it lands: the next ones land all of it, once', async () => {
  using shim = createShim();
  const streams = Array.from({ length: 14 }, (_, at) => `S${at}`);
  await using world = await createLandingWorld(Object.fromEntries(streams.map((id) => [id, []])), {
    config: { landing: { auto: true }, gates: [{ name: 'any', command: 'true' }] },
    tools: [shim.directory],
  });
  const { rig } = world;
  // What has no work yet starts no agent.
  for (const id of streams) world.ports.state.patchStream(world.keyOf(id), { intent: 'parked' });
  const kills: readonly (readonly [Moment, string])[] = [
    ['before', 'merge-tree'],
    ['orphaned', 'commit-tree'],
    ['before', 'pack-objects'],
    ['orphaned', 'pack-objects'],
    ['before', '-m landing refs/orchestrate/landing/'],
    ['after', '-m landing refs/orchestrate/landing/'],
    ['orphaned', 'worktree add'],
    ['before', '-m orchestrate merge'],
    ['orphaned', '-m orchestrate merge'],
    ['after', '-m orchestrate merge'],
    ['before', 'read-tree -m -u'],
    ['orphaned', 'read-tree -m -u'],
    ['after', 'read-tree -m -u'],
    ['before', 'update-ref -d refs/orchestrate/landing/'],
  ];
  const from = world.git(['rev-parse', 'main']);
  const happened: string[] = [];
  for (const [at, [moment, words]] of kills.entries()) {
    const id = streams[at] ?? '';
    await world.finish(id, (directory) => writeFileSync(join(directory, `${id}.txt`), `${id}\n`));
    writeFileSync(join(rig.root, 'mine.txt'), `mine ${at}\n`);
    shim.arm('git', 1, moment, words);
    const { signal } = await rig.start().end();
    if (signal === 'SIGKILL') happened.push(`${moment} ${words}`);
    assert.equal(readFileSync(join(rig.root, 'mine.txt'), 'utf8'), `mine ${at}\n`);
  }
  shim.disarm();
  assert.equal(happened.length, kills.length, happened.join('; '));
  assert.equal((await rig.start().end()).code, 0);
  assert.deepEqual(
    world
      .git(['log', '--first-parent', '--format=%s', `${from}..main`])
      .split('\n')
      .sort(),
    streams.map((id) => `Merge ${id}: Work of ${id}`).sort(),
  );
  assert.equal(changes(rig), '?? mine.txt');
  assert.equal(git(rig, 'for-each-ref', 'refs/orchestrate/landing'), '');
  assert.equal(git(rig, 'worktree', 'list').split('\n').length, 1 + streams.length);
  git(rig, 'fsck', '--connectivity-only');
});

test('with landing.auto, a checkout that a killed poller left half way is finished by the next one while others are at work', async () => {
  using shim = createShim();
  await using rig = await createProjectRig({
    plan: { A: [], B: [] },
    config: { landing: { auto: true } },
    tools: [shim.directory],
  });
  shim.arm('git', 1, 'after', '-m orchestrate merge');
  const poller = rig.start();
  const [a, b] = [await rig.nextWorker('A'), await rig.nextWorker('B')];
  await a.commit('A.txt');
  await a.completeTasks();
  a.exit(0);
  assert.equal((await poller.end()).signal, 'SIGKILL');
  shim.disarm();
  assert.ok(existsSync(join(rig.root, LOCK)) && !existsSync(join(rig.root, 'A.txt')));
  // Nothing is to land: A has, and B is at work.
  const next = rig.start();
  await followed(rig, 'A.txt');
  assert.equal(changes(rig), '');
  await b.commit('B.txt');
  await b.completeTasks();
  b.exit(0);
  assert.equal((await next.end()).code, 0);
  assert.equal(changes(rig), '');
});
