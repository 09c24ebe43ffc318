/** Finds where a stream's worktree is: the one we made, its entry alone, something else in its place, or nothing. */
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { printable } from '../../core/printable.ts';
import { shellWord } from '../../core/shell-word.ts';
import { author } from '../commit.ts';
import type { Door } from '../door.ts';
import { gitFailure } from '../failure.ts';
import { HEADS, refsBelow } from '../refs.ts';
import {
  aheadReason,
  isWithin,
  kindAt,
  lockReason,
  readLink,
  realParent,
  type WorktreeEntry,
  type WorktreeLink,
  worktreeEntries,
} from '../worktree-link.ts';
import { isEmptied } from './marker.ts';
import type { Held, Place, Shared } from './types.ts';

export type Here =
  | { readonly kind: 'nothing' }
  /** Something that is not ours to touch, or that cannot be looked at. */
  | { readonly kind: 'foreign'; readonly held: Held }
  /** Git's entry of it is there, the directory is gone or was emptied by us. */
  | { readonly kind: 'gone'; readonly path: string; readonly gitDir: string; readonly ahead: boolean }
  | {
      readonly kind: 'inside';
      readonly path: string;
      readonly link: WorktreeLink;
      /** It was made ahead of need, and its stream has not begun: it is on no branch. */
      readonly ahead: boolean;
      readonly held: readonly Held[];
    };

/** Looks at the path itself, links in it not followed out of the project. */
export function whereIs(door: Door, { key, path, branch }: Place, shared: Shared): Here {
  const real = realParent(path);
  const entry = shared.entries.find((each) => each.path === (real ?? path)) ?? null;
  if (real === null) return entry === null ? moved(key, shared) : notThere(dirname(path));
  if (isWithin(door.root, path) && !isWithin(realpathSync(door.root), real)) return leadsOut(path);
  if (kindAt(real) === 'missing')
    return entry === null
      ? moved(key, shared)
      : { kind: 'gone', path: real, gitDir: entry.gitDir, ahead: isAhead(entry, key) };
  const link = readLink(real, door.commonDir);
  if (link !== null)
    return { kind: 'inside', path: real, link, ahead: isAhead(entry, key), held: locked(path, key, entry) };
  return notOurs({ path, real, entry, ahead: isAhead(entry, key), branch: shared.tips.has(branch) });
}

/** Something is at the path that is no worktree of this repository: the end of a removal of ours, or somebody else's. */
function notOurs(found: {
  readonly path: string;
  readonly real: string;
  readonly entry: WorktreeEntry | null;
  readonly ahead: boolean;
  readonly branch: boolean;
}): Here {
  const { path, real, entry, ahead } = found;
  if (entry !== null && kindAt(real) === 'directory' && isEmptied(real, entry.gitDir))
    return { kind: 'gone', path: real, gitDir: entry.gitDir, ahead };
  if (entry === null && !found.branch) return { kind: 'nothing' };
  return foreign(`${printable(path)} is not the worktree that was made`, `ls -la ${shellWord(path)}`);
}

function isAhead(entry: WorktreeEntry | null, key: string): boolean {
  return entry?.lock === aheadReason(key);
}

function foreign(what: string, look: string): Here {
  return { kind: 'foreign', held: { kind: 'foreign', what, look } };
}

function leadsOut(path: string): Here {
  return foreign(
    `a link in ${printable(path)} leads out of the project`,
    `ls -la ${shellWord(dirname(path))}`,
  );
}

/** Without the directory of all worktrees nothing can be said: it may be on a disk that is not mounted. */
function notThere(directory: string): Here {
  const what = `the directory of its worktree is not there: ${printable(directory)}`;
  return { kind: 'foreign', held: { kind: 'unreadable', what, look: `ls -ld ${shellWord(directory)}` } };
}

/** Nothing is at the path: somebody may have moved the worktree, as git knows. */
function moved(key: string, shared: Shared): Here {
  const elsewhere = shared.entries.find(({ lock }) => lock === lockReason(key) || lock === aheadReason(key));
  if (elsewhere === undefined || elsewhere.path === null) return { kind: 'nothing' };
  return foreign(
    `its worktree was moved to ${printable(elsewhere.path)}`,
    `git -C ${shellWord(elsewhere.path)} status`,
  );
}

function locked(path: string, key: string, entry: WorktreeEntry | null): Held[] {
  const lock = entry?.lock ?? null;
  if (lock === null || lock === lockReason(key) || lock === aheadReason(key)) return [];
  const why = lock === '' ? '' : `: ${printable(lock, 120)}`;
  return [
    {
      kind: 'locked',
      what: `its worktree is locked by somebody else${why}`,
      look: `git worktree unlock ${shellWord(path)}`,
    },
  ];
}

/** See `Tidy.shared`. */
export async function readShared(door: Door): Promise<Shared> {
  const [refs, list, stashes, who] = await Promise.all([
    refsBelow(door, HEADS),
    door.read(['worktree', 'list', '--porcelain', '-z']),
    door.ask(['log', '--walk-reflogs', '--no-show-signature', '--format=%gs', '-z', 'refs/stash', '--']),
    author(door),
  ]);
  if (stashes.code !== 0 && !/bad revision|unknown revision|ambiguous argument/.test(stashes.err))
    throw gitFailure(['log'], stashes);
  const checkouts = new Map<string, string[]>();
  let path = '';
  for (const line of list.split('\0')) {
    if (line.startsWith('worktree ')) path = line.slice('worktree '.length);
    if (!line.startsWith('branch refs/heads/')) continue;
    const branch = line.slice('branch refs/heads/'.length);
    checkouts.set(branch, [...(checkouts.get(branch) ?? []), path]);
  }
  return {
    tips: new Map([...refs].map(([ref, sha]) => [ref.slice(HEADS.length), sha])),
    checkouts,
    stashes: stashes.code === 0 ? stashes.out.split('\0') : [],
    author: who,
    entries: worktreeEntries(door.commonDir),
  };
}

/** Stashes that were made on a branch, by the message that git gives them. */
export function stashesOf(branch: string, { stashes }: Shared): Held[] {
  const made = stashes.findIndex(
    (message) => message.startsWith(`WIP on ${branch}: `) || message.startsWith(`On ${branch}: `),
  );
  if (made < 0) return [];
  const name = `stash@{${made}}`;
  return [
    { kind: 'stash', what: `a stash of its branch, ${name}`, look: `git stash show -p ${shellWord(name)}` },
  ];
}
