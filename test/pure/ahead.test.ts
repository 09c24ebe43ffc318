/** Which worktrees are made, moved and taken away ahead of need. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/core/decide/decide.ts';
import type { Ahead, Policy, StreamRecord } from '../../src/core/types.ts';
import {
  complete,
  counts,
  doneRecord,
  NOW_MS,
  POLICY,
  record,
  run,
  snapshot,
  stream,
  type World,
  worker,
} from '../support/snapshots.ts';

const TIP = 'c'.repeat(40);

function steps(world: World, policy: Partial<Policy> = {}): string[] {
  const { actions } = decide(snapshot(world), { ...POLICY, ahead: null, ...policy });
  return actions.map((action) =>
    action.kind === 'prepare'
      ? `prepare ${action.key} ${action.parents.join()}`
      : `${action.kind} ${action.key}`,
  );
}

/** What is known of a stream that waits, with what was made for it. */
const waiting = (id: string, part: Partial<Ahead> = {}, more: Partial<StreamRecord> = {}): StreamRecord => {
  const path = record(id).worktree;
  return record(id, { ahead: { path, parents: [TIP], bases: [TIP], setUp: TIP, ...part }, ...more });
};
const heads = { known: true as const, value: new Map([['a', TIP]]) };
const atWork = record('A', { runs: [run('A')], base: { sha: 'b'.repeat(40), parents: [], atMs: 1 } });
/** `A` is at work, its branch at `TIP`; `B` and `C` wait for it, `D` for both. */
const DIAMOND: World = {
  streams: [stream('A'), stream('B', ['A']), stream('C', ['A']), stream('D', ['B', 'C'])],
  records: [atWork],
  workers: { A: worker() },
  part: { heads },
};
const with_ = (records: readonly StreamRecord[], part: World['part'] = {}): World => ({
  ...DIAMOND,
  records: [atWork, ...records],
  part: { heads, ...part },
});

test('what waits for nothing but work under way is made ready at the best base known, no more than may be', () => {
  assert.deepEqual(steps(DIAMOND), [`prepare b ${TIP}`, `prepare c ${TIP}`]);
  assert.deepEqual(steps(DIAMOND, { ahead: 1 }), [`prepare b ${TIP}`]);
  assert.deepEqual(steps(DIAMOND, { maxWorkers: 1 }), [`prepare b ${TIP}`], 'as many as may work');
  assert.deepEqual(steps(DIAMOND, { ahead: 0 }), []);
  assert.deepEqual(steps(with_([waiting('B')]), { ahead: 1 }), [], 'what is there counts');
  assert.deepEqual(steps(with_([waiting('D')]), { ahead: 1 }), [], 'also for one that is further off by now');
  const long = { ...DIAMOND, streams: [...DIAMOND.streams, stream('E', ['C']), stream('F', ['E'])] };
  assert.deepEqual(steps(long, { ahead: 1 }), [`prepare c ${TIP}`], 'the longest remaining path first');
  const queued = { streams: [stream('A'), stream('B')], records: [atWork], workers: { A: worker() } };
  assert.deepEqual(
    steps(queued, { maxWorkers: 1 }),
    ['prepare b '],
    "a root that waits for a place: the plan's base",
  );
});

test('nothing is made beside a launch, of a plan with problems, of what was called off, or where nothing is known', () => {
  const ready = { ...DIAMOND, streams: [...DIAMOND.streams, stream('R')] };
  assert.deepEqual(steps(ready), ['launch r']);
  const launching = new Map([['r', { kind: 'launch' as const, sinceMs: NOW_MS }]]);
  assert.deepEqual(steps({ ...ready, part: { heads, inFlight: launching } }), []);
  for (const gated of [true, false]) {
    const checking = new Map([['x', { kind: 'verify' as const, sinceMs: NOW_MS }]]);
    const made = steps(with_([], { inFlight: checking }), { gated });
    assert.equal(made.length, gated ? 2 : 0, 'a check without gates is nearly over, and a launch follows');
  }
  const two = new Map(['x', 'y'].map((key) => [key, { kind: 'prepare' as const, sinceMs: NOW_MS }]));
  assert.deepEqual(steps(with_([], { inFlight: two })), [], 'two at a time');
  assert.deepEqual(steps(with_([record('B', { intent: 'parked' }), record('C', { intent: 'stopped' })])), []);
  assert.deepEqual(steps(DIAMOND, { only: new Set(['A', 'C']) }), [`prepare c ${TIP}`]);
  for (const part of [
    { heads: { known: false as const, why: 'locked' } },
    { heads, workers: { known: false as const, why: 'silent' } },
    { heads, pollerAlive: false },
  ])
    assert.deepEqual(steps({ ...DIAMOND, part }), []);
  const ended = { ...DIAMOND, records: [record('A', { intent: 'stopped' })], workers: {} };
  assert.deepEqual(steps(ended), [], 'nobody works on what it waits for');
});

