/** What is said of kinds of events: every kind has its row, and one of another version is shown and never acted on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventKindOf, eventTraits, newsAmong, stateOfEvent } from '../../src/core/events.ts';
import { STREAM_STATES } from '../../src/core/states.ts';

test('a kind that another version wrote is told as plain news, whatever it is called', () => {
  for (const text of ['strays', 'waiting', 'toString', '__proto__', '']) {
    const kind = eventKindOf(text);
    assert.equal(kind, text);
    assert.deepEqual(eventTraits(kind), { means: 'an event of another version', told: true, mark: 'news' });
    assert.equal(stateOfEvent(kind), null);
  }
});

test('the entry of a state has its symbol, and the end of a run that is done is told by its stream alone', () => {
  const entries = STREAM_STATES.filter((state) => stateOfEvent(eventKindOf(state)) === state);
  assert.deepEqual(
    entries,
    STREAM_STATES.slice(4).filter((state) => state !== 'verifying'),
  );
  assert.equal(eventTraits('run-done').told, false);
  assert.equal(eventTraits('done').told, true);
});

test('each fact is told once: nothing blank, nothing twice, and of two that tell one fact the fuller', () => {
  const event = (key: string | null, kind: string, message: string) => ({
    key,
    kind: eventKindOf(kind),
    message,
  });
  const told = newsAmong(
    [
      event('a', 'launched', 'started'),
      event('a', 'running', ''),
      event('b', 'not-verified', 'gate "test" failed (exit 1)'),
      event('b', 'returned', 'told the agent: gate "test" failed (exit 1)'),
      event('b', 'run-failed', 'gate "test" failed (exit 1)'),
      event('a', 'launched', 'started'),
      event('b', 'failed', 'gave up after 3 attempts: gate "test" failed (exit 1)'),
      event(null, 'operator', 'orchestrate started'),
      event('c', 'operator', 'parked by you'),
      event('c', 'run-stopped', 'parked by you'),
      event('c', 'parked', 'parked by you'),
      event('d', 'parked', 'parked by you'),
    ],
    ({ key }) => key,
  );
  assert.deepEqual(
    told.map(({ key, message }) => `${key}: ${message}`),
    [
      'a: started',
      'b: gave up after 3 attempts: gate "test" failed (exit 1)',
      'null: orchestrate started',
      'c: parked by you',
      'd: parked by you',
    ],
  );
});
