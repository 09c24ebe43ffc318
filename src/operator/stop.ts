/** `stop`: ends workers, and for the whole plan the poller too; work is kept in its branches and worktrees. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Ports } from '../app/ports.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { plural } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { byOperator } from '../core/states.ts';
import type { StreamRecord } from '../core/types.ts';
import { pollerLives } from '../look/snapshot.ts';
import { endRemains } from '../poller/left-processes.ts';
import { type EndedRun, endOpenRuns } from './end-runs.ts';
import { noteCommand } from './intent.ts';

/** Time the poller gets to leave by itself. */
const POLLER_GRACE_MS = 3_000;
/** Time a process that only looks at the lease, or a poller that is about to register, may hold it. */
const LEASE_WAIT_MS = 1_000;
const ASK_EACH_MS = 50;

/** Stops these streams and leaves all else as it is; returns the runs that were ended. */
export async function stopStreams(
  ports: Ports,
  records: readonly StreamRecord[],
): Promise<readonly EndedRun[]> {
  for (const { key } of records) ports.state.setIntent(key, 'stopped', ports.now());
  const ended = await endOpenRuns(ports, records, byOperator('stopped'));
  for (const { key } of records) noteCommand(ports, key, byOperator('stopped'));
  return ended;
}

/** What was stopped: pids of pollers, and runs; `warnings` tell of streams whose record cannot be read. */
export type StoppedAll = {
  readonly pollers: readonly number[];
  readonly runs: readonly EndedRun[];
  readonly warnings: readonly string[];
};

/**
 * Stops the poller and every worker of every initiative: another tool may have linked a new one while workers of the last
 * live. Throws exit 4 when a poller would not end, and (with all workers ended) when a process that is not known here holds
 * the lease, since it could start the next one.
 */
export async function stopAll(ports: Ports): Promise<StoppedAll> {
  const pollers = await stopPollers(ports);
  // The processes of streams that cannot be read end with what is left over.
  const { readable, unreadable } = ports.state.openRecords();
  const runs = await stopStreams(ports, [...readable.values()]);
  const remains = await endRemains(ports);
  if (remains > 0)
    noteCommand(ports, null, `ended ${plural(remains, 'process', 'processes')} that were left over`);
  if (ports.lease.isHeld()) throw unknownHolder(ports);
  return { pollers, runs, warnings: [...unreadable.values()].map(({ why }) => why) };
}

/** Ends every poller that is registered while the lease is held: one that was waiting may take the place of the first. */
async function stopPollers(ports: Ports): Promise<number[]> {
  const ended: number[] = [];
  for (let waitedMs = 0; ; ) {
    if (pollerLives(ports)) {
      ended.push(await stopPoller(ports));
      noteCommand(ports, null, 'orchestrate was stopped');
      continue;
    }
    if (!ports.lease.isHeld() || waitedMs >= LEASE_WAIT_MS) return ended;
    await sleep(ASK_EACH_MS);
    waitedMs += ASK_EACH_MS;
  }
}

async function stopPoller(ports: Ports): Promise<number> {
  const row = ports.state.poller();
  if (row === null) return 0;
  const left = await ports.processes.endTree({
    roots: [{ pid: row.pid, start: row.start }],
    mark: null,
    graceMs: POLLER_GRACE_MS,
    firstSignal: 'SIGTERM',
  });
  if (left.length > 0) {
    throw new OrchestrateError(
      EXIT.busy,
      `the running orchestrate (pid ${row.pid}) would not end`,
      `kill -9 ${row.pid}`,
    );
  }
  ports.state.clearPoller(row);
  return row.pid;
}

function unknownHolder({ paths }: Ports): OrchestrateError {
  return new OrchestrateError(
    EXIT.busy,
    `no agent is running, but a process that is not known here holds ${paths.lockDb} and may start the next one`,
    `lsof ${shellWord(paths.lockDb)}`,
  );
}
