/** Writes files of the project whole or not at all, with the mode they should have from the first byte. */
import { mkdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { removeDrafts, replaceFile } from '../files/replace-file.ts';

/**
 * Writes `content` beside `path` and moves it there; what an earlier write left when it was killed goes. Missing directories
 * are made (0700). Throws exit 3 when it cannot.
 */
export function writePrivately(path: string, content: string, mode: number): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    replaceFile(path, content, mode);
    removeDrafts(dirname(path), basename(path));
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** The error for a path that cannot be written: exit 3. */
export function cannotWrite(path: string, cause: unknown): OrchestrateError {
  return new OrchestrateError(
    EXIT.environment,
    `cannot write ${path}: ${messageOf(cause)}`,
    `check the permissions of ${dirname(path)} and the free space`,
    { cause },
  );
}
