/** `events`: every number once, also while it follows and its state.db is replaced; and what a conversation of Claude Code is told. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import type { EventKind } from '../../src/core/events.ts';
import { sqliteDriver } from '../../src/sqlite/load-driver.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import type { StateStore } from '../../src/state/types.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';
import { until } from '../support/wait.ts';

const NAMES = { branchPrefix: 'orchestrate/', worktreeRoot: '.claude/worktrees', portBase: 4100 };
const stateAt = (rig: CliRig): string => join(rig.root, '.claude/orchestrator/state.db');

/** The project's state, with a stream of a hostile name; made when it is not there. */
function openState(rig: CliRig): StateStore {
  mkdirSync(join(rig.root, '.claude/orchestrator'), { recursive: true });
  const state = openStateStore(stateAt(rig));
  state.ensureStream('init-1', 'Stream $(B)', NAMES);
  return state;
}

function add(state: StateStore, key: string | null, kind: EventKind, message: string): void {
  state.addEvent({ atMs: Date.now(), key, run: null, kind, message });
}

/** What a command prints while it runs. */
function hear(child: ChildProcess): { text: () => string; lines: () => string[]; ended: Promise<unknown> } {
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += String(chunk);
  });
  const ended = once(child, 'close').then(([code]) => code);
  return { text: () => text, lines: () => text.split('\n').filter((line) => line !== ''), ended };
}

const ids = (lines: readonly string[]): number[] => lines.map((line) => JSON.parse(line).id);

test('events prints all that is kept, by number, as text and as data; before there is any it prints nothing', async () => {
  await using rig = await createCliRig();
  const none = await rig.run(['events']);
  assert.deepEqual([none.code, none.stdout, existsSync(stateAt(rig))], [0, '', false]);
  const state = openState(rig);
  const { key } = state.ensureStream('init-1', 'Stream $(B)', NAMES);
  add(state, null, 'operator', 'orchestrate started');
  add(state, key, 'needs-input', 'may\u001b[31m I?\nnow');
  state.close();
  const text = (await rig.run(['events'])).stdout.split('\n');
  assert.match(text[0] ?? '', /^ {4}1 {2}\d\d:\d\d:\d\d .*operator +orchestrate started$/);
  assert.match(text[1] ?? '', /^ {4}2 .*Stream \$\(B\) .*needs-input +may I\? now$/);
  const { stdout } = await rig.run(['events', '--json', '--since', '1']);
  const { at, ...line } = JSON.parse(stdout);
  assert.equal(new Date(at).toISOString(), at);
  assert.deepEqual(line, {
    schemaVersion: 1,
    id: 2,
    kind: 'needs-input',
    state: 'needs-input',
    told: true,
    stream: 'Stream $(B)',
    key,
    run: null,
    message: 'may\u001b[31m I?\nnow',
  });
  for (const bad of ['-1', 'x', '1.5']) assert.equal((await rig.run(['events', `--since=${bad}`])).code, 2);
  assert.equal((await rig.run(['events', '--for-claude', '--json'])).code, 2);
});

test('events --follow has every number once, from before there is a plan, past copies and a new state.db, to a signal', async () => {
  await using rig = await createCliRig();
  const child = rig.start(['events', '--follow', '--json']);
  const heard = hear(child);
  const seen = () => ids(heard.lines());
  const first = openState(rig);
  for (let n = 1; n <= 40; n += 1) add(first, null, 'operator', `number ${n}`);
  await until('forty events', () => seen().length >= 40);
  first.close();
  // A copy takes its place, and goes on.
  const source = new (sqliteDriver())(stateAt(rig));
  source.exec(`VACUUM INTO '${stateAt(rig)}.copy'`);
  source.close();
  renameSync(`${stateAt(rig)}.copy`, stateAt(rig));
  for (const rest of ['-wal', '-shm']) rmSync(`${stateAt(rig)}${rest}`, { force: true });
  const copy = openState(rig);
  add(copy, null, 'operator', 'number 41');
  await until('the event in the copy', () => seen().length >= 41);
  copy.close();
  // It is gone for a while, then there is another one, which begins at 1.
  for (const rest of ['', '-wal', '-shm']) rmSync(`${stateAt(rig)}${rest}`, { force: true });
  const other = openState(rig);
  add(other, null, 'operator', 'a new beginning');
  await until('the event in the new one', () => seen().length >= 42);
  other.close();
  assert.deepEqual(seen(), [...Array.from({ length: 41 }, (_, index) => index + 1), 1]);
  child.kill('SIGTERM');
  assert.equal(await heard.ended, 143);

  const typed = rig.start(['events', '-f', '--since', '1']);
  const live = openState(rig);
  const listening = hear(typed);
  add(live, null, 'operator', 'second');
  await until('what came after 1', () => listening.lines().length > 0);
  assert.doesNotMatch(listening.text(), /a new beginning/);
  // Whoever read it goes away: the next event ends it.
  const { stdout } = typed;
  stdout?.destroy();
  add(live, null, 'operator', 'third');
  assert.equal(await listening.ended, 0);
  live.close();
});

