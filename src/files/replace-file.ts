/** Writes a file whole or not at all: no reader, and no kill, ever meets half of it. */
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Puts `content` at `path` in one step, with this mode from the first byte, whatever the umask is. What is there is replaced,
 * a link included. Throws what the system says; then nothing has changed.
 */
export function replaceFile(path: string, content: string | Uint8Array, mode: number): void {
  // In the same directory, since only there the rename is one step; a name that nobody else can have taken.
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    writeFileSync(draft, content, { mode: mode & 0o700, flag: 'wx' });
    chmodSync(draft, mode);
    renameSync(draft, path);
  } catch (thrown) {
    rmSync(draft, { force: true });
    throw thrown;
  }
}

/** Removes what writers of `path` that were killed in the middle of `replaceFile` left beside it; a living one's draft stays. */
export function removeDrafts(path: string): void {
  const directory = dirname(path);
  const beginning = `${basename(path)}.`;
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(beginning)) continue;
    const pid = /^(\d+)-[0-9a-f]{8}\.tmp$/.exec(name.slice(beginning.length))?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(directory, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
