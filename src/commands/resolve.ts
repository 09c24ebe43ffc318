/** `resolve`: gives the merge of a stream's clashing dependencies to its agent, as its first job. */

import { withPorts } from '../app/with-ports.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { commandFor } from '../core/shell-word.ts';
import { pollerLives } from '../look/snapshot.ts';
import { clearStream, noteCommand } from '../operator/intent.ts';
import { refuseSteering } from '../operator/scope.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';
import { findStream } from './stream-argument.ts';

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'resolve');
    const record = findStream(ports, args[0] ?? '');
    if (record.conflict === null) {
      throw new OrchestrateError(
        EXIT.refused,
        `${record.streamId} has no base conflict`,
        commandFor('status', record.streamId),
      );
    }
    ports.state.patchStream(record.key, { resolve: true });
    clearStream(ports, { ...record, resolve: true });
    noteCommand(ports, record.key, 'its agent is to merge the dependencies first');
    const next = pollerLives(ports)
      ? 'the poller starts it as soon as it can'
      : 'start it with: orchestrate start';
    io.print(
      io.json
        ? JSON.stringify({ schemaVersion: 1, stream: record.streamId })
        : `its agent will merge the dependencies first; ${next}`,
    );
    return EXIT.ok;
  });
}
