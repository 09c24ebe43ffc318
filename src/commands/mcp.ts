/** `orchestrate mcp`: serves Task Copilot's tools on stdio, for the project around it; scoped when a launch token is given. */
import { existsSync } from 'node:fs';
import { loadConfig } from '../app/config/load.ts';
import { packageVersion } from '../app/package-root.ts';
import { memoryCopilotPath, type ProjectPaths, projectPaths, resolveWorkspace } from '../app/paths.ts';
import { findProject } from '../git/project.ts';
import { openStateStore } from '../state/state-store.ts';
import type { StateStore } from '../state/types.ts';
import { serveMcp } from '../task-copilot/mcp/serve.ts';
import { checkOwner } from '../task-copilot/owner.ts';
import type { CommandModule } from './definition.ts';

export const run: CommandModule['run'] = (_args, _flags, { cwd, env }) => {
  const found = findProject(env['ORCHESTRATE_PROJECT'] || cwd);
  const root = found?.root ?? cwd;
  const paths = found === null ? null : projectPaths(found.root);
  const configured = () => (paths === null ? null : loadConfig(paths.config, env).workspace);
  const workspace = resolveWorkspace({ root, env, configured });
  return serveMcp({
    planDbPath: workspace.storePath,
    beforeOpening: () => {
      if (paths !== null) checkOwner(workspace.storePath, root, { claim: true });
    },
    openState: () => openState(paths),
    workspace: workspace.id,
    token: env['ORCHESTRATE_TOKEN'] || null,
    memoryDbPath: memoryCopilotPath(env, workspace.id),
    version: packageVersion(),
    stdin: process.stdin,
    stdout: process.stdout,
  });
};

/** orchestrate's memory of the project, once there is one; a server never makes it. */
function openState(paths: ProjectPaths | null): StateStore | null {
  if (paths === null || !existsSync(paths.stateDb)) return null;
  return openStateStore(paths.stateDb, { create: false });
}
