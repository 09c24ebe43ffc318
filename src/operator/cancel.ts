/** `cancel`: takes a stream out of the plan in the store, and ends its agent. */
import type { Ports } from '../app/ports.ts';
import { CANCELLED_FAREWELL } from '../core/decide/cancelled.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { commandFor } from '../core/shell-word.ts';
import type { StreamRecord } from '../core/types.ts';
import { gatherReport } from '../report/gather.ts';
import type { CancelledStream } from '../task-copilot/types.ts';
import { endOpenRuns } from './end-runs.ts';
import { noteCommand } from './intent.ts';

/** Cancels the stream's tasks and takes it out of its dependents; throws exit 5 for one that is done: its work may be built upon. */
export async function cancel(
  ports: Ports,
  record: StreamRecord,
): Promise<CancelledStream & { readonly endedRun: number | null }> {
  const { states } = await gatherReport(ports);
  const { streamId, key } = record;
  if (states.find((each) => each.key === key)?.state === 'done') {
    const message = `${streamId} is done: there is nothing left to cancel`;
    throw new OrchestrateError(EXIT.refused, message, commandFor('status', record));
  }
  const changed = ports.plan.cancelStream(streamId);
  noteCommand(ports, key, 'cancelled');
  const [ended] = await endOpenRuns(ports, [record], 'cancelled by you', CANCELLED_FAREWELL);
  return { ...changed, endedRun: ended?.run ?? null };
}
