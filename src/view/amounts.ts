/** Durations, counts and times in the few characters that a row has room for. */
import { dollars } from '../core/printable.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const two = (n: number): string => String(n).padStart(2, '0');

/** A duration in at most five characters: `42s`, `12m`, `1h05`, `3d04h`; seconds only below one minute. */
export function duration(ms: number): string {
  const rest = Math.max(0, ms);
  if (rest < MINUTE_MS) return `${Math.floor(rest / SECOND_MS)}s`;
  if (rest < HOUR_MS) return `${Math.floor(rest / MINUTE_MS)}m`;
  if (rest < DAY_MS) return `${Math.floor(rest / HOUR_MS)}h${two(Math.floor((rest % HOUR_MS) / MINUTE_MS))}`;
  const days = Math.floor(rest / DAY_MS);
  return days < 10 ? `${days}d${two(Math.floor((rest % DAY_MS) / HOUR_MS))}h` : `${days}d`;
}

/** A count in at most five characters: `812`, `12.3k`, `1.2M`. */
export function amount(count: number): string {
  if (count < 1000) return String(count);
  if (count < 999_950) return `${(count / 1000).toFixed(count < 99_950 ? 1 : 0)}k`;
  return `${(count / 1_000_000).toFixed(1)}M`;
}

/** `12.3k tokens, $0.42`, as far as known; empty when nothing is. */
export function usageText(used: { readonly tokens: number | null; readonly costUsd: number | null }): string {
  const { tokens, costUsd } = used;
  return [
    ...(tokens === null ? [] : [`${amount(tokens)} tokens`]),
    ...(costUsd === null ? [] : [dollars(costUsd)]),
  ].join(', ');
}

/** Local time of day, `14:05:09`; `withSeconds` false leaves the seconds out. */
export function clock(ms: number, withSeconds = true): string {
  const date = new Date(ms);
  const hhmm = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return withSeconds ? `${hhmm}:${two(date.getSeconds())}` : hhmm;
}

/** Milliseconds from an ISO time to `nowMs`, null for no time. */
export function ageMs(since: string | null, nowMs: number): number | null {
  return since === null ? null : Math.max(0, nowMs - Date.parse(since));
}

/** Whole percent, 100 only when really all is done. */
export function percent(part: number, total: number): number {
  if (total === 0) return 0;
  return part >= total ? 100 : Math.min(99, Math.floor((100 * part) / total));
}

/** Local time of day for today, else date and time: `14:05:09`, `2026-05-03 14:05`. */
export function moment(ms: number, nowMs: number): string {
  const date = new Date(ms);
  if (date.toDateString() === new Date(nowMs).toDateString()) return clock(ms);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(ms, false)}`;
}
