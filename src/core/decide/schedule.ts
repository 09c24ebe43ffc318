/** Which streams a poller is to start, and which first when not all can. */
import { remainingPaths } from '../plan/critical-path.ts';
import type { Plan, Policy, StreamRecord } from '../types.ts';

/**
 * Ready streams in the order in which they should start: longest remaining path of open tasks first, so that the end of
 * the plan comes soonest; then plan order. Ids that the plan doesn't have come last, as given.
 */
export function launchOrder(readyIds: readonly string[], plan: Pick<Plan, 'streams'>): string[] {
  const remaining = remainingPaths(plan.streams);
  const position = new Map(plan.streams.map((stream, at) => [stream.id, at]));
  const last = plan.streams.length;
  return [...readyIds].sort(
    (a, b) =>
      (remaining.get(b) ?? 0) - (remaining.get(a) ?? 0) ||
      (position.get(a) ?? last) - (position.get(b) ?? last),
  );
}

/** True for a stream that the poller was started for, or that the user asked for by name since it began. */
export function isWanted(
  policy: Pick<Policy, 'only' | 'pollerSinceEvent'>,
  streamId: string,
  record: Pick<StreamRecord, 'requestedEvent'> | null,
): boolean {
  return (
    policy.only === null ||
    policy.only.has(streamId) ||
    (record !== null && record.requestedEvent > policy.pollerSinceEvent)
  );
}
