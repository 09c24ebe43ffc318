/** Turns what git printed when it failed into an error with one cause and one remedy. */

import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';

export type GitResult = { readonly code: number; readonly out: string; readonly err: string };

/** The lock file that a failed command found taken; null when it failed for another reason. */
export function lockFileOf(err: string): string | null {
  const lock = /[Uu]nable to create '([^\n]+\.lock)': File exists/.exec(err)?.[1];
  if (lock !== undefined) return lock;
  const config = /could not lock config file ([^\n]+): File exists/.exec(err)?.[1];
  return config === undefined ? null : `${config}.lock`;
}

/**
 * Name of the worktree's entry that git could not read because it is being made at this moment (or was left so by a kill):
 * `worktree add` and `lock` read all entries, and die at one whose `commondir` has no text yet. Seen with git 2.39.
 */
export function halfMadeEntryOf(err: string): string | null {
  return /failed to read [^\n]*worktrees\/([^\n/]+)\/commondir: /.exec(err)?.[1] ?? null;
}

/** True for a failure that passes by itself: another git process is in the middle of something. */
export function isPassing(err: string): boolean {
  // The directory of all entries goes away with the last one, also between git's two steps of making a new one.
  const vanished = /could not create [^\n]*worktrees\/[^\n]*: No such file or directory/;
  return lockFileOf(err) !== null || halfMadeEntryOf(err) !== null || vanished.test(err);
}

/** The sentence git died with, without its prefix; the last line when there is none. */
function causeOf(result: GitResult): string {
  const lines = result.err.split('\n').filter((line) => line.trim() !== '');
  const fatal =
    lines.findLast((line) => line.startsWith('fatal:')) ?? lines.find((l) => l.startsWith('error:'));
  const line = fatal ?? lines.at(-1) ?? `exit code ${result.code}`;
  return printable(line.replace(/^(?:fatal|error): /, ''), 400);
}

const EXPLANATIONS: readonly { readonly seen: RegExp; readonly fix: string }[] = [
  {
    seen: /No space left on device|Disk quota exceeded/,
    fix: 'free some disk space, then run the command again',
  },
  {
    seen: /Read-only file system|Permission denied/,
    fix: 'make the repository writable for this user',
  },
  {
    seen: /index file corrupt|bad index file|object file .* is empty|loose object .* corrupt|bad object/,
    fix: 'git fsck',
  },
];

/**
 * The error for a command that failed: exit 3, naming the subcommand and git's own words.
 *
 * @param args the command's arguments; only the subcommand is shown, paths and refs may be untrusted.
 */
export function gitFailure(args: readonly string[], result: GitResult): OrchestrateError {
  const lock = lockFileOf(result.err);
  if (lock !== null) {
    return new OrchestrateError(
      EXIT.environment,
      `git ${args[0]} is held up by the lock ${printable(lock)}`,
      'wait for the process that holds it, or remove the file when none does',
    );
  }
  const halfMade = halfMadeEntryOf(result.err);
  if (halfMade !== null) {
    return new OrchestrateError(
      EXIT.environment,
      `git ${args[0]} is held up by the worktree ${printable(halfMade)}, which was never finished: if nobody makes it now, remove .git/worktrees/${printable(halfMade)}`,
      'git worktree list',
    );
  }
  const dubious = /dubious ownership in repository at '([^\n]+)'/.exec(result.err)?.[1];
  if (dubious !== undefined) {
    return new OrchestrateError(
      EXIT.environment,
      `git refuses the repository ${printable(dubious)}: detected dubious ownership (it belongs to another user)`,
      `git config --global --add safe.directory ${shellWord(printable(dubious))}`,
    );
  }
  const cause = causeOf(result);
  const fix = EXPLANATIONS.find(({ seen }) => seen.test(result.err))?.fix;
  return new OrchestrateError(
    EXIT.environment,
    `git ${args[0]} failed: ${cause}`,
    fix ?? 'see to what it complains about, then run the command again',
  );
}

/** The result's standard output, or the error when git did not exit 0. */
export function outputOf(args: readonly string[], result: GitResult): string {
  if (result.code !== 0) throw gitFailure(args, result);
  return result.out;
}
