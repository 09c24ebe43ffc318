/** Whether a text can be typed into an agent, and how it stays a text, for the terminal and for the agent's own prompt. */
import { printable } from '../core/printable.ts';
import type { OpenDialog, WorkerFact } from '../core/types.ts';
import { plainText } from './plain-text.ts';
import type { Agent } from './port.ts';

/**
 * First characters that Claude Code's prompt takes for a command, a shell line, a note, a file or its help. Seen with the
 * real program: a space in front does not keep `/` from being a command.
 */
const COMMANDING = /^[/!#@?&]/;
const HARMLESS = 'Message: ';

/**
 * The lines to type: no control or invisible characters, no `@path` mention, no command at the beginning, no backslash at
 * the end (which would make Enter a line end). Empty when nothing is left.
 */
export function typedMessage(text: string): readonly string[] {
  const lines = text
    .split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/)
    .map((line) => plainText(printable(line.replaceAll('\t', '    ')), Number.POSITIVE_INFINITY).trimEnd());
  while (lines[0]?.trim() === '') lines.shift();
  while (lines.at(-1) === '') lines.pop();
  const [first = '', ...rest] = lines;
  if (first === '') return [];
  const begun = COMMANDING.test(first.trimStart()) ? HARMLESS + first.trimStart() : first;
  const all = [begun, ...rest];
  return all.map((line, i) => (i === all.length - 1 && line.endsWith('\\') ? `${line} ` : line));
}

const DIALOGS: Readonly<Record<OpenDialog, string>> = {
  permission: 'a permission prompt',
  question: 'a question',
  other: 'a dialog',
};

/** Why a text that is typed to a living agent would not be read as a message; null when it would. */
export function whyDeaf(
  { readsTyping }: Pick<Agent, 'readsTyping'>,
  { claimed, activity }: Pick<WorkerFact, 'claimed' | 'activity'>,
): string | null {
  if (!readsTyping) return 'runs headless and reads nothing that is typed ("agent.mode" is "print")';
  if (activity.dialog !== null) {
    const shown = activity.detail === null ? '' : ` (${activity.detail})`;
    return `is showing ${DIALOGS[activity.dialog]}, and your text would answer it.${shown}`;
  }
  if (!claimed || activity.status === 'starting') return 'is still starting';
  return null;
}
