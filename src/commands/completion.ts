/** `orchestrate completion`: prints a shell's completion script, or the stream ids that such a script asks for. */
import { openProject } from '../app/project.ts';
import { bashCompletion, fishCompletion, zshCompletion } from '../cli/completion-scripts.ts';
import { EXIT } from '../core/errors.ts';
import type { CommandDefinition, CommandModule } from './definition.ts';
import type { Io } from './io.ts';

const SCRIPTS: Readonly<Record<string, typeof bashCompletion>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** The command for the table that it is itself an entry of. */
export function completionOf(table: readonly CommandDefinition[]): CommandModule['run'] {
  return async ([shell = ''], _flags, io) => {
    const script = SCRIPTS[shell];
    if (script === undefined) await printStreams(io);
    else io.write(script(table.filter(({ hidden }) => hidden !== true)));
    return EXIT.ok;
  };
}

/** One id per line: no id holds a line break. */
async function printStreams(io: Io): Promise<void> {
  const project = openProject(io);
  try {
    const { streams } = (await project.planStore()).readPlan();
    for (const { id } of streams) io.print(id);
  } finally {
    project.close();
  }
}
