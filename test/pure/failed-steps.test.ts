/** A step that failed is held back, named, and given up in the end; anything else goes on beside it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/core/decide/decide.ts';
import type { Trouble } from '../../src/core/types.ts';
import { complete, gone, NOW_MS, POLICY, record, run, snapshot, stream } from '../support/snapshots.ts';

const trouble = (part: Partial<Trouble> = {}): Trouble => ({
  kind: 'verify',
  message: 'the ref is locked',
  fix: 'rm the.lock',
  cause: null,
  atMs: NOW_MS - 1,
  count: 1,
  ...part,
});

/** State and step of a stream whose finished worker has to be checked. */
function checked(noted: Trouble | null, part: { verifyRequested?: boolean } = {}) {
  const world = snapshot({
    streams: [complete('S')],
    records: [
      record('S', { runs: [run('S')], base: { sha: 'b'.repeat(40), parents: [], atMs: 1 }, ...part }),
    ],
    workers: { S: gone(0) },
    part: { troubles: new Map(noted === null ? [] : [['s', noted]]) },
  });
  const { states, actions } = decide(world, POLICY);
  const [state] = states;
  return { ...state, step: actions[0]?.kind ?? null };
}

test('a check that failed waits its time, says why, and is due by itself', () => {
  assert.equal(checked(null).step, 'verify');
  const held = checked(trouble());
  assert.deepEqual(
    [held.state, held.reason, held.remedy, held.step],
    ['verifying', 'the ref is locked', 'rm the.lock', null],
  );
  assert.ok((held.dueAtMs ?? 0) > NOW_MS);
  const later = checked(trouble({ atMs: NOW_MS - 60_000 }));
  assert.equal(later.step, 'verify');
});

test('it is given up after as many times as a worker would be, until the user asks again', () => {
  const many = trouble({ count: POLICY.maxAttempts, atMs: NOW_MS - 600_000 });
  const failed = checked(many);
  assert.deepEqual(
    [failed.state, failed.reason, failed.step, failed.dueAtMs],
    ['failed', many.message, null, null],
  );
  assert.equal(checked(many, { verifyRequested: true }).step, 'verify');
});

test('the failure of one kind of step holds back no other', () => {
  assert.equal(checked(trouble({ kind: 'end-run' })).step, 'verify');
});

test('a worker that would not end is asked again without an end', () => {
  const world = snapshot({
    streams: [stream('S')],
    records: [record('S', { runs: [run('S')], intent: 'stopped' })],
    workers: { S: gone(1) },
    part: { troubles: new Map([['s', trouble({ kind: 'end-run', count: 99, atMs: NOW_MS - 600_000 })]]) },
  });
  assert.equal(decide(world, POLICY).actions[0]?.kind, 'end-run');
});

test('it waits by time that passed, whatever the clock was set to since', () => {
  const world = (elapsedMs: number, atMs: number) =>
    decide(
      snapshot({
        streams: [complete('S')],
        records: [record('S', { runs: [run('S')], base: { sha: 'b'.repeat(40), parents: [], atMs: 1 } })],
        workers: { S: gone(0) },
        part: { troubles: new Map([['s', trouble({ atMs })]]), elapsed: () => elapsedMs },
      }),
      POLICY,
    );
  const hourMs = 3_600_000;
  assert.equal(world(60_000, NOW_MS + hourMs).actions[0]?.kind, 'verify', 'set back');
  const early = world(1, NOW_MS - hourMs);
  assert.deepEqual(early.actions, [], 'set forward');
  assert.ok((early.states[0]?.dueAtMs ?? 0) > NOW_MS);
});

test('an adoption that was given up stays so, also while nothing is running', () => {
  for (const pollerAlive of [true, false]) {
    const troubles = new Map([['s', trouble({ kind: 'adopt', count: POLICY.maxAttempts })]]);
    const world = snapshot({
      streams: [complete('S')],
      records: [record('S')],
      part: { troubles, pollerAlive },
    });
    const [state] = decide(world, POLICY).states;
    assert.deepEqual([state?.state, state?.reason], ['failed', 'the ref is locked']);
  }
});
