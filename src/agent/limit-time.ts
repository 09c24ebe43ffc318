/** Reads when a usage limit ends from the sentence Claude Code prints, e.g. `resets 3:55am (Europe/Berlin)`. */

const RESETS = /resets (?:at )?(\d{1,2})(?::(\d{2}))?\s*(am|pm)(?: \(([\w/+-]+)\))?/i;
const DAY_MS = 24 * 60 * 60 * 1000;
const MINUTE_MS = 60 * 1000;

/** The next moment after `fromMs` at which the named time of day comes; null when the text names none. */
export function limitEnd(text: string, fromMs: number): number | null {
  const found = RESETS.exec(text);
  if (found === null) return null;
  const [, hour, minute, half, zone] = found;
  const hour24 = (Number(hour) % 12) + (half?.toLowerCase() === 'pm' ? 12 : 0);
  const wanted = hour24 * 60 + Number(minute ?? 0);
  const now = minutesOfDay(fromMs, zone);
  if (now === null) return null;
  const minuteStartMs = fromMs - (fromMs % MINUTE_MS);
  const atMs = minuteStartMs + (wanted - now) * MINUTE_MS;
  return atMs > fromMs ? atMs : atMs + DAY_MS;
}

/** Minutes since midnight in a time zone (the machine's own without one); null for a zone that is not known here. */
function minutesOfDay(atMs: number, zone: string | undefined): number | null {
  try {
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    const [hour = '0', minute = '0'] = format.format(atMs).split(':');
    return Number(hour) * 60 + Number(minute);
  } catch {
    return null;
  }
}
