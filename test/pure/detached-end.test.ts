/** What `start --detach` says of a poller that ended before it could be seen at work. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endedError } from '../../src/commands/start/detached.ts';

const DEAD = 'Pane is dead (status 4, Tue Nov 24 13:26:51 2026)\n';

test('its own exit code and error are passed on, not what tmux says of the pane', () => {
  const screen = `plan\norchestrate: error: orchestrate is running already\n  fix: orchestrate status\n${DEAD}`;
  const error = endedError(4, screen);
  assert.equal(error.exitCode, 4);
  assert.match(error.message, /ended at once in the background: orchestrate is running already$/);
});

test('one that found nothing to do is unfinished, not an environment that lacks something', () => {
  const error = endedError(1, `Next\n  go on   orchestrate start\n${DEAD}`);
  assert.deepEqual([error.exitCode, error.fix], [1, 'orchestrate status']);
});

test('one of which nothing is known, or that a signal ended, is the environment', () => {
  assert.equal(endedError(null, '').exitCode, 3);
  assert.equal(endedError(137, 'last words\n').exitCode, 3);
});
