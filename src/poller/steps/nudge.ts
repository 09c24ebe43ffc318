/** Tells an idle agent what is still missing, or to go on after a limit, by typing one fixed sentence into its pane. */
import { setTimeout as pause } from 'node:timers/promises';
import { typedMessage } from '../../agent/typed-message.ts';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import type { Action, Run } from '../../core/types.ts';
import type { RunPatch } from '../../state/types.ts';
import { restAtLook } from './rest.ts';
import type { Step } from './step.ts';
import { note, recordOf } from './step.ts';
import { tellAgent } from './tell-agent.ts';

/** What a dialog needs to vanish before the next key is its successor's. */
const AFTER_DIALOG_MS = 500;

export type Nudge = Extract<Action, { kind: 'nudge' }>;

/**
 * Types the text into the run's pane and counts it; a user who has begun to type there, or is being asked something, is not
 * disturbed, and knows already. Throws exit 6 when the run has no pane.
 */
export async function nudge(step: Step, request: Nudge): Promise<void> {
  const { key, run: number, text, about, leaveDialog } = request;
  const { ports } = step;
  const run = recordOf(step, key).runs.find((each) => each.number === number);
  if (run === undefined || run.pane === null) {
    throw new OrchestrateError(
      EXIT.state,
      `run ${number} of ${key} has no pane to type into`,
      'orchestrate start',
    );
  }
  const atMs = ports.now();
  // Counted first: a kill in between costs one message, never an endless row of them.
  ports.state.patchRun(key, number, counted(run, request, { atMs, rest: restAtLook(step, run) }));
  if (leaveDialog) {
    await ports.tmux.sendKey(run.pane, 'Escape');
    await pause(AFTER_DIALOG_MS);
  }
  // Names of files are a worker's choice: `@types/…` must stay a name, and not attach the file.
  const typed = typedMessage(text).join(' ');
  const why = await tellAgent(step, { ...run, pane: run.pane }, typed, { hasLeft: leaveDialog });
  if (why !== null)
    return note(step, key, number, 'not-told', `${why}, so it was not told: ${request.reason}`);
  // Of a check that found something its own event tells.
  if (about === 'limit') note(step, key, number, 'go-on', 'told to go on');
  else
    note(
      step,
      key,
      number,
      about === 'moved' || run.verdict === null ? 'nudge' : 'returned',
      `told the agent: ${request.reason}`,
    );
}

/** What is remembered of a message to the run's agent. */
function counted(
  run: Run,
  { about, heads = [] }: Nudge,
  { atMs, rest }: { readonly atMs: number; readonly rest: number | null },
): RunPatch {
  if (about === 'moved') return { toldOf: heads };
  return about === 'work'
    ? { nudges: run.nudges + 1, lastNudgeAtMs: atMs, lastNudgeRest: rest }
    : { continued: { count: (run.continued?.count ?? 0) + 1, atMs, rest } };
}
