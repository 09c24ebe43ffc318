/** Cuts, pads and wraps text by the columns it takes on a terminal; expects clean text without escapes. */
import { eastAsianWidth } from 'get-east-asian-width';

const ASCII = /^[\x20-\x7e]*$/;
/**
 * Marks drawn over the character before, and characters that are never drawn. By glibc's `wcwidth` spacing marks, the soft
 * hyphen, the fillers of Hangul and the signs before Arabic numbers take columns; and the selector of emoji and the keycap
 * widen the character they belong to.
 */
const WITHOUT_WIDTH =
  /(?!\u00ad|\u115f|\u1160|\u3164|\uffa0|\ufe0f|\u20e3)[\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}]/u;
/** Circled numbers, two columns wide to some terminals and one to others. */
const DISPUTED_WIDE = /[\u3248-\u324f]/;

/**
 * The most columns that a terminal gives one character: where they disagree a line is rather too short than too long.
 * Segmenting text into graphemes would cost every command the start of ICU's segmenter.
 */
function columnsOf(character: string): number {
  if (WITHOUT_WIDTH.test(character)) return 0;
  return DISPUTED_WIDE.test(character) ? 2 : eastAsianWidth(character.codePointAt(0) ?? 0);
}

/** Columns that a text takes. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += columnsOf(character);
  return columns;
}

/** As many whole characters, with their marks, as fit into `columns`. */
function head(text: string, columns: number): string {
  if (ASCII.test(text)) return text.slice(0, Math.max(0, columns));
  let used = 0;
  let kept = '';
  for (const character of text) {
    used += columnsOf(character);
    if (used > columns) break;
    kept += character;
  }
  return kept;
}

/** The text, at most `columns` wide; what is cut shows as `ellipsis` (one column). */
export function cut(text: string, columns: number, ellipsis: string): string {
  if (columns <= 0) return '';
  if (widthOf(text) <= columns) return text;
  return head(text, columns - 1).trimEnd() + ellipsis;
}

/** At least `columns` wide: never cut. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}

/** Exactly `columns` wide: cut or filled up with spaces on the given side. */
export function fit(text: string, columns: number, ellipsis: string, align: 'left' | 'right'): string {
  const shown = cut(text, columns, ellipsis);
  const fill = ' '.repeat(Math.max(0, columns - widthOf(shown)));
  return align === 'left' ? shown + fill : fill + shown;
}

/** Lines at most `columns` wide, broken at spaces; a longer word gets a line of its own, uncut, so that it can be copied. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** A line as lines at most `columns` wide, broken at spaces; the further ones stand `by` columns deeper than it begins. */
export function fold(line: string, columns: number, by: number): string[] {
  if (widthOf(line) <= columns) return [line];
  const indent = / */.exec(line)?.[0].length ?? 0;
  const lead = ' '.repeat(indent);
  const [first = '', ...rest] = wrap(line.slice(indent), columns - indent);
  const more = wrap(rest.join(' '), Math.max(1, columns - indent - by));
  return [lead + first, ...more.map((each) => lead + ' '.repeat(by) + each)];
}

/** A text that `wrap` and `fold` take for one word, such as a command; `spaced` gives a line its spaces back. */
export function unbroken(text: string): string {
  return text.replaceAll(' ', '\u00a0');
}

export function spaced(line: string): string {
  return line.replaceAll('\u00a0', ' ');
}
