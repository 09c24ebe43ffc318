/** Whether typed text arrived, as a growing transcript tells. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { listenTo } from '../../src/agent/claude/transcript.ts';

function transcript() {
  const directory = mkdtempSync(path.join(tmpdir(), 'orchestrate-hearing-'));
  const file = path.join(directory, 'a.jsonl');
  const add = (entry: object) => appendFileSync(file, `${JSON.stringify(entry)}\n`);
  writeFileSync(file, '');
  return {
    file,
    add,
    said: (content: string) => add({ type: 'user', message: { role: 'user', content } }),
    queued: (content: string) => add({ type: 'queue-operation', operation: 'enqueue', content }),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

test('what was said before does not count, what comes after does', () => {
  using talk = transcript();
  talk.said('go on');
  const heard = listenTo(talk.file);
  assert.equal(heard('go on'), null);
  talk.add({ type: 'assistant', message: { content: [{ type: 'text', text: 'go on' }] } });
  assert.equal(heard('go on'), null, 'the agent’s own words');
  talk.queued('something else');
  talk.add({ type: 'queue-operation', operation: 'dequeue', content: 'go on' });
  assert.equal(heard('go on'), null);
  talk.queued('go on');
  assert.equal(heard('go on'), 'queued');
  talk.said('go on');
  assert.equal(heard('go on'), 'taken');
});

test('quotes, a backslash at the end, spaces and a text kept in pieces are recognised', () => {
  using talk = transcript();
  const heard = listenTo(talk.file);
  talk.said('say "x" with \\');
  assert.equal(heard('  say "x" with \\ '), 'taken');
  const long = '字😀 word '.repeat(600);
  talk.said(
    `<pasted_content id="1">\n${long.slice(0, 4000)}\n</pasted_content><pasted_content id="2">\nrest`,
  );
  assert.equal(heard(long), 'taken');
});
