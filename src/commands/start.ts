/** `start`: checks everything, shows the plan and polls until it is done; `--detach` does so in the session's own window. */
import { join } from 'node:path';
import type { Ports } from '../app/ports.ts';
import { openProject, type Project } from '../app/project.ts';
import { openPorts } from '../app/wiring.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import type { StreamRecord } from '../core/types.ts';
import { putAside } from '../files/put-aside.ts';
import { mendMovedPrograms, movedPrograms, movedText } from '../init/moved-programs.ts';
import { checkRequiredFiles } from '../init/required-files.ts';
import { repairSymlink } from '../init/symlink.ts';
import { findStream } from '../operator/find-stream.ts';
import { refuseSteering } from '../operator/run-scope.ts';
import { clearForStart, handOverMaxWorkers, requestStreams } from '../operator/steer.ts';
import { keepHeapSmall, pollInForeground } from '../poller/foreground.ts';
import { acceptGitConfig } from '../poller/steps/git-config.ts';
import type { Flags } from './definition.ts';
import { type Io, wantsUnicode } from './io.ts';
import { checkEnvironment, checkPlan, configFlags } from './start/checks.ts';
import { detach } from './start/detached.ts';
import { dryRun } from './start/dry-run.ts';
import { printHeader } from './start/header.ts';
import { showSession } from './view.ts';

/** How long to wait for a lease that another process only looked at, or is about to give up. */
const LEASE_WAIT_MS = 300;

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  // Before the plan is read: a heap that has grown does not shrink again.
  keepHeapSmall();
  const project = openProject(io, configFlags(flags));
  try {
    refuseSteering(io.env, project.root, 'start');
    checkRequiredFiles(project.paths);
    if (flags['dry-run'] !== true) await repairFiles(project, io);
    return await start(project, args, flags, io);
  } finally {
    project.close();
  }
}

/** Mends what of our files leads nowhere: the symlink, and launchers whose program has moved. */
async function repairFiles(project: Project, io: Io): Promise<void> {
  repairSymlink(project.paths);
  const mended = await mendMovedPrograms(project);
  if (mended.length > 0)
    io.warn(`orchestrate: mended ${mended.join(', ')}: the program named there had moved`);
  const left = movedPrograms(project.paths);
  if (left.length === 0) return;
  // Those that the user has changed: init --force would put a new config.json in the place of theirs too.
  const aside = left.map(({ file }) => putAside(join(project.root, file)));
  io.warn(`orchestrate: warning: ${movedText(left)} (${[...aside, 'orchestrate init'].join(' && ')})`);
}

async function start(project: Project, args: readonly string[], flags: Flags, io: Io): Promise<number> {
  const planStore = await project.planStore({ readonly: true });
  await project.ownStore(flags['dry-run'] !== true);
  checkPlan(planStore);
  const ports = await openPorts(project, { create: flags['dry-run'] !== true });
  await checkEnvironment(ports, io);
  if (flags['dry-run'] === true) return dryRun(ports, args, io);
  const named = args.map((text) => findStream(ports, text));
  const lease = ports.lease.acquire(LEASE_WAIT_MS);
  if (lease === null) return await askPoller(ports, named, flags, io);
  try {
    if (flags['detach'] === true) {
      lease.release();
      return await detach(project, ports, args, flags, io);
    }
    if (flags['accept-git-config'] === true) await acceptGitConfig(ports);
    clearForStart(ports, named);
    await printHeader(ports, io);
    if (flags['view'] === true) await turnViewOn(ports);
    return await pollInForeground(ports, {
      named: named.map((record) => record.streamId),
      once: flags['once'] === true,
      output: { ...io, unicode: wantsUnicode(io.env) },
      lease,
    });
  } finally {
    lease.release();
  }
}

/** While another poller acts: it is handed named streams, git settings and another limit of workers; without any this throws exit 4. */
async function askPoller(
  ports: Ports,
  named: readonly StreamRecord[],
  flags: Flags,
  io: Io,
): Promise<number> {
  const pid = ports.state.poller()?.pid ?? null;
  const accepted = await acceptIfAsked(ports, flags);
  const limit = flags['max-workers'] === undefined ? null : ports.config.maxWorkers;
  const handed = limit === null ? accepted.length + named.length > 0 : handOverMaxWorkers(ports, limit);
  if (!handed) throw busy(pid);
  requestStreams(ports, named);
  const poller = `the running orchestrate${pid === null ? '' : ` (pid ${pid})`}`;
  const lines = [
    ...accepted,
    ...(limit === null ? [] : [`at most ${limit} agents at once: handed to ${poller}`]),
    ...named.map(({ streamId }) => `${printable(streamId)}: handed to ${poller}`),
  ];
  const requested = named.map(({ streamId }) => streamId);
  if (io.json) io.print(JSON.stringify({ schemaVersion: 1, requested, maxWorkers: limit }));
  else for (const line of lines) io.print(line);
  return EXIT.ok;
}

/** What was accepted, for the user; nothing where that was not asked for. */
async function acceptIfAsked(ports: Ports, flags: Flags): Promise<readonly string[]> {
  if (flags['accept-git-config'] !== true) return [];
  await acceptGitConfig(ports);
  return ['git settings are accepted as they are now'];
}

function busy(pid: number | null): OrchestrateError {
  const who = pid === null ? 'another process' : `pid ${pid}`;
  return new OrchestrateError(
    EXIT.busy,
    `orchestrate is running already in this project (${who})`,
    'orchestrate status',
  );
}

/** The session, made before the first worker when it has to be, shows its workers beside the summary. */
async function turnViewOn(ports: Ports): Promise<void> {
  const { server } = await showSession(ports);
  ports.state.setTmuxServer(server);
  await ports.tmux.setView(true);
}
