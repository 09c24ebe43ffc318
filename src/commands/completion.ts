/** `orchestrate completion`: prints a shell's completion script, or the stream ids that such a script asks for. */
import { openProject } from '../app/project.ts';
import { bashCompletion, fishCompletion, zshCompletion } from '../cli/completion-scripts.ts';
import { EXIT } from '../core/errors.ts';
import { streamsNamed } from '../core/short-names.ts';
import { namesOf } from '../operator/find-stream.ts';
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

/** One id per line (no id holds a line break): all, or those that the word in `ORCHESTRATE_WORD` may stand for. */
async function printStreams(io: Io): Promise<void> {
  const project = openProject(io);
  try {
    const streams = namesOf((await project.planStore()).readPlan(), new Map());
    const word = io.env['ORCHESTRATE_WORD'] ?? '';
    for (const id of word === '' ? streams.map((each) => each.id) : streamsNamed(word, streams)) io.print(id);
  } finally {
    project.close();
  }
}
