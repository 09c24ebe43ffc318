/** One line of a readable log, and how it is written; the last gate before text of workers reaches a terminal. */
import { printable } from '../../core/printable.ts';

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
