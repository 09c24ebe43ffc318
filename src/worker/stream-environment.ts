/** The environment of everything that runs for a stream: who it is, where it works, and how to reach orchestrate; no secret but the run's token. */

import type { Ports } from '../app/ports.ts';
import type { StreamRecord } from '../core/types.ts';
import { workerEnvironment } from './environment.ts';

/** Variables that tell a worker, a setup command or a gate which stream it serves. */
export function streamVariables(
  ports: Pick<Ports, 'paths' | 'workspace' | 'env'>,
  record: StreamRecord,
  run: number,
  baseSha: string,
): Record<string, string> {
  return {
    ORCHESTRATE_PROJECT: ports.paths.root,
    ORCHESTRATE_STREAM: record.streamId,
    ORCHESTRATE_KEY: record.key,
    ORCHESTRATE_RUN: String(run),
    ORCHESTRATE_BASE_SHA: baseSha,
    PORT: String(record.port),
    WORKSPACE_ID: ports.workspace.id,
    TASK_DB_PATH: ports.workspace.base,
    // The launcher in this directory lets a worker type `orchestrate task …`.
    PATH: `${ports.paths.orchestratorDir}:${ports.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'}`,
  };
}

/** The complete environment of a setup command or gate: the starter's, cleaned, with the stream's variables. */
export function commandEnvironment(
  ports: Pick<Ports, 'paths' | 'workspace' | 'env'>,
  record: StreamRecord,
  run: number,
  baseSha: string,
): Record<string, string> {
  return workerEnvironment(ports.env, streamVariables(ports, record, run, baseSha));
}
