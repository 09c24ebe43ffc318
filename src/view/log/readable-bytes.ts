/** Makes what a program wrote to its pane readable: escapes resolved or dropped, overwritten lines collapsed, the agent's own records told. */
import { printable } from '../../core/printable.ts';
import type { LogLine } from './log-line.ts';

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: terminal sequences are what is looked for
/** "Cursor right" stands for spaces in what full-screen programs draw; any other jump begins a new piece of text. */
const CURSOR_RIGHT = /\u001b\[\d*C/g;
const CURSOR_JUMP = /\u001b\[[\d;]*[ABEFHdf]/g;
const ERASED = /[^\u0008\n]\u0008/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: as above
/** Erasures that may follow one another; a line with more is not worth the work. */
const ERASE_ROUNDS = 200;

/** What a line says that is one of the agent's own records; null for any other. */
type PrintedRecord = (line: string) => readonly LogLine[] | null;

/** Whole lines of raw pane output as readable ones, without times. No control character of the input survives. */
export function readablePaneBytes(text: string, told: PrintedRecord): LogLine[] {
  const lines: LogLine[] = [];
  for (const raw of text.replace(CURSOR_RIGHT, ' ').replace(CURSOR_JUMP, '\n').split('\n')) {
    for (const line of readableLine(raw, told)) {
      // Full-screen programs draw the same text again and again.
      if (line.text !== lines.at(-1)?.text) lines.push(line);
    }
  }
  return lines;
}

function readableLine(raw: string, told: PrintedRecord): readonly LogLine[] {
  const record = told(raw);
  if (record !== null) return record;
  const text = printable(lastDrawn(erase(raw))).trimEnd();
  return text === '' ? [] : [{ atMs: null, text }];
}

/** What a carriage return let stand: the last piece that shows anything. */
function lastDrawn(line: string): string {
  const pieces = line.split('\r');
  return pieces.findLast((piece) => printable(piece).trim() !== '') ?? '';
}

function erase(line: string): string {
  let text = line;
  for (let round = 0; round < ERASE_ROUNDS && text.includes('\b'); round += 1) {
    const next = text.replace(ERASED, '');
    if (next === text) break;
    text = next;
  }
  return text;
}
