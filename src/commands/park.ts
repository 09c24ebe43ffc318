/** `park`: takes a stream out until `retry`; its worker is ended, its work is kept. */

import { withPorts } from '../app/with-ports.ts';
import { EXIT } from '../core/errors.ts';
import { commandFor } from '../core/shell-word.ts';
import { takeLook } from '../look/snapshot.ts';
import { noteCommand } from '../operator/intent.ts';
import { refuseSteering } from '../operator/scope.ts';
import { applyEnd } from '../poller/steps/end-run.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';
import { findStream } from './stream-argument.ts';

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'park');
    const record = findStream(ports, args[0] ?? '');
    ports.state.setIntent(record.key, 'parked', ports.now());
    noteCommand(ports, record.key, 'parked');
    const last = record.runs.at(-1);
    if (last !== undefined && last.endedAtMs === null) {
      const { snapshot } = await takeLook(ports, null, false);
      const step = { ports, snapshot };
      await applyEnd(step, {
        kind: 'end-run',
        key: record.key,
        run: last.number,
        outcome: 'stopped',
        reason: 'parked by the operator',
        exitCode: null,
        closeWindow: true,
        intent: null,
        retryAtMs: null,
      });
    }
    io.print(
      io.json
        ? JSON.stringify({ schemaVersion: 1, stream: record.streamId })
        : `parked; bring it back with: ${commandFor('retry', record.streamId)}`,
    );
    return EXIT.ok;
  });
}
