/** The table of streams on every screen that shows them: which columns a row has and how they give way. */

import { dollars } from '../../core/printable.ts';
import { isFinished, tally } from '../../core/states.ts';
import type { ReportStream } from '../../report/types.ts';
import { depthGroups } from '../../report/urgency.ts';
import { duration } from '../amounts.ts';
import { type Column, type LaidOut, layOut } from '../row-layout.ts';
import type { Style } from '../style.ts';
import { cut } from '../text-width.ts';
import { ageOf, changesOf, type Neighbours, noteOf } from './stream-note.ts';

const WIDE = 140;
/** Below it streams are called by their short names. */
export const NARROW = 100;

export type RowContext = {
  readonly style: Style;
  readonly neighbours: Neighbours;
  readonly nowMs: number;
};

const LEAST_NAME = 8;
const MOST_TO_TELL = 20;

type StreamColumn = Column<ReportStream>;

/** What the agent does has its place before counts, and every time says of what. */
function columnsOf(context: RowContext, columns: number): StreamColumn[] {
  const { style, neighbours, nowMs } = context;
  const gray = style.paint('gray');
  const colour = (stream: ReportStream) =>
    stream.needsYou ? style.paint('yellow') : style.state(stream.state).paint;
  const column = (
    title: string,
    [min, max, rank]: readonly [number, number, number],
    text: (stream: ReportStream) => string,
    paint: (stream: ReportStream) => Style['plain'] = () => style.plain,
    align: 'left' | 'right' = 'left',
  ): StreamColumn => ({
    title,
    min,
    max,
    rank,
    align,
    cell: (stream) => ({ text: text(stream), paint: paint(stream) }),
  });
  const called = naming(context, columns);
  const least = leastWidth([...neighbours.stateOf.keys()].map((id) => called({ id })));
  const time = (ms: number | null): string => (ms === null || ms < 1000 ? '' : duration(ms));
  return [
    column('', [1, 1, 0], ({ state }) => style.state(state).symbol, colour),
    column('STREAM', [least, 40, 0], called, () => style.paint('bold')),
    column('NAME', [columns < 110 ? 12 : 20, 26, 6], ({ id, name }) =>
      name === id ? '' : style.clean(name),
    ),
    column('TASKS', [5, 9, 2], ({ tasks }) => `${tasks.completed}/${tasks.total}`, undefined, 'right'),
    column('STATE', [columns < 56 ? 11 : 14, 19, 0], (stream) => stateText(stream, nowMs), colour),
    column('WORKED', [6, 6, 3], ({ workedMs }) => time(workedMs), undefined, 'right'),
    column('WAITED', [6, 6, 7], ({ waitedMs }) => time(waitedMs), undefined, 'right'),
    column('CHANGES', [12, 20, 8], (stream) => changesOf(stream, style)),
    column(
      'COST',
      [7, 9, 9],
      ({ costUsd }) => (costUsd === null ? '' : dollars(costUsd)),
      () => gray,
      'right',
    ),
    column(
      '',
      [columns < 60 ? 10 : 34, 400, 1],
      (stream) => style.clean(noteOf(stream, neighbours, nowMs)),
      (stream) => (stream.needsYou ? style.paint('yellow') : style.plain),
    ),
  ];
}

/** What a stream is called: its id, or where that has no room its short form, which one may type too. */
function naming(
  { style, neighbours }: RowContext,
  columns: number,
): (stream: Pick<ReportStream, 'id'>) => string {
  return ({ id }) => style.clean(columns < NARROW ? (neighbours.nameOf.get(id) ?? id) : id);
}

/** Columns in which no two of the names look alike, as far as that takes little of a narrow screen. */
function leastWidth(names: readonly string[]): number {
  const areTold = (width: number): boolean =>
    new Set(names.map((name) => cut(name, width, ''))).size === names.length;
  for (let width = LEAST_NAME; width <= MOST_TO_TELL; width += 1) if (areTold(width)) return width;
  return LEAST_NAME;
}

/** `running 4m`; of what is finished only that: its time stands still. */
export function stateText(stream: ReportStream, nowMs: number): string {
  const age = isFinished(stream) ? '' : ageOf(stream, nowMs);
  return age === '' ? stream.state : `${stream.state} ${age}`;
}

/** Ages may be as old as this: then a key that is pressed again and again lays nothing out again. */
const FRESH_MS = 2_000;

/** The last layout, and what it was made from. */
let last: { readonly made: readonly unknown[]; readonly rows: LaidOut } | null = null;

/** The titles, and one line a stream of `range`, laid out as all of them would be. */
export function streamRows(
  streams: readonly ReportStream[],
  context: RowContext,
  columns: number,
  range: { readonly from: number; readonly to: number },
): { readonly titles: string; readonly lines: readonly string[] } {
  const { style, neighbours, nowMs } = context;
  const look = `${style.paint('bold')('')} ${style.glyphs.ellipsis} ${Math.floor(nowMs / FRESH_MS)}`;
  const made = [streams, neighbours, columns, look];
  if (last === null || made.some((each, i) => each !== last?.made[i])) {
    const table = columnsOf(context, columns);
    last = { made, rows: layOut(style, streams, table, columns, columns >= WIDE ? 2 : 1) };
  }
  return { titles: last.rows.titles, lines: last.rows.part(range) };
}

/** `Wave 2 · 2 of 3 done`. */
export function waveText(depth: number, streams: readonly ReportStream[], { glyphs }: Style): string {
  const { finished, wanted } = tally(streams);
  return `Wave ${depth + 1} ${glyphs.event} ${finished} of ${wanted} done`;
}

/** The rows, each wave's under `Wave 2 · 2 of 3 done`. */
export function withHeadings(
  streams: readonly ReportStream[],
  lines: readonly string[],
  style: Style,
  columns: number,
): string[] {
  let at = 0;
  return depthGroups(streams).flatMap(({ depth, streams: wave }) => {
    const text = waveText(depth, wave, style);
    const rows = lines.slice(at, at + wave.length);
    at += wave.length;
    return [style.paint('gray')(cut(text, columns, style.glyphs.ellipsis)), ...rows];
  });
}
