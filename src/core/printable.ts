/** Writes texts for people: untrusted text made safe to print (terminal sequences, control characters and invisible direction marks are removed), lists of names, numbers of things, sums. */

/** CSI, strings with a terminator (OSC, DCS, SOS, PM, APC), and two-character escapes, in their 7 and 8 bit forms. */
const TERMINAL_SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal sequences are what is removed
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]?/g;
const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Controls, lone surrogates, direction marks and overrides, the byte order mark. Joiners stay: emoji need them. */
const INVISIBLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * One line of plain text from text that a plan, an agent or a repository supplied. Line breaks become spaces; text of
 * more than `limit` characters (code points) is cut and ends in `…`.
 */
export function printable(text: string, limit = Number.POSITIVE_INFINITY): string {
  const clean = text.replace(TERMINAL_SEQUENCES, '').replace(BREAKS, ' ').replace(INVISIBLE, '');
  if (clean.length <= limit) return clean;
  const characters = [...clean.slice(0, 2 * limit)];
  if (characters.length <= limit && clean.length <= 2 * limit) return clean;
  return `${characters.slice(0, Math.max(0, limit - 1)).join('')}…`;
}

/** Names in one sentence, and the longest of them, unless more is asked for. */
const NAMED = 10;
const LONGEST_NAME = 120;

/** `a, b and 3 more`, made safe to print; `count`: how many there are, where not all are known by name. */
export function listed(
  names: readonly string[],
  { most = NAMED, count = names.length }: { readonly most?: number; readonly count?: number } = {},
): string {
  const shown = names.slice(0, most).map((name) => printable(name, LONGEST_NAME));
  const more = count - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** `1 task`, `3 tasks`. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`;
}

/** Most lines that are quoted of what a program printed, and their longest text together. */
const QUOTED_LINES = 4;
const LONGEST_QUOTE = 300;

/** The last lines of an output with something on them, in one safe line; null for none. */
export function lastLines(text: string, count: number = QUOTED_LINES): string | null {
  const lines = text.split(/[\r\n]+/).map((line) => printable(line).trim());
  const said = lines.filter((line) => line !== '').slice(-count);
  return said.length === 0 ? null : printable(said.join(' / '), LONGEST_QUOTE);
}

/** Below this, cents say too little. */
const SMALL_USD = 0.1;

/** `$12.30`, `$0.0012`. */
export function dollars(usd: number): string {
  return `$${usd > 0 && usd < SMALL_USD ? usd.toFixed(4) : usd.toFixed(2)}`;
}
