/** Whether someone has begun to type, as screens of the real program showed it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasDraft } from '../../src/agent/claude/dialogs.ts';

const SAID = '\u001b[48;5;237m❯ \u001b[38;5;231mBegin now please\u001b[39m';
const RULE = '\u001b[38;5;244m────────';
const screen = (prompt: string): string => [SAID, '● Hello.', RULE, prompt, RULE, '  bypass'].join('\n');

const CASES: readonly (readonly [string, string, boolean])[] = [
  ['an empty prompt', '\u001b[38;5;246m❯ \u001b[7m\u001b[39m', false],
  ['one without a cursor', '\u001b[38;5;246m❯ \u001b[39m  ', false],
  ['a proposal', '\u001b[39m❯ \u001b[7mR\u001b[0;2m\u001b[39m\u001b[49mesend your message', false],
  ['a proposal without a cursor', '\u001b[39m❯ \u001b[0;2mResend your message', false],
  ['words', '\u001b[39m❯ half typed\u001b[7m ', true],
  ['words with the mark in colour', '\u001b[38;5;246m❯ \u001b[39mhalf typed \u001b[7m ', true],
  ['no prompt at all', '', false],
];

for (const [what, prompt, expected] of CASES) {
  test(`on the screen: ${what}`, () => assert.equal(hasDraft(screen(prompt)), expected));
}
