/** Whose processes are ended: those of workers that the plan no longer names too, never those that got a worker's number after a reboot, nor an agent that just begins. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { parsePlanFile } from '../../src/plan-file/parse.ts';
import { MARK_VARIABLE } from '../../src/process/types.ts';
import { isAlive } from '../support/alive.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig, planFile, steeredAgent } from '../support/worker-rig.ts';

test('stop ends workers of an earlier initiative too, when another tool has linked a new one', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  await poller.kill();
  const next = { ...planFile({ Z: [] }), initiative: { id: 'init-2', title: 'The next one' } };
  const parsed = parsePlanFile(JSON.stringify(next));
  assert.ok(parsed.ok);
  rig.store.importPlan(parsed.plan, { update: false, dryRun: false });
  assert.match((await rig.run(['stop'])).stdout, /Stopped A \(run 1\)/);
  await worker.end();
  await until('nobody is left', () => rig.marked().length === 0);
});

test('what a gate leaves in the background ends with it, what set-up leaves ends with stop', async () => {
  const leave = 'setsid sleep 987 & exit 0';
  const gates = [{ name: 'leaves', command: leave }];
  await using rig = await createProjectRig({
    plan: { A: [], B: [] },
    config: { gates, worktree: { setup: [leave] } },
  });
  const poller = rig.start();
  const [a] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  await rig.untilState('A', 'done');
  await rig.run(['stop', 'B']);
  assert.equal((await poller.end()).code, 1);
  // A program that the poller broke off at its end may be about to go.
  await until('one is left for each worktree', () => rig.marked().length === 2);
  await rig.run(['stop']);
  await until('nobody is left', () => rig.marked().length === 0);
});

test('what an agent leaves at its terminal keeps neither its window nor its stream, and ends with its run', async () => {
  await using rig = await createProjectRig();
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await a.commit('a.txt');
  // One that writes there for as long as it may, one in a session of its own.
  await a.sh(
    '(trap "" HUP; while :; do echo still here; sleep 1; done) > /dev/tty 2>&1 & setsid sleep 988 > /dev/null 2>&1 & :',
  );
  rig.setTasks('A', 'completed');
  a.exit(0);
  const ended = await poller.end();
  assert.equal(ended.code, 0, ended.stdout);
  await until('nobody is left', () => rig.marked().length === 0);
  assert.equal((await rig.stream('A')).run, 1);
});

/** A daemon as daemons are made: the leader of its session has ended; returns both pids. */
async function startDaemon(home: string): Promise<{ leader: number; daemon: number }> {
  const pids = join(home, 'daemon-pids');
  spawn('setsid', ['sh', '-c', 'sleep 1000 & echo $$ $! > "$1"', 'sh', pids], {
    env: { PATH: process.env['PATH'] },
    stdio: 'ignore',
  });
  const read = (): number[] =>
    existsSync(pids) ? readFileSync(pids, 'utf8').trim().split(' ').map(Number) : [];
  await until('the daemon runs', () => read().length === 2 && !isAlive(read()[0] ?? 0));
  const [leader = 0, daemon = 0] = read();
  process.once('exit', () => isAlive(daemon) && process.kill(daemon, 'SIGKILL'));
  return { leader, daemon };
}

test('a run of before a reboot is closed without touching who has its number now', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  const first = rig.start();
  const worker = await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  await first.kill();
  worker.kill();
  await worker.end();
  const { leader, daemon } = await startDaemon(rig.cli.home);
  const state = new Database(join(rig.root, '.claude/orchestrator/state.db'));
  state
    .prepare(`UPDATE runs SET boot_id = 'an earlier boot', worker = ?`)
    .run(JSON.stringify({ pid: leader, start: '1' }));
  state.close();
  rig.start();
  assert.equal((await rig.nextWorker('A')).run, 2);
  const { events } = await rig.look();
  assert.ok(events.some(({ message }) => message === 'the machine was restarted'));
  assert.ok(isAlive(daemon), 'somebody else’s daemon lives on');
  process.kill(daemon, 'SIGKILL');
});

/** Takes the text of the only run's claim away, and of its row what `forgotten` sets; `write` brings the text back. */
function unwritten(rig: ProjectRig, forgotten: string) {
  const state = new Database(join(rig.root, '.claude/orchestrator/state.db'));
  state.exec(`UPDATE runs SET ${forgotten}`);
  const claim = join(rig.root, '.claude/orchestrator/runs/a-1/claim');
  const text = readFileSync(claim, 'utf8');
  writeFileSync(claim, '');
  return { state, write: () => writeFileSync(claim, text) };
}

test('an agent that has taken its claim but not yet written it, as on a busy machine, is let begin', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  const first = rig.start();
  const worker = await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  await first.kill();
  const { state, write } = unwritten(rig, 'worker = NULL, claimed_at_ms = NULL');
  const claimedAtMs = state.prepare('SELECT claimed_at_ms FROM runs').pluck();
  assert.equal((await rig.stream('A')).state, 'running');
  const poller = rig.start();
  await until('a poller has seen the claim', () => claimedAtMs.get() !== null);
  state.close();
  write();
  await worker.commit('a.txt');
  rig.setTasks('A', 'completed');
  worker.exit(0);
  assert.equal((await poller.end()).code, 0, poller.output());
  assert.equal(rig.desk.starts().length, 1);
});

test('an agent that has taken its claim but not yet written it is ended by the stop that came just then', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  const { command, args } = steeredAgent(rig.desk) as { command: string; args: readonly string[] };
  // For that moment no agent has its mark yet; nor need its window be noted.
  rig.configure({
    agent: { kind: 'custom', command: 'env', args: ['-u', MARK_VARIABLE, command, ...args] },
  });
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  await poller.kill();
  const { state, write } = unwritten(rig, 'worker = NULL, claimed_at_ms = NULL, pane = NULL');
  const intent = state.prepare('SELECT intent FROM streams').pluck();
  const stop = rig.run(['stop', 'A']);
  await until('it is being stopped', () => intent.get() === 'stopped');
  state.close();
  await pause(700);
  write();
  assert.match((await stop).stdout, /^Stopped A \(run 1\)$/m);
  assert.ok(!isAlive(worker.pid));
});
