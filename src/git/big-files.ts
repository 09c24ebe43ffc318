/** Files whose content git-lfs keeps: where that is, and what of it is here; runs nothing of git-lfs itself. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readIfPresent } from '../files/present.ts';
import { type CommandOptions, type Door, inChunks } from './door.ts';
import { gitFailure } from './failure.ts';
import type { TreeChange } from './tree-changes.ts';
import type { Absent, Unshared } from './types.ts';
import type { WorktreeLink } from './worktree-link.ts';

/** What gives files to git-lfs in a .gitattributes, and how the line of its pointers reads that names the content. */
const ATTRIBUTE = 'filter=lfs';
const POINTER = '^oid sha256:[0-9a-f]{64}$';

/** Variables with which nothing is downloaded in a checkout: a pointer stays one. */
export const NO_DOWNLOAD = { GIT_LFS_SKIP_SMUDGE: '1' };

/** Big files of which only the pointer is here: what git-lfs keeps them in, and whether it is there to fill them in. */
export async function absentBigFiles(door: Door, sha: string): Promise<Absent['bigFiles']> {
  const attributes = await search(door, ['-l', '-F', ATTRIBUTE, sha, '--', ':(glob)**/.gitattributes']);
  if (attributes === '') return null;
  const names = (await search(door, ['-h', '-E', POINTER, sha])).match(/[0-9a-f]{64}/g) ?? [];
  const absent = names.filter((name) => !existsSync(bigFileAt(door.commonDir, name)));
  const smudges =
    (await door.ask(['config', '--get-regexp', '^filter\\.lfs\\.(smudge|process)$'])).code === 0;
  return { files: names.length, absent: absent.length, smudges };
}

/** Nothing beside what is found, and in no submodule, whatever the user's own searches show. */
const GREP = ['grep', '-I', '--no-color', '--no-line-number', '--no-column', '--no-recurse-submodules'];

/** What `git grep` prints; empty when it finds nothing. */
async function search(door: Door, sought: readonly string[], where?: CommandOptions): Promise<string> {
  const args = [...GREP, ...sought];
  const result = await door.ask(args, where);
  if (result.code > 1) throw gitFailure(args, result);
  return result.out;
}

/** Where git-lfs keeps a file's content. */
function bigFileAt(gitDir: string, name: string): string {
  return join(gitDir, 'lfs', 'objects', name.slice(0, 2), name.slice(2, 4), name);
}

/** Pointers among the files whose content is in no store that other worktrees of this repository read. */
export async function unsharedBigFiles(
  door: Door,
  link: WorktreeLink,
  base: string,
  head: string,
  files: readonly TreeChange[],
): Promise<Unshared[]> {
  const mayPoint = files.filter(({ path }) => isKeptElsewhere(link, path));
  const found: Unshared[] = [];
  for (const paths of inChunks(mayPoint.map(({ path }) => path)))
    found.push(...(await pointers(door, head, paths)));
  const absent = found.filter(({ sha }) => !existsSync(bigFileAt(door.commonDir, sha)));
  if (absent.length === 0) return [];
  // One that was moved, or that was never fetched here, is as it was.
  const known = new Set((await pointers(door, base, [])).map(({ sha }) => sha));
  return absent.filter(({ sha }) => !known.has(sha));
}

/** True when a .gitattributes beside or above the file gives some files to git-lfs. */
function isKeptElsewhere(link: WorktreeLink, path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (readIfPresent(join(link.path, folder, '.gitattributes'))?.includes(ATTRIBUTE) === true) return true;
    if (folder === '.') return false;
  }
}

/** The pointers of git-lfs among these files of a commit (all of them for none named). */
async function pointers(door: Door, commit: string, paths: readonly string[]): Promise<Unshared[]> {
  const args = ['-z', '-E', POINTER, commit, '--', ...paths];
  const out = await search(door, args, { env: { GIT_LITERAL_PATHSPECS: '1' } });
  return [...out.matchAll(/^[0-9a-f]+:([^\0]+)\0oid sha256:([0-9a-f]{64})$/gm)].map(
    ([, path = '', sha = '']): Unshared => ({ kind: 'big file', path, sha }),
  );
}
