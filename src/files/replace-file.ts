/** Writes a file whole or not at all: no reader, and no kill, ever meets half of it. */
import { randomBytes } from 'node:crypto';
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listIfPresent } from './present.ts';

/**
 * Puts `content` at `path` in one step, with this mode from the first byte, whatever the umask is. What is there is replaced,
 * a link included. `mayReplace` is called last, and throws where that is to stay. Throws what it and the system say; then nothing
 * has changed.
 */
export function replaceFile(
  path: string,
  content: string | Uint8Array,
  mode: number,
  mayReplace: () => void = () => undefined,
): void {
  // In the same directory, since only there the rename is one step; a name that nobody else can have taken.
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    writeFileSync(draft, content, { mode: mode & 0o700, flag: 'wx' });
    chmodSync(draft, mode);
    mayReplace();
    renameSync(draft, path);
  } catch (thrown) {
    rmSync(draft, { force: true });
    throw thrown;
  }
}

/**
 * Removes what writers that were killed in the middle of `replaceFile` left in a directory, be it of one file (`of`) or of any; a
 * living one's draft stays. Returns how many there were. Throws what the system says, but for a directory that is not there.
 */
export function removeDrafts(directory: string, of: string | null = null): number {
  const drafts = listIfPresent(directory).filter((name) => {
    const [, file, pid] = /^(.+)\.(\d+)-[0-9a-f]{8}\.tmp$/.exec(name) ?? [];
    return file !== undefined && (of === null || file === of) && !isRunning(Number(pid));
  });
  for (const name of drafts) rmSync(join(directory, name), { force: true });
  return drafts.length;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
