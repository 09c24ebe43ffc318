/** What init puts into a project for Claude Code: the slash command, the planner agent, and our MCP server. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { templatePath } from '../app/package-root.ts';
import type { Change, InitStep } from './change.ts';
import { fileStep, type OwnedFile } from './file-step.ts';
import { MCP_CONFIG_STEP } from './mcp-config-step.ts';

export const CLAUDE_STEPS: readonly InitStep[] = [
  claudeFile('slash command', {
    path: ({ paths }) => paths.slashCommand,
    content: () => readFileSync(templatePath('commands/orchestrate.md'), 'utf8'),
    mode: 0o644,
  }),
  claudeFile('planner agent', {
    path: ({ paths }) => paths.plannerAgent,
    content: () => readFileSync(templatePath('agents/ta.md'), 'utf8'),
    mode: 0o644,
    yields: 'your own planner is used',
  }),
  MCP_CONFIG_STEP,
];

/** A file in a directory that others put files in too: removal takes the directory along only when nothing is left in it. */
function claudeFile(name: string, file: OwnedFile): InitStep {
  const step = fileStep(name, file);
  return {
    ...step,
    undo: (context, before) =>
      step.undo(context, before).map((change) => ({
        ...change,
        apply: removingDirectory(change, dirname(file.path(context))),
      })),
  };
}

function removingDirectory({ verb, apply }: Change, directory: string): Change['apply'] {
  if (verb !== 'remove' || apply === null) return apply;
  return async () => {
    await apply();
    if (existsSync(directory) && readdirSync(directory).length === 0) rmdirSync(directory);
  };
}