test('it is moved when what it will start from moves, also in the middle of a merge of several, and not else', () => {
  assert.deepEqual(steps(with_([waiting('B'), waiting('C')])), []);
  assert.deepEqual(steps(with_([waiting('B', { parents: ['x'] }), waiting('C')])), [`prepare b ${TIP}`]);
  assert.deepEqual(
    steps(with_([waiting('B', { parents: null }), waiting('C')])),
    [`prepare b ${TIP}`],
    'cut off',
  );
  const [done, other] = [doneRecord('A'), record('B', { runs: [run('B')], branchMade: true })];
  const both = {
    streams: [complete('A'), stream('B'), stream('C', ['A', 'B'])],
    records: [done, other],
    workers: { B: worker() },
    part: { heads: { known: true as const, value: new Map([['b', TIP]]) } },
  };
  assert.deepEqual(steps(both), [`prepare c a-verified,${TIP}`]);
});

test('what failed is tried again after a while, and no more often than a launch; it holds up no launch', () => {
  const trouble = {
    kind: 'prepare' as const,
    message: 'm',
    fix: 'f',
    atMs: NOW_MS - 1_000,
    count: 1,
    cause: null,
  };
  const troubled = (part: Partial<typeof trouble>) =>
    steps(with_([waiting('C')], { troubles: new Map([['b', { ...trouble, ...part }]]) }));
  assert.deepEqual(troubled({}), []);
  assert.deepEqual(troubled({ atMs: NOW_MS - 10_000 }), [`prepare b ${TIP}`]);
  assert.deepEqual(troubled({ atMs: 0, count: 3 }), []);
  const ready = { streams: [stream('B')], part: { troubles: new Map([['b', { ...trouble, count: 9 }]]) } };
  assert.deepEqual(steps(ready), ['launch b']);
});

test('what was made for a stream that is not to start is taken away; what an agent is in never', () => {
  const { streams } = DIAMOND;
  const gone = { ...with_([waiting('B')]), streams: streams.filter(({ id }) => id === 'A') };
  assert.deepEqual(steps(gone), ['discard b']);
  const cancelled = stream('B', ['A'], { tasks: counts({ cancelled: 2 }) });
  const with2 = (b: typeof cancelled, part: Partial<StreamRecord> = {}) =>
    steps({
      ...with_([waiting('B', {}, part), waiting('C')]),
      streams: [stream('A'), b, stream('C', ['A'])],
    });
  assert.deepEqual(with2(cancelled), ['discard b']);
  assert.deepEqual(with2(stream('B', ['A']), { intent: 'parked' }), ['discard b']);
  assert.deepEqual(with2(stream('B', ['A']), { intent: 'stopped' }), [], 'it may start again any time');
  const adopted = { sha: TIP, atMs: 1, adopted: true, run: 0, parents: [TIP] };
  assert.deepEqual(with2(complete('B', ['A']), { verified: adopted }), ['discard b']);
  assert.deepEqual(steps(with_([waiting('B'), waiting('C')]), { ahead: 0 }), ['discard b', 'discard c']);
  assert.deepEqual(steps(with_([waiting('B', { path: '/elsewhere' }), waiting('C')])), ['discard b']);
  const begun = waiting('B', {}, { runs: [run('B')], intent: 'none' });
  const left = { ...with_([begun]), streams: [stream('A')], workers: { A: worker(), B: worker() } };
  assert.deepEqual(steps(left), []);
});
