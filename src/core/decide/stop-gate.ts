/** The stop gate: what an agent that wants to stop has left undone, and whether it is told once more. */
import { printable } from '../printable.ts';
import type { StopGate, Task } from '../types.ts';

/** What holds of the stream and its worktree at the stop. */
export type Standing = {
  readonly tasks: readonly Pick<Task, 'id' | 'title' | 'status'>[];
  readonly declaresNoChanges: boolean;
  /** Branch that the stream's work belongs on. */
  readonly branch: string;
  /** Changes of tracked files are committed by us. */
  readonly commitsLeftovers: boolean;
  readonly worktree: {
    readonly branch: string | null;
    readonly operation: string | null;
    readonly changed: readonly string[];
    readonly changedCount: number;
    readonly untracked: readonly string[];
    readonly untrackedCount: number;
    readonly commitsSinceBase: number;
  };
};

const NAMED = 10;
const TITLE = 120;

/** What is missing, one sentence each; empty when the stop is all right. Blocked tasks are a reason to stop. */
export function missingAtStop(standing: Standing): readonly string[] {
  const open = standing.tasks.filter(({ status }) => status === 'pending' || status === 'in_progress');
  const tasks = open.map(({ id, title, status }) => `task ${id} "${printable(title, TITLE)}" is ${status}`);
  return [...shortened(tasks, 'tasks'), ...missingInWorktree(standing)];
}

function missingInWorktree({ worktree, branch, ...standing }: Standing): string[] {
  const { operation, changed, changedCount, untracked, untrackedCount } = worktree;
  const blocked = standing.tasks.some(({ status }) => status === 'blocked');
  const counted = standing.commitsLeftovers ? untrackedCount : changedCount + untrackedCount;
  const files = standing.commitsLeftovers ? untracked : [...changed, ...untracked];
  const named = files
    .slice(0, NAMED)
    .map((file) => printable(file, TITLE))
    .join(', ');
  const more =
    counted > Math.min(files.length, NAMED) ? ` and ${counted - Math.min(files.length, NAMED)} more` : '';
  const uncommitted = counted > 0 ? [`uncommitted: ${named}${more}`] : [];
  const commits = worktree.commitsSinceBase > 0 || (standing.commitsLeftovers && changedCount > 0);
  return [
    ...(operation === null ? [] : [`a ${operation} is in progress`]),
    ...(worktree.branch === branch ? [] : [`the worktree is not on its branch ${branch}`]),
    ...uncommitted,
    ...(commits || standing.declaresNoChanges || blocked
      ? []
      : ['there is no commit yet (a task note line beginning "no-changes:" would say that none is needed)']),
  ];
}

function shortened(lines: readonly string[], what: string): string[] {
  const more = lines.length - NAMED;
  return more > 0 ? [...lines.slice(0, NAMED), `and ${more} more ${what}`] : [...lines];
}

/** Refusals in a row, and in a whole run, before it is a person's turn. */
const MOST_IN_A_ROW = 5;
const MOST_IN_A_RUN = 25;

/** A stop to be judged. `signature` tells whether anything changed since the last one; `again`: it follows a refusal. */
export type StopAttempt = {
  readonly missing: readonly string[];
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
    const gaveUp = `the agent stopped, though ${missing.join('; ')} (${whyGivenUp(inARow, unchanged)})`;
    return { refusal: null, gate: { refusals, inARow, signature, atMs, gaveUp } };
  }
  const gate = { refusals: refusals + 1, inARow: inARow + 1, signature, atMs, gaveUp: null };
  return { refusal: refusalText(missing), gate };
}

function whyGivenUp(inARow: number, unchanged: boolean): string {
  if (inARow === 0) return 'it was told too often in this run';
  const told = `it was told ${inARow === 1 ? 'once' : `${inARow} times`}`;
  return unchanged ? `${told}, and nothing has changed since` : told;
}

function refusalText(missing: readonly string[]): string {
  return [
    'orchestrate: this stream is not done yet. Missing:',
    ...missing.map((line) => `- ${line}`),
    'Finish this and commit it, then stop. If you cannot go on with a task, mark it blocked with the reason.',
  ].join('\n');
}
