/** Colours and symbols in one place: every state has one symbol, one word and one colour wherever it is shown. */
import picocolors from 'picocolors';
import { printable } from '../core/printable.ts';
import { type StateName, type StateTraits, traitsOf } from '../core/states.ts';
import type { TextStyle } from '../report/types.ts';

/** Puts a colour around a text that is already cut to its width. */
export type Paint = (text: string) => string;
/** Those that can be read on dark and on light terminals; `plain` is the terminal's own. */
type Colour = StateTraits['look']['colour'] | 'bold' | 'inverse';

const UNICODE_GLYPHS = {
  ellipsis: '…',
  filled: '━',
  empty: '─',
  from: '←',
  to: '→',
  bullet: '•',
  event: '·',
  minus: '−',
  alert: '▲',
  fix: '↳',
  cursor: '▸',
  rule: '─',
  edge: '│',
} as const;
type Glyphs = { readonly [name in keyof typeof UNICODE_GLYPHS]: string };
const ASCII_GLYPHS: Glyphs = {
  ellipsis: '~',
  filled: '#',
  empty: '.',
  from: '<-',
  to: '->',
  bullet: '*',
  event: '.',
  minus: '-',
  alert: '!',
  fix: '>',
  cursor: '>',
  rule: '-',
  edge: '|',
};

export type Style = {
  readonly glyphs: Glyphs;
  readonly plain: Paint;
  readonly paint: (colour: Colour) => Paint;
  /** Any text from outside, made safe: one line, no control or direction characters, ASCII where the terminal asks. */
  readonly clean: (text: string) => string;
  readonly state: (name: StateName) => {
    readonly symbol: string;
    readonly word: string;
    readonly paint: Paint;
  };
};

/** Joiners and selectors, about whose width terminals disagree: without them every character has one known width. */
const DISPUTED = /[\u200b-\u200d\u2060]|\p{Variation_Selector}|\p{Emoji_Modifier}|[\u{e0000}-\u{e007f}]/gu;
const MARKS = /\p{M}+/gu;
const PLAIN = /^[\x20-\x7e]*$/;

function toAscii(text: string): string {
  const known = text
    .replace(/[‘’]/g, "'")
    .replace(/[“”]/g, '"')
    .replace(/[–—−]/g, '-')
    .replaceAll('…', '...')
    .replaceAll('×', 'x')
    .replaceAll('→', '->')
    .replaceAll('←', '<-');
  return known
    .normalize('NFKD')
    .replace(MARKS, '')
    .replace(/[^\x20-\x7e]/gu, '?');
}

const plain: Paint = (text) => text;

/** The look of everything, for a terminal with or without colour and unicode. */
export function createStyle(look: TextStyle): Style {
  const colours = picocolors.createColors(look.colour);
  const paint = (colour: Colour): Paint => (colour === 'plain' ? plain : colours[colour]);
  const clean = (text: string): string => {
    const line = printable(text).trim();
    if (PLAIN.test(line)) return line;
    const settled = line.replace(DISPUTED, '').normalize('NFC');
    return look.unicode ? settled : toAscii(settled);
  };
  return {
    glyphs: look.unicode ? UNICODE_GLYPHS : ASCII_GLYPHS,
    plain,
    paint,
    clean,
    state: (name) => {
      const { symbol, ascii, colour } = traitsOf(name).look;
      return { symbol: look.unicode ? symbol : ascii, word: name, paint: paint(colour) };
    },
  };
}
