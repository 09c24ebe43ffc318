/** Builds the reconciler's ports for a project: every adapter, wired once; the only place where they all meet. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createAgent, createReviewer } from '../agent/create-agent.ts';
import type { Agent } from '../agent/port.ts';
import { createElapsed } from '../core/elapsed.ts';
import type { AgentKind } from '../core/run-types.ts';
import { createGit } from '../git/git.ts';
import { keepProgram, lastingEntry, lastingLauncher, noteUser } from '../init/lasting-place.ts';
import { secretVariables } from '../notify/secrets.ts';
import { hashToken } from '../operator/run-scope.ts';
import { projectMarks } from '../poller/marks.ts';
import { privateDirectory } from '../poller/steps/step.ts';
import { createProcesses } from '../process/processes.ts';
import { watchDatabases } from '../sqlite/watch-databases.ts';
import { acquireInTime, acquireLease, leaseIsHeld } from '../state/lease.ts';
import { IN_MEMORY } from '../state/state-schema.ts';
import { openStateStore } from '../state/state-store.ts';
import type { StateStore } from '../state/types.ts';
import type { PlanStore } from '../task-copilot/types.ts';
import { parseServerIdentity } from '../tmux/identity.ts';
import { createTmux } from '../tmux/tmux.ts';
import { workerEnvironment } from '../worker/environment.ts';
import { launcherDirectory, launcherPlace } from '../worker/launcher-directory.ts';
import { writeLaunch } from '../worker/wrapper.ts';
import { commandGates } from './config/config.ts';
import { type ConfigFlags, configFileHash, setupCommands } from './config/load.ts';
import { configVariables } from './config/variables.ts';
import type { Ports } from './ports.ts';
import { openProject, type Project, type Surroundings } from './project.ts';

/** argv that runs this command line from where it stays; Node may have moved since this process began. */
function cliArgv(): readonly string[] {
  keepProgram();
  return [existsSync(process.execPath) ? process.execPath : 'node', lastingEntry()];
}

/** The directory of the launcher that the project's agents call. */
function launcherDir({ root, commonDir }: Project): string {
  keepProgram();
  noteUser({ root, commonDir });
  return launcherDirectory(commonDir, lastingLauncher('orchestrate', '"$@"'));
}

type OpenOptions = { readonly create: boolean; readonly whatHolds?: true };

/**
 * The ports of an opened project. A project that was never started has no state.db: what only looks gets one in memory, so
 * that looking leaves no trace; `create` makes the real one. `whatHolds`: a plan that cannot be opened is an error of whoever asks
 * it, not of all others.
 */
export async function openPorts(project: Project, options: OpenOptions): Promise<Ports> {
  const { paths, root, env } = project;
  const config = project.config();
  const plan = await project.planStore().catch((error: unknown) => unreadablePlan(project, options, error));
  const state = openStateStore(options.create || existsSync(paths.stateDb) ? paths.stateDb : IN_MEMORY);
  project.onClose(() => state.close());
  const processes = createProcesses();
  const self = processes.identify(process.pid) ?? { pid: process.pid, start: '' };
  const marks = projectMarks(root, self);
  const agents = agentsOf(project, state);
  return {
    paths,
    workspace: project.workspace(),
    config,
    configHash: () => configFileHash(paths.config),
    plan,
    state,
    lease: {
      acquire: (waitMs) => acquireLease(paths.lockDb, waitMs),
      isHeld: () => leaseIsHeld(paths.lockDb),
    },
    landingLease: { acquire: (waitMs, abort) => acquireInTime(paths.landingLock, waitMs, abort) },
    watchStores: (onChange) =>
      watchDatabases(
        [plan, state].map((store) => ({ path: store.path, check: () => store.changeToken() })),
        onChange,
      ),
    git: createGit({ root, commonDir: project.commonDir, mark: marks.own }),
    tmux: createTmux({
      projectRoot: root,
      socket: socketOf(project, state),
      env: { ...env },
      identify: processes.identify,
      prepareSummary: () => prepareSummary(project),
      onSocketRestored: (message) =>
        state.addEvent({ atMs: project.now(), key: null, run: null, kind: 'tmux-socket', message }),
    }),
    processes,
    agent: agents(config.agent.kind),
    reviewer: createReviewer(config.agent),
    agentThatMade: ({ agentKind }) => agents(agentKind),
    env,
    marks,
    launcherDir: () => launcherDir(project),
    now: project.now,
    elapsed: createElapsed(project.now, () => performance.now()),
  };
}

