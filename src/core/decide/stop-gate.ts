/** The stop gate: whether an agent that wants to stop is told once more what is missing, and when that is given up. */
import { printable } from '../printable.ts';
import type { StopGate } from '../types.ts';

/** Refusals in a row, and in a whole run, before it is the user's turn. */
const MOST_IN_A_ROW = 5;
const MOST_IN_A_RUN = 25;

/**
 * A stop to be judged. `signature` tells whether anything changed since the last one; `again`: it follows a refusal. `short` is
 * what is missing in the user's words, `said` what the agent said last (null: not known).
 */
export type StopAttempt = {
  readonly missing: readonly string[];
  readonly short: string;
  readonly said: string | null;
  readonly signature: string;
  readonly again: boolean;
  readonly atMs: number;
};

/** The answer: the text that refuses it (null: let it stop), and what is to be remembered. */
export type StopAnswer = { readonly refusal: string | null; readonly gate: StopGate | null };

const NOT_ASKED: StopGate = { refusals: 0, inARow: 0, signature: '', atMs: 0, gaveUp: null };

/** Judges a stop. Refusals are bounded, and given up at once when nothing changed since the last. */
export function judgeStop(attempt: StopAttempt, before: StopGate | null): StopAnswer {
  const { missing, signature, again, atMs } = attempt;
  const { refusals, ...last } = before ?? NOT_ASKED;
  const inARow = again ? last.inARow : 0;
  if (missing.length === 0) {
    return { refusal: null, gate: before === null ? null : { ...before, inARow: 0, atMs, gaveUp: null } };
  }
  const unchanged = inARow > 0 && last.signature === signature;
  if (unchanged || inARow >= MOST_IN_A_ROW || refusals >= MOST_IN_A_RUN) {
    const gaveUp = `${sayingText(attempt.said)} (${attempt.short})`;
    return { refusal: null, gate: { refusals, inARow, signature, atMs, gaveUp } };
  }
  const gate = { refusals: refusals + 1, inARow: inARow + 1, signature, atMs, gaveUp: null };
  return { refusal: refusalText(missing), gate };
}

/** Longest quotation of what an agent said, and how much of its end is looked at. */
const QUOTED = 160;
const LOOKED_AT = 4_000;

/** What the agent said as it stopped: its last question, `asks: "…Which one?"`, else its last sentence. */
function sayingText(said: string | null): string {
  const text = printable((said ?? '').slice(-LOOKED_AT))
    .replace(/ +/g, ' ')
    .trim();
  if (text === '') return 'stopped unfinished';
  const asked = text.lastIndexOf('?');
  const whole = asked < 0 ? text : text.slice(0, asked + 1);
  const ends = ['. ', '! ', '? ', ': '].map((end) => whole.slice(0, -1).lastIndexOf(end));
  const before = Math.max(...ends);
  const sentence = before < 0 ? whole : `…${whole.slice(before + 2)}`;
  return `${asked < 0 ? 'stopped' : 'asks'}: "${printable(sentence, QUOTED)}"`;
}

function refusalText(missing: readonly string[]): string {
  return [
    'orchestrate: this stream is not done yet. Missing:',
    ...missing.map((line) => `- ${line}`),
    'Finish this and commit it, then stop. If you cannot go on with a task, mark it blocked with the reason.',
  ].join('\n');
}
