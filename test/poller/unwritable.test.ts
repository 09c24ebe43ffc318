/** A poller that cannot write something down (a full disk, a broken file) goes on with the work. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { createFault, faultObstacle } from '../../scripts/sweeps/fault.ts';
import { createCallCounter, createShim } from '../support/shim.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig } from '../support/worker-rig.ts';

function workOn(rig: ProjectRig): void {
  rig.onWorker(async (worker) => {
    await worker.commit(`${worker.stream}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
}

test('a stream is not under way for ever when its steps cannot be noted', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  await rig.look();
  const state = new Database(join(rig.root, '.claude/orchestrator/state.db'));
  state.exec(
    `CREATE TRIGGER full BEFORE UPDATE OF step ON streams WHEN NEW.step IS NOT NULL BEGIN SELECT RAISE(FAIL, 'disk is full'); END`,
  );
  state.close();
  workOn(rig);
  const ended = await rig.start().end();
  assert.equal(ended.code, 0, ended.stdout);
  assert.match(ended.stderr, /orchestrate: warning: .*disk is full/);
});

test('launches that cannot even be noted are given up like others, after a bounded number of processes', async () => {
  using counter = createCallCounter();
  await using rig = await createProjectRig({ plan: { A: [] }, tools: [counter.directory] });
  await rig.look();
  const state = new Database(join(rig.root, '.claude/orchestrator/state.db'));
  for (const what of [
    'INSERT ON runs',
    'UPDATE OF trouble ON streams WHEN NEW.trouble IS NOT NULL',
    "INSERT ON events WHEN NEW.kind LIKE '%-error'",
  ])
    state.exec(`CREATE TRIGGER "full ${what}" BEFORE ${what} BEGIN SELECT RAISE(FAIL, 'disk is full'); END`);
  state.close();
  const poller = rig.start();
  const ended = await poller.end();
  assert.equal(ended.code, 1, ended.stderr);
  assert.match(ended.stdout, /could not start: .*disk is full/);
  assert.deepEqual(rig.desk.starts(), []);
  const calls = counter.calls('git', poller.child.pid ?? 0) + counter.calls('tmux', poller.child.pid ?? 0);
  assert.ok(calls < 100, `${calls} calls of git and tmux for three launches`);
});

/** Nothing more can be written into state.db by a `start` with this environment once `fill` was called, until `end` is. */
function fullableDisk(rig: ProjectRig) {
  const at = 1_000_000;
  const what = `from:${constants.errno.ENOSPC}` as const;
  const under = rig.cli.home;
  const fault = createFault({ program: 'cli.js start', calls: ['write'], name: 'state.db', under, at, what });
  const counted = join(fault.env['FAULT_DIR'] ?? '', 'count');
  return { ...fault, fill: () => appendFileSync(counted, Buffer.alloc(at)) };
}

const noFaults = { skip: faultObstacle() ?? false };

test('a poller whose disk was full for a while goes on by itself once there is room', noFaults, async () => {
  const restart = { maxAttempts: 100, windowMinutes: 60, delaysSeconds: [0.1] };
  using shim = createShim();
  const tools = [shim.directory];
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] }, config: { restart }, tools });
  using disk = fullableDisk(rig);
  const poller = rig.start([], { env: disk.env });
  const a = await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  await a.commit('A.txt');
  disk.fill();
  rig.setTasks('A', 'completed');
  a.exit(0);
  // What a check came to is written down after its ref was set.
  const checks = () => shim.calls('git').filter((line) => line.includes('-m verified refs/')).length;
  await until('a check came to nothing, and is made again', () => checks() > 1);
  await until('it says so', () => /cannot be written: the disk is full/.test(poller.output()));
  disk.end();
  const b = await rig.nextWorker('B');
  await b.commit('B.txt');
  rig.setTasks('B', 'completed');
  b.exit(0);
  assert.equal((await poller.end()).code, 0, poller.output());
  assert.equal(rig.desk.starts().length, 2);
});

test('a log that cannot be written ends neither the poller nor the other logs', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'], C: ['B'] } });
  const logs = join(rig.root, '.claude/orchestrator/logs');
  mkdirSync(join(logs, 'b.log'), { recursive: true });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  a.exit(1);
  const again = await rig.nextWorker('A');
  await again.commit('a.txt');
  rig.setTasks('A', 'completed');
  again.exit(0);
  const b = await rig.nextWorker('B');
  await rig.untilState('B', 'running');
  await rig.until('the log was to be written', () => poller.output().includes('EISDIR'));
  workOn(rig);
  await b.commit('b.txt');
  rig.setTasks('B', 'completed');
  b.exit(0);
  const ended = await poller.end();
  assert.equal(ended.code, 0, ended.stderr);
  assert.equal(ended.stderr.match(/EISDIR/g)?.length, 1, 'told once');
  assert.ok(existsSync(join(logs, 'c.log')));
});
