/** `retry`: clears what holds a stream back, so that it starts again, also one whose agent waits in vain; `--fresh` begins a new conversation. */
import { withPorts } from '../app/wiring.ts';
import { EXIT } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import { findStream } from '../operator/find-stream.ts';
import { refuseSteering } from '../operator/scope.ts';
import { retry } from '../operator/steer.ts';
import type { Flags } from './definition.ts';
import { type Io, whoStarts } from './io.ts';

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'retry');
    const record = findStream(ports, args[0] ?? '');
    const { endedRun, livingRun, pollerAlive } = await retry(ports, record, flags['fresh'] === true);
    const what = endedRun === null ? 'cleared' : `ended run ${endedRun} of ${printable(record.streamId)}`;
    const next =
      livingRun === null
        ? whoStarts(pollerAlive)
        : `its worker goes on (run ${livingRun}); ${commandFor('stop', record.streamId)} ends it`;
    io.print(
      io.json ? JSON.stringify({ schemaVersion: 1, stream: record.streamId, endedRun }) : `${what}; ${next}`,
    );
    return EXIT.ok;
  });
}
