/** All parts of `orchestrate init`, in order; a new part is one more entry here. */
import { readFileSync } from 'node:fs';
import { templatePath } from '../app/package-root.ts';
import type { ProjectPaths } from '../app/paths.ts';
import type { InitStep } from './change.ts';
import { CLAUDE_STEPS } from './claude-steps.ts';
import { CONFIG_STEP } from './config-step.ts';
import { DIRECTORY_STEP } from './directory-step.ts';
import { EXCLUDE_STEP } from './exclude-step.ts';
import { fileStep } from './file-step.ts';
import { LAUNCHER_STEPS } from './launchers.ts';
import { SYMLINK_STEP } from './symlink.ts';

/** A file copied from `templates/` as it is. */
function templateStep(name: string, pathOf: (paths: ProjectPaths) => string): InitStep {
  return fileStep(name, {
    path: ({ paths }) => pathOf(paths),
    content: () => readFileSync(templatePath(name), 'utf8'),
    mode: 0o644,
  });
}

export const INIT_STEPS: readonly InitStep[] = [
  EXCLUDE_STEP,
  DIRECTORY_STEP,
  ...LAUNCHER_STEPS,
  CONFIG_STEP,
  templateStep('config.schema.json', (paths) => paths.configSchema),
  templateStep('worker-prompt.md', (paths) => paths.workerPrompt),
  templateStep('ORCHESTRATION_GUIDE.md', (paths) => paths.guide),
  SYMLINK_STEP,
  ...CLAUDE_STEPS,
];

/** What init makes that belongs in the repository, relative to the project. */
export const MEANT_TO_BE_COMMITTED: readonly string[] = [
  '.claude/orchestrator/config.json',
  '.claude/orchestrator/config.schema.json',
  '.claude/orchestrator/worker-prompt.md',
  '.claude/orchestrator/ORCHESTRATION_GUIDE.md',
  '.claude/commands/orchestrate.md',
  '.claude/agents/ta.md',
];
