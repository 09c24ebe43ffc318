/** Writes down what the user asked of a stream; the poller's watch on state.db wakes it. */

import type { Ports } from '../app/ports.ts';
import type { StreamRecord } from '../core/types.ts';

/**
 * Clears everything that holds the stream back: intent, failures, a failed step; `ends`: the open run too, which is about to be
 * ended. The event of it is written next.
 */
export function clearStream(ports: Ports, record: StreamRecord, ends = false): void {
  ports.state.patchStream(record.key, clearedFields(record, ports.now(), lastEvent(ports) + 1, ends));
}

/** Number of the last event, 0 before the first: what happens after it has a higher one. */
export function lastEvent({ state }: Pick<Ports, 'state'>): number {
  return state.events({ limit: 1 }).at(-1)?.id ?? 0;
}

/** What changes about a stream when all that holds it back is cleared by the command that `event` tells of; `ends` as above. */
export function clearedFields(record: StreamRecord, atMs: number, event: number, ends = false) {
  const last = record.runs.at(-1);
  return {
    intent: 'none',
    intentAtMs: atMs,
    intentReason: null,
    // One that is still open has not come to anything yet that could be forgiven.
    clearedAfterRun:
      last === undefined ? 0 : last.endedAtMs === null && !ends ? last.number - 1 : last.number,
    requestedEvent: event,
    trouble: null,
    conflict: record.resolve ? record.conflict : null,
  } as const;
}

/** Writes the event of the user's command. */
export function noteCommand(ports: Ports, key: string | null, message: string): void {
  ports.state.addEvent({ atMs: ports.now(), key, run: null, kind: 'operator', message });
}
