/** Applies one action; a failure is an outcome that is written down, never a reason to stop the others. */

import { EXIT, isAbort, messageOf, OrchestrateError } from '../../core/errors.ts';
import type { Action, Trouble, VerifyAnswer } from '../../core/types.ts';
import { discard, prepare } from './ahead.ts';
import { applyEnd } from './end-run.ts';
import { ChangedGitConfig } from './git-config.ts';
import { launch } from './launch.ts';
import { nudge } from './nudge.ts';
import type { Step } from './step.ts';
import { note, recordOf } from './step.ts';
import { sync } from './sync.ts';
import { takeUp, verify } from './verify.ts';

/** How an action went; `message` says what failed. */
export type Outcome = { readonly action: Action; readonly ok: boolean; readonly message: string | null };

/**
 * Failures of steps, kept in memory first: what cannot be written down (a full disk, a state without permission) is held
 * back all the same. Once written down they are the record's.
 */
export type Backoff = {
  /** Those that are in memory alone, by key. */
  unwritten(): ReadonlyMap<string, Trouble>;
  /** Counts a failure; throws when it could not be written down. */
  failed(step: Step, action: Action, error: unknown): void;
  /** Forgets the failures of a step that has been taken. */
  done(step: Step, action: Action): void;
};

/** The back-off of one poller, or of one command. */
export function createBackoff(): Backoff {
  const kept = new Map<string, Trouble>();
  const write = (step: Step, key: string, trouble: Trouble | null): void => {
    step.ports.state.patchStream(key, { trouble });
    kept.delete(key);
  };
  return {
    unwritten: () => new Map(kept),
    failed(step, { key, kind }, error) {
      const before = kept.get(key) ?? step.snapshot.troubles.get(key);
      const count = before?.kind === kind ? before.count + 1 : 1;
      const trouble: Trouble = {
        kind,
        message: messageOf(error),
        fix: error instanceof OrchestrateError ? error.fix : 'orchestrate doctor',
        cause: error instanceof ChangedGitConfig ? 'git-config' : null,
        atMs: step.ports.now(),
        // Time does not mend what the user has to move out of the way, or to correct.
        count: kind === 'launch' && isHopeless(error) ? step.ports.config.restart.maxAttempts : count,
      };
      kept.set(key, trouble);
      write(step, key, trouble);
    },
    done(step, { key, kind }) {
      const before = kept.get(key) ?? recordOf(step, key).trouble;
      if (before?.kind === kind) write(step, key, null);
    },
  };
}

function isHopeless(error: unknown): boolean {
  return (
    error instanceof OrchestrateError && (error.exitCode === EXIT.refused || error.exitCode === EXIT.input)
  );
}

/** What the wish for a check comes to: the check itself, or what goes before it. */
const CHECKS: ReadonlySet<Action['kind']> = new Set(['verify', 'sync', 'adopt']);

/**
 * Applies an action and records a failure as an event. A step that was broken off leaves nothing and counts for nothing.
 * Throws only what cannot be recorded.
 */
export async function apply(step: Step, action: Action, backoff: Backoff): Promise<Outcome> {
  try {
    await dispatch(step, action);
    backoff.done(step, action);
    return { action, ok: true, message: null };
  } catch (error) {
    const message = messageOf(error);
    // A step that was broken off because the poller ends says nothing of the stream.
    if (isAbort(error)) return { action, ok: false, message };
    backoff.failed(step, action, error);
    if (CHECKS.has(action.kind)) answer(step, action.key, { ok: false, message });
    note(step, action.key, 'run' in action ? action.run : null, `${action.kind}-error`, message);
    return { action, ok: false, message };
  }
}

async function dispatch(step: Step, action: Action): Promise<void> {
  switch (action.kind) {
    case 'launch':
      return launch(step, action.key, action.run);
    case 'verify':
      return answer(step, action.key, await verify(step, action.key, action.run));
    case 'sync':
      return answer(step, action.key, await sync(step, action.key, action.run));
    case 'adopt':
      return answer(step, action.key, await takeUp(step, action.key));
    case 'prepare':
      return prepare(step, action.key, action.parents);
    case 'discard':
      return discard(step, action.key);
    case 'nudge':
      return nudge(step, action);
    case 'end-run':
      return applyEnd(step, action);
  }
}

/** Tells whoever asked for a check how it went; null: it is still to come. */
function answer({ ports }: Step, key: string, verifyAnswer: VerifyAnswer | null): void {
  if (verifyAnswer !== null) ports.state.patchStream(key, { verifyAnswer });
}
