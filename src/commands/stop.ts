/** `stop`: ends workers, whole process trees, and with no stream named the poller too; work is kept. */
import { withPorts } from '../app/wiring.ts';
import { EXIT } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import type { StreamRecord } from '../core/types.ts';
import type { EndedRun } from '../operator/end-runs.ts';
import { findStream } from '../operator/find-stream.ts';
import { refuseSteering } from '../operator/scope.ts';
import { stopAll, stopStreams } from '../operator/stop.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: args.length > 0 }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'stop');
    const named = args.map((text) => findStream(ports, text));
    const { pollers, runs, warnings } =
      named.length === 0
        ? await stopAll(ports)
        : { pollers: [], runs: await stopStreams(ports, named), warnings: [] };
    for (const why of warnings) io.warn(`orchestrate: warning: ${why}`);
    if (io.json) io.print(JSON.stringify({ schemaVersion: 1, stopped: runs.map(({ stream }) => stream) }));
    else for (const line of describe(named, pollers, runs)) io.print(line);
    return EXIT.ok;
  });
}

function describe(
  named: readonly StreamRecord[],
  pollers: readonly number[],
  runs: readonly EndedRun[],
): string[] {
  const idle = named.filter(({ streamId }) => !runs.some(({ stream }) => stream === streamId));
  return [
    ...pollers.map((pid) => `poller stopped (pid ${pid})`),
    ...runs.map(({ stream, run }) => `stopped ${printable(stream)} (run ${run})`),
    ...idle.map(({ streamId }) => `${printable(streamId)} had no worker; it will not be started`),
    ...(named.length === 0 && runs.length === 0 ? ['no worker was running'] : []),
    'work is kept in its branches and worktrees; go on with: orchestrate start',
  ];
}
