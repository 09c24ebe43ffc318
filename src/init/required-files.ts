/** The files without which nothing is started, and the box that says so. */
import { relative } from 'node:path';
import type { ProjectPaths } from '../app/paths.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { statIfPresent } from '../files/present.ts';

/** The required files that aren't there, relative to the project. Makes nothing. */
export function missingRequiredFiles(paths: ProjectPaths): string[] {
  const { orchestrate, checkStreams, watchStatus } = paths.launchers;
  return [orchestrate, checkStreams, watchStatus, paths.config, paths.workerPrompt]
    .filter((path) => !statIfPresent(path)?.isFile())
    .map((path) => relative(paths.root, path));
}

/** Throws exit 3 with the box when a required file is missing. */
export function checkRequiredFiles(paths: ProjectPaths): void {
  const missing = missingRequiredFiles(paths);
  if (missing.length === 0) return;
  throw new OrchestrateError(
    EXIT.environment,
    `required orchestrator files are missing: ${missing.join(', ')}`,
    'orchestrate init',
    { box: filesNotFoundBox(missing) },
  );
}

function filesNotFoundBox(missing: readonly string[]): string {
  const rule = '━'.repeat(59);
  return `${rule}
❌ ERROR: Orchestrator Files Not Found
${rule}

Missing required orchestrator files:
${missing.map((name) => `  • ${name}`).join('\n')}

Run \`orchestrate init\` to create them, or, inside Claude Code,
run \`/orchestrate generate\` first to:
  1. Create PRD and tasks in Task Copilot
  2. Set up orchestrator infrastructure
  3. Create worker scripts and symlinks

Then run \`orchestrate start\` to spawn workers.
${rule}`;
}
