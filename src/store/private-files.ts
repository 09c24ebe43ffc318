/** Creates directories and files that only their owner can read, whatever the umask says. */
import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from './failures.ts';

/** Creates `path` and its missing parents with mode 0700; what exists keeps its mode. */
export function makePrivateDirectory(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) chmodSync(made, 0o700);
}

/**
 * Creates an empty file with mode 0600 unless `path` exists; true when this call created it. An existing file is not even
 * opened: closing a descriptor of a database would drop this process's own locks on it.
 */
export function makePrivateFile(path: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'wx', 0o600);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  fchmodSync(descriptor, 0o600);
  closeSync(descriptor);
  return true;
}
