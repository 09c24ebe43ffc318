/** Keeps workers from commands that change the plan or steer the work: a worker is given its tasks, it does not give any. */

import type { Io } from '../commands/io.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';

/** Throws exit 5 inside a worker's run (whatever its token is worth); `verb` is the command, as in `import`. */
export function refuseInsideRun(env: Io['env'], verb: string): void {
  if (!env['ORCHESTRATE_TOKEN']) return;
  throw new OrchestrateError(
    EXIT.refused,
    `orchestrate ${verb} changes the plan, which a worker may not do`,
    'say in the notes of your task what should be planned: orchestrate task update TASK-… --notes TEXT',
  );
}

/**
 * Throws exit 5 inside a run of the project at `root`; `verb` is the command, as in `stop`. (What a worker does in a
 * project of its own, such as one that a test makes, is its business.)
 */
export function refuseSteering(env: Io['env'], root: string, verb: string): void {
  if (!env['ORCHESTRATE_TOKEN'] || env['ORCHESTRATE_PROJECT'] !== root) return;
  throw new OrchestrateError(
    EXIT.refused,
    `orchestrate ${verb} steers the work, which is for people: a worker may not do it`,
    'say what you need: orchestrate task update TASK-… --status blocked --blocked-reason TEXT',
  );
}
