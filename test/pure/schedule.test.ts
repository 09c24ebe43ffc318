/** Which ready stream starts first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchOrder } from '../../src/core/decide/schedule.ts';
import type { PlanStream } from '../../src/core/types.ts';

const stream = (id: string, dependencies: string[] = [], open = 1): PlanStream => ({
  id,
  name: id,
  phase: 'parallel',
  dependencies,
  files: [],
  tasks: { total: open, completed: 0, inProgress: 0, pending: open, blocked: 0, cancelled: 0 },
  declaresNoChanges: false,
  currentTask: null,
  blockedTask: null,
  openTasks: Array.from({ length: open }, (_, at) => `${id}${at}`),
});

test('the stream with the longest remaining path starts first', () => {
  const streams = [
    stream('short'),
    stream('long'),
    stream('after', ['long']),
    stream('wide', [], 2),
    stream('big', [], 5),
  ];
  assert.deepEqual(launchOrder(['short', 'wide', 'long', 'big'], { streams }), [
    'big',
    'long',
    'wide',
    'short',
  ]);
});

test('equal streams start in plan order, and unknown ones last', () => {
  const streams = [stream('B'), stream('A'), stream('C')];
  assert.deepEqual(launchOrder(['nowhere', 'C', 'A', 'B'], { streams }), ['B', 'A', 'C', 'nowhere']);
});
