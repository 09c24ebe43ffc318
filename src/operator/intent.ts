/** Writes down what a person asked of a stream; the poller's watch on state.db wakes it. */

import type { Ports } from '../app/ports.ts';
import type { StreamRecord } from '../core/types.ts';

/** Clears everything that holds the stream back: intent, failures, a failed preparation. */
export function clearStream(ports: Ports, record: StreamRecord): void {
  ports.state.patchStream(record.key, clearedFields(record, ports.now()));
}

/** What changes about a stream when all that holds it back is cleared. */
export function clearedFields(record: StreamRecord, atMs: number) {
  return {
    intent: 'none',
    intentAtMs: atMs,
    attemptsClearedAtMs: atMs,
    requestedAtMs: atMs,
    launchFailure: null,
    conflict: record.resolve ? record.conflict : null,
  } as const;
}

/** Writes the event of a person's command. */
export function noteCommand(ports: Ports, key: string | null, message: string): void {
  ports.state.addEvent({ atMs: ports.now(), key, run: null, kind: 'operator', message });
}
