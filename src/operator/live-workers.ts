/** Keeps commands that put other streams in the place of the plan's from doing so under the hands of those at work on them. */
import { existsSync } from 'node:fs';
import type { Project } from '../app/project.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';

/** Throws exit 5 while workers of another initiative than this one live; `then` is what to do after stopping them. */
export async function refuseWhileWorkersLive(
  { paths, onClose }: Project,
  initiativeId: string,
  then: string,
): Promise<void> {
  if (!existsSync(paths.stateDb)) return;
  const { openStateStore } = await import('../state/state-store.ts');
  const state = openStateStore(paths.stateDb);
  onClose(() => state.close());
  if (!state.hasOpenRuns(initiativeId)) return;
  throw new OrchestrateError(
    EXIT.refused,
    'workers of another initiative are still at work',
    `orchestrate stop, then ${then}`,
  );
}
