/** Turns what SQLite and the file system throw into errors a user can act on, each with its exit code. */
import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { asideName, shellWord } from '../core/shell-word.ts';
import { isNativeModuleFailure, isOutOfFiles, noDriver } from './load-driver.ts';

/** Which file an operation concerns, and how long it waits for a lock. */
export type StoreFile = {
  readonly path: string;
  /** What the file is, for messages: `the Task Copilot store`. */
  readonly label: string;
  readonly busyTimeoutMs: number;
};

/** The SQLite or system code of anything thrown, or the empty string. */
export function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** True when the operation failed because another connection holds the lock. */
export function isBusy(thrown: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(thrown));
}

/** Runs `work`; what SQLite, its driver or the file system throws becomes an error with an exit code, anything else passes. */
export function guarded<T>(place: StoreFile, work: () => T): T {
  try {
    return work();
  } catch (error) {
    // Neither SQLite nor what loads it says so: the one reads "unable to open", the other "not found".
    if (mayLackFiles(error) && isOutOfFiles()) throw outOfFiles(error, place);
    if (isNativeModuleFailure(error)) throw noDriver(error);
    throw /^(SQLITE|E[A-Z]+$)/.test(codeOf(error)) ? storeError(error, place) : error;
  }
}

function mayLackFiles(thrown: unknown): boolean {
  return isNativeModuleFailure(thrown) || /^(SQLITE_(CANTOPEN|IOERR)|E[MN]FILE)/.test(codeOf(thrown));
}

function outOfFiles(thrown: unknown, { label, path }: StoreFile): OrchestrateError {
  return new OrchestrateError(
    EXIT.environment,
    `too many open files: ${label} ${path} cannot be opened`,
    'ulimit -n 4096',
    { cause: thrown },
  );
}

/** Space below which a disk counts as full: SQLite sets aside less than this at a time. */
const SMALLEST_SPACE_BYTES = 256 * 1024;

/** True when the write failed for want of space: SQLite names only the call that failed, so the disk is asked. */
function isDiskFull(code: string, path: string): boolean {
  if (/^(SQLITE_FULL|ENOSPC|EDQUOT)$/.test(code)) return true;
  if (!code.startsWith('SQLITE_IOERR')) return false;
  const { bavail, bsize } = statfsSync(dirname(path));
  return bavail * bsize < SMALLEST_SPACE_BYTES;
}

/** The error to show for what SQLite or the file system threw. */
function storeError(thrown: unknown, place: StoreFile): OrchestrateError {
  const { path, label } = place;
  const code = codeOf(thrown);
  const because = messageOf(thrown);
  if (isBusy(thrown)) {
    return new OrchestrateError(
      EXIT.busy,
      `${label} ${path} is locked by another process (waited ${place.busyTimeoutMs / 1000} s): run the command again when that has ended`,
      `lsof ${shellWord(path)}`,
      { cause: thrown },
    );
  }
  if (isDiskFull(code, path)) {
    return new OrchestrateError(
      EXIT.environment,
      `${label} ${path} cannot be written: the disk is full (${code})`,
      `df -h ${shellWord(dirname(path))}`,
      { cause: thrown },
    );
  }
  if (/^SQLITE_(FULL|READONLY|CANTOPEN|IOERR|PERM|AUTH|NOLFS)/.test(code) || code.startsWith('E')) {
    return new OrchestrateError(
      EXIT.environment,
      `${label} ${path} cannot be read or written: ${because} (${code})`,
      `ls -ld ${shellWord(dirname(path))} ${shellWord(path)}`,
      { cause: thrown },
    );
  }
  if (code.startsWith('SQLITE_CONSTRAINT')) {
    return new OrchestrateError(
      EXIT.input,
      `${label} refused a value: ${because}`,
      'correct the value and run the command again',
      { cause: thrown },
    );
  }
  return unusable(place, because, thrown);
}

/**
 * The exit 6 error for a file that a later version wrote. It names no package to install: in a registry anybody may have taken
 * our name.
 */
export function tooNew(place: StoreFile, found: string, known: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.state,
    `${place.label} ${place.path} is newer than this orchestrate knows (${found}, known: ${known})`,
    'install a newer orchestrate, as its README says',
  );
}

/** The exit 6 error for a file that holds something we cannot work with. */
export function unusable(place: StoreFile, because: string, cause?: unknown): OrchestrateError {
  return new OrchestrateError(
    EXIT.state,
    `${place.label} ${place.path} is unusable: ${because}; it was left as it is: restore a copy of it, or move it away and start afresh`,
    moveAway(place.path),
    cause === undefined ? {} : { cause },
  );
}

/** The write-ahead log goes along: it may hold what was written last, and the next database made there would delete it. */
function moveAway(path: string): string {
  const isTaken = (name: string): boolean => existsSync(name) || existsSync(`${name}-wal`);
  const aside = asideName(path, isTaken, '.broken');
  return ['', '-wal']
    .filter((end) => end === '' || existsSync(`${path}${end}`))
    .map((end) => `mv ${shellWord(`${path}${end}`)} ${shellWord(`${aside}${end}`)}`)
    .join(' && ');
}
