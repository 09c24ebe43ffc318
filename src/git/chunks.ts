/** Cuts long lists of paths into pieces that fit on a command line. */

/** Far below the smallest limit of the platforms (256 KB for all arguments), since the environment counts too. */
const LONGEST = 60_000;

/** The paths in order, in pieces of at most `LONGEST` bytes; a single longer path is a piece of its own. */
export function inChunks(paths: readonly string[]): string[][] {
  const chunks: string[][] = [];
  let room = 0;
  for (const path of paths) {
    const size = Buffer.byteLength(path) + 1;
    if (size > room || chunks.length === 0) {
      chunks.push([]);
      room = LONGEST;
    }
    chunks.at(-1)?.push(path);
    room -= size;
  }
  return chunks;
}
