/** What others wrote is text in the report, and nothing else: no markup, no link, nobody mentioned. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markdownReport, plain } from '../../src/view/pages/markdown-report.ts';

const HARMLESS: readonly [text: string, shown: string][] = [
  ['Stream-A: add 2 tables.', 'Stream-A: add 2 tables.'],
  ['# not a heading', '\\# not a heading'],
  ['- no list', '\\- no list'],
  ['1. no list', '1\u2060. no list'],
  ['> no quote', '\\> no quote'],
  ['a | b', 'a \\| b'],
  ['**bold** _em_ ~~x~~ `code`', '\\*\\*bold\\*\\* \\_em\\_ \\~\\~x\\~\\~ \\`code\\`'],
  ['[a](javascript:x) ![b](y)', '\\[a\\](javascript:x) !\\[b\\](y)'],
  ['<script>&lt;', '&lt;script\\>&amp;lt;'],
  ['see https://x.example or www.x.example', 'see https:\u2060//x.example or www\u2060.x.example'],
  ['@team fixes #12', '@\u2060team fixes #\u206012'],
  ['two\nlines\u001b[31m', 'two lines'],
  ['C:\\dir $x^2$', 'C:\\\\dir \\$x\\^2\\$'],
];

test('a line of somebody else’s is the very text', () => {
  for (const [text, shown] of HARMLESS) assert.equal(plain(text), shown);
});

test('notes are quoted, line by line, and facts that nobody knows are left out', () => {
  const counts = { total: 1, completed: 1, inProgress: 0, pending: 0, blocked: 0, cancelled: 0 };
  const stream = {
    id: 'A',
    name: 'A',
    state: 'done',
    landed: true,
    dependencies: [],
    reason: null,
    tasks: counts,
    commits: 1,
    added: 2,
    removed: 0,
    workedMs: 61_000,
    tokens: null,
    costUsd: null,
    verifiedSha: 'f'.repeat(40),
    taskList: [{ title: 'Do it', status: 'completed', notes: 'decision: keep it\n\n# really' }],
    commitList: [{ sha: 'a'.repeat(40), author: 'x', subject: 'Add *it*' }],
    gates: [{ name: 'test', ok: true, ms: 2_000 }],
    runs: [{ number: 1, outcome: 'done', reason: 'verified' }],
    landings: [{ branch: 'main', commits: ['b'.repeat(40)] }],
  };
  const report = {
    at: '2026-01-01T00:00:00.000Z',
    workspace: 'w',
    initiative: { id: 'i', title: 'The <plan>' },
    elapsedMs: 120_000,
    summary: { tasks: counts, tokens: null, cachedTokens: null, costUsd: null },
    streams: [stream],
  };
  const asked = report as unknown as Parameters<typeof markdownReport>[0];
  const lines = markdownReport(asked);
  assert.equal(lines[2], '1 of 1 stream done, 1 landed; 1 of 1 task completed.');
  assert.equal(lines[0], '# The &lt;plan\\>');
  for (const line of [
    '- [x] Do it',
    '  > decision: keep it  ',
    '  > \\# really  ',
    '- `aaaaaaaaaa` Add \\*it\\*',
    '- test: passed (2s)',
    '- `bbbbbbbbbb` on main',
    '| A | done, landed |  | 1/1 | 1 | +2 −0 | 1m | 1 |  |  |',
  ])
    assert.ok(lines.includes(line), line);
  assert.ok(!lines.some((line) => line.includes('tokens')));
  // What was checked once and is so no more does not count as done.
  const stale = { ...stream, stale: true, landed: false };
  const told = markdownReport({ ...report, streams: [stale] } as unknown as typeof asked);
  assert.equal(told[2], '0 of 1 stream done, 1 stale, 0 landed; 1 of 1 task completed.');
});
