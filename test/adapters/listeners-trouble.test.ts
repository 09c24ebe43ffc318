/** Listeners in trouble: what cannot be written of one stream keeps nothing from the others, no tick repeats it, and no way to tell holds up the end. */
import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { DEFAULT_CONFIG } from '../../src/app/config/config.ts';
import type { Run } from '../../src/core/types.ts';
import { notifier } from '../../src/poller/listeners/notify.ts';
import { usage, workerFacts } from '../../src/poller/listeners/run-facts.ts';

import { record, run, SERVER, snapshot, stream, worker } from '../support/snapshots.ts';

const full = (): never => {
  throw new Error('disk is full');
};

/** A state in which nothing can be written of `broken`; counts the attempts. */
function createState(broken: string) {
  const written: string[] = [];
  let attempts = 0;
  const write = (key: string): void => {
    if (key !== broken) return void written.push(key);
    attempts += 1;
    full();
  };
  return { written, attempts: () => attempts, state: { patchStream: write, patchRun: write } };
}

test('what one stream used cannot be written down, and that of the next one is', () => {
  const { written, state } = createState('a');
  const record = (key: string) => ({
    key,
    runs: [{ key, number: 1, endedAtMs: null, claimedAtMs: 1, usage: null }],
  });
  const records = new Map(['a', 'b'].map((key) => [key, record(key)]));
  const { onLook } = usage({ state, agentThatMade: () => ({ usage: () => ({ costUsd: 1 }) }) } as never);
  assert.throws(() => onLook?.({ snapshot: { records } } as never), /disk is full/);
  assert.deepEqual(written, ['b']);
});

test('a night without a poller is no work either where the first look cannot see the agents', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-seen-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const lockDb = join(directory, 'lock.db');
  writeFileSync(lockDb, '');
  const [nowMs, nightMs] = [Date.now(), 8 * 3_600_000];
  utimesSync(lockDb, (nowMs - nightMs) / 1000, (nowMs - nightMs) / 1000);
  const patches: Partial<Run>[] = [];
  const state = { patchRun: (_key: string, _run: number, patch: Partial<Run>) => void patches.push(patch) };
  const { onLook } = workerFacts({ state, paths: { lockDb }, config: DEFAULT_CONFIG } as never);
  const world = { streams: [stream('A')], records: [record('A', { runs: [run('A')] })], part: { nowMs } };
  const tmux = { known: true, value: { server: SERVER } };
  const unseen = { ...snapshot(world), workers: { known: false, why: 'tmux does not answer' } };
  await onLook?.({ snapshot: unseen, tmux } as never);
  await onLook?.({ snapshot: snapshot({ ...world, workers: { A: worker() } }), tmux } as never);
  const lostMs = patches.map(({ paused }) => paused?.totalMs ?? 0);
  assert.ok(Math.max(0, ...lostMs) >= nightMs, JSON.stringify(patches));
});

test('a notice that cannot be written down is told once, and its writing is tried again after delays only', async (t) => {
  const { written, attempts, state } = createState('a');
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const shown: string[] = [];
  const ports = {
    state,
    config: { ...DEFAULT_CONFIG, restart: { ...DEFAULT_CONFIG.restart, delaysSeconds: [10, 100] } },
    tmux: { message: async (text: string) => void shown.push(text), bell: async () => undefined },
    workspace: { id: 'w' },
    paths: { root: '/p' },
    now: () => 1,
  };
  const records = new Map(['a', 'b'].map((key) => [key, { key, told: null as string | null, runs: [] }]));
  const states = ['a', 'b'].map((key) => ({
    id: key,
    key,
    state: 'failed',
    reason: 'x',
    remedy: null,
    needsYou: true,
  }));
  const { onStates, close } = notifier(ports as never, new AbortController().signal, () => undefined);
  const tick = (): void => onStates?.(states as never, { snapshot: { records } } as never);
  assert.throws(tick, /disk is full/);
  const b = records.get('b');
  if (b !== undefined) b.told = 'failed x';
  for (let n = 0; n < 50; n += 1) tick();
  assert.deepEqual([written, attempts()], [['b'], 1]);
  nowMs = 12_000;
  assert.throws(tick, /disk is full/);
  nowMs = 24_000;
  tick();
  assert.equal(attempts(), 2);
  nowMs = 130_000;
  assert.throws(tick, /disk is full/);
  assert.equal(attempts(), 3);
  await close?.(null);
  assert.deepEqual(shown.sort(), ['a: failed: x', 'b: failed: x']);
});

test('at the end a command that hangs is broken off, what waits behind it is let go of, and the last word is told', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const logsDir = mkdtempSync(join(realpathSync(tmpdir()), 'orchestrate-logs-'));
  t.after(() => rmSync(logsDir, { recursive: true }));
  const begun: string[] = [];
  const events: string[] = [];
  let end: (result: object) => void = () => undefined;
  const runShell = ({ input, abort }: { input: string; abort: AbortSignal }) =>
    new Promise((resolve, reject) => {
      begun.push(JSON.parse(input).reason);
      end = resolve;
      abort.addEventListener('abort', () => reject(abort.reason));
    });
  const ports = {
    state: {
      patchStream: () => undefined,
      addEvent: ({ kind, message }: { kind: string; message: string }) =>
        void events.push(`${kind} ${message}`),
    },
    config: { ...DEFAULT_CONFIG, notify: { ...DEFAULT_CONFIG.notify, tmux: false, command: 'any' } },
    processes: { runShell },
    marks: { own: 'm' },
    env: {},
    workspace: { id: 'w' },
    paths: { root: '/p', logsDir },
    now: () => 1,
  };
  const ids = Array.from({ length: 150 }, (_, index) => `s${index}`);
  const records = new Map(ids.map((key) => [key, { key, told: null, runs: [] }]));
  const states = ids.map((key) => ({
    id: key,
    key,
    state: 'failed',
    reason: key,
    remedy: null,
    needsYou: true,
  }));
  const leaveWith = (count: number) => {
    const { onStates, close } = notifier(ports as never, new AbortController().signal, () => undefined);
    onStates?.(states.slice(0, count) as never, { snapshot: { records } } as never);
    return close?.({ why: 'stuck', states: states.slice(0, 1) } as never);
  };
  const closing = leaveWith(150);
  await turn();
  t.mock.timers.tick(10_000);
  await turn();
  assert.deepEqual(begun.splice(0), ['s0', 'nothing can go on: s0 failed']);
  t.mock.timers.tick(10_000);
  await closing;
  const warning = 'notify-error notify.command took more than 10 s before the end';
  assert.deepEqual(events.splice(0), ['stuck nothing can go on: s0 failed', warning]);

  // The last word has its own time, also where what was before it took nearly all.
  const again = leaveWith(1);
  await turn();
  t.mock.timers.tick(9_000);
  end({ exitCode: 0 });
  await turn();
  assert.deepEqual(begun, ['s0', 'nothing can go on: s0 failed']);
  t.mock.timers.tick(9_000);
  await turn();
  assert.deepEqual(events, ['stuck nothing can go on: s0 failed']);
  t.mock.timers.tick(1_000);
  await again;
  assert.deepEqual(events, ['stuck nothing can go on: s0 failed', warning]);
});
