/** Quotes a word for commands that the user will paste into a shell; nothing in orchestrate itself runs such text. */
import { hidesCharacters } from './short-names.ts';

/** The word as is when it is plain, else in single quotes. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** `orchestrate task update … --status pending` ready to paste, for any id that the store may hold. */
export function reopenCommand(taskId: string): string {
  const task = shellWord(taskId);
  return taskId.startsWith('-')
    ? `orchestrate task update --status pending -- ${task}`
    : `orchestrate task update ${task} --status pending`;
}

/** What ends a checkout that is dirty from the start; to be typed on the base branch. */
export const RENORMALISE = 'git add --renormalize . && git commit -m "Normalise what is checked out"';

/** What begins a line to be typed: a program of which commands are offered. No other advice begins so. */
const PROGRAM =
  /^(?:orchestrate|git|claude|codex|opencode|npm|ulimit|chmod|cd|mv|rm|kill|tmux|mkdir|lsof|ls|df)(?: |$)/;

/** True for what can be typed as it stands. */
export function isCommand(fix: string): boolean {
  return PROGRAM.test(fix);
}

/**
 * What to say and what to type where `fix` has to come before `again`. A command is typed with it, on one line; any other
 * advice is said with the reason, so that what is to be typed is a command to the letter.
 */
export function thenTry(
  reason: string,
  fix: string,
  again: string,
): { readonly reason: string; readonly remedy: string } {
  return isCommand(fix)
    ? { reason, remedy: fix === again ? again : `${fix} && ${again}` }
    : { reason: `${reason} (${fix})`, remedy: again };
}

/**
 * `orchestrate <verb> <stream>` ready to paste, also for ids that begin with a dash; of a record by its key where its id holds
 * characters that show nothing: those would be lost on the way to a command line.
 */
export function commandFor(
  verb: string,
  stream: string | { readonly streamId: string; readonly key: string },
): string {
  const id = typeof stream === 'string' ? stream : stream.streamId;
  const streamId = typeof stream === 'string' || !hidesCharacters(id) ? id : stream.key;
  return `orchestrate ${verb} ${streamId.startsWith('-') ? '-- ' : ''}${shellWord(streamId)}`;
}

/** A name for what is moved out of the way so that it takes the place of nothing: `x-mine`, else `x-mine-2` and so on. */
export function asideName(name: string, isTaken: (name: string) => boolean, end = '-mine'): string {
  let aside = `${name}${end}`;
  for (let number = 2; isTaken(aside); number += 1) aside = `${name}${end}-${number}`;
  return aside;
}
