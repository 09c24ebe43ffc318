/** Lays rows out in aligned columns of a given total width: what matters most gets its place first, the rest as far as there is room. */
import type { Paint, Style } from './style.ts';
import { cut, fit, widthOf } from './text-width.ts';

/** Text that is clean and not yet coloured. */
export type Cell = { readonly text: string; readonly paint: Paint };

export type Column<Row> = {
  readonly cell: (row: Row) => Cell;
  /** What stands above it where titles are asked for. */
  readonly title?: string;
  /** Fewest columns it is useful at, and the most it may take. */
  readonly min: number;
  readonly max: number;
  readonly align: 'left' | 'right';
  /** 0 stays always; of the others the lowest gets its place first. */
  readonly rank: number;
};

const NO_CELL: Cell = { text: '', paint: (text) => text };

type Placed<Row> = {
  readonly column: Column<Row>;
  readonly cells: readonly Cell[];
  readonly wish: number;
  width: number;
};

function place<Row>(rows: readonly Row[], columns: readonly Column<Row>[], titled: boolean): Placed<Row>[] {
  return columns.flatMap((column) => {
    const cells = rows.map(column.cell);
    const filled = cells.reduce((most, cell) => Math.max(most, widthOf(cell.text)), 0);
    const widest = titled && filled > 0 ? Math.max(filled, widthOf(column.title ?? '')) : filled;
    const wish = Math.min(column.max, widest);
    return wish === 0 ? [] : [{ column, cells, wish, width: Math.min(column.min, wish) }];
  });
}

const totalWidth = <Row>(placed: readonly Placed<Row>[], gap: number): number =>
  placed.reduce((sum, { width }) => sum + width, 0) + gap * Math.max(0, placed.length - 1);

/** The columns that fit at their least width, chosen from the most important down; those of rank 0 always. */
function choose<Row>(placed: readonly Placed<Row>[], width: number, gap: number): Placed<Row>[] {
  const chosen = new Set<Placed<Row>>();
  let used = -gap;
  for (const each of [...placed].sort((a, b) => a.column.rank - b.column.rank)) {
    const more = gap + each.width;
    if (each.column.rank > 0 && used + more > width) continue;
    chosen.add(each);
    used += more;
  }
  return placed.filter((each) => chosen.has(each));
}

/** Takes columns from the widest until all fit (only on terminals narrower than we are made for). */
function shrink<Row>(placed: readonly Placed<Row>[], width: number, gap: number): void {
  for (let over = totalWidth(placed, gap) - width; over > 0; over -= 1) {
    const widest = placed.reduce<Placed<Row> | null>(
      (most, each) => (most === null || each.width > most.width ? each : most),
      null,
    );
    if (widest === null || widest.width <= 1) return;
    widest.width -= 1;
  }
}

/** Gives what is left to the columns that wish for more, the most important first. */
function grow<Row>(placed: readonly Placed<Row>[], width: number, gap: number): void {
  let left = width - totalWidth(placed, gap);
  for (const each of [...placed].sort((a, b) => a.column.rank - b.column.rank)) {
    const more = Math.min(left, each.wish - each.width);
    if (more > 0) {
      each.width += more;
      left -= more;
    }
  }
}

/** One cell as it is drawn, and the columns that stay blank behind it. */
function drawCell<Row>(style: Style, cell: Cell, { column, width }: Placed<Row>) {
  const { ellipsis } = style.glyphs;
  const shown =
    column.align === 'right' ? fit(cell.text, width, ellipsis, 'right') : cut(cell.text, width, ellipsis);
  if (shown.trim() === '') return { drawn: '', blank: width };
  return { drawn: cell.paint(shown), blank: width - widthOf(shown) };
}

/** One line a row, each at most `width` columns wide, without trailing spaces. */
export function renderTable<Row>(
  style: Style,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
  gap: number,
): string[] {
  const placed = fitted(place(rows, columns, false), width, gap);
  return rows.map((_row, i) => drawRow(style, i, placed, gap));
}

/** Titles and rows laid out as a whole, of which parts are drawn. */
export type LaidOut = {
  readonly titles: string;
  readonly part: (range: { readonly from: number; readonly to: number }) => readonly string[];
};

/** Lays all rows out under titles, so that nothing moves when they are scrolled; what is drawn of them costs no more than that. */
export function layOut<Row>(
  style: Style,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
  gap: number,
): LaidOut {
  const placed = fitted(place(rows, columns, true), width, gap);
  const gray = style.paint('gray');
  const titles = placed.map(({ column, width: wide }) =>
    fit(column.title ?? '', wide, style.glyphs.ellipsis, column.align),
  );
  return {
    titles: gray(titles.join(' '.repeat(gap)).trimEnd()),
    part: ({ from, to }) => rows.slice(from, to).map((_row, i) => drawRow(style, from + i, placed, gap)),
  };
}

function fitted<Row>(wished: readonly Placed<Row>[], width: number, gap: number): Placed<Row>[] {
  const placed = choose(wished, width, gap);
  shrink(placed, width, gap);
  grow(placed, width, gap);
  return placed;
}

function drawRow<Row>(style: Style, at: number, placed: readonly Placed<Row>[], gap: number): string {
  let line = '';
  let blanks = 0;
  for (const each of placed) {
    const { drawn, blank } = drawCell(style, each.cells[at] ?? NO_CELL, each);
    if (drawn !== '') {
      line += ' '.repeat(blanks) + drawn;
      blanks = 0;
    }
    blanks += blank + gap;
  }
  return line;
}
