/** Worktrees ahead of need: ready before their streams start, so that at the hand-off nothing is made or set up; and what becomes of them otherwise. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openProject } from '../../src/app/project.ts';
import { openPorts } from '../../src/app/wiring.ts';
import { clean } from '../../src/operator/clean.ts';
import { findStream } from '../../src/operator/find-stream.ts';
import { prepare } from '../../src/poller/steps/ahead.ts';
import type { Step } from '../../src/poller/steps/step.ts';
import { gatherStates } from '../../src/report/gather.ts';
import { createShim, type Moment } from '../support/shim.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig, statesOf, textAt } from '../support/worker-rig.ts';

/** Notes each run of it, and keeps what the lockfile said. */
const SETUP = [
  'echo "$ORCHESTRATE_BASE_SHA" >> "$ORCHESTRATE_PROJECT/../setups-$ORCHESTRATE_KEY"',
  'cat package-lock.json > installed.local 2>/dev/null || true',
];
const IGNORED = '*.local\n';

const placeOf = (rig: ProjectRig, key: string) => join(rig.root, '.claude', 'worktrees', key);
const setUps = (rig: ProjectRig, key: string): string[] =>
  textAt(rig, `../setups-${key}`).split('\n').slice(0, -1);

/** Waits until the worktree made ahead for a stream is on `sha` and set up. */
const ready = (rig: ProjectRig, key: string, sha: string) =>
  until(`the worktree of ${key} is on ${sha}`, () => {
    if (!existsSync(join(rig.root, '.claude/orchestrator/runs/setup', `${key}.done`))) return false;
    const head = readFileSync(join(rig.root, '.git/worktrees', key, 'HEAD'), 'utf8').trim();
    return head === sha && rig.cli.git('-C', placeOf(rig, key), 'status', '--porcelain') === '';
  });

async function ignoreLocal(rig: ProjectRig): Promise<void> {
  rig.cli.write('.gitignore', IGNORED);
  rig.cli.git('add', '.gitignore');
  rig.cli.git('commit', '--quiet', '--message=Ignore');
}

test('at the hand-off no worktree is made and no set-up runs, unless a file that set-up depends on has changed', async () => {
  using shim = createShim();
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'], C: ['B'] },
    config: { worktree: { setup: SETUP } },
    tools: [shim.directory],
  });
  await ignoreLocal(rig);
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  const main = rig.cli.git('rev-parse', 'main');
  await ready(rig, 'b', main);
  assert.equal(
    rig.cli.git('for-each-ref', '--format=%(refname)', 'refs/heads/orchestrate'),
    'refs/heads/orchestrate/a',
  );
  assert.deepEqual(statesOf(await rig.look()), { A: 'running', B: 'waiting', C: 'waiting' });
  const tip = await a.commit('A.txt');
  rig.setTasks('A', 'completed');
  await ready(rig, 'b', tip);
  const before = shim.calls('git').length;
  a.exit(0);
  const b = await rig.nextWorker('B');
  const calls = shim.calls('git').slice(before);
  assert.deepEqual(
    calls.filter((line) => /worktree add|ls-files --others/.test(line) && line.includes('/b')),
    [],
  );
  assert.deepEqual(setUps(rig, 'b'), [main], 'set up once, ahead of need');
  assert.equal(b.env['ORCHESTRATE_BASE_SHA'], tip);
  assert.equal(
    await b.sh('git branch --show-current; git status --porcelain; cat A.txt'),
    'orchestrate/b\nby A, run 1',
  );

  await ready(rig, 'c', tip);
  const locked = await b.commit('package-lock.json', 'locked\n');
  rig.setTasks('B', 'completed');
  b.exit(0);
  const c = await rig.nextWorker('C');
  assert.equal(await c.sh('cat installed.local'), 'locked');
  assert.deepEqual(setUps(rig, 'c'), [tip, locked]);
  const made = JSON.parse(textAt(rig, '.claude/orchestrator/runs/setup/c.done'));
  assert.deepEqual(Object.keys(made.files), ['installed.local'], 'what both set-ups made is theirs');
  await c.commit('C.txt');
  rig.setTasks('C', 'completed');
  c.exit(0);
  const ended = await poller.end();
  assert.equal(ended.code, 0, ended.stdout);
  const { events } = await rig.look();
  assert.deepEqual(
    events.filter(({ kind }) => /error|failed/.test(kind)),
    [],
  );
});

