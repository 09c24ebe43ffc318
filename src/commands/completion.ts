/** `orchestrate completion`: prints a shell's completion script, or the stream ids that such a script asks for. */
import { openProject } from '../app/project.ts';
import { bashCompletion, fishCompletion, zshCompletion } from '../cli/completion-scripts.ts';
import { EXIT } from '../core/errors.ts';
import type { CommandModule } from './definition.ts';
import type { Io } from './io.ts';
import { COMMANDS } from './table.ts';

const SCRIPTS: Readonly<Record<string, typeof bashCompletion>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export const run: CommandModule['run'] = async ([shell = ''], _flags, io) => {
  const script = SCRIPTS[shell];
  if (script === undefined) await printStreams(io);
  else io.write(script(COMMANDS.filter(({ hidden }) => hidden !== true)));
  return EXIT.ok;
};

/** One id a line: no id holds a line break. */
async function printStreams(io: Io): Promise<void> {
  const project = openProject(io);
  try {
    const { streams } = (await project.planStore()).readPlan();
    for (const { id } of streams) io.print(id);
  } finally {
    project.close();
  }
}
