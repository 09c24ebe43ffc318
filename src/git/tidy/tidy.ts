/** Puts together the part of the git adapter that takes things away and brings them back. */
import type { Door } from '../door.ts';
import type { Git } from '../types.ts';
import { requireLink } from '../worktree-link.ts';
import { look } from './find.ts';
import { noteMade } from './ignored-files.ts';
import { readShared } from './place.ts';
import { remove } from './remove.ts';
import { bringBack, forgetContained, forgetSaved, remains, savedWork } from './saved-refs.ts';
import { saveSnapshot } from './saved-work.ts';
import type { Tidy } from './types.ts';

/** `ensure` makes a worktree with its branch, for what is brought back. */
export function createTidy(door: Door, ensure: Git['ensureWorktree']): Tidy {
  return {
    noteMade: async (path, disposable, { before = null, former = null } = {}) =>
      noteMade(door, requireLink(door, path), disposable, { before, former }),
    saveSnapshot: (request) => saveSnapshot(door, request),
    shared: () => readShared(door),
    find: async (place, shared) => {
      const { worktree, head, held } = await look(door, place, shared);
      return { worktree, head, held };
    },
    remove: (place, shared, request) => remove(door, place, shared, request),
    savedWork: () => savedWork(door),
    bringBack: (saved, place) => bringBack(door, saved, place, ensure),
    forgetSaved: (saved) => forgetSaved(door, saved),
    forgetContained: () => forgetContained(door),
    remains: (places) => remains(door, places),
  };
}
