/** A stream's log on disk: merged by time, private, and whole after any death of its writer. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { readableOutput, readableTranscript } from '../../src/agent/claude/conversation.ts';
import type { OrchestrateEvent } from '../../src/core/events.ts';
import { createLogFollower, type LogSource, type LogSources } from '../../src/view/log/log.ts';
import { openStreamLog } from '../../src/view/log/log-file.ts';

const conversation = { transcript: readableTranscript, output: readableOutput };

let root = '';
let sources: LogSource[] = [];
let events: OrchestrateEvent[] = [];
describe('agent log file', () => {
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'orchestrate-log-'));
    sources = [
      { kind: 'transcript', path: path.join(root, 'conversation.jsonl'), conversation },
      { kind: 'bytes', path: path.join(root, 'pane.log'), conversation },
    ];
    events = [];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const all: LogSources = {
    files: () => sources,
    events: (sinceId) => events.filter(({ id }) => id > sinceId),
  };
  const at = (second: number): string => `2026-11-24T10:50:${String(second).padStart(2, '0')}.000Z`;

  function say(second: number, text: string): void {
    const content = [{ type: 'text', text }];
    const line = JSON.stringify({
      type: 'assistant',
      timestamp: at(second),
      message: { role: 'assistant', content },
    });
    appendFileSync(path.join(root, 'conversation.jsonl'), `${line}\n`);
  }
  function happen(second: number, message: string): void {
    events.push({
      id: events.length + 1,
      atMs: Date.parse(at(second)),
      key: 'a',
      run: 1,
      kind: 'operator',
      message,
    });
  }
  const logFile = (): string => path.join(root, 'logs', 'a.log');
  const logged = (): string[] =>
    readFileSync(logFile(), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.slice(21));

  test('a follower merges conversation and events by time, and gives each line once', () => {
    const follower = createLogFollower(all);
    say(3, 'third');
    happen(2, 'second');
    say(5, 'fifth\nand more');
    happen(4, 'fourth');
    assert.deepEqual(
      follower.next().map(({ text }) => text),
      ['-- second (run 1)', 'third', '-- fourth (run 1)', 'fifth', 'and more'],
    );
    assert.deepEqual(follower.next(), []);
    say(6, 'sixth');
    assert.deepEqual(
      follower.next().map(({ text }) => text),
      ['sixth'],
    );
  });

  test('of a conversation that holds several runs only what happened in one of them is told', () => {
    const [conversation] = sources;
    assert.ok(conversation);
    const between = { fromMs: Date.parse(at(2)), toMs: Date.parse(at(3)) };
    const follower = createLogFollower({ ...all, files: () => [{ ...conversation, between }] });
    for (const second of [1, 2, 3, 4]) say(second, `at ${second}`);
    assert.deepEqual(
      follower.next().map(({ text }) => text),
      ['at 2', 'at 3'],
    );
  });

  test('an unfinished line waits for its end, unless the worker has ended', () => {
    const pane = path.join(root, 'pane.log');
    const follower = createLogFollower(all);
    writeFileSync(pane, 'whole\nhal');
    const text = (rest: boolean): string[] => follower.next(rest).map((line) => line.text);
    assert.deepEqual(text(false), ['whole']);
    appendFileSync(pane, 'f\nlast words');
    assert.deepEqual(text(false), ['half']);
    assert.deepEqual(text(true), ['last words']);
    assert.deepEqual(text(true), []);
  });

  test('a file that was cut or replaced is read from its beginning', () => {
    const pane = path.join(root, 'pane.log');
    const follower = createLogFollower(all);
    writeFileSync(pane, 'first long line\n');
    assert.equal(follower.next().length, 1);
    writeFileSync(pane, 'new\n');
    assert.deepEqual(
      follower.next().map(({ text }) => text),
      ['new'],
    );
    rmSync(pane);
    assert.deepEqual(follower.next(), []);
  });

  test('a line longer than a part is read whole, in bounded memory', () => {
    writeFileSync(path.join(root, 'pane.log'), `${'x'.repeat(3_000_000)}\nafter\n`);
    const lines = createLogFollower(all).next();
    assert.deepEqual([lines.length, lines[0]?.text.length, lines[1]?.text], [2, 3_000_000, 'after']);
  });

  test('the log on disk goes on over restarts without a line lost or told twice, and is private', () => {
    say(1, 'one');
    happen(2, 'two');
    const before = process.umask(0);
    try {
      assert.equal(openStreamLog(logFile(), all).update(), 2);
    } finally {
      process.umask(before);
    }
    say(3, 'three');
    const log = openStreamLog(logFile(), all);
    assert.equal(log.update(), 1);
    assert.equal(log.update(), 0);
    assert.deepEqual(logged(), ['one', '-- two (run 1)', 'three']);
    for (const file of [logFile(), `${logFile()}.places`]) assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(path.dirname(logFile())).mode & 0o777, 0o700);
  });

  test('a writer killed between log and bookmark leaves nothing twice', () => {
    say(1, 'one');
    openStreamLog(logFile(), all).update();
    const bookmark = readFileSync(`${logFile()}.places`);
    say(2, 'two');
    openStreamLog(logFile(), all).update();
    writeFileSync(`${logFile()}.places`, bookmark);
    openStreamLog(logFile(), all).update();
    assert.deepEqual(logged(), ['one', 'two']);
    writeFileSync(`${logFile()}.places`, '{"size":');
    openStreamLog(logFile(), all).update();
    assert.deepEqual(logged(), ['one', 'two'], 'a torn bookmark: told again from the sources');
  });

  test('a log that the user emptied goes on with what is new', () => {
    say(1, 'one');
    openStreamLog(logFile(), all).update();
    truncateSync(logFile(), 0);
    say(2, 'two');
    openStreamLog(logFile(), all).update();
    assert.deepEqual(logged(), ['two']);
  });

  test('a failed write is an error, and its lines come with the next one', () => {
    const log = openStreamLog(logFile(), all);
    say(1, 'one');
    mkdirSync(logFile());
    assert.throws(() => log.update(), /EISDIR/);
    rmSync(logFile(), { recursive: true });
    assert.equal(log.update(), 1);
    assert.deepEqual(logged(), ['one']);
  });
});
