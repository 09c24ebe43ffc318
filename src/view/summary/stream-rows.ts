/** The table of streams on the live screen: which columns a row has and how they give way. */

import { dollars } from '../../core/dollars.ts';
import type { ReportStream } from '../../report/types.ts';
import { amount, duration } from '../amounts.ts';
import type { Style } from '../style.ts';
import { type Column, type LaidOut, layOut, renderTable } from '../table.ts';
import { progressBar } from './bar.ts';
import { ageOf, changesOf, type Neighbours, noteOf } from './stream-note.ts';

const WIDE = 140;
const BAR = 8;

export type RowContext = {
  readonly style: Style;
  readonly neighbours: Neighbours;
  readonly nowMs: number;
  /** Shows the wave in a column of its own, where there are no headings. */
  readonly depthColumn: boolean;
};

type StreamColumn = Column<ReportStream>;

function nameColumns({ style, neighbours, depthColumn }: RowContext): StreamColumn[] {
  const { clean, glyphs, paint } = style;
  const dependencies = (stream: ReportStream): string =>
    stream.dependencies.length === 0
      ? ''
      : `${glyphs.from} ${stream.dependencies.map((id) => clean(neighbours.nameOf.get(id) ?? id)).join(', ')}`;
  const depth: StreamColumn = {
    cell: (stream) => ({ text: String(stream.depth + 1), paint: paint('gray') }),
    min: 1,
    max: 4,
    align: 'right',
    rank: 3,
  };
  return [
    ...(depthColumn ? [depth] : []),
    {
      cell: (stream) => ({ text: style.state(stream.state).symbol, paint: style.state(stream.state).paint }),
      min: 1,
      max: 1,
      align: 'left',
      rank: 0,
    },
    {
      cell: (stream) => ({ text: clean(stream.id), paint: paint('bold') }),
      min: 16,
      max: 28,
      align: 'left',
      rank: 0,
    },
    {
      cell: ({ id, name }) => ({ text: name === id ? '' : clean(name), paint: style.plain }),
      min: 14,
      max: 26,
      align: 'left',
      rank: 6,
    },
    {
      cell: (stream) => ({ text: dependencies(stream), paint: paint('gray') }),
      min: 6,
      max: 24,
      align: 'left',
      rank: 7,
    },
  ];
}

function progressColumns({ style, nowMs }: RowContext): StreamColumn[] {
  const stateColour = (stream: ReportStream) => style.state(stream.state).paint;
  return [
    {
      cell: () => ({ text: ' '.repeat(BAR), paint: style.plain }),
      draw: (stream, columns) => progressBar(style, stream.tasks, columns, stateColour(stream)),
      min: BAR,
      max: BAR,
      align: 'left',
      rank: 4,
    },
    {
      cell: ({ tasks }) => ({ text: `${tasks.completed}/${tasks.total}`, paint: style.plain }),
      min: 3,
      max: 9,
      align: 'right',
      rank: 1,
    },
    {
      cell: (stream) => ({ text: style.state(stream.state).word, paint: stateColour(stream) }),
      min: 13,
      max: 13,
      align: 'left',
      rank: 0,
    },
    {
      cell: (stream) => ({ text: ageOf(stream, nowMs), paint: style.plain }),
      min: 5,
      max: 5,
      align: 'right',
      rank: 2,
    },
  ];
}

function workColumns({ style, neighbours, nowMs }: RowContext): StreamColumn[] {
  const gray = style.paint('gray');
  return [
    {
      cell: ({ pid }) => ({ text: pid === null ? '' : `pid ${pid}`, paint: gray }),
      min: 11,
      max: 14,
      align: 'left',
      rank: 8,
    },
    {
      cell: (stream) => ({ text: changesOf(stream, style), paint: style.plain }),
      min: 16,
      max: 20,
      align: 'left',
      rank: 9,
    },
    {
      cell: ({ tokens }) => ({ text: tokens === null ? '' : `${amount(tokens)} tok`, paint: gray }),
      min: 9,
      max: 9,
      align: 'right',
      rank: 10,
    },
    {
      cell: (stream) => ({ text: style.clean(noteOf(stream, neighbours, nowMs)), paint: style.plain }),
      min: 24,
      max: 400,
      align: 'left',
      rank: 5,
    },
  ];
}

/** One line a stream, at most `columns` wide, all aligned. */
export function streamRows(streams: readonly ReportStream[], context: RowContext, columns: number): string[] {
  const table = [...nameColumns(context), ...progressColumns(context), ...workColumns(context)];
  return renderTable(context.style, streams, table, columns, columns >= WIDE ? 2 : 1);
}

/** Columns of the rows that are steered: what the agent does has its place before counts, and every time says of what. */
function steeredColumns(context: Omit<RowContext, 'depthColumn'>, columns: number): StreamColumn[] {
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
  // The short form is what one types where there is no room for the whole id.
  const called = ({ id }: ReportStream): string =>
    style.clean(columns < 100 ? (neighbours.nameOf.get(id) ?? id) : id);
  const time = (ms: number | null): string => (ms === null || ms < 1000 ? '' : duration(ms));
  return [
    column('', [1, 1, 0], ({ state }) => style.state(state).symbol, colour),
    column('STREAM', [8, 40, 0], called, () => style.paint('bold')),
    column('NAME', [12, 26, 6], ({ id, name }) => (name === id ? '' : style.clean(name))),
    column('TASKS', [5, 9, 2], ({ tasks }) => `${tasks.completed}/${tasks.total}`, undefined, 'right'),
    column('STATE', [columns < 60 ? 11 : 14, 19, 0], (stream) => stateText(stream, nowMs), colour),
    column('WORKED', [6, 6, 3], ({ workedMs }) => time(workedMs), undefined, 'right'),
    column('WAITED', [6, 6, 7], ({ waitedMs }) => time(waitedMs), undefined, 'right'),
    column('CHANGES', [12, 20, 8], (stream) => changesOf(stream, style)),
    column(
      'COST',
      [5, 9, 9],
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

/** `running 4m`; of what is done only that: its time stands still. */
function stateText(stream: ReportStream, nowMs: number): string {
  const age = stream.state === 'done' ? '' : ageOf(stream, nowMs);
  return age === '' ? stream.state : `${stream.state} ${age}`;
}

/** Ages may be as old as this: then a key that is pressed again and again lays nothing out anew. */
const FRESH_MS = 2_000;

/** The last layout, and what it was made from. */
let last: { readonly made: readonly unknown[]; readonly rows: LaidOut } | null = null;

/** The titles, and one line a stream of `range`, laid out as all of them would be. */
export function steeredRows(
  streams: readonly ReportStream[],
  context: Omit<RowContext, 'depthColumn'>,
  columns: number,
  range: { readonly from: number; readonly to: number },
): { readonly titles: string; readonly lines: readonly string[] } {
  const { style, neighbours, nowMs } = context;
  const look = `${style.paint('bold')('')} ${style.glyphs.ellipsis} ${Math.floor(nowMs / FRESH_MS)}`;
  const made = [streams, neighbours, columns, look];
  if (last === null || made.some((each, i) => each !== last?.made[i])) {
    const table = steeredColumns(context, columns);
    last = { made, rows: layOut(style, streams, table, columns, columns >= WIDE ? 2 : 1) };
  }
  return { titles: last.rows.titles, lines: last.rows.part(range) };
}
