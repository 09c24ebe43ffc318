/** Chooses which ignored files of a worktree are worth keeping: those not in the main checkout, up to a size. */
import { readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { basename, join } from 'node:path';
import { lstatIfPresent } from '../files/present.ts';
import type { Door } from './door.ts';
import { inWorktree, kindAt, type WorktreeLink } from './worktree-link.ts';

/** Limits for one ignored directory or file; build results and packages are far beyond them. */
const MOST_FILES = 200;
const MOST_BYTES = 5_000_000;

export type Ignored = { readonly files: readonly string[]; readonly leftOut: readonly string[] };

/** Ignored files (relative paths) to keep, and the ignored files and directories that are too big for it. */
export async function ignoredFiles(door: Door, link: WorktreeLink): Promise<Ignored> {
  const args = ['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--directory'];
  const listed = (await door.read(args, inWorktree(link, door.commonDir))).split('\0').filter(Boolean);
  const files: string[] = [];
  const leftOut: string[] = [];
  for (const name of listed) {
    const inside = smallTree(link.path, name.replace(/\/$/, ''));
    if (inside === null) leftOut.push(name);
    else files.push(...inside.filter((path) => !isSame(join(door.root, path), join(link.path, path))));
  }
  return { files, leftOut };
}

/** The files at or below a path; null when they pass a limit or a repository is among them. */
function smallTree(root: string, path: string): string[] | null {
  const files: string[] = [];
  let seen = 0;
  let bytes = 0;
  for (const { name, stats } of walk(root, path)) {
    seen += 1;
    if (stats.isFile()) bytes += stats.size;
    if (stats.isFile() || stats.isSymbolicLink()) files.push(name);
    if (basename(name) === '.git' || seen > MOST_FILES || bytes > MOST_BYTES) return null;
  }
  return files;
}

/** Everything at and below a path, relative to `root`, links not followed. */
function* walk(root: string, path: string): Generator<{ name: string; stats: Stats }> {
  const stats = lstatIfPresent(join(root, path));
  if (stats === null) return;
  yield { name: path, stats };
  if (!stats.isDirectory()) return;
  for (const name of readdirSync(join(root, path))) yield* walk(root, join(path, name));
}

/**
 * True when the main checkout has the very same file: a copy we made and nobody changed. A link to what the main checkout
 * has there is one that we made. Neither needs to be kept, and secrets stay out of the object store.
 */
function isSame(inMain: string, inWorktree: string): boolean {
  const kind = kindAt(inWorktree);
  if (kind === 'symlink') return kindAt(inMain) !== 'missing' && !readlinkSync(inWorktree).startsWith('/');
  if (kind !== 'file' || kindAt(inMain) !== 'file') return false;
  return readFileSync(inMain).equals(readFileSync(inWorktree));
}
