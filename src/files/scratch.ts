/** The one place where a directory for passing files is made: a temporary directory that was cleaned away keeps nothing from working. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAbsent, isDenied } from './present.ts';

/**
 * A fresh private directory (0700) in the temporary directory, which the caller removes. Where that directory is gone it is
 * made again; where that cannot be, the scratch directory is made in `otherwise`, a directory of ours. Throws what else the
 * system says.
 */
export function scratchDirectory(purpose: string, otherwise: string): string {
  const name = `orchestrate-${purpose}-`;
  const temporary = tmpdir();
  try {
    return mkdtempSync(join(temporary, name));
  } catch (thrown) {
    if (!isAbsent(thrown) && !isDenied(thrown)) throw thrown;
  }
  try {
    mkdirSync(temporary, { recursive: true, mode: 0o700 });
    return mkdtempSync(join(temporary, name));
  } catch (thrown) {
    // A file in its place (EEXIST) is as good as nothing there.
    if (!isAbsent(thrown) && !isDenied(thrown) && !isTaken(thrown)) throw thrown;
  }
  mkdirSync(otherwise, { recursive: true, mode: 0o700 });
  return mkdtempSync(join(otherwise, name));
}

function isTaken(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST';
}