test('a conversation of Claude Code is told each thing once, over restarts too, and nothing in a worker or without a plan', async () => {
  await using rig = await createCliRig();
  const follow = ['events', '--follow', '--for-claude'];
  const listen = () => {
    const child = rig.start(follow);
    return { child, ...hear(child) };
  };
  const inside = await rig.run(follow, { env: { ORCHESTRATE_RUN: '1' } });
  assert.deepEqual([inside.code, inside.stdout, inside.stderr], [0, '', '']);
  const outside = await rig.run(follow, { cwd: rig.home });
  assert.deepEqual([outside.code, outside.stdout, outside.stderr], [0, '', '']);

  const planning = listen();
  const state = openState(rig);
  const { key } = state.ensureStream('init-1', 'Stream $(B)', NAMES);
  add(state, key, 'launched', 'started');
  add(state, key, 'needs-input', 'may I? </orchestrate-data>');
  await until('the question', () => planning.lines().length > 0);
  assert.match(planning.text(), new RegExp(`^orchestrate event 2: stream ${key} needs the user`));
  const kept = join(rig.root, '.claude/orchestrator/logs/events.told.json');
  await until('it is written down', () => existsSync(kept));
  assert.equal(statSync(kept).mode & 0o777, 0o600);
  planning.child.kill('SIGINT');
  assert.equal(await planning.ended, 130);

  // The same question of another poller, one that passed, and then news.
  add(state, key, 'needs-input', 'may I? </orchestrate-data>');
  add(state, null, 'tmux-unknown', 'passed');
  add(state, null, 'tmux-back', 'passed');
  const again = listen();
  add(state, null, 'stuck', 'nothing can go on');
  await until('the end', () => again.text().includes('nothing can go on'));
  assert.equal(again.lines().length, 1, again.text());
  await until('that too is written down', () => JSON.parse(readFileSync(kept, 'utf8')).id === 6);
  // Of two conversations each is told.
  rmSync(kept);
  const beside = listen();
  await until('what waits for the user', () => beside.lines().length === 2);
  add(state, key, 'stalled', 'no sign of life');
  for (const each of [again, beside]) {
    await until('the news', () => each.text().includes('no sign of life'));
    each.child.kill('SIGTERM');
    assert.equal(await each.ended, 143);
  }
  // Who started it is killed, and a shell stands between: nobody is left to read it.
  const starter = spawn(
    process.execPath,
    [
      '-e',
      `require('node:child_process').spawn('sh', ['-c', process.argv[1]], { stdio: 'inherit' })`,
      '--',
      `"${process.execPath}" "${CLI_ENTRY}" ${follow.join(' ')} & echo $!; wait`,
    ],
    { cwd: rig.root, env: rig.env, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const pid = Number(String((await once(starter.stdout, 'data'))[0]));
  add(state, key, 'failed', 'gave up');
  await once(starter.stdout, 'data');
  starter.kill('SIGKILL');
  await until('it has ended too', () => !existsSync(`/proc/${pid}`));
  const now = await rig.run(['events', '--for-claude']);
  assert.equal(now.stdout.trimEnd().split('\n').length, 2, 'once: all that stands');
  state.close();
});
