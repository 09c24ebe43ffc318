/** `stop`: ends workers, whole process trees, and with no stream named the poller too; work is kept, and config.json may be broken. */
import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/wiring.ts';
import { isVerified } from '../core/done.ts';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import type { StreamRecord } from '../core/types.ts';
import { pollerLives } from '../look/snapshot.ts';
import type { EndedRun } from '../operator/end-runs.ts';
import { findStream } from '../operator/find-stream.ts';
import { refuseSteering } from '../operator/run-scope.ts';
import { type StoppedAll, stopAll, stopStreams } from '../operator/stop.ts';
import { NoPlan } from '../task-copilot/store-schema.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return stop(args, io).catch((error: unknown) => {
    // Without a plan, and with nothing found to be stopped, that is all that was asked.
    if (!(error instanceof NoPlan) || args.length > 0) throw error;
    throw new OrchestrateError(error.exitCode, 'Nothing is running.', 'orchestrate status', { cause: error });
  });
}

async function stop(args: readonly string[], io: Io): Promise<number> {
  return withPorts(io, { create: args.length > 0, whatHolds: true }, async (ports, project) => {
    refuseSteering(io.env, ports.paths.root, 'stop');
    const trouble = project.configTrouble();
    if (trouble !== null) io.warn(`orchestrate: warning: ${printable(trouble.message)}`);
    const named = args.map((text) => findStream(ports, text));
    const { pollers, runs, warnings } =
      named.length === 0
        ? await stopEverything(ports)
        : { pollers: [], runs: await stopStreams(ports, named), warnings: [] };
    for (const why of warnings) io.warn(`orchestrate: warning: ${why}`);
    if (io.json) io.print(JSON.stringify({ schemaVersion: 1, stopped: runs.map(({ stream }) => stream) }));
    else for (const line of describe(ports, named, pollers, runs)) io.print(line);
    return EXIT.ok;
  });
}

/** Stops all there is. A plan that cannot be read keeps nobody from being stopped: it is said, and an error where nobody was. */
async function stopEverything(ports: Ports): Promise<StoppedAll> {
  const stopped = await stopAll(ports);
  try {
    ports.plan.readPlan();
    return stopped;
  } catch (error) {
    if (stopped.pollers.length + stopped.runs.length === 0) throw error;
    return { ...stopped, warnings: [...stopped.warnings, `the plan cannot be read: ${messageOf(error)}`] };
  }
}

function describe(
  ports: Ports,
  named: readonly StreamRecord[],
  pollers: readonly number[],
  runs: readonly EndedRun[],
): string[] {
  const idle = named.filter(({ streamId }) => !runs.some(({ stream }) => stream === streamId));
  const streams = named.length === 0 ? [] : ports.plan.readPlan().streams;
  const isDone = (record: StreamRecord): boolean =>
    streams.some((stream) => stream.id === record.streamId && isVerified(stream, record));
  const held = named.filter((record) => !isDone(record));
  const alive = named.length > 0 && pollerLives(ports);
  return [
    ...pollers.map((pid) => `Stopped orchestrate (pid ${pid})`),
    ...runs.map(({ stream, run }) => `Stopped ${printable(stream)} (run ${run})`),
    ...idle.map((record) =>
      isDone(record)
        ? `${printable(record.streamId)} is done: nothing to stop`
        : `${printable(record.streamId)} was not running, and will not be started for now`,
    ),
    ...(named.length === 0 && runs.length === 0 ? ['No agent was running.'] : []),
    ...(named.length > 0 && held.length === 0
      ? []
      : [`Work is kept in branches and worktrees. Go on with: ${goOn(held, alive)}`]),
  ];
}

/** While orchestrate runs, streams are started by name: a plain start is refused. */
function goOn(held: readonly StreamRecord[], pollerAlive: boolean): string {
  return pollerAlive ? held.map((record) => commandFor('start', record)).join(' && ') : 'orchestrate start';
}
