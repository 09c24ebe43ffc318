/** Keeps `init --remove` from taking the files away under living workers. */
import { existsSync } from 'node:fs';
import type { Project } from '../app/project.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';

/** Throws exit 5 while a run of this project is open. Makes no state where there is none. */
export async function checkNothingRuns({ paths, onClose }: Project): Promise<void> {
  if (!existsSync(paths.stateDb)) return;
  const { openStateStore } = await import('../state/state-store.ts');
  const state = openStateStore(paths.stateDb);
  onClose(() => state.close());
  if (!state.hasOpenRuns()) return;
  throw new OrchestrateError(
    EXIT.refused,
    'workers of this project are still at work',
    'orchestrate stop, then orchestrate init --remove',
  );
}
