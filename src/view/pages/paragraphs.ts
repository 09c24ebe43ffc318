/** Pieces of printed pages: labelled facts and indented explanations, wrapped; commands stay whole, to be copied. */
import type { Style } from '../style.ts';
import { widthOf, wrap } from '../text-width.ts';

const LABEL = 10;
const NARROWEST = 20;

/** What a page is printed with. */
export type Page = { readonly style: Style; readonly columns: number };

/** `Poller    running, pid 4711`: a label, and its text (cleaned here) wrapped beside it. */
export function labelled({ style, columns }: Page, label: string, text: string): string[] {
  const lines = wrap(style.clean(text), Math.max(NARROWEST, columns - LABEL));
  return lines.map(
    (line, i) => (i === 0 ? style.paint('gray')(label.padEnd(LABEL)) : ' '.repeat(LABEL)) + line,
  );
}

/** An indented text (cleaned here), and below it the command that deals with it. */
export function explained(
  { style, columns }: Page,
  indent: number,
  text: string,
  remedy: string | null,
): string[] {
  const lines = wrap(style.clean(text), Math.max(NARROWEST, columns - indent));
  const fix = remedy === null ? [] : [`${style.glyphs.fix} ${style.paint('bold')(style.clean(remedy))}`];
  return [...lines, ...fix].map((line) => ' '.repeat(indent) + line);
}

/** A title over its lines and an empty line behind; nothing when there are no lines. */
export function section({ style }: Page, title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [style.paint('bold')(title), ...lines, ''];
}

/** A text (cleaned here) behind a lead, its further lines below its first: `  12:03  a long text` and `         goes on`. */
export function hanging(
  { style, columns }: Page,
  lead: { readonly plain: string; readonly shown: string },
  text: string,
  paint: (line: string) => string = style.plain,
): string[] {
  const indent = Math.min(widthOf(lead.plain), Math.max(2, columns - NARROWEST));
  const lines = wrap(style.clean(text), Math.max(NARROWEST, columns - indent));
  return lines.map((line, at) => (at === 0 ? lead.shown : ' '.repeat(indent)) + paint(line));
}
