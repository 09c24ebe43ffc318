/** Finds what a branch's commits only name and nobody else can get: commits of submodules that were not pushed, contents of big files that git-lfs has not got. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readIfPresent } from '../files/present.ts';
import { unsharedBigFiles } from './big-files.ts';
import type { Door } from './door.ts';
import { refsBelow, VERIFIED } from './refs.ts';
import { SUBMODULE, type TreeChange } from './tree-changes.ts';
import type { Unshared } from './types.ts';
import { kindAt, type WorktreeLink } from './worktree-link.ts';

/** What the commits from `base` to `head`, which changed these files, name and others cannot get; asks nobody beyond this machine. */
export async function unsharedSince(
  door: Door,
  link: WorktreeLink,
  { base, head }: { readonly base: string; readonly head: string },
  changed: readonly TreeChange[],
): Promise<Unshared[]> {
  const submodules = changed.filter(({ newMode }) => newMode === SUBMODULE);
  const files = changed.filter(({ newMode }) => /^100/.test(newMode));
  const lonely = await Promise.all(
    submodules.map(async (each) => ((await isShared(door, link, each)) ? [] : [each])),
  );
  return [
    ...lonely.flat().map(({ path, newObject: sha }): Unshared => ({ kind: 'submodule', path, sha })),
    ...(await unsharedBigFiles(door, link, base, head, files)),
  ];
}

/** True for a commit of a submodule that a remote has, by what was fetched and pushed last, or that others are verified with. */
async function isShared(
  door: Door,
  link: WorktreeLink,
  { path, newObject: sha }: TreeChange,
): Promise<boolean> {
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
  for (const commit of (await refsBelow(door, VERIFIED)).values()) {
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
