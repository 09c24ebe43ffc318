/** The lease of the one acting poller: an exclusive lock on a file of its own, which the kernel releases with its holder. */
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { placeOf } from '../sqlite/database.ts';
import type { Db } from '../sqlite/driver.ts';
import { guarded, isBusy } from '../sqlite/failures.ts';
import { sqliteDriver } from '../sqlite/load-driver.ts';
import { makePrivateDirectory, makePrivateFile } from '../sqlite/private-files.ts';
import { fileAt, isSameFile } from '../sqlite/same-file.ts';
import type { Lease } from './types.ts';

/** A second connection of the same process would share its locks, so each file is opened once. */
const held = new Set<string>();

/**
 * Takes the lease on the `lockFile` (created 0600), waiting up to `waitMs`; null when another holder keeps it,
 * this process included. Throws exit 3 when the file cannot be opened, exit 6 when it is no lock file.
 */
export function acquireLease(lockFile: string, waitMs: number): Lease | null {
  const path = resolve(lockFile);
  if (held.has(path)) return null;
  const place = placeOf(path, { label: 'the lock file', busyTimeoutMs: waitMs });
  return guarded(place, () => {
    makePrivateDirectory(dirname(path));
    makePrivateFile(path);
    const Driver = sqliteDriver();
    const db = new Driver(path, { fileMustExist: true, timeout: waitMs });
    if (!lock(db)) return null;
    held.add(path);
    const locked = fileAt(path);
    return {
      isLost: () => !isSameFile(locked, fileAt(path)),
      release() {
        if (!held.delete(path)) return;
        db.exec('ROLLBACK');
        db.close();
      },
    };
  });
}

const ASK_EACH_MS = 100;

/**
 * The same without holding up this process: while it is waited for, a poller goes on ticking, a screen answers its keys, and
 * signals are heard. Rejects with an AbortError when `abort` fires.
 */
export async function acquireInTime(
  lockFile: string,
  waitMs: number,
  abort?: AbortSignal,
): Promise<Lease | null> {
  for (let waitedMs = 0; ; waitedMs += ASK_EACH_MS) {
    const lease = acquireLease(lockFile, 0);
    if (lease !== null || waitedMs >= waitMs) return lease;
    await sleep(ASK_EACH_MS, undefined, { signal: abort });
  }
}

/**
 * True while some process (this one included) holds the lease on the `lockFile`; takes nothing, so that no poller that is
 * just starting meets it. Throws exit 3 when the file cannot be read, exit 6 when it is no lock file.
 */
export function leaseIsHeld(lockFile: string): boolean {
  const path = resolve(lockFile);
  if (held.has(path)) return true;
  if (fileAt(path) === undefined) return false;
  return guarded(placeOf(path, { label: 'the lock file', busyTimeoutMs: 0 }), () => {
    const Driver = sqliteDriver();
    const db = new Driver(path, { readonly: true, fileMustExist: true, timeout: 0 });
    try {
      // Any read needs a shared lock for its moment, which an exclusive one excludes.
      db.pragma('user_version');
      return false;
    } catch (error) {
      if (isBusy(error)) return true;
      throw error;
    } finally {
      db.close();
    }
  });
}

function lock(db: Db): boolean {
  try {
    db.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    db.close();
    if (isBusy(error)) return false;
    throw error;
  }
}
