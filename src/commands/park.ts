/** `park`: takes a stream out until `retry`; its worker is ended, its work is kept. */
import { withPorts } from '../app/wiring.ts';
import { isVerified } from '../core/done.ts';
import { EXIT } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import { findStream } from '../operator/find-stream.ts';
import { refuseSteering } from '../operator/run-scope.ts';
import { park } from '../operator/steer.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'park');
    const record = findStream(ports, args[0] ?? '');
    const id = printable(record.streamId);
    const [ended] = await park(ports, record);
    const back = `bring it back with: ${commandFor('retry', record)}`;
    const how = ended === undefined ? '' : ` (run ${ended.run} was ended, its work is kept)`;
    const was = record.intent === 'parked' ? `${id} was parked already` : `Parked ${id}${how}`;
    const stream = ports.plan.readPlan().streams.find((each) => each.id === record.streamId);
    const done = stream !== undefined && isVerified(stream, record);
    const text = done
      ? `${id} is done and stays so; if a task of it is re-opened, ${back}`
      : `${was}; ${back}`;
    io.print(io.json ? JSON.stringify({ schemaVersion: 1, stream: record.streamId }) : text);
    return EXIT.ok;
  });
}
