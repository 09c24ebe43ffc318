/** Leaving: the poller ends by every signal, workers go on, and the next poller clears up what it left. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { isAlive } from '../support/alive.ts';
import { inTime, until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig, statesOf } from '../support/worker-rig.ts';

/** A command that will not end by itself or by asking; it writes its pid, and `double` when its forerunner lives. */
const stubborn = (name: string): string =>
  `test -e "$ORCHESTRATE_PROJECT/../go" && exit 0; trap "" TERM INT HUP
   p="$ORCHESTRATE_PROJECT/../${name}.pid"; test -e "$p" && grep -qs "^State:.[^ZX]" "/proc/$(cat "$p")/status" && echo $$ > "$p.double"
   echo $$ > "$p"; while :; do sleep 1; done`;

/** A poller that leads a process group, as a shell starts it; signals reach the whole group, as a Ctrl-C does. */
function startGroup(rig: ProjectRig): {
  child: ChildProcess;
  leave(signal: NodeJS.Signals): Promise<number | null>;
} {
  const child = spawn(process.execPath, [CLI_ENTRY, 'start'], {
    cwd: rig.root,
    env: rig.cli.env,
    detached: true,
    stdio: 'ignore',
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  process.once('exit', () => child.kill('SIGKILL'));
  return {
    child,
    leave(signal) {
      process.kill(-(child.pid ?? 0), signal);
      return inTime(ended, () => `the poller goes on after ${signal}`);
    },
  };
}

test('a signal ends the poller; workers go on; gates and setup commands end with the next poller', async () => {
  await using rig = await createProjectRig({
    plan: { Work: [], Gate: [], Setup: [] },
    config: {
      gates: [{ name: 'slow', command: stubborn('gate') }],
      worktree: { setup: [`test "$ORCHESTRATE_KEY" = setup || exit 0; ${stubborn('setup')}`] },
    },
  });
  const pidOf = (name: string): number => {
    const file = join(rig.cli.home, `${name}.pid`);
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  };
  const worker = () => rig.desk.seen.find(({ stream }) => stream === 'Work');
  let former = { gate: 0, setup: 0 };
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGKILL', null],
  ] as const) {
    const poller = startGroup(rig);
    if (signal === 'SIGINT') {
      const gated = await rig.nextWorker('Gate');
      await gated.commit('gate.txt');
      rig.setTasks('Gate', 'completed');
      gated.exit(0);
      await until('its worker is there', worker);
    }
    const now = await until('gate and setup run again', () => {
      const pids = { gate: pidOf('gate'), setup: pidOf('setup') };
      return (
        pids.gate > 0 && pids.setup > 0 && pids.gate !== former.gate && pids.setup !== former.setup && pids
      );
    });
    assert.ok(!isAlive(former.gate) && !isAlive(former.setup), 'the former ones were ended first');
    assert.equal(await poller.leave(signal), code, signal);
    assert.ok(isAlive(worker()?.pid ?? 0), 'the worker goes on');
    former = now;
  }
  for (const name of ['gate', 'setup']) assert.ok(!existsSync(join(rig.cli.home, `${name}.pid.double`)));
  rig.cli.write('../go', '');
  const last = rig.start();
  for (const stream of ['Work', 'Setup']) {
    const worker = await rig.nextWorker(stream);
    await worker.commit(`${stream}.txt`);
    rig.setTasks(stream, 'completed');
    worker.exit(0);
  }
  const ended = await last.end();
  assert.equal(ended.code, 0, ended.stdout);
  assert.deepEqual(
    rig.desk
      .starts()
      .map(({ stream }) => stream)
      .sort(),
    ['Gate', 'Setup', 'Work'],
    'nothing was worked on twice',
  );
});

test('a signal ends the poller while another process holds a lock that it waits for', async () => {
  await using rig = await createProjectRig();
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  const other = new Database(join(rig.root, '.claude/orchestrator/state.db'));
  other.exec('BEGIN IMMEDIATE');
  a.exit(0);
  await until('it waits', () => /is locked by another process/.test(poller.output()));
  const { code } = await poller.kill('SIGTERM');
  other.exec('ROLLBACK');
  other.close();
  assert.equal(code, 143, poller.output());
  const next = rig.start();
  assert.equal((await next.end()).code, 0, next.output());
});

test('a git command under way survives a Ctrl-C of the terminal and is finished by the next poller', async () => {
  await using rig = await createProjectRig();
  rig.cli.write('.gitattributes', 'slow.txt filter=slow\n');
  rig.cli.write('slow.txt', 'slow\n');
  rig.cli.git('add', '.gitattributes', 'slow.txt');
  rig.cli.git('commit', '--quiet', '--message=Slow');
  rig.cli.git(
    'config',
    'filter.slow.smudge',
    'touch "$HOME/at-git"; while ! test -e "$HOME/go"; do sleep 0.05; done; cat',
  );
  const poller = startGroup(rig);
  await until('git checks out', () => existsSync(join(rig.cli.home, 'at-git')));
  assert.equal(await poller.leave('SIGINT'), 130);
  assert.ok(
    rig.marked().some(({ mark }) => mark.includes(':child:')),
    'git was not hit by the Ctrl-C',
  );
  rig.cli.write('../go', '');
  const next = rig.start();
  const a = await rig.nextWorker('A');
  assert.equal(await a.sh('cat slow.txt; git status --porcelain'), 'slow');
  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  assert.equal((await next.end()).code, 0);
  assert.deepEqual(statesOf(await rig.look()), { A: 'done' });
});

test('an ordinary command that a signal broke off has no result: set-up runs again, a gate is no verdict', async () => {
  const slow = (name: string): string =>
    `echo x >> "$ORCHESTRATE_PROJECT/../${name}"; test -e "$ORCHESTRATE_PROJECT/../go-${name}" || sleep 1000`;
  await using rig = await createProjectRig({
    plan: { A: [] },
    config: {
      worktree: { setup: [slow('setup'), 'echo x >> "$ORCHESTRATE_PROJECT/../after"'] },
      gates: [{ name: 'slow', command: slow('gate') }],
    },
  });
  const times = (name: string): number => {
    const file = join(rig.cli.home, name);
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
  };
  const broken = async (name: string, signal: NodeJS.Signals, meanwhile?: () => Promise<void>) => {
    const poller = startGroup(rig);
    await meanwhile?.();
    await until(`${name} runs`, () => times(name) === 1);
    await poller.leave(signal);
    rig.cli.write(`../go-${name}`, '');
  };
  await broken('setup', 'SIGINT');
  assert.equal(times('after'), 0);
  await broken('gate', 'SIGTERM', async () => {
    const a = await rig.nextWorker('A');
    assert.deepEqual([times('setup'), times('after')], [2, 1]);
    await a.commit('a.txt');
    rig.setTasks('A', 'completed');
    a.exit(0);
  });
  assert.deepEqual(statesOf(await rig.look()), { A: 'verifying' });
  assert.equal((await rig.start().end()).code, 0);
  assert.equal(times('gate'), 2);
  assert.equal(rig.desk.starts().length, 1, 'nothing was worked on twice');
  rig.desk.assertSound();
});
