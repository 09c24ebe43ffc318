/** What happens in between to pollers, tmux, stores, clocks and processes, by accident or by people. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { isAlive } from '../../test/support/alive.ts';
import type { Running } from '../../test/support/worker-rig.ts';
import type { Random, World } from './conduct.ts';
import { createClock } from './fault.ts';
import { assertWellTold } from './sweep.ts';

/** Does something where it may be that nothing is there to do it to. */
function tmux({ rig }: World, ...args: string[]): string {
  try {
    return rig.tmux(...args);
  } catch (error) {
    if (error instanceof Error && 'status' in error) return '';
    throw error;
  }
}

const DAY_SECONDS = 86_400;

function startWithClock({ pollers, clocks, rig }: World, wrongBySeconds: number): void {
  const clock = createClock(join(rig.cli.home, `clock-${clocks.length}`));
  clock.set(wrongBySeconds);
  clocks.push(clock);
  pollers.push(rig.start(['--poll', '1'], { env: clock.env }));
}

/** A poller, whose clock may be wrong. */
export function startOne(world: World): void {
  startWithClock(world, [0, 0, DAY_SECONDS, -DAY_SECONDS][world.random(4)] ?? 0);
}

export function startMany(world: World, count: number): void {
  for (let at = 0; at < count; at += 1) startOne(world);
}

/** As when a machine's clock is set while nobody polls. */
function restartWithClock(world: World, wrongBySeconds: number): void {
  for (const { child } of living(world)) child.kill('SIGKILL');
  startWithClock(world, wrongBySeconds);
}

/** As when a machine's clock is set while it polls. */
function setClocks({ clocks }: World, wrongBySeconds: number): void {
  for (const clock of clocks) clock.set(wrongBySeconds);
}

