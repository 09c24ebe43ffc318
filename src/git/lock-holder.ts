/** Tells whether a lock file still has a living owner, before anyone thinks of removing it. */
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Where open files can't be seen, a lock younger than this is taken as held. */
const ASSUMED_HELD_MS = 10 * 60_000;

/** True when some process has the lock file open; without /proc: when the file is young. */
export function isLockHeld(lock: string, nowMs: number): boolean {
  const processes = listOf('/proc').filter((name) => /^\d+$/.test(name));
  if (processes.length === 0) {
    const file = statSync(lock, { throwIfNoEntry: false });
    return file !== undefined && nowMs - file.mtimeMs < ASSUMED_HELD_MS;
  }
  return processes.some((pid) => {
    const folder = join('/proc', pid, 'fd');
    return listOf(folder).some((fd) => targetOf(join(folder, fd)) === lock);
  });
}

/** The names in a directory; none when it is gone or another user's. */
function listOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function targetOf(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}
