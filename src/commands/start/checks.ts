/** What `start` checks before anything is made: the plan, the tools, the agent; each failure names its remedy. */
import { closeSync, openSync } from 'node:fs';
import type { ConfigFlags } from '../../app/config/load.ts';
import type { Ports } from '../../app/ports.ts';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { quickGitChecks } from '../../doctor/git-checks.ts';
import { checkGates } from '../../doctor/tool-checks.ts';
import { ChangedGitConfig, refuseGitConfigOfAgents } from '../../poller/steps/git-config.ts';
import { networkDisk } from '../../sqlite/network-disk.ts';
import type { PlanStore } from '../../task-copilot/types.ts';
import { type Flags, numberFlag } from '../definition.ts';
import type { Io } from '../io.ts';
import { planError } from '../plan-error.ts';

/** Configuration values that `start`'s options stand for. */
export function configFlags(flags: Flags): ConfigFlags {
  return {
    maxWorkers: numberFlag('start', flags, 'max-workers', { min: 1, max: 200, whole: true }),
    pollSeconds: numberFlag('start', flags, 'poll', { min: 0.1, max: 86_400 }),
  };
}

/** Throws exit 7 naming the plan's problems. */
export function checkPlan(store: PlanStore): void {
  const error = planError(store.readPlan().problems);
  if (error !== null) throw error;
}

/** Files that a poller has open at the same time beside what is open already: pipes of commands, watches, logs. */
const OPEN_FILES = 48;

/** Throws exit 3 when this process may not open the files that a poller needs: it would fail at every tick. */
function checkOpenFiles(): void {
  const opened: number[] = [];
  try {
    while (opened.length < OPEN_FILES) opened.push(openSync('/dev/null', 'r'));
  } catch (error) {
    throw new OrchestrateError(
      EXIT.environment,
      `too few open files are allowed: ${opened.length} more, where orchestrate needs ${OPEN_FILES}`,
      'ulimit -n 4096 && orchestrate start',
      { cause: error },
    );
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** Throws exit 3 when git, tmux or the agent cannot do their part; prints what the agent warns of. */
export async function checkEnvironment(ports: Ports, io: Io): Promise<void> {
  checkOpenFiles();
  await ports.git.checkVersion();
  await ports.tmux.checkVersion();
  const checks = [
    ...(await quickGitChecks(ports, await trustsGitConfig(ports))),
    ...(await ports.agent.check()),
  ];
  for (const check of checks) {
    if (check.level === 'fail')
      throw new OrchestrateError(EXIT.environment, check.message, check.fix ?? 'orchestrate doctor');
    if (check.level === 'warn')
      io.warn(`orchestrate: warning: ${check.message}${check.fix === null ? '' : ` (${check.fix})`}`);
  }
  const gates = checkGates({ config: () => ports.config, root: ports.paths.root, env: ports.env });
  if (gates.level === 'fail') io.warn(`orchestrate: warning: gates: ${gates.message} (${gates.fix})`);
  warnOfNetworkDisks(ports, io);
  if (ports.config.gates.length === 0) {
    io.warn(
      'orchestrate: warning: no gates are configured: "done" will not mean that the tests pass (see "gates" in config.json)',
    );
  }
}

/** False where an agent may have made git run a program: that is named where it is refused, at a launch. */
async function trustsGitConfig(ports: Ports): Promise<boolean> {
  try {
    await refuseGitConfigOfAgents(ports);
    return true;
  } catch (error) {
    if (error instanceof ChangedGitConfig) return false;
    throw error;
  }
}

function warnOfNetworkDisks({ plan, state }: Ports, io: Io): void {
  for (const path of [plan.path, state.path]) {
    const disk = networkDisk(path);
    if (disk === null) continue;
    const where = `${printable(path)} is on a disk of another machine (${disk})`;
    io.warn(`orchestrate: warning: ${where}, where SQLite can lose what it writes: put it on a local one`);
  }
}
