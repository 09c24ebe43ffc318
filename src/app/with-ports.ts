/** Opens the project's ports around a command and closes them after it, whatever happens. */

import type { Io } from '../commands/io.ts';
import type { ConfigFlags } from './config/load.ts';
import type { Ports } from './ports.ts';
import { openProject, type Project } from './project.ts';
import { openPorts } from './wiring.ts';

/** Runs `work` with the ports; `create`: make state.db when it isn't there. */
export async function withPorts(
  io: Io,
  options: { readonly create: boolean; readonly flags?: ConfigFlags },
  work: (ports: Ports, project: Project) => Promise<number>,
): Promise<number> {
  const project = openProject(io, options.flags ?? {});
  try {
    return await work(await openPorts(project, options), project);
  } finally {
    project.close();
  }
}
