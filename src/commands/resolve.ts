/** `resolve`: gives a merge that clashes (of a stream's dependencies, or in landing it) to its agent, as its first job. */
import { withPorts } from '../app/wiring.ts';
import { EXIT } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { resolve } from '../operator/assign.ts';
import { findStream } from '../operator/find-stream.ts';
import { refuseSteering } from '../operator/run-scope.ts';

import type { Flags } from './definition.ts';
import { type Io, whoStarts } from './io.ts';

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'resolve');
    const record = findStream(ports, args[0] ?? '');
    const { pollerAlive, what } = await resolve(ports, record);
    io.print(
      io.json
        ? JSON.stringify({ schemaVersion: 1, stream: record.streamId })
        : `The agent of ${printable(record.streamId)} will merge ${printable(what)} first; ${whoStarts(pollerAlive)}`,
    );
    return EXIT.ok;
  });
}
