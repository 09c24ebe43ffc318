/** `stop`: ends workers, whole process trees, and with no stream named the poller too; work is kept. */

import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/with-ports.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import type { StreamRecord } from '../core/types.ts';
import { pollerLives, takeLook } from '../look/snapshot.ts';
import { noteCommand } from '../operator/intent.ts';
import { refuseSteering } from '../operator/scope.ts';
import { applyEnd, endRemains } from '../poller/steps/end-run.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';
import { findStream } from './stream-argument.ts';

/** Time the poller gets to leave by itself. */
const POLLER_GRACE_MS = 3_000;

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: args.length > 0 }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'stop');
    const named = args.map((text) => findStream(ports, text));
    if (named.length === 0) await stopPoller(ports, io);
    // Of every initiative: another tool may have linked a new one while workers of the last are alive.
    const targets = named.length > 0 ? named : openStreams(ports, io);
    for (const record of targets) ports.state.setIntent(record.key, 'stopped', ports.now());
    const ended = await endRuns(ports, targets, io);
    const remains = named.length > 0 ? 0 : await endRemains(ports);
    if (remains > 0) noteCommand(ports, null, `ended ${remains} process(es) that were left over`);
    report(io, named, ended);
    return EXIT.ok;
  });
}

/** Streams of any initiative with a run under way; those that cannot be read are named, and their processes end with the rest. */
function openStreams(ports: Ports, io: Io): StreamRecord[] {
  const { readable, unreadable } = ports.state.openRecords();
  for (const { why } of unreadable.values()) io.warn(`orchestrate: warning: ${why}`);
  return [...readable.values()];
}

async function stopPoller(ports: Ports, io: Io): Promise<void> {
  const row = ports.state.poller();
  if (row === null || !pollerLives(ports)) return;
  const left = await ports.processes.endTree({
    roots: [{ pid: row.pid, start: row.start }],
    mark: null,
    graceMs: POLLER_GRACE_MS,
    firstSignal: 'SIGTERM',
  });
  if (left.length > 0) {
    throw new OrchestrateError(EXIT.busy, `the poller (pid ${row.pid}) would not end`, `kill -9 ${row.pid}`);
  }
  ports.state.clearPoller(row);
  noteCommand(ports, null, 'the poller was stopped');
  if (!io.json) io.print(`poller stopped (pid ${row.pid})`);
}

/** Ends the open runs of the records, all at once; the poller may be doing the same: each run is ended once. */
async function endRuns(ports: Ports, records: readonly StreamRecord[], io: Io): Promise<string[]> {
  const open = records.filter((record) => record.runs.at(-1)?.endedAtMs === null);
  if (open.length === 0) return [];
  const { snapshot } = await takeLook(ports, null, false);
  const step = { ports, snapshot: { ...snapshot, records: new Map(open.map((each) => [each.key, each])) } };
  await Promise.all(
    open.map(async (record) => {
      const run = record.runs.at(-1)?.number ?? 0;
      await applyEnd(step, {
        kind: 'end-run',
        key: record.key,
        run,
        outcome: 'stopped',
        reason: 'stopped by the operator',
        exitCode: null,
        closeWindow: true,
        intent: null,
        retryAtMs: null,
      });
      if (!io.json) io.print(`stopped ${printable(record.streamId)} (run ${run})`);
    }),
  );
  return open.map((record) => record.streamId);
}

function report(io: Io, named: readonly StreamRecord[], ended: readonly string[]): void {
  if (io.json) {
    io.print(JSON.stringify({ schemaVersion: 1, stopped: ended }));
    return;
  }
  for (const record of named)
    if (!ended.includes(record.streamId))
      io.print(`${printable(record.streamId)} had no worker; it will not be started`);
  if (named.length === 0 && ended.length === 0) io.print('no worker was running');
  io.print('work is kept in its branches and worktrees; go on with: orchestrate start');
}
