/** Decides how the windows of our session become what the view asks for; pure, and it asks for nothing where all is as wanted. */

import type { ViewFacts, ViewPane } from '../types.ts';
import { capacity, type Limits, layoutText } from './grid.ts';
import { placesFor, type WindowPlace } from './window-indexes.ts';

/** One change of the session's windows. Panes are named by id. */
export type LayoutStep =
  /**
   * Into the view's window, behind `after`; `place` is the index of the window it leaves, to which it comes back, null for
   * one that comes from another window of the view: what is remembered of its own window stays.
   */
  | {
      readonly kind: 'join';
      readonly pane: string;
      readonly after: string;
      readonly window: string;
      readonly place: number | null;
    }
  /** Into a window of its own, at a free index or beside the window of another pane; `follow`: people's eyes go with it. */
  | {
      readonly kind: 'leave';
      readonly pane: string;
      readonly at: WindowPlace;
      readonly follow: boolean;
      readonly held: boolean;
    }
  /** The summary to the front of its window's panes. */
  | { readonly kind: 'swap'; readonly pane: string; readonly with: string }
  /** Sizes of all panes, null where they don't fit; `mark` remembers what was made. */
  | { readonly kind: 'layout'; readonly window: string; readonly text: string | null; readonly mark: string }
  /** What is remembered of a pane that the user has taken out of the window is forgotten. */
  | { readonly kind: 'forget'; readonly pane: string }
  /** The window without the view's borders again. */
  | { readonly kind: 'plain'; readonly window: string };

export type Arrangement = {
  readonly steps: readonly LayoutStep[];
  /** Panes that the view's window shows after the steps, besides the summary. */
  readonly shown: readonly string[];
  /** Living workers without a place in it. */
  readonly hidden: number;
};

/** A living worker that the view would show. */
export type Wanted = { readonly pane: string; readonly urgent: boolean };

/** Panes in the view's window, by what may become of them. */
type Window = {
  readonly summary: ViewPane;
  readonly size: { readonly columns: number; readonly rows: number };
  /** In the order of tmux. */
  readonly others: readonly ViewPane[];
};

/** The steps from `view` as it is to the `wanted` workers (most important first) beside the summary, or out of it when off. */
export function arrange(view: ViewFacts, wanted: readonly Wanted[], limits: Limits): Arrangement {
  if (!view.on) return dissolve(view, wanted.length);
  const summary = view.panes.find(({ role }) => role === 'summary');
  if (summary === undefined) return { steps: [], shown: [], hidden: wanted.length };
  const others = view.panes.filter(({ windowId, id }) => windowId === summary.windowId && id !== summary.id);
  const window: Window = { summary, others, size: summary };
  // The user looks at one pane of it alone: any change would end that.
  if (summary.zoomed) return nothing(window, wanted);
  const chosen = choose(view, window, wanted, limits);
  const leaving = others.filter((pane) => isWorker(pane) && !isHeld(pane) && !chosen.has(pane.id));
  const staying = others.filter((pane) => !leaving.includes(pane));
  const joining = wanted.filter(({ pane }) => chosen.has(pane) && !others.some(({ id }) => id === pane));
  const shown = [...staying.map(({ id }) => id), ...joining.map(({ pane }) => pane)];
  const steps = [
    ...leaveSteps(view, leaving),
    ...joinSteps(view, window, staying, joining),
    ...layoutSteps(window, shown, limits),
  ];
  return { steps, shown, hidden: wanted.filter(({ pane }) => !shown.includes(pane)).length };
}

function nothing(window: Window, wanted: readonly Wanted[]): Arrangement {
  const shown = window.others.map(({ id }) => id);
  return { steps: [], shown, hidden: wanted.filter(({ pane }) => !shown.includes(pane)).length };
}

const isWorker = (pane: ViewPane): boolean => pane.role === 'worker';
/** The user types into the pane or scrolls in it: it stays where it is. */
const isHeld = (pane: ViewPane): boolean => pane.inMode || (pane.active && pane.watched);

