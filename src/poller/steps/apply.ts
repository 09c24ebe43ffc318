/** Applies one action; a failure is an outcome that is written down, never a reason to stop the others. */

import { messageOf, OrchestrateError } from '../../core/errors.ts';
import type { Action } from '../../core/types.ts';
import { adopt } from './adopt.ts';
import { applyEnd } from './end-run.ts';
import { launch } from './launch.ts';
import { nudge } from './nudge.ts';
import type { Step } from './step.ts';
import { note, recordOf } from './step.ts';
import { verify } from './verify.ts';

/** How an action went; `message` says what failed. */
export type Outcome = { readonly action: Action; readonly ok: boolean; readonly message: string | null };

/** Applies an action and records a failure as an event; throws only when that can't be recorded. */
export async function apply(step: Step, action: Action): Promise<Outcome> {
  try {
    await dispatch(step, action);
    forgetTrouble(step, action);
    return { action, ok: true, message: null };
  } catch (error) {
    const message = messageOf(error);
    // A step that was broken off because the poller ends says nothing of the stream.
    if (step.abort.aborted) return { action, ok: false, message };
    noteTrouble(step, action, error);
    note(step, action.key, 'run' in action ? action.run : null, `${action.kind}-error`, message);
    return { action, ok: false, message };
  }
}

function dispatch(step: Step, action: Action): Promise<void> {
  switch (action.kind) {
    case 'launch':
      return launch(step, action.key, action.run);
    case 'verify':
      return verify(step, action.key, action.run);
    case 'adopt':
      return adopt(step, action.key);
    case 'nudge':
      return nudge(step, action);
    case 'end-run':
      return applyEnd(step, action);
  }
}

/** Notes a failed step, so that the next looks hold it back; a launch is counted with its stream instead. */
function noteTrouble(step: Step, { key, kind }: Action, error: unknown): void {
  if (kind === 'launch') return;
  const { trouble: before, attemptsClearedAtMs } = recordOf(step, key);
  const fix = error instanceof OrchestrateError ? error.fix : 'orchestrate doctor';
  const again = before?.kind === kind && before.atMs > attemptsClearedAtMs;
  const count = again ? before.count + 1 : 1;
  const trouble = { kind, message: messageOf(error), fix, atMs: step.ports.now(), count };
  step.ports.state.patchStream(key, { trouble });
}

/** Forgets the failures of a step that has been taken. */
function forgetTrouble(step: Step, { key, kind }: Action): void {
  if (recordOf(step, key).trouble?.kind === kind) step.ports.state.patchStream(key, { trouble: null });
}
