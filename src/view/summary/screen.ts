/** The terminal side of a live view: draws frames by rewriting only what changed and leaves the terminal as it was; knows nothing of their content. */

import { widthOf } from '../text-width.ts';
import { type Key, type Keyboard, readKeys } from './keys.ts';

/** What the screen needs of an output stream (`process.stdout` fits). */
export type Terminal = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
};

/** What the screen needs of the process it runs in (`process` fits). */
export type Host = {
  readonly pid: number;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  listenerCount(event: string): number;
  kill(pid: number, signal: NodeJS.Signals): unknown;
};

export type Screen = {
  /** False when the output is no terminal: frames are then printed one after another. */
  readonly live: boolean;
  size(): { readonly columns: number; readonly rows: number };
  /** Shows these lines (no wider than the terminal) instead of the last ones. */
  draw(lines: readonly string[]): void;
  /** Somebody may type: the input is a terminal too. */
  readonly keys: boolean;
  /** Calls back when the terminal changed its size or lost its picture: draw again (`draw` knows what to write). */
  onRedraw(listener: () => void): void;
  /** Calls back for every key but those that the terminal itself would act on. */
  onKey(listener: (key: Key) => void): void;
  /** Lends the terminal, as it was before, to another program while `use` runs; resolves as `use` does. */
  lend<T>(use: () => Promise<T>): Promise<T>;
  /** Gives the terminal back as it was; harmless when repeated. */
  close(): void;
};

