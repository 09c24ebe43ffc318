/** The note in a worktree's git directory by which a removal that was cut off is known, and finished, by the next one. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../../files/replace-file.ts';
import { isSha } from '../checked-names.ts';
import { fileText, kindAt } from '../worktree-link.ts';

const NAME = 'orchestrate-removal';

/** That a removal has begun: everything is kept by `saved`, made when the head was `head`. */
export type Marker = { readonly head: string; readonly saved: string };

/** The note of a removal that was cut off; null without one, or when it is not whole. */
export function readMarker(gitDir: string): Marker | null {
  const [head = '', saved = ''] = (fileText(join(gitDir, NAME)) ?? '').split(' ');
  return isSha(head) && saved !== '' ? { head, saved } : null;
}

/** Writes the note. */
export function writeMarker(gitDir: string, { head, saved }: Marker): void {
  replaceFile(join(gitDir, NAME), `${head} ${saved}\n`, 0o600);
}

/** Takes the note away: the worktree is whole again. */
export function clearMarker(gitDir: string): void {
  rmSync(join(gitDir, NAME), { force: true });
}

/** True for what a removal that was cut off leaves of a directory at its end: nothing, or empty directories. */
export function isEmptied(path: string, gitDir: string): boolean {
  return readMarker(gitDir) !== null && holdsNoFile(path);
}

function holdsNoFile(path: string): boolean {
  return readdirSync(path, { withFileTypes: true }).every(
    (entry) =>
      entry.isDirectory() &&
      kindAt(join(path, entry.name)) === 'directory' &&
      holdsNoFile(join(path, entry.name)),
  );
}
