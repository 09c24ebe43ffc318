/** Looks at what may not be there: absent is an answer, everything else that keeps us from looking is an error. */
import {
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { shellWord } from '../core/shell-word.ts';

/** True for what the system says of a path that nothing is at. */
export function isAbsent(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** True for what the system says when this user may not do it. */
export function isDenied(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
}

/** What `look` finds, null when nothing is there. Throws what else the system says (no permission, no free descriptor …). */
export function ifPresent<T>(look: () => T): T | null {
  try {
    return look();
  } catch (thrown) {
    if (isAbsent(thrown)) return null;
    throw thrown;
  }
}

/** The file's text; null when there is none. Throws what else the system says. */
export function readIfPresent(path: string): string | null {
  return ifPresent(() => readFileSync(path, 'utf8'));
}

/** The text of a file that the user keeps; null when there is none. Throws exit 3, naming it, when it cannot be read. */
export function readUsersFile(path: string): string | null {
  try {
    return readIfPresent(path);
  } catch (error) {
    throw new OrchestrateError(
      EXIT.environment,
      `cannot read ${path}: ${messageOf(error)}`,
      `chmod u+r ${shellWord(path)}`,
      { cause: error },
    );
  }
}

/** What a path leads to; null when nothing is there. Throws what else the system says. */
export function statIfPresent(path: string): Stats | null {
  return ifPresent(() => statSync(path));
}

/** What is at the path itself, which may be a link; null when nothing is. Throws what else the system says. */
export function lstatIfPresent(path: string | Buffer): Stats | null {
  return ifPresent(() => lstatSync(path));
}

/** At most `length` bytes of a file as text; `from` below 0 counts from its end. Null when there is none; throws what else the system says. */
export function readPartIfPresent(path: string, from: number, length: number): string | null {
  const handle = ifPresent(() => openSync(path, 'r'));
  if (handle === null) return null;
  try {
    const { size } = fstatSync(handle);
    const start = from < 0 ? Math.max(0, size + from) : from;
    const buffer = Buffer.alloc(Math.max(0, Math.min(length, size - start)));
    return buffer.toString('utf8', 0, readSync(handle, buffer, 0, buffer.length, start));
  } finally {
    closeSync(handle);
  }
}

/** Names in a directory; none when it is absent. Throws what else the system says. */
export function listIfPresent(directory: string): readonly string[] {
  return ifPresent(() => readdirSync(directory)) ?? [];
}
