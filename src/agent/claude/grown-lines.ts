/** Reads what a growing file of lines gained since the last look; whole lines only. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** How far a file was read; `inode` tells it apart from a later one of the same name. */
export type ReadUpTo = { readonly inode: number; readonly offset: number };

/** Read in one go; a longer line is put together. */
const PART_BYTES = 4 * 1024 * 1024;

/**
 * Hands each whole line after `from` to `onLine`, and returns how far that was. A file that was replaced or became shorter
 * is read from its beginning, after `onRestart`. What can't be opened has no lines.
 */
export function readGrownLines(
  file: string,
  from: ReadUpTo | null,
  onLine: (line: string) => void,
  onRestart: () => void,
): ReadUpTo | null {
  const handle = openIfThere(file);
  if (handle === null) return from;
  try {
    const { ino: inode, size } = fstatSync(handle);
    const goesOn = from !== null && from.inode === inode && from.offset <= size;
    if (from !== null && !goesOn) onRestart();
    return { inode, offset: eachLine(handle, goesOn ? from.offset : 0, size, onLine) };
  } finally {
    closeSync(handle);
  }
}

/** Reads whole lines from `start` up to `size`; returns the place behind the last one. */
function eachLine(handle: number, start: number, size: number, onLine: (line: string) => void): number {
  let offset = start;
  for (let length = PART_BYTES; offset < size; ) {
    const buffer = Buffer.alloc(Math.min(length, size - offset));
    const part = buffer.subarray(0, readSync(handle, buffer, 0, buffer.length, offset));
    const end = part.lastIndexOf(0x0a) + 1;
    if (end === 0 && part.length < length) return offset;
    // A line longer than a part: a larger part is taken.
    if (end === 0) length *= 2;
    part
      .toString('utf8', 0, end)
      .split('\n')
      .filter((line) => line !== '')
      .forEach(onLine);
    offset += end;
  }
  return offset;
}

function openIfThere(file: string): number | null {
  try {
    return openSync(file, 'r');
  } catch {
    return null;
  }
}
