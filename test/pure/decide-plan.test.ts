/** What is decided for the plan as a whole: free slots, the order of steps, windows that stay, and streams that left the plan. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/core/decide/decide.ts';
import {
  BASE,
  complete,
  doneRecord,
  gone,
  judged,
  NOW_MS,
  POLICY,
  record,
  run,
  snapshot,
  stepsOf,
  stream,
  worker,
} from '../support/snapshots.ts';

const started = (id: string) => record(id, { runs: [run(id)], base: BASE });

test('each living worker takes one slot, and each launch one', () => {
  const world = {
    streams: [stream('A'), stream('B'), stream('C'), stream('D')],
    records: [started('A')],
    workers: { A: worker() },
  };
  assert.deepEqual(stepsOf(world, { maxWorkers: 1 }), []);
  assert.deepEqual(stepsOf(world, { maxWorkers: 3 }), ['launch b', 'launch c']);
  assert.deepEqual(stepsOf(world, { maxWorkers: 4 }), ['launch b', 'launch c', 'launch d']);
});

test('a worker that lives on after its run was ended takes no slot', () => {
  const world = {
    streams: [complete('A'), stream('B')],
    records: [doneRecord('A')],
    workers: { A: worker() },
    part: { heads: { known: true, value: new Map([['a', 'a-verified']]) } as const },
  };
  assert.deepEqual(stepsOf(world, { maxWorkers: 1 }), ['launch b']);
});

test('what frees a slot goes first, then the launch that most waits for', () => {
  const world = {
    streams: [
      stream('Short'),
      stream('Long'),
      stream('Next', ['Long']),
      stream('Last', ['Next']),
      complete('Check'),
      stream('Ended'),
    ],
    records: [started('Check'), started('Ended')],
    workers: { Check: gone(0), Ended: gone(1) },
  };
  assert.deepEqual(stepsOf(world), ['end-run ended', 'verify check', 'launch long', 'launch short']);
});

test('a step under way is not taken again, and only a launch shows as one', () => {
  const flight = (kind: 'launch' | 'verify') => ({
    inFlight: new Map([['s', { kind, sinceMs: NOW_MS - 10 }]]),
  });
  const verifying = { streams: [complete('S')], records: [started('S')], workers: { S: gone(0) } };
  const { states, actions } = decide(snapshot({ ...verifying, part: flight('verify') }), POLICY);
  assert.deepEqual([states[0]?.state, actions], ['verifying', []]);
  const living = { streams: [stream('S')], records: [started('S')], workers: { S: worker() } };
  assert.equal(decide(snapshot({ ...living, part: flight('launch') }), POLICY).states[0]?.state, 'running');
});

test('the window of a run that is done is closed, unless such windows are to stay', () => {
  const done = { sha: 's', atMs: NOW_MS, adopted: false, run: 1, parents: [] };
  const ended = (keepFinishedWindows: boolean) =>
    judged({
      stream: complete('S'),
      record: { verified: done },
      worker: gone(0),
      policy: { keepFinishedWindows },
    }).action;
  for (const keep of [false, true]) {
    const action = ended(keep);
    assert.ok(action?.kind === 'end-run' && action.outcome === 'done');
    assert.equal(action.closeWindow, !keep);
  }
});

test('the window of a run that failed stays to be read; that of one that was parked does not', () => {
  const failed = judged({ worker: gone(1) }).action;
  assert.ok(failed?.kind === 'end-run' && failed.outcome === 'failed' && !failed.closeWindow);
  const parked = judged({
    runs: [{ usage: { tokens: 1, cachedTokens: 0, costUsd: 3 } }],
    policy: { maxCostUsd: 2 },
  });
  assert.ok(parked.action?.kind === 'end-run' && parked.action.closeWindow);
});

test('the run of a stream that left the plan is ended when its worker is known to be gone, by a poller', () => {
  const world = { streams: [], records: [started('Gone')], workers: { Gone: gone(0) } };
  assert.deepEqual(stepsOf(world), ['end-run gone']);
  assert.deepEqual(stepsOf({ ...world, part: { pollerAlive: false } }), []);
  assert.deepEqual(stepsOf({ ...world, workers: { Gone: worker() } }), []);
  assert.deepEqual(stepsOf({ ...world, part: { workers: { known: false, why: 'timeout' } } }), []);
});
