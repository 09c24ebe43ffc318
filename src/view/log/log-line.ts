/** One line of a readable log, and how it is written; the last gate before text of workers reaches a terminal. */
import { printable } from '../../core/printable.ts';
import type { Style } from '../style.ts';
import { wrap } from '../text-width.ts';

/** A line and when it happened (null: with the line before it). */
export type LogLine = { readonly atMs: number | null; readonly text: string };

/** Columns kept of one line: a log is for reading, the whole is in the agent's own files. */
const WIDTH = 400;
/** Columns of `2026-11-24 10:50:23`. */
const STAMP = 19;

/** The line as a log has it, without its line end: local time, two spaces, text free of anything a terminal obeys. */
export function formatLogLine(line: LogLine): string {
  const stamp = line.atMs === null ? ' '.repeat(STAMP) : localTime(line.atMs);
  return `${stamp}  ${printable(line.text, WIDTH)}`.trimEnd();
}

/** The line of a log as `formatLogLine` wrote it, to the second. */
export function parseLogLine(line: string): LogLine {
  const atMs = Date.parse(line.slice(0, STAMP).replace(' ', 'T'));
  return { atMs: Number.isNaN(atMs) ? null : atMs, text: line.slice(STAMP + 2) };
}

/** How a line is painted, by what it begins with: what was run, what was asked, what went wrong, what came back, our events. */
const PAINTS: readonly (readonly [mark: RegExp, colour: Parameters<Style['paint']>[0]])[] = [
  [/^-- (?:! |(?:failed|needs-input|stalled|run \d* ?failed)\b)/, 'yellow'],
  [/^-- /, 'gray'],
  [/^ *! /, 'red'],
  [/^\$ /, 'bold'],
  [/^\* /, 'bold'],
  [/^> /, 'cyan'],
  [/^ {2}\| /, 'gray'],
];
/** Columns of `10:50:23`. */
const CLOCK = 8;

/**
 * Prints a log for a screen: the day once, above its first line, then the time of day; lines are painted, and a long one goes
 * on below itself within `columns` (null: it stays whole).
 */
export function createLogPrinter(style: Style, columns: () => number | null): (line: LogLine) => string[] {
  let day = '';
  return (line) => {
    const [date = '', clock = ''] = line.atMs === null ? [] : localTime(line.atMs).split(' ');
    const heading = date === '' || date === day ? [] : [style.paint('gray')(date)];
    if (date !== '') day = date;
    const text = printable(line.text, WIDTH);
    const paint = style.paint(PAINTS.find(([mark]) => mark.test(text))?.[1] ?? 'plain');
    const room = columns();
    const lead = `${clock.padEnd(CLOCK)}  `;
    const parts = room === null ? [text] : wrap(text, Math.max(20, room - lead.length));
    const lines = (parts.length === 0 ? [''] : parts).map((part, at) =>
      `${at === 0 ? style.paint('gray')(lead) : ' '.repeat(lead.length)}${paint(part)}`.trimEnd(),
    );
    return [...heading, ...lines];
  };
}

/** Lines in the order of time; those without a time stay behind the line they followed. */
export function sortByTime(lines: readonly LogLine[]): LogLine[] {
  let lastMs = Number.NEGATIVE_INFINITY;
  const timed = lines.map((line) => {
    lastMs = line.atMs ?? lastMs;
    return { line, atMs: lastMs };
  });
  return timed.sort((a, b) => a.atMs - b.atMs).map(({ line }) => line);
}

function localTime(atMs: number): string {
  const date = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
