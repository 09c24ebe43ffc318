/** Makes a person's text safe to be typed into an agent: text stays text, for the terminal and for the agent's own prompt. */
import { printable } from '../core/printable.ts';
import { plainText } from './plain-text.ts';

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
