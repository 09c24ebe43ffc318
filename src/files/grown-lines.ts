/** Reads what a growing file gained since the last look, in whole lines; its place is plain data, which can be kept on disk. */
import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { ifPresent, statIfPresent } from './present.ts';

/** How far a file was read. `file` tells it apart from a later one of the same name. */
export type ReadUpTo = { readonly file: string; readonly offset: number };

export type GrownText = {
  /** Whole lines; empty only where the file began again and has none yet. */
  readonly text: string;
  /** When the file last changed. */
  readonly atMs: number;
  readonly readUpTo: ReadUpTo;
  /** The file was replaced or became shorter, and is read from its beginning: what was read before is void. */
  readonly beganAgain: boolean;
};

/** `rest`: also the last, unfinished line. */
type Wanted = { readonly rest?: boolean };

/** Read at one look; more is there at the next. */
const PART_BYTES = 1 << 20;
/** A line longer than this is given in pieces; a conversation's hold pictures. */
const LONGEST_LINE = 64 << 20;

/**
 * The lines after `from`, up to about a mebibyte of them; null when there is nothing new or no such file. Throws what else
 * keeps us from reading it.
 */
export function readGrown(
  file: string,
  from: ReadUpTo | null,
  { rest = false }: Wanted = {},
): GrownText | null {
  const handle = ifPresent(() => openSync(file, 'r'));
  if (handle === null) return null;
  try {
    const stat = fstatSync(handle);
    const id = idOf(stat);
    const goesOn = from !== null && from.file === id && from.offset <= stat.size;
    const beganAgain = from !== null && !goesOn;
    const start = goesOn ? from.offset : 0;
    const bytes = readLines(handle, start, stat.size - start, rest);
    if (bytes.length === 0 && !beganAgain) return null;
    const readUpTo = { file: id, offset: start + bytes.length };
    return { text: bytes.toString('utf8'), atMs: stat.mtimeMs, readUpTo, beganAgain };
  } finally {
    closeSync(handle);
  }
}

/** Hands every whole line after `from` to `onLine`, `onRestart` first where the file began again; returns how far that was. */
export function eachGrownLine(
  file: string,
  from: ReadUpTo | null,
  onLine: (line: string) => void,
  onRestart: () => void = () => undefined,
): ReadUpTo | null {
  for (let place = from; ; ) {
    const part = readGrown(file, place);
    if (part === null) return place;
    if (part.beganAgain) onRestart();
    for (const line of part.text.split('\n')) if (line !== '') onLine(line);
    place = part.readUpTo;
  }
}

/** The present end of the file: what is there already is not read. Null when there is no such file. */
export function endOfFile(file: string): ReadUpTo | null {
  const stat = statIfPresent(file);
  return stat === null ? null : { file: idOf(stat), offset: stat.size };
}

function idOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

/** Whole lines from `start` on, reading more at a time while a single line is longer than a part. */
function readLines(handle: number, start: number, available: number, rest: boolean): Buffer {
  for (let size = PART_BYTES; ; size *= 2) {
    const buffer = Buffer.alloc(Math.min(size, available));
    const part = buffer.subarray(0, readSync(handle, buffer, 0, buffer.length, start));
    const lineEnd = part.lastIndexOf(0x0a) + 1;
    const whole = part.length === available;
    if (whole && rest) return part;
    if (lineEnd > 0 || whole) return part.subarray(0, lineEnd);
    if (size >= LONGEST_LINE) return part;
  }
}
