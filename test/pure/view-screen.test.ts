/** What a live view writes to its terminal. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { createScreen, frameUpdate, type Host } from '../../src/view/summary/screen.ts';

const ESC = '\u001b[';

class FakeTerminal extends EventEmitter {
  readonly isTTY: boolean;
  columns = 20;
  rows = 5;
  written: string[] = [];
  constructor(isTTY = true) {
    super();
    this.isTTY = isTTY;
  }
  write(text: string): void {
    this.written.push(text);
  }
  /** What was written since the last call. */
  take(): string {
    const text = this.written.join('');
    this.written = [];
    return text;
  }
}

class FakeHost extends EventEmitter implements Host {
  readonly pid = 4242;
  readonly kills: string[] = [];
  kill(pid: number, signal: string): void {
    this.kills.push(`${signal} ${pid}`);
  }
}

class FakeKeyboard extends EventEmitter {
  readonly isTTY = true;
  raw = false;
  setRawMode(raw: boolean): void {
    this.raw = raw;
  }
  resume(): void {
    this.emit('resumed');
  }
  pause(): void {
    this.emit('paused');
  }
  type(text: string): void {
    this.emit('data', Buffer.from(text));
  }
}

function open() {
  const terminal = new FakeTerminal();
  const host = new FakeHost();
  const keyboard = new FakeKeyboard();
  const screen = createScreen(terminal, keyboard, host);
  return { terminal, host, keyboard, screen };
}

test('the first frame is written whole, the next one only where it differs', () => {
  const { terminal, screen } = open();
  assert.match(terminal.take(), /\?1049h.*\?25l.*\?7l/);
  screen.draw(['one', 'two', 'three']);
  assert.equal(
    terminal.take(),
    `${ESC}?2026h${ESC}1;1Hone${ESC}0m${ESC}K${ESC}2;1Htwo${ESC}0m${ESC}K${ESC}3;1Hthree${ESC}0m${ESC}K${ESC}?2026l`,
  );
  screen.draw(['one', 'TWO', 'three']);
  assert.equal(terminal.take(), `${ESC}?2026h${ESC}2;1HTWO${ESC}0m${ESC}K${ESC}?2026l`);
  screen.draw(['one', 'TWO', 'three']);
  assert.equal(terminal.take(), '');
  screen.draw(['one']);
  assert.equal(terminal.take(), `${ESC}?2026h${ESC}2;1H${ESC}0m${ESC}K${ESC}3;1H${ESC}0m${ESC}K${ESC}?2026l`);
  screen.close();
});

test('a line that fills its row is not erased behind, or its last character would go', () => {
  assert.equal(frameUpdate(null, ['abcde'], 5), `${ESC}?2026h${ESC}1;1H${ESC}2Kabcde${ESC}0m${ESC}?2026l`);
  const red = '\u001b[31mabc\u001b[39m';
  assert.equal(frameUpdate(null, [red], 5), `${ESC}?2026h${ESC}1;1H${red}${ESC}0m${ESC}K${ESC}?2026l`);
});

test('nothing is written below the last row', () => {
  const { terminal, screen } = open();
  terminal.take();
  screen.draw(['1', '2', '3', '4', '5', '6', '7']);
  assert.doesNotMatch(terminal.take(), /6;1H/);
  screen.close();
});

test('a resize wipes the screen and asks for a new picture, which is then written whole', () => {
  const { terminal, screen } = open();
  screen.draw(['same']);
  screen.onRedraw(() => screen.draw(['same']));
  terminal.take();
  terminal.columns = 30;
  terminal.emit('resize');
  assert.equal(terminal.take(), `${ESC}2J${ESC}?2026h${ESC}1;1Hsame${ESC}0m${ESC}K${ESC}?2026l`);
  assert.deepEqual(screen.size(), { columns: 30, rows: 5 });
  screen.close();
});

const LEFT = /\?7h.*\?25h.*\?1049l/;

