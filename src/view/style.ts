/** Colours and symbols in one place: every state has one symbol, one word and one colour wherever it is shown. */
import picocolors from 'picocolors';
import { printable } from '../core/printable.ts';
import type { StateName } from '../core/types.ts';
import type { Look } from '../report/types.ts';

/** Puts a colour around a text that is already cut to its width. */
export type Paint = (text: string) => string;
/** Those that can be read on dark and on light terminals; `plain` is the terminal's own. */
type Colour = 'plain' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'gray' | 'bold';

type StateLook = {
  readonly symbol: string;
  readonly ascii: string;
  readonly word: string;
  readonly colour: Colour;
};

/** Symbols are one column wide, also where no emoji font is installed. */
export const STATE_LOOKS: Readonly<Record<StateName, StateLook>> = {
  waiting: { symbol: '○', ascii: '.', word: 'waiting', colour: 'gray' },
  ready: { symbol: '◇', ascii: 'o', word: 'ready', colour: 'plain' },
  queued: { symbol: '◔', ascii: ':', word: 'queued', colour: 'plain' },
  starting: { symbol: '◌', ascii: '~', word: 'starting', colour: 'cyan' },
  running: { symbol: '●', ascii: '>', word: 'running', colour: 'cyan' },
  'needs-input': { symbol: '▲', ascii: '!', word: 'needs-input', colour: 'yellow' },
  limited: { symbol: '◑', ascii: '=', word: 'limited', colour: 'magenta' },
  stalled: { symbol: '◎', ascii: '?', word: 'stalled', colour: 'yellow' },
  verifying: { symbol: '◆', ascii: '&', word: 'verifying', colour: 'blue' },
  done: { symbol: '✓', ascii: '+', word: 'done', colour: 'green' },
  'base-conflict': { symbol: '≠', ascii: '#', word: 'base-conflict', colour: 'red' },
  blocked: { symbol: '⊘', ascii: '-', word: 'blocked', colour: 'yellow' },
  failed: { symbol: '✗', ascii: 'x', word: 'failed', colour: 'red' },
  stopped: { symbol: '■', ascii: '_', word: 'stopped', colour: 'yellow' },
  parked: { symbol: '□', ascii: '|', word: 'parked', colour: 'gray' },
};

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
    .replaceAll('→', '->')
    .replaceAll('←', '<-');
  return known
    .normalize('NFKD')
    .replace(MARKS, '')
    .replace(/[^\x20-\x7e]/gu, '?');
}

const plain: Paint = (text) => text;

/** The look of everything, for a terminal with or without colour and unicode. */
export function createStyle(look: Look): Style {
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
      const { symbol, ascii, word, colour } = STATE_LOOKS[name];
      return { symbol: look.unicode ? symbol : ascii, word, paint: paint(colour) };
    },
  };
}
