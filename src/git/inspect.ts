/** Reads what holds of a stream's worktree and commits; runs git only where the worktree is the one we made, and nothing of a worker's. */
import { join } from 'node:path';
import { withoutBornDirty } from './born-dirty.ts';
import type { Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { checkedSha } from './names.ts';
import { readStatus } from './status.ts';
import type { Git, WorktreeFacts } from './types.ts';
import { unsharedSince } from './unshared.ts';
import { inWorktree, kindAt, readLink, requireLink, type WorktreeLink } from './worktree-link.ts';

/** Names listed in the facts; the counts are complete. */
const LISTED = 50;

const NOTHING: WorktreeFacts = {
  exists: false,
  intact: false,
  branch: null,
  headSha: null,
  operation: null,
  changed: [],
  changedCount: 0,
  untracked: [],
  untrackedCount: 0,
  bornDirty: [],
  commitsSinceBase: 0,
  missingParents: [],
  unshared: [],
};

/** Files of a worktree's git directory that show an operation under way; a rebase also writes those of a cherry-pick. */
const OPERATIONS = [
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['sequencer', 'cherry-pick'],
  ['BISECT_LOG', 'bisect'],
] as const;

/** See `Git.inspect`. */
export async function inspect(door: Door, request: Parameters<Git['inspect']>[0]): Promise<WorktreeFacts> {
  const base = checkedSha(request.baseSha);
  const parents = request.parents.map(checkedSha);
  const link = readLink(request.path, door.commonDir);
  if (link === null) return { ...NOTHING, exists: kindAt(request.path) === 'directory' };
  const status = await readStatus(door, link);
  const head = status.headSha;
  const others = parents.filter((parent) => parent !== base);
  const [own, since, missing, unshared] = await Promise.all([
    withoutBornDirty(door, link, status),
    head === null ? { count: 0, containsBase: false } : commitsSince(door, base, head),
    Promise.all(others.map(async (parent) => head === null || !(await contains(door, head, parent)))),
    head === null || head === base ? [] : unsharedSince(door, link, base, head),
  ]);
  const isMissing = (parent: string): boolean =>
    parent === base ? !since.containsBase : missing[others.indexOf(parent)] !== false;
  return {
    exists: true,
    intact: true,
    branch: status.branch,
    headSha: head,
    operation: operationIn(link),
    changed: own.changed.slice(0, LISTED).map((entry) => entry.path),
    changedCount: own.changed.length,
    untracked: own.untracked.slice(0, LISTED),
    untrackedCount: own.untracked.length,
    bornDirty: own.born.slice(0, LISTED),
    commitsSinceBase: since.count,
    missingParents: parents.filter(isMissing),
    unshared,
  };
}

/** The operation under way in a worktree, null when none is. */
export function operationIn(link: WorktreeLink): string | null {
  return OPERATIONS.find(([name]) => kindAt(join(link.gitDir, name)) !== 'missing')?.[1] ?? null;
}

/** The number of commits of `head` that `base` does not have, and whether it has all of `base`: one question for both. */
async function commitsSince(
  door: Door,
  base: string,
  head: string,
): Promise<{ count: number; containsBase: boolean }> {
  const out = await door.read(['rev-list', '--count', '--left-right', `${base}...${head}`, '--']);
  const [missing = '', count = ''] = out.trim().split('\t');
  return { count: Number(count), containsBase: missing === '0' };
}

/** The number of commits of `head` that `base` does not have. */
async function countCommits(door: Door, base: string, head: string): Promise<number> {
  return Number(await door.read(['rev-list', '--count', head, `^${base}`, '--']));
}

async function contains(door: Door, head: string, commit: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', commit, head];
  const result = await door.ask(args);
  if (result.code > 1) throw gitFailure(args, result);
  return result.code === 0;
}

/** See `Git.diffOfWorktree`. */
export async function diffOfWorktree(door: Door, worktree: string, base: string): Promise<string> {
  const here = inWorktree(requireLink(door, worktree), door.commonDir);
  const plain = ['--no-color', '--no-ext-diff', '--no-textconv', '--stat', '--patch'];
  return door.read(['diff', ...plain, checkedSha(base), '--'], here);
}

/** See `Git.changes`. Lines of binary files don't count; a changed file does. */
export async function changes(door: Door, base: string, head: string): ReturnType<Git['changes']> {
  const range = [checkedSha(base), checkedSha(head)];
  const plain = ['--no-renames', '--no-ext-diff', '--no-textconv', '--ignore-submodules=none'];
  const [commits, out] = await Promise.all([
    countCommits(door, base, head),
    door.read(['diff', '--numstat', '-z', ...plain, ...range, '--']),
  ]);
  const rows = out.split('\0').filter(Boolean);
  const fields = rows.map((row) => /^(\d+|-)\t(\d+|-)\t([\s\S]*)$/.exec(row) ?? []);
  const sum = (column: 1 | 2) => fields.reduce((total, row) => total + (Number(row[column]) || 0), 0);
  return { commits, added: sum(1), removed: sum(2), files: fields.map((row) => row[3] ?? '') };
}
