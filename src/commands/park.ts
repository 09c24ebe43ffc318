/** `park`: takes a stream out until `retry`; its worker is ended, its work is kept. */
import { commandFor } from '../core/shell-word.ts';
import { EXIT } from '../errors.ts';
import { applyEnd } from '../reconcile/end-run.ts';
import { takeLook } from '../reconcile/snapshot.ts';
import type { Flags } from './definition.ts';
import { noteCommand } from './intent.ts';
import type { Io } from './io.ts';
import { refuseSteering } from './outside-runs.ts';
import { findStream } from './stream-argument.ts';
import { withPorts } from './with-ports.ts';

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
