/** Reads what a growing file gained since the last look, in whole lines; remembers its place as plain data. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A place in a file. `file` tells it apart from a later one of the same name. */
export type LogPosition = { readonly file: string; readonly offset: number };

export type LogPart = { readonly text: string; readonly atMs: number; readonly position: LogPosition };

/** Read at one look; more is there at the next. */
const PART_BYTES = 1024 * 1024;
/** A line longer than this is given in pieces. */
const LONGEST_LINE = 8 * PART_BYTES;

/**
 * The text after `position` up to the last line end, and the place behind it; null when there is nothing new or no such
 * file. A file that was replaced or became shorter is read from its beginning. `rest`: also the last, unfinished line.
 * `atMs` is when the file last changed.
 */
export function readNewLines(file: string, position: LogPosition | null, rest: boolean): LogPart | null {
  const handle = openIfThere(file);
  if (handle === null) return null;
  try {
    const stat = fstatSync(handle);
    const id = `${stat.dev}:${stat.ino}`;
    const kept = position !== null && position.file === id && position.offset <= stat.size;
    const from = kept ? position.offset : 0;
    const bytes = readLines(handle, from, stat.size - from, rest);
    if (bytes.length === 0) return null;
    const text = bytes.toString('utf8');
    return { text, atMs: stat.mtimeMs, position: { file: id, offset: from + bytes.length } };
  } finally {
    closeSync(handle);
  }
}

/** Whole lines from `from` on, reading more at a time while a single line is longer than a part. */
function readLines(handle: number, from: number, available: number, rest: boolean): Buffer {
  for (let size = PART_BYTES; ; size *= 2) {
    const buffer = Buffer.alloc(Math.min(size, available));
    const part = buffer.subarray(0, readSync(handle, buffer, 0, buffer.length, from));
    const lineEnd = part.lastIndexOf(0x0a) + 1;
    const whole = part.length === available;
    if (whole && rest) return part;
    if (lineEnd > 0 || whole) return part.subarray(0, lineEnd);
    if (size >= LONGEST_LINE) return part;
  }
}

function openIfThere(file: string): number | null {
  try {
    return openSync(file, 'r');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw thrown;
  }
}
