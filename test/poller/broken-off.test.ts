/** What is broken off leaves nothing behind and counts for nothing; one round ends when it fails. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { until } from '../support/wait.ts';
import { createProjectRig, statesOf } from '../support/worker-rig.ts';

/** An ordinary command, which a signal to its poller ends; it writes a line when it begins, and one when it got to its end. */
const ordinary =
  'echo begun >> "$ORCHESTRATE_PROJECT/../log"; test -e "$ORCHESTRATE_PROJECT/../go" || sleep 1000; echo ended >> "$ORCHESTRATE_PROJECT/../log"';

test('a setup command that a signal broke off leaves no marker: the next poller runs it again, and no attempt is burnt', async () => {
  await using rig = await createProjectRig({ config: { worktree: { setup: [ordinary] } } });
  const log = join(rig.cli.home, 'log');
  const lines = (): string[] => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
  for (const [signal, code, begun] of [
    ['SIGINT', 130, 1],
    ['SIGTERM', 143, 2],
  ] as const) {
    const poller = rig.start();
    await until('the command runs', () => lines().length === begun);
    assert.equal((await poller.kill(signal)).code, code);
  }
  rig.cli.write('../go', '');
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  assert.deepEqual(lines(), ['begun', 'begun', 'begun', 'ended']);
  await worker.commit('a.txt');
  rig.setTasks('A', 'completed');
  worker.exit(0);
  const ended = await poller.end();
  assert.equal(ended.code, 0, ended.stdout);
  const { events } = await rig.look();
  assert.deepEqual(
    events.filter(({ kind }) => kind.endsWith('-error')),
    [],
  );
});

test('verify that is ended by a signal ends its gate, and leaves no wish behind', async () => {
  const gate = `test -e "$ORCHESTRATE_PROJECT/../quick" || { ${ordinary}; }`;
  await using rig = await createProjectRig({ config: { gates: [{ name: 'slow', command: gate }] } });
  rig.cli.write('../quick', '');
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  await worker.commit('a.txt');
  rig.setTasks('A', 'completed');
  worker.exit(0);
  assert.equal((await poller.end()).code, 0);
  rmSync(join(rig.cli.home, 'quick'));
  const log = join(rig.cli.home, 'log');
  for (const [signal, code, begun] of [
    ['SIGINT', 130, 'begun\n'],
    ['SIGTERM', 143, 'begun\nbegun\n'],
  ] as const) {
    const child = rig.cli.start(['verify', 'A']);
    await until('the gate runs', () => existsSync(log) && readFileSync(log, 'utf8') === begun);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    assert.equal(await ended, code);
    assert.deepEqual(rig.marked(), []);
  }
  rig.cli.write('../go', '');
  assert.match((await rig.run(['verify', 'A'])).stdout, /gate passed/);
});

test('start --once ends with the error of its round when that fails', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  await rig.run(['stop', 'A']);
  const db = new Database(join(rig.root, '.claude', 'orchestrator', 'state.db'));
  db.exec("CREATE TRIGGER no_more BEFORE INSERT ON streams BEGIN SELECT RAISE(FAIL, 'no more streams'); END");
  db.close();
  const ended = await rig.start(['--once']).end();
  assert.equal(ended.code, 7, ended.stderr);
  assert.match(ended.stderr, /orchestrate: error: .*no more streams/);
  assert.deepEqual(rig.desk.starts(), []);
});

test('start --detach --once makes one round in its window and ends', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  await rig.run(['start', '--detach', '--once']);
  const worker = await rig.nextWorker('A');
  await rig.until('the poller has ended', ({ poller }) => !poller.alive);
  assert.deepEqual(statesOf(await rig.look()), { A: 'running', B: 'waiting' });
  worker.exit(1);
});

test('retry of a stream that is done is refused, and says what would help', async () => {
  await using rig = await createProjectRig();
  rig.onWorker(async (worker) => {
    await worker.commit('a.txt');
    rig.setTasks('A', 'completed');
    worker.exit(0);
  });
  assert.equal((await rig.start().end()).code, 0);
  for (const more of [[], ['--fresh']]) {
    const { stderr } = await rig.run(['retry', 'A', ...more], 5);
    assert.match(
      stderr,
      /A is done: there is nothing to try again; its work can be checked again, or a task re-opened: orchestrate task update TASK-\S+ --status pending\n {2}fix: orchestrate verify A$/m,
    );
  }
  assert.equal((await rig.run(['stop', 'A'])).stdout, 'A is done: nothing to stop\n');
  assert.equal((await rig.stream('A')).state, 'done');
});

test('start shows every command that the configuration will have run, and bounds what it shows', async () => {
  const long = `true ${'x'.repeat(5_000)}`;
  await using rig = await createProjectRig({
    config: {
      gates: [{ name: 'test', command: 'true the-gate', cwd: 'sub' }],
      worktree: { setup: ['true the-setup', long] },
      notify: { command: 'true the-notice' },
    },
  });
  const { stdout } = await rig.run(['start', '--dry-run']);
  assert.match(stdout, /^ {2}agent +custom: .*steered-worker\.cjs/m);
  assert.match(stdout, /^ {2}setup +true the-setup, true x+…$/m);
  assert.match(stdout, /^ {2}gates +test \(true the-gate, in sub\)$/m);
  assert.match(stdout, /^ {2}notify +true the-notice$/m);
  assert.ok(Math.max(...stdout.split('\n').map((line) => line.length)) < 1_000);
  // That nothing is asked any more is told by every look, for as long as it is so.
  const loud = 'agents run with all permission checks bypassed';
  assert.ok(!(await rig.status()).warnings.includes(loud));
  const { agent } = JSON.parse(rig.cli.read('.claude/orchestrator/config.json'));
  rig.configure({ agent: { ...agent, permissions: 'bypass' } });
  assert.ok((await rig.status()).warnings.includes(loud));
  assert.ok((await rig.run(['status'])).stdout.includes(loud));
});

test('attach without a session is exit 6, whichever way it is asked', async () => {
  await using rig = await createProjectRig();
  await rig.run(['stop', 'A']);
  for (const args of [[], ['A']]) {
    const { stderr } = await rig.run(['attach', ...args], 6);
    assert.match(
      stderr,
      /Nothing is running: there is no tmux session to attach to\.\n {2}fix: orchestrate start/,
    );
  }
});
