/** Tells an idle agent what is still missing, by typing one fixed sentence into its pane. */
import { EXIT, OrchestrateError } from '../errors.ts';
import type { Step } from './step.ts';
import { note, recordOf } from './step.ts';

/** Types `text` into the run's pane and counts it. Throws exit 6 when the run has no pane. */
export async function nudge(step: Step, key: string, runNumber: number, text: string): Promise<void> {
  const run = recordOf(step, key).runs.find((each) => each.number === runNumber);
  if (run === undefined || run.pane === null) {
    throw new OrchestrateError(
      EXIT.state,
      `run ${runNumber} of ${key} has no pane to type into`,
      'orchestrate start',
    );
  }
  // Counted first: a kill in between costs one message, never an endless row of them.
  step.ports.state.patchRun(key, runNumber, { nudges: run.nudges + 1, lastNudgeAtMs: step.ports.now() });
  await step.ports.tmux.typeText(run.pane, text);
  note(step, key, runNumber, 'nudge', text);
}
