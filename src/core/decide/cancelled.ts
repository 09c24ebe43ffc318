/** Rules for streams that are not wanted any more: every task is cancelled, and what waits for them is told to let them go. */
import { isCancelled } from '../done.ts';
import { commandFor, shellWord } from '../shell-word.ts';
import type { Run } from '../types.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess, endRun } from './assessment.ts';

/** Typed to an agent whose stream is cancelled, before it is ended; its conversation keeps it, should the stream come back. */
export const CANCELLED_FAREWELL =
  'orchestrate: this stream was cancelled, its work is not needed any more. You are being ended; do nothing further.';

/** Also why its run ends, where what would bring it back is not said. */
const CANCELLED = 'every task of it is cancelled';
const REASON = `${CANCELLED}; a task set back to pending brings it back`;

/** Assesses a stream that is not wanted any more, ending its open run; null for one that is. */
export function assessCancelled(situation: Situation, run: Run | null): Assessment | null {
  const { stream } = situation;
  if (!isCancelled(stream)) return null;
  const remedy = `orchestrate task list --stream=${shellWord(stream.id)}`;
  if (run === null) return assess('cancelled', { reason: REASON, remedy });
  const action = endRun(situation, run, 'stopped', `cancelled: ${CANCELLED}`, {
    farewell: CANCELLED_FAREWELL,
  });
  return assess('cancelled', { reason: REASON, remedy, action });
}

/** A stream that builds on one that is cancelled gets no further before the user has decided; null for any other. */
export function onCancelled({ stream, dependencies }: Situation): Assessment | null {
  const gone = stream.dependencies.filter((id) => dependencies.get(id)?.state === 'cancelled');
  const [first] = gone;
  if (first === undefined) return null;
  return assess('blocked', {
    reason: `depends on ${gone.join(', ')}, which ${gone.length === 1 ? 'is' : 'are'} cancelled`,
    remedy: commandFor('cancel', first),
  });
}