/** Which workers the window shows: those held in it, then urgent ones, then those that it shows already. */
function choose(
  view: ViewFacts,
  window: Window,
  wanted: readonly Wanted[],
  limits: Limits,
): ReadonlySet<string> {
  const inside = new Map(window.others.map((pane) => [pane.id, pane]));
  const wantedIds = new Set(wanted.map(({ pane }) => pane));
  const stuck = window.others.filter(
    (pane) => !isWorker(pane) || (isHeld(pane) && !wantedIds.has(pane.id)),
  ).length;
  const room = Math.max(0, capacity(window.size, limits) - stuck);
  const rank = ({ pane, urgent }: Wanted): number => {
    const here = inside.get(pane);
    if (here !== undefined && isHeld(here)) return 0;
    if (urgent) return 1;
    return here === undefined ? 3 : 2;
  };
  const able = wanted.filter(({ pane }) => inside.has(pane) || canJoin(view, window, pane));
  return new Set(
    [...able]
      .sort((a, b) => rank(a) - rank(b))
      .slice(0, room)
      .map(({ pane }) => pane),
  );
}

/**
 * Not held, and where we left it: alone in a window of its own, or in a window of the view whose summary is gone. One that
 * the user put elsewhere stays there.
 */
function canJoin(view: ViewFacts, { summary }: Window, id: string): boolean {
  const pane = view.panes.find((each) => each.id === id);
  if (pane === undefined || isHeld(pane) || pane.zoomed || pane.shownIn === summary.windowId) return false;
  const alone = view.panes.filter(({ windowId }) => windowId === pane.windowId).length === 1;
  return alone || pane.shownIn === pane.windowId;
}

function joinSteps(
  view: ViewFacts,
  { summary }: Window,
  staying: readonly ViewPane[],
  joining: readonly Wanted[],
): LayoutStep[] {
  let after = staying.at(-1)?.id ?? summary.id;
  return joining.map(({ pane }) => {
    const from = view.panes.find(({ id }) => id === pane);
    const place = from === undefined || from.shownIn === from.windowId ? null : from.windowIndex;
    const step: LayoutStep = { kind: 'join', pane, after, window: summary.windowId, place };
    after = pane;
    return step;
  });
}

function leaveSteps(view: ViewFacts, leaving: readonly ViewPane[]): LayoutStep[] {
  return placesFor(view.panes, leaving).map(({ pane, at }) => ({
    kind: 'leave',
    pane: pane.id,
    at,
    follow: !view.on && pane.active && pane.current,
    held: view.on,
  }));
}

/** Sizes are set when the panes or the window's size changed, so that the user may change them in between. */
function layoutSteps(
  { summary, others, size }: Window,
  shown: readonly string[],
  limits: Limits,
): LayoutStep[] {
  const ids = [summary.id, ...shown];
  const mark = [`${size.columns}x${size.rows}`, ...ids.map((id) => id.slice(1))].join(' ');
  if (summary.layout === mark) return [];
  const first = others.length > 0 && isBehind(summary, others) ? others[0] : undefined;
  const text = shown.length === 0 ? null : layoutText(size, limits, shown.length);
  return [
    ...(first === undefined ? [] : [{ kind: 'swap', pane: summary.id, with: first.id } as const]),
    { kind: 'layout', window: summary.windowId, text, mark },
  ];
}

/** The summary isn't the first pane of its window. */
function isBehind(summary: ViewPane, others: readonly ViewPane[]): boolean {
  return others.some(({ position }) => position < summary.position);
}

/** The view is off: its workers get windows of their own again, even those that the user types into. */
function dissolve(view: ViewFacts, wanted: number): Arrangement {
  const shown = view.panes.filter((pane) => isWorker(pane) && pane.shownIn === pane.windowId);
  const strayed = view.panes.filter((pane) => pane.shownIn !== '' && !shown.includes(pane));
  const dressed = new Set(view.panes.filter(({ layout }) => layout !== '').map(({ windowId }) => windowId));
  const plain = [...dressed].map((window): LayoutStep => ({ kind: 'plain', window }));
  const forget = strayed.map(({ id }): LayoutStep => ({ kind: 'forget', pane: id }));
  return { steps: [...leaveSteps(view, shown), ...forget, ...plain], shown: [], hidden: wanted };
}
