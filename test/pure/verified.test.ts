/** What is remembered of finished work: since when it is done, what dependents build on, and what is said of a gate or a task that holds it up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dependencyHeads, doneSinceMs, gateText, whyBlocked } from '../../src/core/done.ts';
import type { StreamRecord } from '../../src/core/types.ts';
import { complete, doneRecord, record, run, snapshot, stream } from '../support/snapshots.ts';

test('a stream is done since its last run ended, and one that was adopted since that was found', () => {
  const runs = [run('S', { endedAtMs: 5 }), run('S', { number: 2, endedAtMs: 9 })];
  const done = doneRecord('S');
  assert.equal(doneSinceMs({ ...done, runs }), 9);
  assert.equal(doneSinceMs({ ...done, runs: [] }), done.verified?.atMs);
  assert.equal(doneSinceMs(null), null);
});

test('a dependent has heads to build on once every dependency was verified', () => {
  const streams = [complete('A'), stream('B'), stream('C', ['A', 'B'])];
  const [a, b] = [doneRecord('A'), doneRecord('B')];
  const heads = (records: readonly StreamRecord[]) =>
    dependencyHeads(stream('C', ['A', 'B']), snapshot({ streams, records }));
  assert.equal(heads([a, record('B')]), null);
  assert.deepEqual(heads([a, b]), [a.verified?.sha, b.verified?.sha]);
});

test('that a gate failed is counted from the second time on', () => {
  const texts = [1, 2].map((times) => gateText({ name: 'test', log: 'g.log', times }));
  assert.deepEqual(texts, ['gate "test" failed', 'gate "test" failed 2×']);
});

test('a task is blocked for its reason, else for what its notes say first', () => {
  const why = (blockedReason: string | null, notes: string | null) => whyBlocked({ blockedReason, notes });
  assert.equal(why(' needs a key ', 'tried two'), 'needs a key');
  assert.equal(why(' ', '\n no key here \r\nasked for one'), 'no key here');
  assert.equal(why(null, 'one\ntwo'), 'one');
  assert.deepEqual([why(null, null), why('', ' \n'), why(null, '')], [null, null, null]);
});
