/** What `ps` prints on macOS, read from samples. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProcStat } from '../../src/core/proc-stat.ts';
import { parseMarks, parsePs } from '../../src/process/darwin.ts';
import { findMembers } from '../../src/process/tree.ts';

test('rows of ps are read, zombies and other lines left out', () => {
  const text = [
    '    1     0     1 Ss   Mon Nov 24 10:33:00 2025    ',
    ' 4242     1  4242 S+   Mon Nov  3 01:02:03 2025',
    ' 4243  4242  4242 Z    Mon Nov  3 01:02:04 2025',
    'ps: a warning',
    '',
  ].join('\n');
  assert.deepEqual(parsePs(text), [
    { pid: 1, ppid: 0, group: 1, start: 'Mon Nov 24 10:33:00 2025' },
    { pid: 4242, ppid: 1, group: 4242, start: 'Mon Nov 3 01:02:03 2025' },
  ]);
});

test('marks are read from environments that ps shows', () => {
  const text = [
    '  77 sh -c sleep 5 HOME=/Users/x ORCHESTRATE_MARK=abc:run:key:1 PATH=/bin',
    '  78 echo NOT_ORCHESTRATE_MARK=x',
    '  79 sleep 5 ORCHESTRATE_MARK=last',
  ].join('\n');
  assert.deepEqual(
    [...parseMarks(text)],
    [
      [77, 'abc:run:key:1'],
      [79, 'last'],
    ],
  );
});

test('a stat line is read whatever the command is named', () => {
  const tail = 'S 10 20 30 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 2';
  for (const name of ['sh', 'a b', 'x) S 1 (y', ')', 'a\nb']) {
    assert.deepEqual(parseProcStat(`42 (${name}) ${tail}\n`), {
      pid: 42,
      state: 'S',
      ppid: 10,
      sid: 30,
      start: '987654',
    });
  }
  for (const bad of ['', '42', '42 (sh) S 1', 'x (sh) S 1 2 3']) assert.equal(parseProcStat(bad), null);
});

test('members are roots, what is below them, and their sessions; never ourselves or those above us', () => {
  const row = (pid: number, ppid: number, group: number) => ({ pid, ppid, group, start: `s${pid}` });
  const rows = [
    row(1, 0, 1),
    row(10, 1, 10),
    row(11, 10, 11),
    row(50, 11, 50),
    row(51, 50, 51),
    row(52, 1, 50),
  ];
  const find = (also: Partial<Parameters<typeof findMembers>[1]>) =>
    findMembers(rows, { roots: [], marked: new Set(), known: new Map(), self: 11, ...also }).map(
      (each) => each.pid,
    );
  assert.deepEqual(find({ roots: [{ pid: 50, start: 's50' }] }), [50, 51, 52]);
  assert.deepEqual(find({ roots: [{ pid: 50, start: 'another' }] }), []);
  assert.deepEqual(find({ roots: [{ pid: 10, start: 's10' }] }), []);
  assert.deepEqual(find({ marked: new Set([1, 10, 11, 51]) }), [51]);
  assert.deepEqual(
    find({
      known: new Map([
        [52, 's52'],
        [51, 'another'],
      ]),
    }),
    [52],
  );
});
