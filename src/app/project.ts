/** Opens the project around a command: where it is, its configuration, workspace and plan, each looked at only when asked for. */
import { existsSync } from 'node:fs';
import { findProject } from '../git/find-project.ts';
import type { StateStore } from '../state/types.ts';
import type { PlanStore } from '../task-copilot/types.ts';
import { type Config, type ConfigFlags, type Loaded, loadConfig, loadWhatHolds } from './config/load.ts';
import {
  type ProjectPaths,
  projectPaths,
  renameWorkspace,
  resolveWorkspace,
  type Workspace,
} from './paths.ts';

/** What a command needs to know of where it was typed. */
export type Surroundings = {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
};

type PlanStoreOptions = { readonly create?: boolean; readonly readonly?: boolean };

/** One project, opened. Everything is made at most once; `close` closes what was opened. */
export type Project = {
  readonly root: string;
  /** Git's common directory. */
  readonly commonDir: string;
  readonly env: Surroundings['env'];
  readonly paths: ProjectPaths;
  readonly now: () => number;
  /** Throws exit 7 for a wrong key or value, unless the project was opened for what has to work with one. */
  readonly config: () => Config;
  /** What is wrong with a configuration of which only what holds is taken; null for one that is right. */
  readonly configTrouble: () => Loaded['trouble'];
  /** Throws exit 7 for an id that isn't a plain name. */
  readonly workspace: () => Workspace;
  /** Checks whose Task Copilot's store is; `claim` takes one that is nobody's. Throws exit 7 while it is another project's. */
  readonly ownStore: (claim: boolean) => Promise<void>;
  /**
   * Task Copilot's store, after a look at whose it is: with `create` it is made when missing and claimed for this project;
   * `readonly` is for what keeps it open for long (see `openOnFile`). The first call decides. Throws exit 6 when it is missing
   * or unusable, exit 7 when it is another living project's.
   */
  readonly planStore: (options?: PlanStoreOptions) => Promise<PlanStore>;
  /**
   * orchestrate's own memory, null before there is any; a look never makes it. `busyTimeoutMs` bounds each wait for
   * another's lock. Throws exit 6 for one that is unusable.
   */
  readonly openState: (options?: { readonly busyTimeoutMs?: number }) => Promise<StateStore | null>;
  /** Adds something that `close` has to close; the last added goes first. */
  readonly onClose: (close: () => void) => void;
  readonly close: () => void;
};

/**
 * Opens the project around `cwd` (the main checkout, also from inside a worktree). `flags` are configuration values given
 * on the command line; `whatHolds`: a wrong configuration stops nothing, what holds of it is taken. Throws exit 3 outside a project.
 */
export function openProject({ cwd, env }: Surroundings, flags: ConfigFlags = {}, whatHolds = false): Project {
  const { root, commonDir } = findProject(cwd, env['ORCHESTRATE_PROJECT'] || null);
  const paths = projectPaths(root);
  const loaded = once<Loaded>(() =>
    whatHolds
      ? loadWhatHolds(paths.config, env, flags)
      : { config: loadConfig(paths.config, env, flags), trouble: null },
  );
  const config = (): Config => loaded().config;
  const workspace = once(() => resolveWorkspace({ root, env, configured: () => config().workspace }));
  const closers: (() => void)[] = [];
  const ownStore: Project['ownStore'] = async (claim) => {
    const { checkOwner } = await import('../task-copilot/owner.ts');
    const { storePath, source } = workspace();
    checkOwner(storePath, root, { claim, rename: renameWorkspace(source) });
  };
  const planStore = onceAsync(async ({ create = false, readonly = false }: PlanStoreOptions) => {
    const [{ openPlanStore }] = await Promise.all([
      import('../task-copilot/plan-store.ts'),
      ownStore(create),
    ]);
    const store = openPlanStore(workspace().storePath, { create, readonly });
    closers.push(() => store.close());
    return store;
  });
  const openState: Project['openState'] = async (options = {}) => {
    if (!existsSync(paths.stateDb)) return null;
    const { openStateStore } = await import('../state/state-store.ts');
    const state = openStateStore(paths.stateDb, { ...options, create: false });
    closers.push(() => state.close());
    return state;
  };
  return {
    root,
    commonDir,
    env,
    paths,
    openState,
    now: Date.now,
    config,
    configTrouble: () => loaded().trouble,
    workspace,
    ownStore,
    planStore: (options = {}) => planStore(options),
    onClose: (close) => void closers.push(close),
    close: () => {
      for (const close of closers.splice(0).reverse()) close();
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Made once, with the arguments of the first call; a failure isn't remembered. */
function onceAsync<A extends unknown[], T>(make: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  let made: Promise<T> | null = null;
  return (...args) => {
    made ??= make(...args).catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}

/** Versions of the tools around us, also outside a project. Both throw exit 3 for one that is missing or too old. */
export function toolVersions({ cwd, env }: Surroundings): {
  readonly git: () => Promise<string>;
  readonly tmux: () => Promise<string>;
} {
  return {
    git: async () => {
      const { createGit } = await import('../git/git.ts');
      return createGit({ root: cwd, commonDir: cwd }).checkVersion();
    },
    tmux: async () => {
      const { createTmux } = await import('../tmux/tmux.ts');
      const socket = env['ORCHESTRATE_TMUX_SOCKET'] || null;
      const nothing = () => Promise.reject(new Error('no session is made to ask for a version'));
      return createTmux({
        projectRoot: cwd,
        socket,
        env,
        identify: () => null,
        prepareSummary: nothing,
      }).checkVersion();
    },
  };
}
