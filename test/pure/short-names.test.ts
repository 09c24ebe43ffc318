/** What a typed short name stands for: ids, keys, names, short forms, and the beginning of each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandFor, thenTry } from '../../src/core/shell-word.ts';
import { idsBeginningWith, streamsNamed } from '../../src/core/short-names.ts';

const STREAMS = [
  { id: 'Stream-A', name: 'CSV import', key: 'stream-a' },
  { id: 'Stream-B', name: 'Search', key: 'stream-b-4d1e6c' },
  { id: 'Stream-BB', name: 'Search pages', key: null },
  { id: 'Stream-page-orders', name: 'Stream-page-orders', key: null },
];
const PLAIN = [
  { id: 'a', name: 'lower', key: 'a-1' },
  { id: 'A', name: 'upper', key: 'a-2' },
  { id: '← A', name: 'odd', key: null },
  { id: 'docs', name: 'docs', key: 'docs' },
];

for (const [typed, streams, expected] of [
  ['Stream-B', STREAMS, ['Stream-B']],
  ['میخواهم', [{ id: 'می\u200cخواهم', name: 'x', key: 's-1' }], ['می\u200cخواهم']],
  ['می\u200cخواهم', [{ id: 'میخواهم', name: 'x', key: 's-1' }], ['میخواهم']],
  ['ab', [{ id: 'a\u202eb', name: 'x', key: 's-1' }], ['a\u202eb']],
  ['e\u0301', [{ id: '\u00e9', name: 'x', key: 's-1' }], ['\u00e9']],
  ['stream-b', STREAMS, ['Stream-B']],
  ['stream-b-4d1e6c', STREAMS, ['Stream-B']],
  ['stream-b-4', STREAMS, ['Stream-B']],
  ['B', STREAMS, ['Stream-B']],
  ['bb', STREAMS, ['Stream-BB']],
  ['← A', STREAMS, ['Stream-A']],
  ['<- A', STREAMS, ['Stream-A']],
  ['search', STREAMS, ['Stream-B']],
  ['search p', STREAMS, ['Stream-BB']],
  ['csv', STREAMS, ['Stream-A']],
  ['page', STREAMS, ['Stream-page-orders']],
  ['Stream-page-or…', STREAMS, ['Stream-page-orders']],
  ['page-or~', STREAMS, ['Stream-page-orders']],
  ['sear', STREAMS, ['Stream-B', 'Stream-BB']],
  ['stream', STREAMS, ['Stream-A', 'Stream-B', 'Stream-BB', 'Stream-page-orders']],
  ['nothing', STREAMS, []],
  ['', STREAMS, []],
  ['…', STREAMS, []],
  ['A', PLAIN, ['A']],
  ['a', PLAIN, ['a']],
  ['← A', PLAIN, ['← A']],
  ['DO', PLAIN, ['docs']],
  ['B', [{ id: 'Stream-B', name: 'Only', key: null }], ['Stream-B']],
] as const) {
  test(`${JSON.stringify(typed)} of ${streams.map(({ id }) => id).join(', ')}`, () => {
    assert.deepEqual(streamsNamed(typed, streams), expected);
  });
}

test('a task is named by the beginning of its id, with or without what all ids begin with', () => {
  const ids = ['TASK-8dd6580c-1', 'TASK-8d000000-2', 'own-1'];
  assert.deepEqual(idsBeginningWith('8DD6', ids, 'TASK-'), ['TASK-8dd6580c-1']);
  assert.deepEqual(idsBeginningWith('task-8d0', ids, 'TASK-'), ['TASK-8d000000-2']);
  assert.deepEqual(idsBeginningWith('8d', ids, 'TASK-'), ['TASK-8dd6580c-1', 'TASK-8d000000-2']);
  assert.deepEqual(idsBeginningWith('own', ids, 'TASK-'), ['own-1']);
  assert.deepEqual(idsBeginningWith('', ids, 'TASK-'), []);
});

test('a command for a stream whose id hides characters names it by its key', () => {
  assert.equal(commandFor('retry', { streamId: 'A\u200cB', key: 'ab-1f' }), 'orchestrate retry ab-1f');
  assert.equal(commandFor('retry', { streamId: '-A B', key: 'a-b' }), "orchestrate retry -- '-A B'");
});

test('a remedy and the command that tries again are one line to be typed, and other advice stands with the reason', () => {
  for (const [fix, expected] of [
    ['git lfs install', { reason: 'why', remedy: 'git lfs install && orchestrate retry A' }],
    ['orchestrate retry A', { reason: 'why', remedy: 'orchestrate retry A' }],
    ['read /p/setup.log', { reason: 'why (read /p/setup.log)', remedy: 'orchestrate retry A' }],
    [
      'claudette: it is not there',
      { reason: 'why (claudette: it is not there)', remedy: 'orchestrate retry A' },
    ],
  ] as const)
    assert.deepEqual(thenTry('why', fix, 'orchestrate retry A'), expected);
});
