/** What is said of a stream that goes on by itself: until when, with the date where that is another day. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueText } from '../../src/view/summary/stream-note.ts';
import { NOW_MS, stream } from '../support/report-builders.ts';

const inMs = (ms: number): string => new Date(NOW_MS + ms).toISOString();
const HOUR_MS = 3_600_000;

test('a limit is named to the minute, and with its date when it ends on another day', () => {
  assert.match(
    dueText(stream('A', 'limited', { dueAt: inMs(60_000) }), NOW_MS) ?? '',
    /^tried again at \d\d:\d\d$/,
  );
  assert.equal(dueText(stream('A', 'limited', { dueAt: inMs(25_000) }), NOW_MS), 'tried again in 25s');
  const later = dueText(stream('A', 'limited', { dueAt: inMs(72 * HOUR_MS) }), NOW_MS);
  assert.match(later ?? '', /^tried again at 2026-05-0[67] \d\d:\d\d$/);
});

test('another wait is named by how long it takes, one that is over not at all', () => {
  assert.equal(dueText(stream('A', 'queued', { dueAt: inMs(25_000) }), NOW_MS), 'in 25s');
  assert.equal(dueText(stream('A', 'queued', { dueAt: inMs(-1) }), NOW_MS), null);
  assert.equal(dueText(stream('A', 'queued'), NOW_MS), null);
});