test('closing gives the terminal back once, and nothing is drawn or listened to afterwards', () => {
  const { terminal, host, keyboard, screen } = open();
  assert.equal(keyboard.raw, true);
  screen.close();
  assert.match(terminal.take(), LEFT);
  screen.close();
  screen.draw(['late']);
  assert.equal(terminal.take(), '');
  assert.equal(keyboard.raw, false);
  assert.equal(terminal.listenerCount('resize') + keyboard.listenerCount('data'), 0);
  assert.deepEqual(host.eventNames(), []);
});

test('the exit of the process gives the terminal back', () => {
  const { terminal, host } = open();
  host.emit('exit');
  assert.match(terminal.take(), LEFT);
});

test('a signal gives the terminal back and then ends the process as it would have', () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    const { terminal, host } = open();
    host.emit(signal);
    assert.match(terminal.take(), LEFT);
    assert.deepEqual(host.kills, [`${signal} 4242`]);
  }
});

test('a signal that somebody else handles only gives the terminal back', () => {
  const { terminal, host } = open();
  host.on('SIGTERM', () => terminal.write('theirs'));
  host.emit('SIGTERM');
  assert.match(terminal.take(), LEFT);
  assert.deepEqual(host.kills, []);
});

test('suspending gives the terminal back, going on takes it again and redraws', () => {
  const { terminal, host, screen } = open();
  screen.draw(['x']);
  screen.onRedraw(() => screen.draw(['x']));
  terminal.take();
  host.emit('SIGTSTP');
  assert.match(terminal.take(), LEFT);
  assert.deepEqual(host.kills, ['SIGSTOP 4242']);
  host.emit('SIGCONT');
  assert.match(terminal.take(), /\?1049h.*1;1Hx/);
  screen.close();
});

test('keys do not echo: some mean what the terminal would have made of them, the others are handed on', () => {
  const { terminal, host, keyboard, screen } = open();
  let redraws = 0;
  const typed: unknown[] = [];
  screen.onRedraw(() => {
    redraws += 1;
  });
  screen.onKey((key) => typed.push(key.kind === 'key' ? key.name : key.kind === 'text' ? key.text : key));
  assert.match(terminal.take(), /\?1000h.*\?1006h.*\?2004h/, 'clicks and pastes are told apart from keys');
  keyboard.type('j\u001b[A');
  keyboard.type('\u0003\u001a\u000cq');
  assert.deepEqual(typed, ['j', 'up', 'q']);
  assert.deepEqual(host.kills, ['SIGINT 0', 'SIGTSTP 0']);
  assert.equal(redraws, 1);
  screen.close();
  assert.match(terminal.take(), /\?2004l.*\?1006l.*\?1000l.*\?1049l/);
});

test('a keyboard that is none is not listened to, and its terminal is asked for no clicks', () => {
  const terminal = new FakeTerminal();
  const screen = createScreen(terminal, null, new FakeHost());
  assert.equal(screen.keys, false);
  assert.doesNotMatch(terminal.take(), /1000h/);
  screen.close();
});

test('the terminal is lent as it was, and taken again with the whole picture, also when the other fails', async () => {
  const { terminal, keyboard, screen } = open();
  screen.draw(['x']);
  screen.onRedraw(() => screen.draw(['x']));
  terminal.take();
  const failed = screen.lend(async () => {
    assert.match(terminal.take(), LEFT);
    assert.equal(keyboard.raw, false);
    screen.draw(['meanwhile']);
    assert.equal(terminal.take(), '');
    throw new Error('no');
  });
  await assert.rejects(failed, /no/);
  assert.match(terminal.take(), /\?1049h.*1;1Hx/);
  assert.equal(keyboard.raw, true);
  screen.close();
});

test('output that is no terminal gets whole frames, only when something changed, without any escape', () => {
  const file = new FakeTerminal(false);
  const screen = createScreen(file, null, new FakeHost());
  assert.equal(screen.live, false);
  screen.draw(['a', 'b']);
  screen.draw(['a', 'b']);
  screen.draw(['a', 'c']);
  screen.close();
  assert.equal(file.take(), 'a\nb\n\na\nc\n');
});
