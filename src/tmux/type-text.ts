/** Types into a pane: text as text, keys by name, and reads its screen. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, tmuxError } from './client.ts';
import { checkPane } from './names.ts';
import { type Ours, onOurPane, paneGone } from './pane.ts';
import { command, textArgument, textOnOneLine } from './words.ts';

/** tmux refuses longer command lines at 16 KB; this leaves room. */
const CHUNK_BYTES = 4_000;
/** Programs that tell typing from pasting need a moment before Enter counts as a key of its own. */
const BEFORE_ENTER_MS = 300;

/** Cuts text into pieces of at most `limit` bytes, never inside a character. */
export function chunks(text: string, limit = CHUNK_BYTES): string[] {
  const pieces: string[] = [];
  let piece = '';
  let size = 0;
  for (const character of text) {
    const bytes = Buffer.byteLength(character);
    if (size + bytes > limit) {
      pieces.push(piece);
      piece = '';
      size = 0;
    }
    piece += character;
    size += bytes;
  }
  return piece === '' ? pieces : [...pieces, piece];
}

/**
 * Types `text` (line ends as spaces, other control characters left out) and Enter into a pane of ours. Leaves copy mode
 * first, where letters would be commands. False when `mayEnter`, asked last, kept Enter from it. Throws exit 5 when the pane
 * isn't ours, exit 3 when tmux refuses.
 */
export async function typeText(
  ours: Ours,
  pane: string,
  text: string,
  mayEnter: () => Promise<boolean> = async () => true,
): Promise<boolean> {
  checkPane(pane);
  await leaveMode(ours, pane);
  await typePieces(ours.client, pane, text);
  await pause(BEFORE_ENTER_MS);
  if (!(await mayEnter())) return false;
  await sendKey(ours, pane, 'Enter');
  return true;
}

/**
 * Types lines, Ctrl-J (a line feed, which programs that read a prompt take for a new line of it) between them, without
 * sending them: the caller looks once more before Enter does. Throws like `typeText`.
 */
export async function typeLines(ours: Ours, pane: string, lines: readonly string[]): Promise<void> {
  checkPane(pane);
  await leaveMode(ours, pane);
  for (const [i, line] of lines.entries()) {
    if (i > 0) await sendKey(ours, pane, 'C-j');
    await typePieces(ours.client, pane, line);
  }
}

/** Types text (plain) as it is, a piece at a time. Throws exit 3 when tmux refuses. */
async function typePieces(client: Client, pane: string, text: string): Promise<void> {
  for (const piece of chunks(textOnOneLine(text))) {
    const reply = await client.run(['send-keys', '-t', pane, '-l', '--', textArgument(piece)]);
    if (reply.status !== 'ok') throw tmuxError(`type into pane ${pane}`, reply);
  }
}

/** Leaves copy mode, where letters would be commands. Throws exit 5 when the pane isn't ours. */
async function leaveMode(ours: Ours, pane: string): Promise<void> {
  if (!(await onOurPane(ours, pane, command('copy-mode', '-q', '-t', pane)))) throw paneGone(pane);
}

/** Presses one key (a tmux key name) in a pane of ours. Throws like `typeText`. */
export async function sendKey(ours: Ours, pane: string, key: string): Promise<void> {
  const press = `${command('copy-mode', '-q', '-t', pane)} ; ${command('send-keys', '-t', pane, key)}`;
  if (!(await onOurPane(ours, checkPane(pane), press))) throw paneGone(pane);
}

/** The screen of a pane as text, with `history` lines above it. Throws exit 3 when it cannot be read. */
export async function capture(
  client: Client,
  pane: string,
  options: { history?: number; colours?: boolean } = {},
): Promise<string> {
  const history = options.history === undefined ? [] : ['-S', `-${options.history}`];
  const colours = options.colours === true ? ['-e'] : [];
  const reply = await client.run(['capture-pane', '-p', ...colours, ...history, '-t', checkPane(pane)]);
  if (reply.status !== 'ok') throw tmuxError(`read pane ${pane}`, reply);
  return reply.text;
}
