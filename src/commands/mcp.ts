/** `orchestrate mcp`: serves Task Copilot's tools on stdio, for the project around it; scoped when a launch token is given. */
import { existsSync } from 'node:fs';
import { loadConfig } from '../app/config/load.ts';
import { packageVersion } from '../app/package-root.ts';
import {
  memoryCopilotPath,
  type ProjectPaths,
  projectPaths,
  renameWorkspace,
  resolveWorkspace,
} from '../app/paths.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { type FoundProject, findProject } from '../git/find-project.ts';
import { noteRefusal, refuseWhileWorkersLive, scopeOfToken } from '../operator/run-scope.ts';
import { openOnFile } from '../sqlite/same-file.ts';
import { openStateStore } from '../state/state-store.ts';
import type { StateStore } from '../state/types.ts';
import { serveMcp } from '../task-copilot/mcp/serve.ts';
import { checkOwner } from '../task-copilot/owner.ts';
import type { CommandModule } from './definition.ts';

export const run: CommandModule['run'] = (_args, _flags, { cwd, env }) => {
  const found = projectAround(env['ORCHESTRATE_PROJECT'] || cwd);
  const root = found?.root ?? cwd;
  const paths = found === null ? null : projectPaths(found.root);
  const configured = () => (paths === null ? null : loadConfig(paths.config, env).workspace);
  const workspace = resolveWorkspace({ root, env, configured });
  const state = stateOf(paths);
  const token = env['ORCHESTRATE_TOKEN'] || null;
  return serveMcp({
    planDbPath: workspace.storePath,
    beforeOpening: () => {
      if (paths !== null)
        checkOwner(workspace.storePath, root, { claim: true, rename: renameWorkspace(workspace.source) });
    },
    workspace: workspace.id,
    memoryDbPath: memoryCopilotPath(env, workspace.id),
    scope: token === null ? null : () => scopeOfToken(token, state.get()),
    onRefused: (tool, refusal) => {
      const memory = state.get();
      if (memory !== null) noteRefusal(memory, 'mcp-refused', tool, refusal);
    },
    refuseSwitch: (initiativeId) => refuseWhileWorkersLive(state.get(), initiativeId, 'orchestrate stop'),
    version: packageVersion(),
    stdin: process.stdin,
    stdout: process.stdout,
  }).finally(state.close);
};

/** orchestrate's memory of the project, looked for at each use: null before there is any; a server never makes it. */
function stateOf(paths: ProjectPaths | null): {
  readonly get: () => StateStore | null;
  readonly close: () => void;
} {
  if (paths === null) return { get: () => null, close: () => undefined };
  const path = paths.stateDb;
  const opened = openOnFile(path, () => openStateStore(path, { create: false }));
  return { get: () => (existsSync(path) ? opened.get() : null), close: opened.close };
}

/** The project, null where there is none: the tools of Task Copilot are of use outside a repository too. */
function projectAround(cwd: string): FoundProject | null {
  try {
    return findProject(cwd);
  } catch (error) {
    if (error instanceof OrchestrateError && error.exitCode === EXIT.environment) return null;
    throw error;
  }
}
