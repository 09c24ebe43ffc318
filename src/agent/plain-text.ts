/** Makes text of a plan harmless inside a prompt: no control or invisible characters, and nothing that forms an `@path` mention. */

/** What shows nothing and could hide a message or turn the text around. Joiners stay: some scripts and emoji need them. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cf}\p{Cs}\p{Co}]|\u115f|\u1160|\u3164|[\u{e0100}-\u{e01ef}]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * An `@` that begins a word becomes `\@`: Claude Code reads the file that a mention names and attaches it. Seen with the
 * real program: a mention begins a line or follows white space, invisible characters are dropped before it is looked
 * for, and any visible character in front prevents it.
 */
const MENTION = /(?<![\w.+/:=,"'`(\\@-])@/g;

/** The text (lines kept, at most `limit` characters) for use inside a prompt. */
export function plainText(text: string, limit: number): string {
  const clean = text
    .replace(/\r\n?|\u2028|\u2029/g, '\n')
    .replace(CONTROL, ' ')
    .replace(UNSEEN, '');
  const cut = clean.length <= limit ? clean : `${clean.slice(0, limit).trimEnd()} …`;
  return cut.replace(MENTION, '\\@');
}

/** The same on one line. */
export function plainLine(text: string, limit: number): string {
  return plainText(text.replace(/\s+/g, ' ').trim(), limit);
}