test('kill -9 of the poller at each call that makes, moves or gives away such a worktree: the next one finishes', async () => {
  const kills: [Moment, string][] = (['before', 'orphaned', 'after'] as const).flatMap((moment) =>
    ['ahead of need', 'checkout --quiet'].map((words): [Moment, string] => [moment, words]),
  );
  using shim = createShim();
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'], C: ['A'], D: ['B', 'C'] },
    tools: [shim.directory],
  });
  rig.onWorker(async (worker) => {
    const next = worker.stream === 'A' ? ['b', 'c'] : worker.stream === 'D' ? [] : ['d'];
    for (const key of next)
      await until(`${key} is ready`, () => existsSync(join(rig.root, '.git/worktrees', key, 'index')));
    await worker.commit(`${worker.stream}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  let happened = 0;
  for (const [moment, words] of kills) {
    shim.arm('git', 1, moment, words);
    await rig.start().end();
    if (shim.fired()) happened += 1;
  }
  shim.disarm();
  assert.ok(happened >= 3, `${happened} kills`);
  const last = await rig.start().end();
  assert.equal(last.code, 0, last.stdout);
  const report = await rig.look();
  assert.deepEqual(
    report.events.filter(({ kind }) => /error|failed/.test(kind)),
    [],
  );
  assert.deepEqual(statesOf(report), { A: 'done', B: 'done', C: 'done', D: 'done' });
  for (const { key, branch } of report.streams) {
    assert.equal(rig.cli.git('-C', placeOf(rig, key), 'branch', '--show-current'), branch);
    assert.equal(rig.cli.git('-C', placeOf(rig, key), 'status', '--porcelain'), '');
  }
  assert.equal(rig.cli.git('worktree', 'list').split('\n').length, 5);
});

test('where worktrees are made elsewhere now, what was made ahead is made again there, and goes', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await ready(rig, 'b', rig.cli.git('rev-parse', 'main'));
  await poller.kill();
  mkdirSync(join(rig.root, '.claude/trees'));
  symlinkSync('trees', join(rig.root, '.claude/link'));
  rig.configure({ worktree: { root: '.claude/link' } });
  await a.commit('A.txt');
  rig.start();
  const made = join(rig.root, '.claude/trees/b/A.txt');
  await until('it is made at its new place', () => existsSync(made) && !existsSync(placeOf(rig, 'b')));
  await until('it is ready', () => existsSync(join(rig.root, '.claude/orchestrator/runs/setup/b.done')));
  // Named through a link, as a directory of the user's own may be.
  using shell = spawn('sleep', ['600'], { cwd: join(made, '..') });
  await rig.run(['park', 'B']);
  await rig.until('it stays where somebody is at work', ({ events }) =>
    events.some(({ message }) => message.includes(`it holds process ${shell.pid}, at work in it`)),
  );
  shell.kill();
  assert.ok(existsSync(made));
});

test('where the disk has no room left nothing is made ahead of need, which is said, and the work goes on', {
  skip: process.platform === 'linux' ? false : 'needs /proc, on which nothing is free',
}, async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] }, config: { worktree: { ahead: 0 } } });
  const before = rig.start();
  const a = await rig.nextWorker('A');
  await before.kill();
  rig.configure({ worktree: { root: '/proc/orchestrate' } });
  const full = rig.start();
  await rig.until('it is said', ({ events }) =>
    events.some(
      ({ kind, message }) => kind === 'prepare-error' && /disk of \/proc is nearly full/.test(message),
    ),
  );
  assert.deepEqual(statesOf(await rig.look()), { A: 'running', B: 'waiting' });
  await full.kill();
  rig.configure({ worktree: {} });
  const after = rig.start();
  await a.commit('A.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  const b = await rig.nextWorker('B');
  rig.setTasks('B', 'completed', { notes: 'no-changes: none' });
  b.exit(0);
  assert.equal((await after.end()).code, 0);
});

/** What a poller and a `clean` that meet at the worktree made ahead for D do, and where that cannot be moved for a long time. */
async function beside(rig: ProjectRig, main: string): Promise<void> {
  const project = openProject({ cwd: rig.root, env: rig.cli.env });
  const ports = await openPorts(project, { create: false });
  const { git, state } = ports;
  const { snapshot } = (await gatherStates(ports)).look;
  const moving = (makeAhead: typeof git.makeAhead, parent: string) =>
    prepare({ ports: { ...ports, git: { ...git, makeAhead } }, snapshot } as Step, 'd', [parent]);
  const self = { pid: process.pid, start: ports.processes.identify(process.pid)?.start ?? '' };
  state.patchStream('d', { removing: self });
  await assert.rejects(moving(git.makeAhead, main), /clean \(pid \d+\) is removing/);
  state.patchStream('d', { removing: { ...self, start: 'long ago' } });
  const parents = ['1', '2', '3', '4', '5'].map((digit) => digit.repeat(40));
  for (const parent of parents) await assert.rejects(moving(() => Promise.reject(new Error('no')), parent));
  const bases = () => findStream(ports, 'D').ahead?.bases;
  assert.deepEqual(bases(), [...parents.reverse(), main], 'it is on the last of them');
  await moving(git.makeAhead, main);
  assert.deepEqual(bases()?.length, 4);
  const former = state.poller();
  const remove: typeof git.remove = (...asked) => {
    state.setPoller({ ...self, sinceMs: 1, sinceEvent: 1, configHash: '', only: null, maxWorkers: null });
    state.patchStream('d', { step: { kind: 'prepare', sinceMs: 1 } });
    return git.remove(...asked);
  };
  const { report } = await clean({ ...ports, git: { ...git, remove } }, [findStream(ports, 'D')], false);
  assert.match(report.kept[0]?.reasons[0]?.what ?? '', /being made ready/);
  if (former !== null) state.setPoller(former);
  project.close();
}

test('when the plan changes it goes, with what set-up made; what somebody wrote there stays; clean takes what a poller left', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'], C: ['A'], D: ['A'] },
    config: { worktree: { setup: SETUP } },
  });
  await ignoreLocal(rig);
  const poller = rig.start();
  await rig.nextWorker('A');
  const main = rig.cli.git('rev-parse', 'main');
  for (const key of ['b', 'c', 'd']) await ready(rig, key, main);
  rig.cli.write('.claude/worktrees/c/mine.txt', 'mine\n');
  await rig.run(['park', 'C']);
  await rig.run(['park', 'B']);
  await until('what is not needed is gone', () => !existsSync(placeOf(rig, 'b')));
  const { events } = await until('what stays is said', async () => {
    const seen = await rig.look();
    return (
      seen.events.some(({ kind, message }) => kind === 'warning' && /ahead of need, stays/.test(message)) &&
      seen
    );
  });
  assert.match(events.find(({ kind }) => kind === 'warning')?.message ?? '', /1 untracked file|mine\.txt/);
  assert.equal(textAt(rig, '.claude/worktrees/c/mine.txt'), 'mine\n');
  assert.match((await rig.run(['clean'])).stdout, /^(?!.*\bD\b)/s);
  await poller.kill();
  await beside(rig, main);
  const dry = await rig.run(['clean', '--dry-run']);
  assert.match(dry.stdout, /D\b/);
  await rig.run(['clean']);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].filter((key) => existsSync(placeOf(rig, key))),
    ['a', 'c'],
  );
  const said = (await rig.run(['events'])).stdout;
  assert.match(
    said,
    / D .* worktree removed, kept as refs\/orchestrate\/saved\/d\/clean$/m,
    'no branch was there',
  );
  await rig.run(['retry', 'B']);
});

test('a worker of a stream that nothing is remembered of is gone before the first known one begins', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await ready(rig, 'b', rig.cli.git('rev-parse', 'main'));
  const mark = String(a.env['ORCHESTRATE_MARK']).replace(/:run:a:1$/, ':run:b:7');
  using stray = spawn('/bin/sleep', ['1000'], { env: { ORCHESTRATE_MARK: mark }, detached: true });
  const ended = once(stray, 'exit');
  const strays = () => rig.marked().filter((each) => each.mark === mark);
  assert.equal(strays().length, 1, mark);
  await a.commit('A.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  const b = await rig.nextWorker('B');
  assert.deepEqual(strays(), []);
  assert.deepEqual(await ended, [null, 'SIGTERM']);
  rig.setTasks('B', 'completed', { notes: 'no-changes: none' });
  b.exit(0);
  await poller.end();
});
