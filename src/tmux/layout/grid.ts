/** Where the summary and the workers stand in one window, as tmux's own layout text; pure geometry. */

/** A window's size in characters. */
export type Size = { readonly columns: number; readonly rows: number };
/** Smallest size at which a worker's pane can be read. */
export type Limits = { readonly minWidth: number; readonly minHeight: number };

/** The summary is readable from here on (its border apart). */
const SUMMARY_WIDTH = 40;
const SUMMARY_HEIGHT = 9;
/** More width than this does the summary no good. */
const SUMMARY_ENOUGH = 100;
const SUMMARY_SHARE = 0.42;

/** Where the workers' part stands, and how many columns and rows of them it can hold. */
type Division = { readonly beside: boolean; readonly across: number; readonly down: number };

/** How many lengths of `least` with a line between them fit into `whole`. */
function fitting(whole: number, least: number): number {
  return Math.max(0, Math.floor((whole + 1) / (least + 1)));
}

/** Each pane has one line for its border above it, the topmost ones too. */
function divisions({ columns, rows }: Size, { minWidth, minHeight }: Limits): Division[] {
  const besideDown = Math.floor(rows / (minHeight + 1));
  const beside = { across: fitting(columns - SUMMARY_WIDTH - 1, minWidth), down: besideDown };
  const belowDown = Math.floor((rows - SUMMARY_HEIGHT - 1) / (minHeight + 1));
  const below = { across: fitting(columns, minWidth), down: Math.max(0, belowDown) };
  return [
    { beside: true, ...beside },
    { beside: false, ...below },
  ];
}

/** How many workers a window of this size can show beside (or below) the summary. */
export function capacity(size: Size, limits: Limits): number {
  return Math.max(...divisions(size, limits).map(({ across, down }) => across * down));
}

/** A rectangle of the window: one pane, or parts beside (`row`) or below each other. */
type Cell = Size & { readonly x: number; readonly y: number } & (
    | { readonly kind: 'pane' }
    | { readonly kind: 'row' | 'column'; readonly cells: readonly Cell[] }
  );

/** Cuts `length` into `parts` with one character between each two, as even as can be. */
function cut(length: number, parts: number): number[] {
  const net = length - (parts - 1);
  const least = Math.floor(net / parts);
  return Array.from({ length: parts }, (_, i) => least + (i < net % parts ? 1 : 0));
}

type Area = Size & { readonly x: number; readonly y: number };

/** `area` cut into `lengths` beside or below each other. */
function split(area: Area, kind: 'row' | 'column', lengths: readonly number[]): Area[] {
  let at = kind === 'row' ? area.x : area.y;
  return lengths.map((length) => {
    const part = kind === 'row' ? { ...area, x: at, columns: length } : { ...area, y: at, rows: length };
    at += length + 1;
    return part;
  });
}

function stack(area: Area, kind: 'row' | 'column', cells: readonly Cell[]): Cell {
  const [only] = cells;
  return cells.length === 1 && only !== undefined ? only : { ...area, kind, cells };
}

/** `count` panes in columns of at most `down`, filled column by column. */
function grid(area: Area, count: number, down: number): Cell {
  const across = Math.ceil(count / down);
  const columns = split(area, 'row', cut(area.columns, across));
  let left = count;
  const cells = columns.map((column, i): Cell => {
    const here = Math.ceil(left / (across - i));
    left -= here;
    const panes = split(column, 'column', cut(column.rows, here));
    return stack(
      column,
      'column',
      panes.map((pane): Cell => ({ ...pane, kind: 'pane' })),
    );
  });
  return stack(area, 'row', cells);
}

/** The lengths of summary and workers: a share for the summary, as far as the workers leave it one. */
function summaryLength(division: Division, size: Size, limits: Limits, count: number): number {
  if (division.beside) {
    const across = Math.ceil(count / division.down);
    const workers = across * (limits.minWidth + 1);
    const share = Math.max(SUMMARY_WIDTH, Math.floor(size.columns * SUMMARY_SHARE));
    return Math.min(SUMMARY_ENOUGH, share, size.columns - workers);
  }
  const deep = Math.ceil(count / division.across);
  const workers = deep * (limits.minHeight + 1);
  const share = Math.max(SUMMARY_HEIGHT + 1, Math.floor(size.rows * SUMMARY_SHARE));
  return Math.min(share, size.rows - workers);
}

/** The first division that holds `count` workers, workers beside the summary where there is width for both. */
function divisionFor(size: Size, limits: Limits, count: number): Division | null {
  return divisions(size, limits).find(({ across, down }) => across * down >= count) ?? null;
}

/**
 * tmux's layout text for a summary and `count` workers (1 or more), panes in this order; null when they don't fit. See
 * "window_layout" in tmux's manual: `checksum,WxH,x,y{beside}` or `[below]`.
 */
export function layoutText(size: Size, limits: Limits, count: number): string | null {
  const division = divisionFor(size, limits, count);
  if (division === null || count < 1) return null;
  const area: Area = { ...size, x: 0, y: 0 };
  const own = summaryLength(division, size, limits, count);
  const kind = division.beside ? 'row' : 'column';
  const rest = (division.beside ? size.columns : size.rows) - own - 1;
  const [summary, workers] = split(area, kind, [own, rest]);
  if (summary === undefined || workers === undefined) return null;
  const down = division.beside ? division.down : Math.ceil(count / Math.min(division.across, count));
  const grown = grid(workers, count, down);
  // A layout directly inside one of the same direction is no layout to tmux: its parts belong to the outer one.
  const inner = grown.kind === kind ? grown.cells : [grown];
  const text = cellText({ ...area, kind, cells: [{ ...summary, kind: 'pane' }, ...inner] }, { id: 0 });
  return `${checksum(text)},${text}`;
}

function cellText(cell: Cell, next: { id: number }): string {
  const at = `${cell.columns}x${cell.rows},${cell.x},${cell.y}`;
  if (cell.kind === 'pane') {
    next.id += 1;
    return `${at},${next.id - 1}`;
  }
  const inside = cell.cells.map((each) => cellText(each, next)).join(',');
  return cell.kind === 'row' ? `${at}{${inside}}` : `${at}[${inside}]`;
}

/** tmux's 16 bit checksum of a layout: rotate right, add. */
function checksum(text: string): string {
  let sum = 0;
  for (const character of text) {
    sum = ((sum >> 1) + ((sum & 1) << 15) + character.charCodeAt(0)) & 0xffff;
  }
  return sum.toString(16).padStart(4, '0');
}
