/** Cuts, pads and wraps text by the columns it takes on a terminal; expects clean text without escapes. */
import stringWidth from 'string-width';

const ASCII = /^[\x20-\x7e]*$/;
const segmenter = new Intl.Segmenter();

/** Columns that a text takes; escapes take none. */
export function widthOf(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text);
}

/** As many whole characters as fit into `columns`. */
function head(text: string, columns: number): string {
  if (ASCII.test(text)) return text.slice(0, Math.max(0, columns));
  let used = 0;
  let kept = '';
  for (const { segment } of segmenter.segment(text)) {
    used += widthOf(segment);
    if (used > columns) break;
    kept += segment;
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
