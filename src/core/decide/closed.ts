/** Rules for streams whose agent the user closed at its prompt: that is their word, so no attempt is burnt and nothing starts before they say so. */
import { tasksComplete } from '../done.ts';
import { commandFor } from '../shell-word.ts';
import type { Run } from '../types.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess, endRun } from './assessment.ts';

const REASON = 'the agent was closed at its prompt';

/** Assesses a stream whose agent the user closed, ending its open run; null for any other, and for one whose work is complete. */
export function assessClosed(situation: Situation, run: Run | null): Assessment | null {
  const { stream, record, lastRun, worker } = situation;
  if (tasksComplete(stream)) return null;
  const waits = { reason: REASON, remedy: commandFor('retry', stream.id) };
  if (run === null) {
    if (lastRun?.outcome !== 'closed' || (record?.clearedAfterRun ?? 0) >= lastRun.number) return null;
    return assess('needs-input', { ...waits, sinceMs: lastRun.endedAtMs });
  }
  if (worker?.closedByUser !== true) return null;
  const action = endRun(situation, run, 'closed', REASON, { exitCode: worker.pane?.exitCode ?? null });
  return assess('needs-input', { ...waits, action });
}
