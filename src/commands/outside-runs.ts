/** Keeps workers from commands that change the plan: a worker is given its tasks, it does not give any. */
import { EXIT, OrchestrateError } from '../errors.ts';
import type { Io } from './io.ts';

/** Throws exit 5 inside a worker's run (whatever its token is worth); `verb` is the command, as in `import`. */
export function refuseInsideRun(env: Io['env'], verb: string): void {
  if (!env['ORCHESTRATE_TOKEN']) return;
  throw new OrchestrateError(
    EXIT.refused,
    `orchestrate ${verb} changes the plan, which a worker may not do`,
    'say in the notes of your task what should be planned: orchestrate task update TASK-… --notes TEXT',
  );
}
