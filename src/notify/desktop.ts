/** Shows a message on this machine: by its own program, and as a notification of the terminals that show the session. */
import { messageOf } from '../core/errors.ts';
import { NotStarted, type RunResult, run } from '../process/run.ts';
import { Undelivered } from './deliver.ts';
import type { Message } from './presets.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What it shows messages by. */
export type DesktopPlace = {
  readonly env: Environment;
  /** Writes what `sequenceFor` gives to each terminal that shows the session, by its kind; returns how many there are. */
  readonly toTerminals: (sequenceFor: (terminal: string) => string) => Promise<number>;
  /** The poller's own terminal; null when it has none, or one inside tmux. */
  readonly ownTerminal: ((text: string) => void) | null;
  readonly abort: AbortSignal;
};

const TIME_LIMIT_MS = 10_000;

/** AppleScript that takes title and text as arguments: nothing of them is read as script. */
const SCRIPT = [
  'on run argv',
  'display notification (item 2 of argv) with title (item 1 of argv)',
  'end run',
] as const;

type Program = { readonly file: string; readonly args: (message: Message) => readonly string[] };

/** The text of notify-send may have markup. */
const markupFree = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const NOTIFY_SEND: Program = {
  file: 'notify-send',
  args: ({ title, body, urgent }) => [
    '--app-name=orchestrate',
    `--urgency=${urgent ? 'critical' : 'normal'}`,
    '--',
    title,
    markupFree(body),
  ],
};
const OSASCRIPT: Program = {
  file: 'osascript',
  args: ({ title, body }) => [...SCRIPT.flatMap((line) => ['-e', line]), title, body],
};
const PROGRAMS = process.platform === 'darwin' ? [OSASCRIPT, NOTIFY_SEND] : [NOTIFY_SEND, OSASCRIPT];

/** Shows the message wherever it can be shown, whatever keeps it from the other places. Throws `Undelivered` when that is nowhere. */
export async function showOnDesktop(message: Message, place: DesktopPlace): Promise<void> {
  const why = await byProgram(message, place);
  const sequenceFor = (terminal: string): string => notification(message, terminal);
  place.ownTerminal?.(sequenceFor(place.env['TERM'] ?? ''));
  const reached = await place.toTerminals(sequenceFor).catch((error: unknown) => {
    place.abort.throwIfAborted();
    return messageOf(error);
  });
  if (why === null || place.ownTerminal !== null || (typeof reached === 'number' && reached > 0)) return;
  throw new Undelivered(typeof reached === 'number' ? why : `${why}; the terminals: ${reached}`);
}

/** Null when a program of this machine showed it, else why none did. Throws only when aborted. */
async function byProgram(message: Message, { env, abort }: DesktopPlace): Promise<string | null> {
  for (const { file, args } of PROGRAMS) {
    try {
      const request = { file, args: args(message), cwd: '/', env: withoutOurs(env), abort };
      return failureOf(file, await run({ ...request, timeLimitMs: TIME_LIMIT_MS }));
    } catch (error) {
      if (!(error instanceof NotStarted)) throw error;
      if (error.obstacle !== 'no program') return error.message;
    }
  }
  return 'there is no notify-send and no osascript here, and no terminal shows the session';
}

/** Null when it ended well. */
function failureOf(file: string, { exitCode, signal, limit }: RunResult): string | null {
  if (exitCode === 0) return null;
  return limit === null
    ? `${file} failed (${signal ?? `exit ${exitCode}`})`
    : `${file} took more than ${TIME_LIMIT_MS / 1000} s`;
}

function withoutOurs(env: Environment): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('ORCHESTRATE_')));
}

/** Terminals that know notifications by OSC 777 alone; the others take OSC 9, or leave it. */
const BY_777 = /^(foot|rxvt|urxvt)/;

/** The sequence that makes a terminal show the message; the texts have no control characters, and `;` parts title and text. */
function notification({ title, body }: Message, terminal: string): string {
  const text = body.replaceAll('\n', ' ');
  return BY_777.test(terminal)
    ? `\u001b]777;notify;${title.replaceAll(';', ',')};${text}\u0007`
    : `\u001b]9;${title}: ${text}\u0007`;
}
