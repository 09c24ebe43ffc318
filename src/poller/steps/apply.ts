/** Applies one action; a failure is an outcome that is written down, never a reason to stop the others. */

import { messageOf } from '../../core/errors.ts';
import type { Action } from '../../core/types.ts';
import { forgetTrouble, noteTrouble } from '../../look/failed-steps.ts';
import { adopt } from './adopt.ts';
import { applyEnd } from './end-run.ts';
import { launch } from './launch.ts';
import { nudge } from './nudge.ts';
import type { Step } from './step.ts';
import { note } from './step.ts';
import { verify } from './verify.ts';

/** How an action went; `message` says what failed. */
export type Outcome = { readonly action: Action; readonly ok: boolean; readonly message: string | null };

/** Applies an action and records a failure as an event; throws only when that can't be recorded. */
export async function apply(step: Step, action: Action): Promise<Outcome> {
  try {
    await dispatch(step, action);
    forgetTrouble(step.ports, action);
    return { action, ok: true, message: null };
  } catch (error) {
    const message = messageOf(error);
    // A step that was broken off because the poller ends says nothing of the stream.
    if (step.abort.aborted) return { action, ok: false, message };
    noteTrouble(step.ports, action, error, clearedAtMs(step, action));
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

function clearedAtMs({ snapshot }: Step, { key }: Action): number {
  return snapshot.records.get(key)?.attemptsClearedAtMs ?? 0;
}
