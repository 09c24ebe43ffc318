/** How the lines of a screen are shared: the head, the rows of streams, what is told of one of them, and the keys. */
import type { ReportStream } from '../../report/types.ts';
import { depthGroups } from '../../report/urgency.ts';

export type ScreenSize = { readonly columns: number; readonly rows: number };

/** Counts of lines; all follow from the size and the plan alone, so that nothing moves by itself. */
export type Layout = {
  readonly head: number;
  /** The line of column titles. */
  readonly titles: number;
  /** Streams that have a row. */
  readonly list: number;
  /** Lines that the list takes, headings too. */
  readonly shown: number;
  /** Each wave has a heading. */
  readonly headings: boolean;
  /** For each line of the whole list the place of its stream, undefined for a heading. */
  readonly lines: readonly (number | undefined)[];
  /** Lines for the stream at the cursor, its rule included. */
  readonly panel: number;
  /** The line of answers and questions, and the line of keys; on low screens one for both. */
  readonly foot: number;
};

const LOW = 20;
/** What a screen of fewer rows than the first number has: lines of head, titles and foot, and the least that the panel is given. */
const SHARES: readonly (readonly [below: number, Pick<Layout, 'head' | 'titles' | 'foot' | 'panel'>])[] = [
  [10, { head: 2, titles: 0, foot: 1, panel: 0 }],
  [12, { head: 3, titles: 0, foot: 1, panel: 0 }],
  [LOW, { head: 3, titles: 1, foot: 1, panel: 0 }],
  [30, { head: 5, titles: 1, foot: 2, panel: 8 }],
  [40, { head: 5, titles: 1, foot: 2, panel: 10 }],
];
/** All larger ones. */
const LARGE = { head: 5, titles: 1, foot: 2, panel: 14 };

/** The layout for these streams, in the order of their rows. */
export function layoutOf(streams: readonly ReportStream[], { rows }: ScreenSize): Layout {
  const share = SHARES.find(([below]) => rows < below)?.[1] ?? LARGE;
  const { head, titles, foot, panel: leastPanel } = share;
  const room = Math.max(1, rows - head - titles - foot);
  const groups = depthGroups(streams);
  const headings = rows >= LOW && streams.length + groups.length <= room - leastPanel;
  const count = streams.length + (headings ? groups.length : 0);
  const shown = Math.max(1, Math.min(count, room - leastPanel));
  const lines = linesOf(groups, headings);
  const panel = room - shown < 3 ? 0 : room - shown;
  return { head, titles, foot, headings, lines, shown, panel, list: headings ? streams.length : shown };
}

function linesOf(
  groups: readonly { readonly streams: readonly ReportStream[] }[],
  headings: boolean,
): (number | undefined)[] {
  let place = 0;
  return groups.flatMap(({ streams }) => {
    const rows = streams.map(() => place++);
    return headings ? [undefined, ...rows] : rows;
  });
}
