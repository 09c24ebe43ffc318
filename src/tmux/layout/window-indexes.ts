/** Finds the window indexes for panes that get a window of their own again, so that windows come back in their old order; pure. */
import type { ViewPane } from '../types.ts';

/** Where a window goes: an index that nothing has, or right before or behind the window of a pane. */
export type WindowPlace =
  | { readonly index: number }
  | { readonly before: string }
  | { readonly behind: string };

const numberOf = (id: string): number => Number(id.slice(1));

/**
 * A place for each of `leaving`: the index that its window had when that is free; else beside the window that has it now,
 * before or behind as their panes were made (ids of panes only grow).
 */
export function placesFor(
  panes: readonly ViewPane[],
  leaving: readonly ViewPane[],
): { readonly pane: ViewPane; readonly at: WindowPlace }[] {
  const takenBy = new Map<number, string>();
  for (const pane of panes) {
    const known = takenBy.get(pane.windowIndex);
    if (known === undefined || numberOf(pane.id) < numberOf(known)) takenBy.set(pane.windowIndex, pane.id);
  }
  const last = Number.MAX_SAFE_INTEGER;
  const ordered = [...leaving].sort(
    (a, b) => (a.place ?? last) - (b.place ?? last) || numberOf(a.id) - numberOf(b.id),
  );
  return ordered.map((pane) => ({ pane, at: placeFor(takenBy, pane) }));
}

/** The place of one pane; notes it in `takenBy`. */
function placeFor(takenBy: Map<number, string>, pane: ViewPane): WindowPlace {
  const wish = pane.place ?? Math.max(-1, ...takenBy.keys()) + 1;
  const holder = takenBy.get(wish);
  if (holder === undefined) {
    takenBy.set(wish, pane.id);
    return { index: wish };
  }
  const behind = numberOf(holder) < numberOf(pane.id);
  insert(takenBy, behind ? wish + 1 : wish, pane.id);
  return behind ? { behind: holder } : { before: holder };
}

/** As tmux does: what stands at `index`, and all that follow without a gap, move up by one. */
function insert(takenBy: Map<number, string>, index: number, pane: string): void {
  let moved: string | undefined = pane;
  for (let at = index; moved !== undefined; at += 1) {
    const next: string | undefined = takenBy.get(at);
    takenBy.set(at, moved);
    moved = next;
  }
}
