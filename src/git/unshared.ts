/** Finds what a branch's commits only name and nobody else can get: commits of submodules that were not pushed, contents of big files that git-lfs has not got. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readIfPresent } from '../files/present.ts';
import { type Door, inChunks } from './door.ts';
import { bigFileAt } from './readiness.ts';
import type { Unshared } from './types.ts';
import { kindAt, type WorktreeLink } from './worktree-link.ts';

/** A file that is there at the end of a change. */
export type Changed = { readonly path: string; readonly mode: string; readonly sha: string };

const SUBMODULE = '160000';

/** What the commits from `base` to `head`, which changed these files, name and others cannot get; asks nobody beyond this machine. */
export async function unsharedSince(
  door: Door,
  link: WorktreeLink,
  { base, head }: { readonly base: string; readonly head: string },
  changed: readonly Changed[],
): Promise<Unshared[]> {
  const submodules = changed.filter(({ mode }) => mode === SUBMODULE);
  const files = changed.filter(({ mode }) => /^100/.test(mode));
  const lonely = await Promise.all(
    submodules.map(async (each) => ((await isShared(door, link, each)) ? [] : [each])),
  );
  return [
    ...lonely.flat().map(({ path, sha }): Unshared => ({ kind: 'submodule', path, sha })),
    ...(await bigFiles(door, link, base, head, files)),
  ];
}

/** True for a commit of a submodule that a remote has, by what was fetched and pushed last, or that others are verified with. */
async function isShared(door: Door, link: WorktreeLink, { path, sha }: Changed): Promise<boolean> {
  for (const store of storesOf(door, link, path)) {
    const there = { env: { GIT_DIR: store } };
    if (await isContained(door, ['refs/remotes'], sha, store)) return true;
    const url = (await door.ask(['config', '--get', 'remote.origin.url'], there)).out.trim();
    const local = url.replace(/^file:\/\//, '');
    const remote = [local, join(local, '.git')].find(
      (each) => each.startsWith('/') && existsSync(join(each, 'objects')),
    );
    if (remote !== undefined && (await isContained(door, ['refs/heads', 'refs/tags'], sha, remote)))
      return true;
  }
  // A dependency's: it was looked at when that was verified.
  const verified = await door.read(['for-each-ref', '--format=%(objectname)', 'refs/orchestrate/verified/']);
  for (const commit of verified.split('\n').filter(Boolean)) {
    const entry = await door.ask(['ls-tree', commit, '--', path], { env: { GIT_LITERAL_PATHSPECS: '1' } });
    if (entry.out.includes(` ${sha}\t`)) return true;
  }
  return false;
}

/** Git directories that may hold commits of the submodule at a path: the worktree's own, and the main checkout's. */
function storesOf(door: Door, link: WorktreeLink, path: string): string[] {
  return [link.path, door.root].flatMap((checkout) => {
    const place = join(checkout, path);
    const dotGit = join(place, '.git');
    if (kindAt(dotGit) === 'directory') return [dotGit];
    const target = /^gitdir: (.+?)\s*$/.exec(readIfPresent(dotGit) ?? '')?.[1];
    return target === undefined ? [] : [resolve(place, target)];
  });
}

async function isContained(
  door: Door,
  refs: readonly string[],
  sha: string,
  store: string,
): Promise<boolean> {
  const args = ['for-each-ref', '--count=1', `--contains=${sha}`, '--format=x', ...refs];
  // A commit that is not there is an error: not contained.
  const { code, out } = await door.ask(args, { env: { GIT_DIR: store } });
  return code === 0 && out !== '';
}

/** Pointers among the files whose content is in no store that other worktrees of this repository read. */
async function bigFiles(
  door: Door,
  link: WorktreeLink,
  base: string,
  head: string,
  files: readonly Changed[],
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
    if (readIfPresent(join(link.path, folder, '.gitattributes'))?.includes('filter=lfs') === true)
      return true;
    if (folder === '.') return false;
  }
}

/** The pointers of git-lfs among these files of a commit (all of them for none named). */
async function pointers(door: Door, commit: string, paths: readonly string[]): Promise<Unshared[]> {
  const args = ['grep', '-I', '-z', '-E', '^oid sha256:[0-9a-f]{64}$', commit, '--', ...paths];
  const { out } = await door.ask(args, { env: { GIT_LITERAL_PATHSPECS: '1' } });
  return [...out.matchAll(/^[0-9a-f]+:([^\0]+)\0oid sha256:([0-9a-f]{64})$/gm)].map(
    ([, path = '', sha = '']): Unshared => ({ kind: 'big file', path, sha }),
  );
}
