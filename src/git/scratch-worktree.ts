/** A worktree of our own in which commands check a commit: on no branch, and holding nobody's work. */
import { chmodSync, readdirSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ifPresent, isDenied } from '../files/present.ts';
import { checkedSha } from './checked-names.ts';
import type { Door } from './door.ts';
import { gitFailure } from './failure.ts';
import {
  completeEntry,
  foreignPath,
  gitDirNamedAt,
  inWorktree,
  kindAt,
  lockReason,
  preparePlace,
  readLink,
  realParent,
  type WorktreeEntry,
  worktreeEntries,
} from './worktree-link.ts';
import { addLocked, clearUnborn } from './worktree-repair.ts';

/** No stream's key begins so. */
const NAME = '_landing';
/** In git's entry from before its lock goes, so that a kill in between leaves it known as ours. */
const GOING = 'orchestrate-scratch';

/** See `Git.scratchWorktree`. Throws exit 5 for anything else at the path. */
export async function scratchWorktree(door: Door, path: string, sha: string): Promise<void> {
  const place = preparePlace(door.root, path);
  clearUnborn(door.commonDir, place, lockReason(NAME));
  const link = readLink(place, door.commonDir);
  // A lock on the index is left by a checkout or a command that was killed: what it has done so far is not to be trusted.
  if (
    link !== null &&
    entryOf(door, place) !== null &&
    kindAt(join(link.gitDir, 'index.lock')) === 'missing'
  ) {
    const here = inWorktree(link, door.commonDir);
    await door.write(['update-ref', '--no-deref', 'HEAD', checkedSha(sha)], here);
    await door.write(['read-tree', '--reset', '-u', checkedSha(sha)], here);
    // What commands left on another commit would be found by those on this one; what is ignored (what they built) may stay.
    // Git removes nothing from a directory that they made read-only: then all goes.
    if ((await door.ask(['clean', '-ffdq'], here)).code === 0) return;
  }
  await removeScratchWorktree(door, place);
  if (kindAt(place) !== 'missing' || worktreeEntries(door.commonDir).some((each) => each.path === place))
    throw foreignPath(place);
  const args = ['worktree', 'add', '--quiet', '--detach', '--lock', '--reason', lockReason(NAME), place];
  const result = await addLocked(door, [...args, checkedSha(sha)]);
  if (result.code !== 0) throw gitFailure(args, result);
}

/** See `Git.removeScratchWorktree`. Anything that is not ours stays. */
export async function removeScratchWorktree(door: Door, path: string): Promise<void> {
  const place = realParent(path);
  const entry = place === null ? null : entryOf(door, place);
  if (place === null || entry === null || !emptied(place, entry)) return;
  completeEntry(door.commonDir, basename(entry.gitDir));
  writeFileSync(join(entry.gitDir, GOING), '', { mode: 0o600 });
  ifPresent(() => unlinkSync(join(entry.gitDir, 'locked')));
  await door.write(['worktree', 'remove', place]);
}

/** Git's entry of the worktree, while that is ours: locked in our name, or about to go by our hand. */
function entryOf(door: Door, place: string): WorktreeEntry | null {
  const found = worktreeEntries(door.commonDir).find((entry) => entry.path === place);
  if (found === undefined) return null;
  return found.lock === lockReason(NAME) || kindAt(join(found.gitDir, GOING)) !== 'missing' ? found : null;
}

/** Removes what commands built, also what they made read-only. */
function removeBuilt(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (!isDenied(error)) throw error;
    openUp(path);
    rmSync(path, { recursive: true, force: true });
  }
}

function openUp(path: string): void {
  if (kindAt(path) !== 'directory') return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) openUp(join(path, name));
}

/**
 * Removes the directory of an entry of ours, with what commands built there, which git would remove by force only. False, with
 * nothing removed, for one that does not belong to the entry. The file that says so goes last: a kill leaves what the next
 * call knows as ours.
 */
function emptied(place: string, { gitDir }: WorktreeEntry): boolean {
  if (kindAt(place) === 'missing') return true;
  if (kindAt(place) !== 'directory') return false;
  const names = readdirSync(place);
  if (names.length > 0 && gitDirNamedAt(place) !== gitDir) return false;
  for (const name of names.filter((each) => each !== '.git')) removeBuilt(join(place, name));
  rmSync(join(place, '.git'), { force: true });
  rmdirSync(place);
  return true;
}
