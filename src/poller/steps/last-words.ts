/** The last line that a run printed in its pane, for the reason of a run that failed. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { printable } from '../../core/printable.ts';

const TAIL_BYTES = 8_192;
const LONGEST = 160;

/** The last line with something on it in the last 8 KB of `file`, cut to 160 characters; null where there is none. */
export function lastWords(file: string): string | null {
  if (!existsSync(file)) return null;
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(handle, tail, 0, tail.length, size - tail.length);
    const lines = tail.toString('utf8').split(/[\r\n]+/);
    const said = lines.map((line) => printable(line).trim()).filter((line) => line !== '');
    const last = said.at(-1);
    return last === undefined ? null : printable(last, LONGEST);
  } finally {
    closeSync(handle);
  }
}
