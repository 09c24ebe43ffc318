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

/** What ends a checkout that is dirty from the start. */
export const RENORMALISE =
  'on the base branch: git add --renormalize . && git commit -m "Normalise what is checked out"';

/** A remedy that ends in a command: it is one, or what it says stands before it. */
const ENDS_IN_COMMAND = /(?:^|: )(?:orchestrate|git|claude|codex|npm|ulimit|chmod|cd|mv|rm|kill|tmux)(?: |$)/;

/** A remedy with the command that tries again after it, as one line to be typed. */
export function thenTry(remedy: string, again: string): string {
  return ENDS_IN_COMMAND.test(remedy) ? `${remedy} && ${again}` : `${remedy}, then: ${again}`;
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

/** Renames a branch of the user's so that its new name is in no other branch's way, ready to paste. */
export function moveAside(branch: string): string {
  return `git branch -m ${shellWord(branch)} ${shellWord(`${branch.replaceAll('/', '-')}-mine`)}`;
}
