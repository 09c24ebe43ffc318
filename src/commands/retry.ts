/** `retry`: clears what holds a stream back, so that it starts again, also one whose agent waits in vain; `--fresh` begins a new conversation. */
import { withPorts } from '../app/wiring.ts';
import { EXIT } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { traitsOf } from '../core/states.ts';
import { findStream } from '../operator/find-stream.ts';
import { refuseSteering } from '../operator/run-scope.ts';
import { type Retried, retry } from '../operator/steer.ts';
import type { Flags } from './definition.ts';
import { type Io, whoStarts } from './io.ts';

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'retry');
    const record = findStream(ports, args[0] ?? '');
    const done = await retry(ports, record, flags['fresh'] === true);
    const { endedRun } = done;
    io.print(
      io.json
        ? JSON.stringify({ schemaVersion: 1, stream: record.streamId, endedRun })
        : retriedText(printable(record.streamId), done),
    );
    return EXIT.ok;
  });
}

/** What `retry` came to, for the user. */
export function retriedText(
  id: string,
  { state, isTried, endedRun, livingRun, pollerAlive }: Retried,
): string {
  if (endedRun !== null) return `Ended run ${endedRun} of ${id}; ${whoStarts(pollerAlive)}`;
  if (isTried) return `${id} will be tried again; ${whoStarts(pollerAlive)}`;
  if (livingRun !== null) return `${id} is ${state}: nothing to retry (--fresh restarts it)`;
  return traitsOf(state).phase === 'waits'
    ? `${id} waits for others: nothing to retry (orchestrate status shows for which)`
    : `${id} is ${state}: nothing to retry`;
}
