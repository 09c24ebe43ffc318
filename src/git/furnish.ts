/** Makes a fresh worktree fit to work in: copies chosen ignored files and links big directories of the main checkout. */

import { dirname, join, relative, sep } from 'node:path';
import { inChunks } from './chunks.ts';
import type { CommandOptions, Door } from './door.ts';
import { exclude, excludePattern } from './exclude.ts';
import { copyInto, linkInto } from './furnish-files.ts';
import { requireLink } from './require-link.ts';
import type { Git } from './types.ts';
import { inWorktree, kindAt, realParent, type WorktreeLink } from './worktree-link.ts';
import { isWithin } from './worktree-place.ts';

const INCLUDE_FILE = '.worktreeinclude';
/** Beyond this many copies only those that git would show get a line of their own: long lists make git slow. */
const MOST_LINES = 200;

/** See `Git.furnishWorktree`. Nothing that exists in the worktree is overwritten; doing it again changes nothing. */
export async function furnishWorktree(
  door: Door,
  request: Parameters<Git['furnishWorktree']>[0],
): Promise<string[]> {
  const link = requireLink(door, request.path);
  const warnings: string[] = [];
  const copied: string[] = [];
  for (const path of await includedFiles(door, link)) {
    const problem = copyInto(door.root, link.path, path);
    if (problem === null) copied.push(path);
    else if (problem !== 'exists') warnings.push(problem);
  }
  const linked: string[] = [];
  for (const path of request.symlink) {
    const problem = linkInto(door.root, link.path, path);
    if (problem === null) linked.push(path);
    else warnings.push(problem);
  }
  const lines = copied.length > MOST_LINES ? await shownFiles(door, link, copied) : copied;
  const patterns = [...lines, ...linked].map(excludePattern).filter((pattern) => pattern !== null);
  if (patterns.length > 0) exclude(door.commonDir, patterns);
  return warnings;
}

/** Files of the main checkout that `.worktreeinclude` names and that git ignores, outside all worktrees. */
async function includedFiles(door: Door, link: WorktreeLink): Promise<string[]> {
  const include = join(door.root, INCLUDE_FILE);
  if (kindAt(include) !== 'file') return [];
  const args = ['ls-files', '-z', '--others', '--ignored', `--exclude-from=${include}`];
  const listed = (await door.read(args)).split('\0').filter(Boolean);
  const root = realParent(door.root) ?? door.root;
  const worktrees = relative(root, dirname(link.path));
  const outside = listed.filter(
    (path) =>
      !path.endsWith('/') &&
      path.split(sep)[0] !== '.git' &&
      !(worktrees !== '' && isWithin(worktrees, path)),
  );
  return ignoredOf(door, outside, {});
}

/** Those of the files that git would show as untracked in the worktree. */
async function shownFiles(door: Door, link: WorktreeLink, paths: readonly string[]): Promise<string[]> {
  const ignored = new Set(await ignoredOf(door, paths, inWorktree(link, door.commonDir)));
  return paths.filter((path) => !ignored.has(path));
}

/** Those of the untracked files that git ignores, there where the command runs. */
async function ignoredOf(door: Door, paths: readonly string[], where: CommandOptions): Promise<string[]> {
  const ignored: string[] = [];
  // Paths are names, not patterns.
  const literal = { ...where, env: { ...where.env, GIT_LITERAL_PATHSPECS: '1' } };
  for (const chunk of inChunks(paths)) {
    const args = ['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--', ...chunk];
    ignored.push(...(await door.read(args, literal)).split('\0').filter(Boolean));
  }
  return ignored;
}
