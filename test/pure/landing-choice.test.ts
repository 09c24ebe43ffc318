/** Which streams of a plan can land: done, up to date, and on top of nothing else than such. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/core/decide/decide.ts';
import { chooseStreams } from '../../src/core/landing.ts';
import { complete, counts, doneRecord, POLICY, snapshot, stream } from '../support/snapshots.ts';

/** A is done and B on it; C is open and D, which is done, on it; E is on one that is cancelled. */
const streams = [
  complete('A'),
  complete('B', ['A']),
  stream('C'),
  complete('D', ['C']),
  stream('X', [], { tasks: counts({ cancelled: 2 }), openTasks: [] }),
  complete('E', ['X']),
];

function chosen(named: readonly string[], landed: readonly string[] = []) {
  const records = streams
    .filter(({ id }) => !['C', 'X'].includes(id))
    .map(({ id, dependencies }) => {
      const parents = dependencies.map((on) => `${on.toLowerCase()}-verified`);
      return { ...doneRecord(id), base: { sha: 'b', parents, atMs: 1 } };
    });
  const { states } = decide(snapshot({ streams, records, part: { landed: new Set(landed) } }), POLICY);
  const { wanted, waiting, notDone } = chooseStreams(streams, states, named);
  return { wanted, waiting, notDone: notDone.map((each) => `${each.stream} ${each.state}`) };
}

test('what is done lands with what it builds on; what builds on open work waits, and is told with it', () => {
  assert.deepEqual(chosen([]), {
    wanted: ['A', 'B', 'E'],
    waiting: [{ stream: 'D', on: ['C'] }],
    notDone: ['C ready', 'X cancelled'],
  });
});

test('of a plan what is named is meant, with all that it builds on', () => {
  assert.deepEqual(chosen(['B']), { wanted: ['A', 'B'], waiting: [], notDone: [] });
  assert.deepEqual(chosen(['D']), {
    wanted: [],
    waiting: [{ stream: 'D', on: ['C'] }],
    notDone: ['C ready'],
  });
});

test('what has landed waits for nothing', () => {
  assert.deepEqual(chosen(['D'], ['d']), { wanted: ['D'], waiting: [], notDone: ['C ready'] });
});

test('a dependency that is not in the plan holds nothing back', () => {
  const on = [complete('F', ['gone'])];
  const { states } = decide(snapshot({ streams: on, records: [doneRecord('F')] }), POLICY);
  assert.deepEqual(chooseStreams(on, states, []).wanted, ['F']);
});

test('streams that build on each other in a circle are asked for by name all the same', () => {
  const circle = [stream('A', ['B']), stream('B', ['A'])];
  const { states } = decide(snapshot({ streams: circle }), POLICY);
  assert.deepEqual(chooseStreams(circle, states, ['A']).wanted, []);
});
