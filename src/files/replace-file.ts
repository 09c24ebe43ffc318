/** Writes a file whole or not at all: no reader, and no kill, ever meets half of it. */
import { randomBytes } from 'node:crypto';
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';

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
