/** Two pollers of one project, which can be when the lock file is removed: the stale one harms nothing, and `stop` finds who holds the lease. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { readIfPresent } from '../../src/files/present.ts';
import { isAlive } from '../support/alive.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig } from '../support/worker-rig.ts';

const lockDb = (rig: ProjectRig): string => join(rig.root, '.claude', 'orchestrator', 'lock.db');
const stateDb = (rig: ProjectRig): string => join(rig.root, '.claude', 'orchestrator', 'state.db');
const alive = ({ child }: { child: { exitCode: number | null; signalCode: string | null } }): boolean =>
  child.exitCode === null && child.signalCode === null;

/** Suspends a poller while it writes nothing: in the middle of that it holds `state.db`, and nobody else could write. */
async function suspend(rig: ProjectRig, { child }: { readonly child: ChildProcess }): Promise<void> {
  await until('the poller stands still and holds no lock', () => {
    child.kill('SIGSTOP');
    if (/^\d+ \(.*\) T/s.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8')) && isFree(stateDb(rig)))
      return true;
    child.kill('SIGCONT');
    return false;
  });
}

function isFree(path: string): boolean {
  const db = new Database(path, { timeout: 0 });
  try {
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
    return true;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return false;
    throw error;
  } finally {
    db.close();
  }
}

/** The program that takes such a lock comes with Linux. */
const linuxOnly = { skip: process.platform === 'linux' ? false : 'there is no flock here' };

test('a poller that lost its lease leaves the registration of the living one, which stop then ends', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  const stale = rig.start();
  await rig.nextWorker('A');
  await suspend(rig, stale);
  rmSync(lockDb(rig));
  const living = rig.start();
  await rig.until('the second poller is known', ({ poller }) => poller.pid === living.child.pid);
  stale.child.kill('SIGCONT');
  const ended = await stale.end();
  assert.equal(ended.code, 6, ended.stderr);
  assert.match(ended.stderr, /lock\.db was removed or replaced while orchestrate runs/);
  const { poller } = await rig.look();
  assert.deepEqual([poller.alive, poller.pid], [true, living.child.pid]);
  await rig.run(['stop']);
  assert.equal((await living.end()).code, 143);
});

test('a poller that lost its lease while it was suspended starts nothing when it wakes', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  await rig.run(['park', 'B']);
  const stale = rig.start();
  const a = await rig.nextWorker('A');
  await suspend(rig, stale);
  rmSync(lockDb(rig));
  const living = rig.start();
  await rig.until('the second poller is known', ({ poller }) => poller.pid === living.child.pid);
  // Only the stale one could start what is wanted now.
  await suspend(rig, living);
  await rig.run(['retry', 'B']);
  stale.child.kill('SIGCONT');
  assert.equal((await stale.end()).code, 6);
  assert.deepEqual([(await rig.stream('B')).run, rig.desk.starts().length], [null, 1]);
  living.child.kill('SIGCONT');
  for (const worker of [a, await rig.nextWorker('B')]) {
    await worker.commit(`${worker.stream}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  }
  assert.equal((await living.end()).code, 0);
});

test('a process that has the number of a poller that is gone is nobody’s poller, and is let be', async () => {
  await using rig = await createProjectRig();
  const dead = rig.start();
  const a = await rig.nextWorker('A');
  await dead.kill();
  using stranger = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await once(stranger, 'spawn');
  const db = new Database(stateDb(rig));
  db.prepare('UPDATE poller SET pid = ?').run(stranger.pid);
  db.close();
  assert.equal((await rig.status()).poller.alive, false);
  assert.match((await rig.run(['stop'])).stdout, /^Stopped A \(run 1\)$/m);
  await a.end();
  const poller = rig.start();
  await rig.nextWorker('A');
  assert.deepEqual([stranger.exitCode, stranger.signalCode], [null, null]);
  await poller.kill();
});

test('a poller that lost its lease ends what it has under way before it leaves', async () => {
  const config = {
    gates: [{ name: 'slow', command: 'echo $$ > "$ORCHESTRATE_PROJECT/../gate"; sleep 1000' }],
  };
  await using rig = await createProjectRig({ config });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  await rig.until('the gate runs', ({ events }) => events.some(({ kind }) => kind === 'gate'));
  const gate = () => (readIfPresent(join(rig.cli.home, 'gate')) ?? '').trim();
  await until('the gate is there', () => gate() !== '');
  rmSync(lockDb(rig));
  // Any change wakes it.
  await rig.run(['park', 'A']);
  assert.equal((await poller.end()).code, 6);
  assert.ok(!isAlive(Number(gate())));
  await until('nobody is left', () => rig.marked().length === 0);
});

test('stop ends every worker and exits 4 when a process that is not known here holds the lease', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  const db = new Database(stateDb(rig));
  db.exec('DELETE FROM poller');
  db.close();
  // It would leave by itself as soon as it saw that nothing is left to do.
  await suspend(rig, poller);
  const { stderr } = await rig.run(['stop'], 4);
  assert.match(stderr, /a process that is not known here holds .*lock\.db and may start the next one/);
  await a.end();
  assert.ok(alive(poller));
  poller.child.kill('SIGCONT');
  await poller.kill('SIGTERM');
  await rig.run(['stop']);
});

test(
  'an flock that something keeps on our files, as a child of a dead poller could, holds up no start',
  linuxOnly,
  async () => {
    await using rig = await createProjectRig();
    const dead = rig.start();
    const a = await rig.nextWorker('A');
    await dead.kill('SIGKILL');
    const command = 'exec 8<"$0" 9<"$1"; flock 8 && flock 9 && echo held && exec sleep 1000';
    const holder = spawn('/bin/bash', ['-c', command, lockDb(rig), stateDb(rig)], { stdio: 'pipe' });
    try {
      await once(holder.stdout, 'data');
      const poller = rig.start();
      await rig.until('it acts', ({ poller: { pid } }) => pid === poller.child.pid);
      await a.commit('a.txt');
      rig.setTasks('A', 'completed');
      a.exit(0);
      assert.equal((await poller.end()).code, 0);
    } finally {
      holder.kill('SIGKILL');
    }
  },
);

test('a living poller is handed another limit of workers, obeys it at once and tells it', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [], C: [] } });
  const poller = rig.start(['--max-workers', '1']);
  const first = await until('one works', () => rig.desk.seen[0]);
  await rig.until(
    'one is at work',
    ({ streams }) => streams.filter(({ state }) => state === 'queued').length === 2,
  );
  assert.equal((await rig.status()).poller.maxWorkers, 1);
  const handed = await rig.run(['start', '--max-workers', '2']);
  assert.match(handed.stdout, /at most 2 agents at once: handed to the running orchestrate \(pid \d+\)/);
  const seen = await until('a second one works', () => rig.desk.seen.length === 2 && rig.desk.seen);
  assert.notEqual(seen[1]?.stream, first.stream);
  assert.equal((await rig.status()).poller.maxWorkers, 2);
  assert.match((await rig.run(['start'], 4)).stderr, /orchestrate is running already in this project/);
  await poller.kill();
});