/** For output that nobody scrolls: wide, and everything is shown. */
const PLAIN_SIZE = { columns: 120, rows: 1000 };
/** Of a terminal that does not know its size, which says 0. */
const UNKNOWN_SIZE = { columns: 80, rows: 24 };
const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const ESC = '\u001b[';
/** Alternate screen, no cursor, no wrapping at the right edge (so a character of disputed width cannot break the picture). */
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l${ESC}2J`;
const LEAVE = `${ESC}0m${ESC}?7h${ESC}?25h${ESC}?1049l`;
/** Clicks and the wheel are told, in SGR form, and a paste is told apart from keys; and no more. */
const HEAR = `${ESC}?1000h${ESC}?1006h${ESC}?2004h`;
const UNHEAR = `${ESC}?2004l${ESC}?1006l${ESC}?1000l`;
/** Frames are shown at once on terminals that know synchronised output; the others ignore it. */
const BEGIN = `${ESC}?2026h`;
const END = `${ESC}?2026l`;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with ESC
const COLOURS = /\u001b\[[\d;]*m/g;

/** The bytes that turn one frame into the next. Without a last frame every line is written. */
export function frameUpdate(
  last: readonly string[] | null,
  next: readonly string[],
  columns: number,
): string {
  let bytes = '';
  const rows = Math.max(last?.length ?? 0, next.length);
  for (let row = 0; row < rows; row += 1) {
    const line = next[row] ?? '';
    if (last !== null && last[row] === line) continue;
    // Erasing behind a line that fills its row would erase its last character: the cursor waits on it.
    const full = widthOf(line.replace(COLOURS, '')) >= columns;
    bytes += `${ESC}${row + 1};1H${full ? `${ESC}2K` : ''}${line}${ESC}0m${full ? '' : `${ESC}K`}`;
  }
  return bytes === '' ? '' : BEGIN + bytes + END;
}

/** Prints whole frames, only when something changed. */
function plainScreen(out: Terminal): Screen {
  let last = '';
  return {
    live: false,
    keys: false,
    size: () => PLAIN_SIZE,
    draw: (lines) => {
      const text = `${lines.join('\n')}\n`;
      if (text === last) return;
      out.write(last === '' ? text : `\n${text}`);
      last = text;
    },
    onRedraw: () => undefined,
    onKey: () => undefined,
    lend: (use) => use(),
    close: () => undefined,
  };
}

/** Listens to the host's events; returns how to stop. */
function listen(host: Host, handlers: Readonly<Record<string, () => void>>): () => void {
  for (const [event, handler] of Object.entries(handlers)) host.on(event, handler);
  return () => {
    for (const [event, handler] of Object.entries(handlers)) host.off(event, handler);
  };
}

/** The terminal between `enter` and `leave`: what is on it, and whether it is ours. */
function createCanvas(out: Terminal, hears: boolean) {
  let last: readonly string[] | null = null;
  let open = false;
  let wipe = false;
  return {
    isOpen: () => open,
    enter: (): void => {
      out.write(hears ? ENTER + HEAR : ENTER);
      last = null;
      open = true;
    },
    leave: (): void => {
      if (open) out.write(hears ? UNHEAR + LEAVE : LEAVE);
      open = false;
    },
    /** Forgets what is on the screen: the next frame is written whole, on an empty screen. */
    wipe: (): void => {
      last = null;
      wipe = true;
    },
    show: (lines: readonly string[], columns: number): void => {
      if (!open) return;
      const update = (wipe ? `${ESC}2J` : '') + frameUpdate(last, lines, columns);
      if (update !== '') out.write(update);
      last = lines;
      wipe = false;
    },
  };
}

const nothing = (): void => undefined;

const sizeOf = ({ columns, rows }: Terminal) => ({
  columns: columns === 0 ? UNKNOWN_SIZE.columns : (columns ?? PLAIN_SIZE.columns),
  rows: rows === 0 ? UNKNOWN_SIZE.rows : (rows ?? PLAIN_SIZE.rows),
});

/** Ends as the signal would have ended us, unless somebody else handles it. */
function endBy(signal: NodeJS.Signals, host: Host, close: () => void): void {
  close();
  if (host.listenerCount(signal) === 0) host.kill(host.pid, signal);
}

function canType(input: Keyboard | null): boolean {
  return input?.isTTY === true && input.setRawMode !== undefined;
}

/** Without echo the terminal sends no signals either: these go to the whole foreground group, as its own would. True for such a key. */
function ofTerminal(key: Key, host: Host, wipe: () => void): boolean {
  if (key.kind !== 'key') return false;
  if (key.name === 'interrupt') host.kill(0, 'SIGINT');
  else if (key.name === 'suspend') host.kill(0, 'SIGTSTP');
  else if (key.name === 'redraw') wipe();
  else return false;
  return true;
}

/** What the host's events do to a screen. */
function handlersOf(
  host: Host,
  { leave, close, comeBack }: Readonly<Record<'leave' | 'close' | 'comeBack', () => void>>,
): Readonly<Record<string, () => void>> {
  return {
    exit: leave,
    SIGTSTP: () => {
      leave();
      host.kill(host.pid, 'SIGSTOP');
    },
    SIGCONT: comeBack,
    ...Object.fromEntries(ENDING.map((signal) => [signal, () => endBy(signal, host, close)])),
  };
}

function liveScreen(out: Terminal, host: Host, input: Keyboard | null): Screen {
  const hears = canType(input);
  const canvas = createCanvas(out, hears);
  const told: { redraw: () => void; key: (key: Key) => void } = { redraw: nothing, key: nothing };
  let stopKeys = nothing;
  const size = () => sizeOf(out);
  const wipe = (): void => {
    canvas.wipe();
    told.redraw();
  };
  const enter = (): void => {
    canvas.enter();
    stopKeys = readKeys(input, (key) => {
      if (!ofTerminal(key, host, wipe)) told.key(key);
    });
  };
  const leave = (): void => {
    canvas.leave();
    stopKeys();
  };
  const retake = (): void => {
    enter();
    wipe();
  };
  const close = (): void => {
    leave();
    out.off('resize', wipe);
    unlisten();
  };
  const unlisten = listen(
    host,
    handlersOf(host, { leave, close, comeBack: () => (canvas.isOpen() ? wipe() : retake()) }),
  );
  out.on('resize', wipe);
  enter();
  return {
    live: true,
    keys: hears,
    size,
    draw: (lines) => canvas.show(lines.slice(0, size().rows), size().columns),
    onRedraw: (redraw) => void Object.assign(told, { redraw }),
    onKey: (key) => void Object.assign(told, { key }),
    lend: (use) => {
      leave();
      return use().finally(retake);
    },
    close,
  };
}

/**
 * Takes over the terminal (alternate screen, hidden cursor, no echo) until `close`, the process's exit, or a signal; when `out`
 * is no terminal it prints frames plainly. `input` null leaves the keyboard alone.
 */
export function createScreen(out: Terminal, input: Keyboard | null = null, host: Host = process): Screen {
  return out.isTTY === true ? liveScreen(out, host, input) : plainScreen(out);
}