/** Another program holds a database for a while. */
async function lock(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const db = new Database(path, { timeout: 2_000 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    await pause(800);
    db.exec('ROLLBACK');
  } catch (error) {
    if (!/locked|busy/i.test(String(error))) throw error;
  } finally {
    db.close();
  }
}

const BESIDE = ['', '-wal', '-shm'];

/** A database's file holds something else for a while, as a broken disk or another program leaves it. */
async function spoilt(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const there = BESIDE.filter((ending) => existsSync(`${path}${ending}`));
  for (const ending of there) renameSync(`${path}${ending}`, `${path}.aside${ending}`);
  writeFileSync(path, 'this is no database\n'.repeat(500), { mode: 0o600 });
  await pause(1_200);
  for (const ending of BESIDE) rmSync(`${path}${ending}`, { force: true });
  for (const ending of there) renameSync(`${path}.aside${ending}`, `${path}${ending}`);
}

/** A copy of a moment ago takes the place of a database, as when somebody brings back a backup. */
async function putBack(path: string): Promise<void> {
  const copy = `${path}.copy`;
  const db = new Database(path, { timeout: 5_000 });
  try {
    db.prepare('VACUUM INTO ?').run(copy);
  } finally {
    db.close();
  }
  await pause(300);
  for (const ending of ['-wal', '-shm']) rmSync(`${path}${ending}`, { force: true });
  renameSync(copy, path);
}

/** Says of a database that a later program has made it, for a while. */
async function newer(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const db = new Database(path, { timeout: 5_000 });
  try {
    const version = db.pragma('user_version', { simple: true });
    db.pragma('user_version = 999');
    await pause(1_200);
    db.pragma(`user_version = ${version}`);
  } finally {
    db.close();
  }
}

/** Gives the claims of dead agents the number `taken`; the time at which they began stays, and tells them from its process. */
function recycleClaims(runs: string, taken: string): void {
  for (const name of existsSync(runs) ? readdirSync(runs) : []) {
    const claim = join(runs, name, 'claim');
    const text = existsSync(claim) ? readFileSync(claim, 'utf8') : '';
    const pid = /^\d+(?=\n)/.exec(text)?.[0];
    if (pid !== undefined && !isAlive(Number(pid)))
      writeFileSync(claim, text.replace(/^\d+(?= |\n)/gm, taken));
  }
}

/** Wherever we wrote down the number of a process that has ended, it is that of one which is none of our concern. */
function recycleNumbers(world: World): void {
  const directory = join(world.rig.root, '.claude', 'orchestrator');
  const taken = String(world.bystander.pid);
  for (const id of existsSync(join(directory, 'pids')) ? world.ids : [])
    writeFileSync(join(directory, 'pids', `${id.toLowerCase()}.pid`), `${taken}\n`);
  recycleClaims(join(directory, 'runs'), taken);
  if (living(world).length === 0 && existsSync(stateOf(world))) {
    const db = new Database(stateOf(world), { timeout: 5_000 });
    db.prepare('UPDATE poller SET pid = ?').run(world.bystander.pid);
    db.close();
  }
}

/** Somebody else opens a session of that name, unless there is one. */
function settleBeside(world: World, name: string): void {
  const words = ['new-session', '-d', '-P', '-F', '#{pane_pid} #{pid}', '-s', name, '-n', 'a', 'sleep 1000'];
  const [pid, server] = tmux(world, ...words)
    .trim()
    .split(' ')
    .map(Number);
  if (pid !== undefined && server !== undefined) world.neighbours.push({ pid, server });
}

const stateOf = ({ rig }: World): string => join(rig.root, '.claude', 'orchestrator', 'state.db');
export const living = ({ pollers }: World): Running[] =>
  pollers.filter(({ child }) => child.exitCode === null && child.signalCode === null);
export const anyOf = <T>(random: Random, all: readonly T[]): T | undefined =>
  all[random(Math.max(1, all.length))];

/** What happens in between, by name. */
export const ACCIDENTS: Readonly<Record<string, (world: World) => Promise<void> | void>> = {
  'a poller starts': startOne,
  'five pollers start at once': (world) => startMany(world, 5),
  'a poller is killed': (world) => void anyOf(world.random, living(world))?.child.kill('SIGKILL'),
  'every poller is killed': (world) => {
    for (const { child } of living(world)) child.kill('SIGKILL');
  },
  'a poller is asked to end': (world) => void anyOf(world.random, living(world))?.child.kill('SIGTERM'),
  'a poller sleeps for a while': async (world) => {
    const poller = anyOf(world.random, living(world));
    poller?.child.kill('SIGSTOP');
    startOne(world);
    await pause(700);
    poller?.child.kill('SIGCONT');
  },
  'the tmux server is ended': (world) => void tmux(world, 'kill-server'),
  'the tmux server is killed': (world) => {
    const pid = Number(tmux(world, 'display-message', '-p', '#{pid}'));
    if (pid > 0) process.kill(pid, 'SIGKILL');
  },
  'the socket is removed': (world) => {
    const socket = tmux(world, 'display-message', '-p', '#{socket_path}').trim();
    if (socket !== '') rmSync(socket, { force: true });
  },
  'a window is closed': (world) => {
    const panes = tmux(world, 'list-panes', '-a', '-F', '#{pane_id} #{@orchestrate_role}').split('\n');
    const ours = panes.filter((line) => line.endsWith(' worker'));
    const pane = anyOf(world.random, ours)?.split(' ')[0];
    if (pane !== undefined) tmux(world, 'kill-pane', '-t', pane);
  },
  'the session is renamed': (world) => {
    const name = `renamed-${world.random(1000)}`;
    if (tmux(world, 'list-sessions').includes('orchestrate-project:'))
      tmux(world, 'rename-session', '-t', '=orchestrate-project', name);
  },
  'neighbours take our names': (world) => {
    for (const name of ['orchestrate-project', `orchestrate-project2-${world.random(1000)}`])
      settleBeside(world, name);
  },
  'the store is locked': (world) => lock(world.rig.store.path),
  'the state is locked': (world) => lock(stateOf(world)),
  'the store is garbage for a while': ({ rig }) => spoilt(rig.store.path),
  'the state is garbage for a while': (world) => spoilt(stateOf(world)),
  'the store is of a newer version for a while': ({ rig }) => newer(rig.store.path),
  'the state is of a newer version for a while': (world) => newer(stateOf(world)),
  'the store is put back from a copy': ({ rig }) => putBack(rig.store.path),
  'the clock is set a day ahead': (world) => restartWithClock(world, DAY_SECONDS),
  'the clock is set a day back': (world) => restartWithClock(world, -DAY_SECONDS),
  'the clock is set a day ahead while orchestrate runs': (world) => setClocks(world, DAY_SECONDS),
  'the clock is set a day back while orchestrate runs': (world) => setClocks(world, -DAY_SECONDS),
  'processes take the numbers of dead agents and pollers': recycleNumbers,
  'all is stopped': async (world) => {
    const ended = await world.rig.cli.run(['stop']);
    assertWellTold(ended);
  },
  'a stream is stopped, tried again and started': async (world) => {
    const id = anyOf(world.random, world.ids) ?? '';
    for (const words of [
      ['stop', id],
      ['retry', id],
    ])
      assertWellTold(await world.rig.cli.run(words));
  },
};