/** Stands for a plan that could not be opened: whatever is asked of it fails with what kept it from that. */
function unreadablePlan(project: Project, { whatHolds }: OpenOptions, why: unknown): PlanStore {
  // With the configuration, where the plan is may be lost.
  if (whatHolds !== true || project.configTrouble() !== null) throw why;
  const fail = (): never => {
    throw why;
  };
  return {
    path: project.workspace().storePath,
    waitAtMost: () => undefined,
    readPlan: fail,
    earlierPlans: fail,
    currentInitiative: fail,
    listTasks: fail,
    getTask: fail,
    updateTask: fail,
    cancelStream: fail,
    importPlan: fail,
    changeToken: fail,
    close: () => undefined,
  };
}

/** The socket of the tmux server; where a wrong configuration may have lost it, that of the last server of ours. */
function socketOf({ config, configTrouble }: Project, state: StateStore): string | null {
  const { socket } = config().tmux;
  const last = configTrouble() === null || socket !== null ? null : state.tmuxServer();
  return last === null ? socket : (parseServerIdentity(last)?.socketPath ?? null);
}

/**
 * Runs `work` with the ports of the project `around` a command, and closes them after it; `create`: make state.db when it isn't
 * there; `whatHolds`: a wrong configuration stops nothing, what holds of it is taken.
 */
export async function withPorts(
  around: Surroundings,
  options: OpenOptions & { readonly flags?: ConfigFlags },
  work: (ports: Ports, project: Project) => Promise<number>,
): Promise<number> {
  const project = openProject(around, options.flags, options.whatHolds);
  try {
    const ports = await openPorts(project, options).catch((error: unknown) => {
      // What was lost with the configuration may be where to look.
      throw project.configTrouble() ?? error;
    });
    return await work(ports, project);
  } finally {
    project.close();
  }
}

/** Agents by kind, each made once: the configured one, and those of runs that an earlier configuration made. */
function agentsOf(project: Project, state: StateStore): (kind: AgentKind) => Agent {
  const made = new Map<AgentKind, Agent>();
  return (kind) => {
    const agent = made.get(kind) ?? agentOf(project, state, kind);
    made.set(kind, agent);
    return agent;
  };
}

/** An agent (the configured one) with what it needs of this project; without `state` it is only good for checks. */
export function agentOf(
  { root, commonDir, env, config, paths }: Project,
  state: StateStore | null,
  kind: AgentKind = config().agent.kind,
): Agent {
  const { agent, gates, limits, worktree } = config();
  return createAgent(
    { ...agent, kind },
    {
      reports:
        state === null
          ? null
          : {
              spool: paths.spoolDir,
              isTokenOf: (token, key, run) => {
                const found = state.runByTokenHash(hashToken(token));
                return found?.run.key === key && found.run.number === run;
              },
            },
      worktreeOf: (key) => resolve(root, worktree.root, key),
      maxCostUsd: limits.maxCostUsd,
      projectRoot: root,
      commonDir,
      env,
      // By the launcher: Node or this installation may move while a plan runs.
      mcpServer: { command: join(launcherPlace(commonDir), 'orchestrate'), args: ['mcp'] },
      commands: [
        ...commandGates(gates).map((gate) => gate.command),
        ...setupCommands({ worktree }).map(({ command }) => command),
      ],
    },
  );
}

/** Writes what the first window of the session runs (the live summary); returns its directory. */
function prepareSummary(project: Project): string {
  return writeCliRun(project, 'summary', ['watch']);
}

/**
 * Writes a fresh run directory whose wrapper becomes this command line with `args`: a run is claimed once, so that a window
 * that is opened again needs another one. Directories whose command has started are removed.
 */
export function writeCliRun(project: Project, name: string, args: readonly string[]): string {
  const runs = privateDirectory(project.paths.runsDir);
  // No stream's key begins with a dot.
  const prefix = `.${name}-`;
  for (const former of readdirSync(runs).filter((each) => each.startsWith(prefix))) {
    const started = existsSync(join(runs, former, 'claim')) && !existsSync(join(runs, former, 'launch'));
    if (started) rmSync(join(runs, former), { recursive: true, force: true });
  }
  const directory = mkdtempSync(join(runs, prefix));
  writeLaunch(directory, {
    cwd: project.root,
    argv: [...cliArgv(), ...args],
    // What a poller is to be told by may be in the environment of whoever starts it.
    env: workerEnvironment(project.env, { ...configVariables(project.env), ...secretVariables(project.env) }),
  });
  return directory;
}
