/** Turns what SQLite and the file system throw into errors a user can act on, each with its exit code. */
import { dirname } from 'node:path';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { shellWord } from '../core/shell-word.ts';
import { isNativeModuleFailure, nativeModuleMissing } from './native.ts';

/** Which file an operation concerns, and how long it waits for a lock. */
export type Place = {
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
export function guarded<T>(place: Place, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isNativeModuleFailure(error)) throw nativeModuleMissing(error);
    throw /^(SQLITE|E[A-Z]+$)/.test(codeOf(error)) ? storeError(error, place) : error;
  }
}

/** The error to show for what SQLite or the file system threw. */
function storeError(thrown: unknown, place: Place): OrchestrateError {
  const { path, label } = place;
  const code = codeOf(thrown);
  const because = messageOf(thrown);
  if (isBusy(thrown)) {
    return new OrchestrateError(
      EXIT.busy,
      `${label} ${path} is locked by another process (waited ${place.busyTimeoutMs / 1000} s)`,
      `run the command again when that process is through; this names it: lsof ${shellWord(path)}`,
      { cause: thrown },
    );
  }
  if (/^SQLITE_(FULL|READONLY|CANTOPEN|IOERR|PERM|AUTH|NOLFS)/.test(code) || code.startsWith('E')) {
    return new OrchestrateError(
      EXIT.environment,
      `${label} ${path} can't be read or written: ${because} (${code})`,
      remedyFor(code, path),
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

/** The exit 6 error for a file that holds something we can't work with. */
export function unusable(place: Place, because: string, cause?: unknown): OrchestrateError {
  return new OrchestrateError(
    EXIT.state,
    `${place.label} ${place.path} is unusable: ${because}`,
    `it was left as it is; restore a copy of it, or move it away and begin anew: mv ${shellWord(place.path)} ${shellWord(`${place.path}.broken`)}`,
    cause === undefined ? {} : { cause },
  );
}

function remedyFor(code: string, path: string): string {
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT') return 'free some space on that disk';
  if (code === 'EMFILE' || code === 'ENFILE') return 'raise the limit of open files: ulimit -n 4096';
  return `check the disk, and that you may write there: ls -ld ${shellWord(dirname(path))} ${shellWord(path)}`;
}
