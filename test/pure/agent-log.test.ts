/** Readable logs: conversations and pane output become plain lines; nothing that a terminal obeys gets through. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readableOutput, readableTranscript } from '../../src/agent/claude/conversation.ts';
import { createLogPrinter, formatLogLine } from '../../src/view/log/log.ts';
import { readablePaneBytes as paneBytes } from '../../src/view/log/readable-bytes.ts';
import { createStyle } from '../../src/view/style.ts';

const readablePaneBytes = (text: string) => paneBytes(text, readableOutput);

const AT = '2026-11-24T10:50:23.144Z';
const entry = (role: string, content: unknown, more: object = {}): string =>
  JSON.stringify({ type: role, timestamp: AT, session_id: 's', message: { role, content }, ...more });
const bytes = (text: string): string[] => readablePaneBytes(text).map((line) => line.text);

const CONVERSATION = [
  entry('user', 'Do the work.\nline 2\nline 3\nline 4'),
  entry('assistant', [{ type: 'text', text: 'I begin.\n\nWith this.' }]),
  entry('assistant', [{ type: 'tool_use', id: 'a', name: 'Bash', input: { command: 'npm test' } }]),
  entry('user', [
    { type: 'tool_result', tool_use_id: 'a', is_error: true, content: 'one\ntwo\nthree\nfour\nfive' },
  ]),
  entry('assistant', [{ type: 'tool_use', id: 'b', name: 'Read', input: { file_path: 'src/a.ts' } }]),
  '{"type":"system","subtype":"init","session_id":"s"}',
  '{"type":"result","is_error":false,"result":"Done.","session_id":"s"}',
];
const READABLE = [
  '> Do the work.',
  '> line 2',
  '> … 2 more lines',
  'I begin.',
  'With this.',
  '$ npm test',
  '  ! one',
  '  ! two',
  '  ! three',
  '  ! … 2 more lines',
  '* Read src/a.ts',
  '= finished',
];

test('a conversation is told by its words, calls with their target, and the beginning of results', () => {
  const lines = readableTranscript(CONVERSATION);
  assert.deepEqual(
    lines.map(({ text }) => text),
    READABLE,
  );
  assert.equal(lines[0]?.atMs, Date.parse(AT));
});

test('updates of tasks are told with what is new', () => {
  const call = (name: string, input: object) =>
    readableTranscript([entry('assistant', [{ type: 'tool_use', id: 'a', name, input }])]).map(
      ({ text }) => text,
    );
  const update = 'mcp__task-copilot__task_update';
  assert.deepEqual(call(update, { id: 'TASK-1', status: 'completed', notes: 'wrote\na \u001b[31mfile' }), [
    '* task_update TASK-1 -> completed: wrote a file',
  ]);
  assert.deepEqual(call(update, { id: 'TASK-1', status: 'blocked', blockedReason: 'no key' }), [
    '* task_update TASK-1 -> blocked: no key',
  ]);
  assert.deepEqual(call(update, { id: 'TASK-1', notes: 'half way' }), ['* task_update TASK-1: half way']);
  assert.deepEqual(call('mcp__task-copilot__task_list', { streamId: 'Stream-A' }), ['* task_list Stream-A']);
});

test('stream-json written to a pane reads the same, and other JSON is shown as it is', () => {
  assert.deepEqual(bytes(CONVERSATION.map((line) => `${line}\r\n`).join('')), READABLE);
  assert.deepEqual(bytes('{"type":"info","msg":"hi"}\n'), ['{"type":"info","msg":"hi"}']);
});

test('overwritten, erased, coloured and cursor-placed output reads as it was last seen', () => {
  assert.deepEqual(bytes('10%\r50%\r100%\r\nok\n'), ['100%', 'ok']);
  assert.deepEqual(bytes('done\r   \r\n'), ['done']);
  assert.deepEqual(bytes('abX\bc\n'), ['abc']);
  assert.deepEqual(bytes('\u001b[1;32mgreen\u001b[0m text\n'), ['green text']);
  assert.deepEqual(bytes('a\u001b[3Cb\u001b[5;1Hnext\n'), ['a b', 'next']);
  assert.deepEqual(bytes('\u001b]0;title\u0007shown\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\\n'), [
    'shownlink',
  ]);
  assert.deepEqual(bytes('same\nsame\nsame\n'), ['same']);
});

test('an event of ours and a line without a time are formatted in one column', () => {
  const line = formatLogLine({ atMs: new Date(2026, 10, 24, 9, 5, 3).getTime(), text: 'hello' });
  assert.equal(line, '2026-11-24 09:05:03  hello');
  assert.equal(formatLogLine({ atMs: null, text: 'hello' }), `${' '.repeat(19)}  hello`);
  assert.ok(formatLogLine({ atMs: null, text: 'x'.repeat(10_000) }).length < 500);
});

test('no control character of any input reaches a log line', () => {
  const nasty = fc.array(
    fc.oneof(
      fc.constantFrom(
        '\u001b',
        '\u001b[2J',
        '\u001b]52;c;',
        '\u0007',
        '\u009b31m',
        '\u0090',
        '\r',
        '\b',
        '\n',
        '{"session_id":"',
        '\u202e',
      ),
      fc.string({ unit: 'binary' }),
    ),
  );
  fc.assert(
    fc.property(nasty, (parts) => {
      const text = parts.join('');
      const transcript = entry('assistant', [
        { type: 'text', text },
        { type: 'tool_use', id: 'a', name: text, input: { command: text } },
      ]);
      const lines = [...readablePaneBytes(text), ...readableTranscript([transcript]), { atMs: null, text }];
      for (const line of lines) assert.doesNotMatch(formatLogLine(line), /[\p{Cc}\u202a-\u202e]/u);
    }),
  );
});

test('a line of two megabytes of erasures and escapes is read', () => {
  bytes(`${'\u001b]'.repeat(300_000)}${'x\b'.repeat(300_000)}${'\b'.repeat(200_000)}\n`);
});

test('on a screen the day is said once, and a long line goes on below itself', () => {
  const print = createLogPrinter(createStyle({ colour: false, unicode: true }), () => 30);
  const at = (day: number, minute: number) => new Date(2026, 10, day, 9, minute, 3).getTime();
  const lines = [
    { atMs: at(24, 5), text: 'one' },
    { atMs: at(24, 6), text: 'words that go on below themselves' },
    { atMs: null, text: 'with it' },
    { atMs: at(25, 7), text: '$ npm test' },
  ].flatMap(print);
  assert.deepEqual(lines, [
    '2026-11-24',
    '09:05:03  one',
    '09:06:03  words that go on',
    '          below themselves',
    '          with it',
    '2026-11-25',
    '09:07:03  $ npm test',
  ]);
  const painted = createLogPrinter(createStyle({ colour: true, unicode: true }), () => null);
  assert.ok(
    painted({ atMs: at(24, 5), text: '  ! no' })
      .at(-1)
      ?.includes('\u001b[31m'),
  );
});

test("a tool's answer about a task is told in words, not as JSON", () => {
  const answer = { id: 'TASK-1', status: 'completed', updatedAt: 'x' };
  const line = JSON.stringify({
    type: 'user',
    message: { content: [{ type: 'tool_result', tool_use_id: 't', content: JSON.stringify(answer) }] },
  });
  assert.deepEqual(
    readableTranscript([line]).map(({ text }) => text),
    ['  | TASK-1 is completed'],
  );
});
