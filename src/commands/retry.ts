/** `retry`: clears what holds a stream back, so that it starts again, also one whose agent waits in vain; `--fresh` begins a new conversation. */

import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/with-ports.ts';
import { EXIT } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import { traitsOf } from '../core/states.ts';
import type { StreamRecord } from '../core/types.ts';
import { pollerLives } from '../look/snapshot.ts';
import { clearStream, noteCommand } from '../operator/intent.ts';
import { refuseSteering } from '../operator/scope.ts';
import { applyEnd } from '../poller/steps/end-run.ts';
import { gatherReport } from '../report/gather.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';
import { findStream } from './stream-argument.ts';

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'retry');
    const record = findStream(ports, args[0] ?? '');
    const fresh = flags['fresh'] === true;
    if (fresh) ports.state.patchStream(record.key, { fresh: true });
    const ended = await endHeldUp(ports, record, fresh);
    clearStream(ports, record);
    noteCommand(ports, record.key, fresh ? 'retry with a new conversation' : 'retry');
    if (io.json) io.print(JSON.stringify({ schemaVersion: 1, stream: record.streamId, endedRun: ended }));
    else io.print(nextText(ports, record, ended));
    return EXIT.ok;
  });
}

/** Ends the run of an agent that gets no further, or (for a new conversation) of any; returns its number, null for none. */
async function endHeldUp(ports: Ports, record: StreamRecord, fresh: boolean): Promise<number | null> {
  const run = record.runs.at(-1);
  if (run === undefined || run.endedAtMs !== null) return null;
  const { look, states } = await gatherReport(ports);
  const state = states.find(({ key }) => key === record.key)?.state;
  if (!fresh && (state === undefined || !traitsOf(state).handling.retryEnds)) return null;
  await applyEnd(
    { ports, snapshot: look.snapshot },
    {
      kind: 'end-run',
      key: record.key,
      run: run.number,
      outcome: 'stopped',
      reason: 'ended by the operator, to be tried again',
      exitCode: null,
      closeWindow: true,
      intent: null,
      retryAtMs: null,
    },
  );
  return run.number;
}

function nextText(ports: Ports, record: StreamRecord, ended: number | null): string {
  const what = ended === null ? 'cleared' : `ended run ${ended} of ${printable(record.streamId)}`;
  const run = record.runs.at(-1);
  // Of before a reboot its number may be another process's.
  const goesOn =
    ended === null &&
    run?.endedAtMs === null &&
    run.bootId === ports.processes.bootId() &&
    run.worker !== null &&
    ports.processes.isAlive(run.worker);
  if (goesOn)
    return `${what}; its worker goes on (run ${run.number}); ${commandFor('stop', record.streamId)} ends it`;
  return pollerLives(ports)
    ? `${what}; the poller starts it as soon as it can`
    : `${what}; start it with: orchestrate start`;
}
