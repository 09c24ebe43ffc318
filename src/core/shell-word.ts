/** Quotes a word for commands that a person will paste into a shell; nothing in orchestrate itself runs such text. */

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

/** `orchestrate <verb> <stream>` ready to paste, also for ids that begin with a dash. */
export function commandFor(verb: string, streamId: string): string {
  return `orchestrate ${verb} ${streamId.startsWith('-') ? '-- ' : ''}${shellWord(streamId)}`;
}

/** Renames a branch of the user's so that its new name is in no other branch's way, ready to paste. */
export function moveAside(branch: string): string {
  return `git branch -m ${shellWord(branch)} ${shellWord(`${branch.replaceAll('/', '-')}-mine`)}`;
}
