/** What is typed and clicked in a live view, read from a terminal's bytes: keys by name, text, pastes, and the mouse in SGR form. */

/** What is needed of an input stream (`process.stdin` fits). */
export type Keyboard = {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  off(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
};

/** One thing that the user did; columns and rows count from 0. `paste` is text that must never act as keys. */
export type Key =
  | { readonly kind: 'key'; readonly name: KeyName }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'paste'; readonly text: string }
  | { readonly kind: 'click'; readonly column: number; readonly row: number };

export type KeyName = (typeof NAMES)[keyof typeof NAMES] | 'wheel-up' | 'wheel-down';

const NAMES = {
  '\u0003': 'interrupt',
  '\u001a': 'suspend',
  '\u000c': 'redraw',
  '\u0007': 'leave',
  '\u001b': 'cancel',
  '\r': 'enter',
  '\n': 'enter',
  '\u007f': 'erase',
  '\u0008': 'erase',
  '\u0015': 'erase-all',
  '\u001b[A': 'up',
  '\u001bOA': 'up',
  '\u001b[B': 'down',
  '\u001bOB': 'down',
  '\u001b[5~': 'page-up',
  '\u001b[6~': 'page-down',
  '\u001b[H': 'first',
  '\u001b[1~': 'first',
  '\u001bOH': 'first',
  '\u001b[F': 'last',
  '\u001b[4~': 'last',
  '\u001bOF': 'last',
} as const;

/** A paste, a mouse report, any other sequence, a control character, or text; what is none of these is unfinished. */
const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's sequences are what is read
  /\u001b\[200~(?<paste>[\s\S]*?)\u001b\[201~|\u001b\[<(?<button>\d+);(?<column>\d+);(?<row>\d+)(?<press>[Mm])|(?<sequence>\u001b(?:\[[0-?]*[ -/]*[@-~]|O[A-Z]|[^[O\u0000-\u001f]))|(?<control>[\u0000-\u001a\u001c-\u001f\u007f])|(?<text>[^\u0000-\u001f\u007f]+)/y;
const WHEEL_UP = 64;
const WHEEL_DOWN = 65;

/** The keys that `typed` holds, and what of it is the beginning of one that has not wholly arrived. */
export function keysOf(typed: string): { readonly keys: readonly Key[]; readonly rest: string } {
  const keys: Key[] = [];
  let at = 0;
  while (at < typed.length) {
    TOKEN.lastIndex = at;
    const found =
      typed.startsWith('\u001b[200~', at) && !typed.includes('\u001b[201~', at) ? null : TOKEN.exec(typed);
    if (found === null) break;
    at = TOKEN.lastIndex;
    const key = keyOf(found.groups ?? {});
    if (key !== null) keys.push(key);
  }
  return { keys, rest: typed.slice(at) };
}

function keyOf(groups: Readonly<Record<string, string | undefined>>): Key | null {
  const { paste, button, column, row, press, sequence, control, text } = groups;
  if (paste !== undefined) return { kind: 'paste', text: paste };
  if (text !== undefined) return { kind: 'text', text };
  if (button !== undefined) {
    if (Number(button) === WHEEL_UP) return { kind: 'key', name: 'wheel-up' };
    if (Number(button) === WHEEL_DOWN) return { kind: 'key', name: 'wheel-down' };
    const left = press === 'M' && Number(button) === 0;
    return left ? { kind: 'click', column: Number(column) - 1, row: Number(row) - 1 } : null;
  }
  const name = NAMES[(sequence ?? control ?? '') as keyof typeof NAMES];
  return name === undefined ? null : { kind: 'key', name };
}

/** Longest that the rest of a sequence takes to come; an Escape that nothing follows is the key. */
const REST_MS = 40;
/** A paste that does not end is given up. */
const MOST_UNFINISHED = 1_000_000;

/** Reads keys without echo until the returned function is called. An input that is no terminal is left alone. */
export function readKeys(input: Keyboard | null, listener: (key: Key) => void): () => void {
  if (input?.isTTY !== true || input.setRawMode === undefined) return () => undefined;
  const decoder = new TextDecoder();
  let rest = '';
  let timer: NodeJS.Timeout | null = null;
  const take = (text: string): void => {
    const read = keysOf(rest + text);
    rest = read.rest.length > MOST_UNFINISHED ? '' : read.rest;
    read.keys.forEach(listener);
  };
  const onData = (bytes: Uint8Array): void => {
    if (timer !== null) clearTimeout(timer);
    take(decoder.decode(bytes, { stream: true }));
    if (rest === '') return;
    timer = setTimeout(() => {
      if (rest.startsWith('\u001b[200~')) return;
      const typed = rest;
      rest = '';
      if (typed === '\u001b') listener({ kind: 'key', name: 'cancel' });
    }, REST_MS);
  };
  input.setRawMode(true);
  input.on('data', onData);
  input.resume();
  return () => {
    if (timer !== null) clearTimeout(timer);
    input.off('data', onData);
    input.setRawMode?.(false);
    input.pause();
  };
}
