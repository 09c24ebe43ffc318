/** How long ago something was stays true, whatever the wall clock is set to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createElapsed } from '../../src/core/elapsed.ts';

function clocks() {
  const at = { wallMs: 1_000_000, steadyMs: 0 };
  const elapsed = createElapsed(
    () => at.wallMs,
    () => at.steadyMs,
  );
  const pass = (ms: number): void => {
    at.wallMs += ms;
    at.steadyMs += ms;
  };
  return { at, elapsed, pass };
}

test('a moment that was seen gets older with the steady clock alone', () => {
  const { at, elapsed, pass } = clocks();
  assert.equal(elapsed(999_000), 1_000);
  pass(500);
  at.wallMs -= 3_600_000;
  assert.equal(elapsed(999_000), 1_500);
  at.wallMs += 7_200_000;
  assert.equal(elapsed(999_000), 1_500);
});

test('of more than 20,000 moments the older half is forgotten, and counted again by the wall clock', () => {
  const { at, elapsed } = clocks();
  const moment = (number: number): number => 100_000 + number;
  for (let number = 0; number < 20_000; number += 1) elapsed(moment(number));
  at.wallMs += 3_600_000;
  assert.equal(elapsed(moment(0)), 900_000, 'none is forgotten yet');
  elapsed(moment(20_000));
  assert.equal(elapsed(moment(10_000)), 890_000, 'of the newer half');
  assert.equal(elapsed(moment(9_999)), 890_001 + 3_600_000, 'the last of the older half');
  assert.equal(elapsed(moment(0)), 900_000 + 3_600_000, 'the oldest');
});

test('a moment that the clock has not reached yet counts as now: no delay is longer than itself', () => {
  const { elapsed, pass } = clocks();
  assert.equal(elapsed(5_000_000), 0);
  pass(700);
  assert.equal(elapsed(5_000_000), 700);
});
