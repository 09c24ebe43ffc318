/** Lines of a Claude Code conversation become items; everything else vanishes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConversationLine } from '../../src/agent/claude/conversation.ts';
import { limitEnd } from '../../src/agent/claude/limit-time.ts';
import { readTail } from '../../src/agent/claude/transcript.ts';

const AT = '2026-11-24T10:50:23.144Z';
const AT_MS = Date.parse(AT);

function line(type: string, content: unknown, more: object = {}): string {
  return JSON.stringify({ type, timestamp: AT, message: { role: type, content }, ...more });
}
const call = (id: string, name: string, input: object): string =>
  line('assistant', [{ type: 'tool_use', id, name, input }]);
const result = (id: string): string =>
  line('user', [{ type: 'tool_result', tool_use_id: id, content: 'out' }]);

test('words, calls and results of the main conversation are told with their time', () => {
  assert.deepEqual(parseConversationLine(line('user', 'Do it')), [
    { kind: 'prompt', atMs: AT_MS, text: 'Do it' },
  ]);
  assert.deepEqual(parseConversationLine(line('assistant', [{ type: 'text', text: ' Yes. ' }])), [
    { kind: 'said', atMs: AT_MS, text: 'Yes.' },
  ]);
  assert.deepEqual(parseConversationLine(call('t1', 'Bash', { description: 'test', command: 'npm test' })), [
    { kind: 'call', atMs: AT_MS, id: 't1', tool: 'Bash', target: 'npm test' },
  ]);
  const parts = [
    { type: 'text', text: 'a' },
    { type: 'text', text: 'b' },
  ];
  const failed = line('user', [{ type: 'tool_result', tool_use_id: 't1', is_error: true, content: parts }]);
  assert.deepEqual(parseConversationLine(failed), [
    { kind: 'result', atMs: AT_MS, callId: 't1', text: 'a\nb', failed: true },
  ]);
});

test('errors of the service are told apart from words, in both spellings', () => {
  for (const mark of ['isApiErrorMessage', 'is_api_error_message']) {
    const items = parseConversationLine(
      line('assistant', [{ type: 'text', text: 'limit' }], {
        [mark]: true,
        error: 'rate_limit',
        apiErrorStatus: 429,
      }),
    );
    assert.deepEqual(items, [
      { kind: 'api-error', atMs: AT_MS, error: 'rate_limit', status: 429, text: 'limit' },
    ]);
  }
});

test('bookkeeping, subagents, meta messages, half lines and foreign JSON are left out', () => {
  const left = [
    '{"type":"custom-title","customTitle":"x"}',
    line('user', 'x', { isMeta: true }),
    line('assistant', [{ type: 'text', text: 'x' }], { isSidechain: true }),
    line('assistant', [{ type: 'text', text: 'x' }], { parent_tool_use_id: 'toolu_1' }),
    line('assistant', 'not blocks'),
    '{"type":"assistant"}',
    '{"type":"user","message":null}',
    call('t', 'Bash', {}).slice(0, -3),
    '[]',
    'null',
    '',
  ];
  assert.deepEqual(left.flatMap(parseConversationLine), []);
});

test('the end of a conversation shows the call under way, also among parallel ones, and none after a new prompt', () => {
  const tailOf = (...lines: string[]) => readTail(lines.flatMap(parseConversationLine));
  const calls = [call('a', 'Bash', { command: 'npm test' }), call('b', 'Read', { file_path: 'x.ts' })];
  assert.equal(tailOf(...calls).openCall?.text, 'Read x.ts');
  assert.equal(tailOf(...calls, result('b')).openCall?.text, 'Bash npm test');
  assert.equal(tailOf(...calls, result('b'), result('a')).openCall, null);
  assert.equal(tailOf(...calls, line('user', 'Something else')).openCall, null);
});

test('the last commit is told of when it failed, by its last words', () => {
  const tailOf = (...lines: string[]) => readTail(lines.flatMap(parseConversationLine)).failedCommit;
  const commit = (id: string) => call(id, 'Bash', { command: 'cd x && git add -A && git commit -m Work' });
  const failed = (id: string, text: string) =>
    line('user', [{ type: 'tool_result', tool_use_id: id, is_error: true, content: text }]);
  const said =
    'Exit code 1\nchecking\n\u001b[31mno tabs\u001b[0m in a.js\nhusky - pre-commit script failed (code 1)\n';
  assert.equal(
    tailOf(commit('a'), failed('a', said), call('b', 'Read', { file_path: 'x' }), result('b')),
    'checking / no tabs in a.js / husky - pre-commit script failed (code 1)',
  );
  assert.equal(
    tailOf(commit('a'), failed('a', said), commit('b'), result('b')),
    null,
    'it went well in the end',
  );
  assert.equal(tailOf(call('a', 'Bash', { command: 'npm test' }), failed('a', said)), null);
});

test('only an error that nothing followed counts', () => {
  const error = line('assistant', [{ type: 'text', text: 'limit' }], {
    isApiErrorMessage: true,
    error: 'rate_limit',
  });
  const end = JSON.stringify({ type: 'system', subtype: 'turn_duration', timestamp: AT });
  assert.equal(readTail([error, end].flatMap(parseConversationLine)).apiError?.error, 'rate_limit');
  assert.equal(readTail([error, line('user', 'Again')].flatMap(parseConversationLine)).apiError, null);
});

const AFTER_NOON = Date.parse('2026-11-24T12:00:30Z');
const LIMIT_ENDS: readonly (readonly [string, string | null])[] = [
  ["You've hit your limit · resets 3:55pm (UTC)", '2026-11-24T15:55:00Z'],
  ["You've hit your 5-hour limit · resets Nov 25, 2:04pm (UTC)", '2026-11-25T14:04:00Z'],
  ["You've hit your weekly limit · resets Dec 1, 9am (UTC)", '2026-12-01T09:00:00Z'],
  ['resets Mar 1, 2028, 12:11pm (UTC)', '2028-03-01T12:11:00Z'],
  ['resets Jan 2, 9am (UTC)', '2027-01-02T09:00:00Z'],
  ['resets Nov 25, 9am (America/New_York)', '2026-11-25T14:00:00Z'],
  ['It resets November 26 at 3pm (UTC)', '2026-11-26T15:00:00Z'],
  ['resets 3:55am (UTC)', '2026-11-25T03:55:00Z'],
  ['resets 12am (UTC)', '2026-11-25T00:00:00Z'],
  ['resets 2pm (Europe/Berlin)', '2026-11-24T13:00:00Z'],
  ['resets 8am (Asia/Tokyo)', '2026-11-24T23:00:00Z'],
  ['Claude AI usage limit reached|1795525680', '2026-11-24T13:08:00Z'],
  ['resets 2pm (No/Where)', null],
  ['API Error: Request rejected (429)', null],
];

for (const [text, end] of LIMIT_ENDS) {
  test(`when a limit ends: ${text}`, () => {
    const endMs = limitEnd(text, AFTER_NOON);
    assert.equal(endMs, end === null ? null : Date.parse(end));
  });
}

test('a limit that ends in the very minute it was met, or ended a moment ago, is not one until tomorrow', () => {
  assert.equal(limitEnd('resets 12:00pm (UTC)', AFTER_NOON), Date.parse('2026-11-24T12:01:00Z'));
  assert.equal(limitEnd('resets 11:58am (UTC)', AFTER_NOON), Date.parse('2026-11-24T12:01:00Z'));
  assert.equal(limitEnd('resets 11:50am (UTC)', AFTER_NOON), Date.parse('2026-11-25T11:50:00Z'));
  assert.equal(limitEnd('resets Nov 24, 12pm (UTC)', AFTER_NOON), Date.parse('2026-11-24T12:01:00Z'));
});
