/** Lines of a Claude Code conversation become items; everything else vanishes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTail } from '../../src/agent/claude-transcript.ts';
import { parseConversationLine } from '../../src/agent/conversation.ts';
import { limitEnd } from '../../src/agent/limit-time.ts';

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

test('only an error that nothing followed counts', () => {
  const error = line('assistant', [{ type: 'text', text: 'limit' }], {
    isApiErrorMessage: true,
    error: 'rate_limit',
  });
  const end = JSON.stringify({ type: 'system', subtype: 'turn_duration', timestamp: AT });
  assert.equal(readTail([error, end].flatMap(parseConversationLine)).apiError?.error, 'rate_limit');
  assert.equal(readTail([error, line('user', 'Again')].flatMap(parseConversationLine)).apiError, null);
});

test('the end of a usage limit is the next such time of day in the named zone', () => {
  const noon = Date.parse('2026-11-24T12:00:30Z');
  const at = (text: string): string | null => {
    const endMs = limitEnd(text, noon);
    return endMs === null ? null : new Date(endMs).toISOString();
  };
  assert.equal(at("You've hit your limit · resets 3:55pm (UTC)"), '2026-11-24T15:55:00.000Z');
  assert.equal(at('resets 3:55am (UTC)'), '2026-11-25T03:55:00.000Z');
  assert.equal(at('resets 12am (UTC)'), '2026-11-25T00:00:00.000Z');
  assert.equal(at('resets 12:00pm (UTC)'), '2026-11-25T12:00:00.000Z');
  assert.equal(at('resets 2pm (Europe/Berlin)'), '2026-11-24T13:00:00.000Z');
  assert.equal(at('resets 2pm (No/Where)'), null);
  assert.equal(at('API Error: Request rejected (429)'), null);
});
