/** Creates directories and files that only their owner can read, whatever the umask says. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { codeOf } from './failures.ts';

/** Creates `path` and its missing parents with mode 0700; what exists keeps its mode. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/**
 * Creates an empty file with mode 0600 unless `path` exists. An existing file is not even opened: closing a descriptor of a
 * database would drop this process's own locks on it. SQLite gives the files it adds beside a database the same mode.
 */
export function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}
