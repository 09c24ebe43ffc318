/** `retry`: clears what holds a stream back, so that it starts again; `--fresh` begins a new conversation. */
import { EXIT } from '../errors.ts';
import { pollerLives } from '../reconcile/snapshot.ts';
import type { Flags } from './definition.ts';
import { clearStream, noteCommand } from './intent.ts';
import type { Io } from './io.ts';
import { findStream } from './stream-argument.ts';
import { withPorts } from './with-ports.ts';

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    const record = findStream(ports, args[0] ?? '');
    clearStream(ports, record);
    if (flags['fresh'] === true) ports.state.setMeta(`fresh:${record.key}`, '1');
    noteCommand(ports, record.key, flags['fresh'] === true ? 'retry with a new conversation' : 'retry');
    const next = pollerLives(ports)
      ? 'the poller starts it as soon as it can'
      : 'start it with: orchestrate start';
    io.print(io.json ? JSON.stringify({ schemaVersion: 1, stream: record.streamId }) : `cleared; ${next}`);
    return EXIT.ok;
  });
}
