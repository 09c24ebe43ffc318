/** What the user's text becomes before it is typed into an agent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { typedMessage } from '../../src/agent/typed-message.ts';

const CASES: readonly (readonly [string, string, readonly string[]])[] = [
  ['plain words', 'go on', ['go on']],
  ['several lines', 'one\r\n\r\n  two\rthree\n\n', ['one', '', '  two', 'three']],
  ['a slash command', '/clear', ['Message: /clear']],
  ['one behind spaces and empty lines', '\n  /clear now', ['Message: /clear now']],
  ['a shell line', '!rm -rf x', ['Message: !rm -rf x']],
  ['a note', '#remember', ['Message: #remember']],
  ['the help', '?', ['Message: ?']],
  ['a file', '@/etc/passwd', ['\\@/etc/passwd']],
  ['a file further on', 'see @/etc/passwd', ['see \\@/etc/passwd']],
  ['a slash on a later line', 'see\n/clear', ['see', '/clear']],
  ['control characters', 'a\u0003b\u001b[31mc\u001b]0;t\u0007d\u007f', ['abcd']],
  ['an escape in front of a command', '\u001b[2J/clear', ['Message: /clear']],
  ['invisible characters in front of a command', '\u200b\u202e/clear', ['Message: /clear']],
  ['tabs', 'a\tb', ['a    b']],
  ['a backslash at the end', 'C:\\', ['C:\\ ']],
  ['a backslash at the end of a line before the last', 'C:\\\nx', ['C:\\', 'x']],
  ['nothing', ' \n\t\u0000\n', []],
];

for (const [what, text, lines] of CASES) {
  test(`typed: ${what}`, () => assert.deepEqual(typedMessage(text), lines));
}
