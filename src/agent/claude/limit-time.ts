/** Reads when a usage limit ends from the sentence Claude Code prints, e.g. `resets 3:55am (Europe/Berlin)` or `resets Nov 25, 2pm (UTC)`. */

/** Seen with the real program: a limit of more than a day names its date, one of another year the year too. */
const RESETS =
  /resets? (?:at |on )?(?:(?<month>[A-Z][a-z]{2})[a-z]* (?<day>\d{1,2}),? (?:(?<year>\d{4}),? )?(?:at )?)?(?<hour>\d{1,2})(?::(?<minute>\d{2}))?\s*(?<half>am|pm)(?: \((?<zone>[\w/+-]+)\))?/i;
/** Older versions, and headless ones, give seconds since the epoch. */
const EPOCH = /limit reached\|(\d{10})\b/;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAY_MS = 24 * 60 * 60 * 1000;
const MINUTE_MS = 60 * 1000;
/** A time of day that has just passed is the end of a limit that is over in its minute, not that of tomorrow. */
const JUST_PASSED_MS = 5 * MINUTE_MS;

type Calendar = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly minutes: number;
};

/** The moment after `fromMs` that the text names as the end of a limit; null when it names none. */
export function limitEnd(text: string, fromMs: number): number | null {
  const epoch = EPOCH.exec(text)?.[1];
  if (epoch !== undefined) return Number(epoch) * 1000;
  const found = RESETS.exec(text)?.groups;
  if (found === undefined) return null;
  const { zone } = found;
  const today = calendarOf(fromMs, zone);
  if (today === null) return null;
  const minutes =
    ((Number(found['hour']) % 12) + (found['half']?.toLowerCase() === 'pm' ? 12 : 0)) * 60 +
    Number(found['minute'] ?? 0);
  const month = MONTHS.indexOf((found['month'] ?? '').toLowerCase());
  if (month < 0) return dayless(momentOf({ ...today, minutes }, zone), fromMs);
  const year = found['year'] === undefined ? today.year : Number(found['year']);
  const named = { year, month, day: Number(found['day']), minutes };
  const atMs = momentOf(named, zone);
  const passed = found['year'] === undefined && atMs < fromMs - DAY_MS;
  return notPast(passed ? momentOf({ ...named, year: year + 1 }, zone) : atMs, fromMs);
}

/** The named time of day on the day of `fromMs`, or on the next one. */
function dayless(atMs: number, fromMs: number): number {
  return atMs > fromMs - JUST_PASSED_MS ? notPast(atMs, fromMs) : atMs + DAY_MS;
}

/** Times are named to the minute, rounded down: a minute that has begun ends first. */
function notPast(atMs: number, fromMs: number): number {
  return atMs > fromMs ? atMs : Math.max(atMs, fromMs - (fromMs % MINUTE_MS)) + MINUTE_MS;
}

/** Date and time of day in a zone (the machine's own without one); null for a zone that is not known here. */
function calendarOf(atMs: number, zone: string | undefined): Calendar | null {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      hourCycle: 'h23',
    });
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
    const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    return {
      year: of('year'),
      month: of('month') - 1,
      day: of('day'),
      minutes: of('hour') * 60 + of('minute'),
    };
  } catch (thrown) {
    // A zone that this system does not know.
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
}

/** The moment at which clocks of the zone show this; corrected twice, since the offset may differ at the first guess. */
function momentOf({ year, month, day, minutes }: Calendar, zone: string | undefined): number {
  const wantedMs = Date.UTC(year, month, day, 0, minutes);
  let atMs = wantedMs;
  for (let round = 0; round < 2; round += 1) {
    const shown = calendarOf(atMs, zone);
    if (shown === null) return atMs;
    atMs += wantedMs - Date.UTC(shown.year, shown.month, shown.day, 0, shown.minutes);
  }
  return atMs;
}
