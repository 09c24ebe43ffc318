/** Whether a run's agent is at rest: as a step was decided on it, and still while the step goes on. */
import { stillRests } from '../../core/pause.ts';
import type { Run } from '../../core/types.ts';
import { recordOf, type Step } from './step.ts';

/** Number of the rest that the run's agent was in when the step was decided; null when it was at work, or had ended. */
export function restAtLook(
  { snapshot }: Pick<Step, 'snapshot'>,
  { key, number }: Pick<Run, 'key' | 'number'>,
): number | null {
  const rest = snapshot.records.get(key)?.runs.find((each) => each.number === number)?.rest ?? null;
  return rest === null || rest.isOver ? null : rest.number;
}

/**
 * True when the agent has left the rest in which the check of its work began: gates take minutes, the user may have told it one
 * thing more, and what comes of that has to be checked too. `number`, `rest`: null where none was at rest.
 */
export async function wentToWork(
  step: Pick<Step, 'ports' | 'snapshot'>,
  key: string,
  number: number | null,
  rest: number | null,
): Promise<boolean> {
  const run = recordOf(step, key).runs.find((each) => each.number === number);
  if (run === undefined || rest === null || run.endedAtMs !== null || run.worker === null) return false;
  const { agentThatMade, processes, tmux } = step.ports;
  if (!processes.isAlive(run.worker)) return false;
  const screen = async () => (run.pane === null ? '' : tmux.capture(run.pane));
  return !stillRests(run, await agentThatMade(run).activity(run, run.worker, screen), rest);
}
