/** `start`: checks everything, shows the plan and polls until it is done; `--detach` does so in the session's own window. */

import type { Ports } from '../app/ports.ts';
import { openProject, type Project } from '../app/project.ts';
import { openPorts } from '../app/wiring.ts';
import { checkRequiredFiles } from '../init/required-files.ts';
import { repairSymlink } from '../init/symlink.ts';
import { clearStream, noteCommand } from '../operator/intent.ts';
import { refuseSteering } from '../operator/scope.ts';
import { pollInForeground } from '../poller/foreground.ts';
import { keepHeapSmall } from '../poller/small-heap.ts';
import { acceptGitConfig } from '../poller/steps/git-config.ts';
import { acquireLease } from '../state/lease.ts';
import { checkOwner } from '../task-copilot/owner.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';
import { busy } from './start-busy.ts';
import { checkEnvironment, checkPlan, configFlags } from './start-checks.ts';
import { detach } from './start-detached.ts';
import { dryRun } from './start-dry-run.ts';
import { printHeader } from './start-header.ts';
import { findStream } from './stream-argument.ts';
import { showSession } from './view.ts';

/** How long to wait for a lease that another process only looked at, or is about to give up, in ms. */
const LEASE_WAIT_MS = 300;

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  // Before the plan is read: a heap that has grown does not shrink again.
  keepHeapSmall();
  const project = openProject(io, configFlags(flags));
  try {
    refuseSteering(io.env, project.root, 'start');
    checkRequiredFiles(project.paths);
    if (flags['dry-run'] !== true) repairSymlink(project.paths);
    return await start(project, args, flags, io);
  } finally {
    project.close();
  }
}

async function start(project: Project, args: readonly string[], flags: Flags, io: Io): Promise<number> {
  const planStore = await project.planStore();
  checkOwner(planStore.path, project.root, { claim: flags['dry-run'] !== true });
  checkPlan(planStore);
  const ports = await openPorts(project, { create: flags['dry-run'] !== true });
  await checkEnvironment(ports, io);
  if (flags['dry-run'] === true) return dryRun(ports, args, io);
  const named = args.map((text) => findStream(ports, text));
  if (flags['detach'] === true) {
    const lease = acquireLease(project.paths.lockDb, LEASE_WAIT_MS);
    if (lease === null) return busy(ports, named, io);
    lease.release();
    return detach(project, ports, args, flags, io);
  }
  const lease = acquireLease(project.paths.lockDb, LEASE_WAIT_MS);
  if (lease === null) return busy(ports, named, io);
  try {
    if (flags['accept-git-config'] === true) await acceptGitConfig(ports);
    clearIntents(ports, named);
    await printHeader(ports, io);
    if (flags['view'] === true) await turnViewOn(ports);
    return await pollInForeground(ports, { named: named.map((record) => record.streamId), flags, io, lease });
  } finally {
    lease.release();
  }
}

/** The session, made before the first worker when it has to be, shows its workers beside the summary. */
async function turnViewOn(ports: Ports): Promise<void> {
  const { server } = await showSession(ports);
  ports.state.setTmuxServer(server);
  await ports.tmux.setView(true);
}

/** Named streams are cleared of everything; without names only what was stopped goes on. */
function clearIntents(ports: Ports, named: readonly ReturnType<typeof findStream>[]): void {
  for (const record of named) clearStream(ports, record);
  if (named.length > 0) return;
  const records = ports.state.records(ports.plan.currentInitiative()?.id ?? '');
  for (const record of records.values()) {
    if (record.intent === 'stopped') ports.state.setIntent(record.key, 'none', ports.now());
  }
  noteCommand(ports, null, 'start');
}
