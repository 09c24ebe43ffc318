/** What is said of kinds of events: every kind has its row, and one of another version is shown and never acted on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventKindOf, eventTraits, stateOfEvent } from '../../src/core/events.ts';
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
