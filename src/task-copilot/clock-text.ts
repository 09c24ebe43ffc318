/** Times as the store's columns hold them: ISO-8601 in what we write, SQLite's own form as well in what we read. */

const WITHOUT_ZONE = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2}(?:\.\d+)?)$/;

/** Milliseconds since the epoch of a time column (UTC, also where it names no zone); 0 when it holds no time. */
export function parseTime(value: unknown): number {
  if (typeof value !== 'string') return 0;
  const ms = Date.parse(value.endsWith('Z') ? value : value.replace(WITHOUT_ZONE, '$1T$2Z'));
  return Number.isNaN(ms) ? 0 : ms;
}

/** The text to store for a moment: ISO-8601 UTC with milliseconds and `Z`. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
