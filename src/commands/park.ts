/** `park`: takes a stream out until `retry`; its worker is ended, its work is kept. */
import { withPorts } from '../app/wiring.ts';
import { EXIT } from '../core/errors.ts';
import { commandFor } from '../core/shell-word.ts';
import { findStream } from '../operator/find-stream.ts';
import { refuseSteering } from '../operator/scope.ts';
import { park } from '../operator/steer.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'park');
    const record = findStream(ports, args[0] ?? '');
    await park(ports, record);
    io.print(
      io.json
        ? JSON.stringify({ schemaVersion: 1, stream: record.streamId })
        : `parked; bring it back with: ${commandFor('retry', record.streamId)}`,
    );
    return EXIT.ok;
  });
}
