/** Builds HTML in which only what the source says is markup: every value put into it is one clean line of escaped text. */
import { printable } from '../../core/printable.ts';
import { createStyle } from '../style.ts';

/** A piece of HTML that is safe to put into a page. */
export type Markup = { readonly html: string };
type Value = Markup | readonly Markup[] | string | number | null | false;

/** How texts are cleaned, and the symbols of states: those of a terminal with unicode, uncoloured. */
export const PAGE_STYLE = createStyle({ colour: false, unicode: true });

/** No text of others' takes more; what is to be typed is shorter. */
const LONGEST_TEXT = 2_000;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What nothing has to be taken from or changed in: most of what a large page consists of. */
const HARMLESS = /^[\w ./:#%·+()-]*$/;

function textOf(text: string): string {
  if (text.length <= LONGEST_TEXT && HARMLESS.test(text)) return text.trim();
  const clean = PAGE_STYLE.clean(printable(text, LONGEST_TEXT));
  return clean.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

function htmlOf(value: Value): string {
  if (value === null || value === false) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return textOf(value);
  return 'html' in value ? value.html : value.map(htmlOf).join('');
}

/** Markup from a template; texts among its values act neither in an element nor in a quoted attribute. */
export function html(source: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return { html: source.map((part, at) => part + htmlOf(values[at] ?? null)).join('') };
}

/** Takes a text of ours as it is: constants and numbers, never what has a text of anybody else in it. */
export function verbatim(ours: string): Markup {
  return { html: ours };
}
