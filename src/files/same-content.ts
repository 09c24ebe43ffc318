/** Compares files piece by piece, so that their size does not matter; knows nothing of what they hold. */
import { closeSync, openSync, readSync } from 'node:fs';

const PIECE_BYTES = 1 << 20;

/** True when the first `bytes` of two files are the same; false when one of them has fewer. Throws what keeps one from being read. */
export function startTheSame(one: string, other: string, bytes: number): boolean {
  const files = [openSync(one, 'r')];
  try {
    files.push(openSync(other, 'r'));
    const pieces = files.map(() => Buffer.alloc(Math.min(PIECE_BYTES, bytes)));
    for (let at = 0; at < bytes; ) {
      const most = Math.min(PIECE_BYTES, bytes - at);
      const [here, there] = pieces.map((piece, index) => readPiece(files[index] ?? -1, piece, most, at));
      if (here === undefined || there === undefined || here.length < most || !here.equals(there))
        return false;
      at += most;
    }
    return true;
  } finally {
    for (const file of files) closeSync(file);
  }
}

/** Up to `most` bytes from `at` on; fewer at the end of the file only. */
function readPiece(file: number, piece: Buffer, most: number, at: number): Buffer {
  let size = 0;
  while (size < most) {
    const read = readSync(file, piece, size, most - size, at + size);
    if (read === 0) break;
    size += read;
  }
  return piece.subarray(0, size);
}
