/** Builds what tmux parses: commands out of fixed words, conditions on what is ours, text that stays text. */
import { projectTag } from './names.ts';

/**
 * One command of a list that tmux itself parses (as in `if-shell`). Words stand between single quotes, inside which
 * tmux knows no special character; they come from us, so that one with a quote is a mistake.
 */
export function command(...words: readonly string[]): string {
  for (const word of words) {
    if (word.includes("'")) throw new TypeError(`not a fixed word: ${word}`);
  }
  return words.map((word) => `'${word}'`).join(' ');
}

/** Text as one argument of tmux: a last `;` would end the command there. */
export function textArgument(text: string): string {
  return text.endsWith(';') ? `${text.slice(0, -1)}\\;` : text;
}

/** Text without control characters; line ends and tabs become spaces. */
export function textOnOneLine(text: string): string {
  return text.replace(/[\t\n\r\v\f]+/g, ' ').replace(/\p{Cc}/gu, '');
}

/** Our session on the server it was seen on. */
export type SessionHandle = { readonly serverPid: number; readonly sessionId: string };

/** Printed instead of acting where a condition doesn't hold. */
export const NOT_OURS = 'not-ours';

/** The value of an option where the whole of it matches `pattern` (no `,` or `}`), else nothing. */
export function optionIf(name: string, pattern: string): string {
  return `#{?#{m/r:^${pattern}$,#{${name}}},#{=200:${name}},}`;
}

/** A tmux format that is true where all of `conditions` are. */
export function allOf(conditions: readonly string[]): string {
  return conditions.reduce((all, each) => `#{&&:${all},${each}}`);
}

/**
 * The arguments that run `commands` on our session as `handle` has it, in one step with the check that it still is that
 * one: every server counts its ids from the start.
 */
export function onOurSession(root: string, handle: SessionHandle, commands: readonly string[]): string[] {
  const condition = allOf([
    `#{==:#{pid},${handle.serverPid}}`,
    `#{==:#{session_id},${handle.sessionId}}`,
    `#{==:#{@orchestrate_session},${projectTag(root)}}`,
  ]);
  const target = `${handle.sessionId}:`;
  return ['if-shell', '-F', '-t', target, condition, commands.join(' ; '), `display-message -p ${NOT_OURS}`];
}
