/** `orchestrate completion`: prints a shell's completion script, or the stream ids that such a script asks for. */
import { EXIT } from '../errors.ts';
import { bashCompletion, fishCompletion, zshCompletion } from './completion-scripts.ts';
import type { CommandModule } from './definition.ts';
import { COMMANDS } from './table.ts';

const SCRIPTS: Readonly<Record<string, typeof bashCompletion>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export const run: CommandModule['run'] = async ([shell = ''], _flags, io) => {
  const script = SCRIPTS[shell];
  if (script !== undefined) io.write(script(COMMANDS));
  return EXIT.ok;
};
