/** A worktree of our own in which commands check a commit: on no branch, and holding nobody's work. */
import { rmSync } from 'node:fs';
import type { Door } from './door.ts';
import { checkedSha } from './names.ts';
import {
  foreignPath,
  inWorktree,
  kindAt,
  lockReason,
  preparePlace,
  readLink,
  realParent,
  textOf,
  worktreeEntries,
} from './worktree-link.ts';

/** No stream's key begins so. */
const NAME = '_landing';

/** See `Git.scratchWorktree`. Throws exit 5 for anything else at the path. */
export async function scratchWorktree(door: Door, path: string, sha: string): Promise<void> {
  const place = preparePlace(door.root, path);
  const link = readLink(place, door.commonDir);
  if (link !== null) {
    if (!isOurs(door, place)) throw foreignPath(place);
    const here = inWorktree(link, door.commonDir);
    await door.write(['update-ref', '--no-deref', 'HEAD', checkedSha(sha)], here);
    await door.write(['read-tree', '--reset', '-u', checkedSha(sha)], here);
    // What commands left on another commit would be found by those on this one; what is ignored (what they built) may stay.
    await door.write(['clean', '-ffdq'], here);
    return;
  }
  if (kindAt(place) !== 'missing') throw foreignPath(place);
  await forgetEntry(door, place);
  const args = ['worktree', 'add', '--quiet', '--detach', '--lock', '--reason', lockReason(NAME), place];
  await door.write([...args, checkedSha(sha)]);
}

/** See `Git.removeScratchWorktree`. Anything that is not ours stays. */
export async function removeScratchWorktree(door: Door, path: string): Promise<void> {
  const place = realParent(path);
  if (place === null || !isOurs(door, place)) return;
  // Commands left what they built: git would remove that by force only.
  if (readLink(place, door.commonDir) !== null) rmSync(place, { recursive: true, force: true });
  await forgetEntry(door, place);
}

function isOurs(door: Door, place: string): boolean {
  return worktreeEntries(door.commonDir).some(
    (entry) => entry.path === place && textOf(`${entry.gitDir}/locked`) === lockReason(NAME),
  );
}

/** Takes git's entry of a worktree away whose directory is gone. */
async function forgetEntry(door: Door, place: string): Promise<void> {
  if (!isOurs(door, place) || kindAt(place) !== 'missing') return;
  await door.write(['worktree', 'unlock', place]);
  await door.write(['worktree', 'remove', place]);
}
