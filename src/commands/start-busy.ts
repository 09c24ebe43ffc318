/** What `start` does while another poller acts: a named stream is asked for, else it is refused. */

import type { Ports } from '../app/ports.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import type { StreamRecord } from '../core/types.ts';
import { clearStream, noteCommand } from '../operator/intent.ts';
import type { Io } from './io.ts';

/** Records the wish for the named streams (exit 0); without any throws exit 4 naming the poller. */
export function busy(ports: Ports, named: readonly StreamRecord[], io: Io): number {
  const row = ports.state.poller();
  if (named.length === 0) {
    const who = row === null ? 'another process' : `pid ${row.pid}`;
    throw new OrchestrateError(
      EXIT.busy,
      `a poller of this project is running already (${who})`,
      'orchestrate status, or: orchestrate stop',
    );
  }
  for (const record of named) {
    clearStream(ports, record);
    noteCommand(ports, record.key, 'start');
    if (!io.json)
      io.print(
        `${printable(record.streamId)}: asked of the running poller${row === null ? '' : ` (pid ${row.pid})`}`,
      );
  }
  if (io.json)
    io.print(JSON.stringify({ schemaVersion: 1, requested: named.map((record) => record.streamId) }));
  return EXIT.ok;
}
