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

test('a moment that the clock has not reached yet counts as now: no delay is longer than itself', () => {
  const { elapsed, pass } = clocks();
  assert.equal(elapsed(5_000_000), 0);
  pass(700);
  assert.equal(elapsed(5_000_000), 700);
});
