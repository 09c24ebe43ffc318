/** Tells whether a lock file still has a living owner, before anyone thinks of removing it. */
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isAbsent, isDenied, listIfPresent, statIfPresent } from '../files/present.ts';

/** Where open files can't be seen, a lock younger than this is taken as held. */
const ASSUMED_HELD_MS = 10 * 60_000;

/** True when some process has the lock file open; without /proc: when the file is young. */
export function isLockHeld(lock: string, nowMs: number): boolean {
  const processes = listIfPresent('/proc').filter((name) => /^\d+$/.test(name));
  if (processes.length === 0) {
    const file = statIfPresent(lock);
    return file !== null && nowMs - file.mtimeMs < ASSUMED_HELD_MS;
  }
  return processes.some((pid) => {
    const folder = join('/proc', pid, 'fd');
    const open = unlessHidden(() => readdirSync(folder)) ?? [];
    return open.some((fd) => unlessHidden(() => readlinkSync(join(folder, fd))) === lock);
  });
}

/** What the system says of a process that has ended or is another user's: its files are not ours to see. */
function unlessHidden<T>(look: () => T): T | null {
  try {
    return look();
  } catch (thrown) {
    if (isAbsent(thrown) || isDenied(thrown)) return null;
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return null;
    throw thrown;
  }
}
