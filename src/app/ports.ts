/** Everything the reconciler works with, handed in by the composition root; it knows the adapters by their types only. */
import type { Agent, Reviewer } from '../agent/port.ts';
import type { Elapsed } from '../core/elapsed.ts';
import type { Policy, Run } from '../core/types.ts';
import type { Git } from '../git/types.ts';
import type { Marks } from '../poller/marks.ts';
import type { Processes } from '../process/types.ts';
import type { Lease, StateStore } from '../state/types.ts';
import type { PlanStore } from '../task-copilot/types.ts';
import type { Tmux } from '../tmux/types.ts';
import type { Config } from './config/load.ts';
import type { ProjectPaths, Workspace } from './paths.ts';

export type Ports = {
  readonly paths: ProjectPaths;
  readonly workspace: Workspace;
  readonly config: Config;
  /** Changes when config.json does. */
  configHash(): string;
  readonly plan: PlanStore;
  readonly state: StateStore;
  /** The lease of the one acting poller: taken (null while another holds it after `waitMs`), or only asked for. */
  readonly lease: { acquire(waitMs: number): Lease | null; isHeld(): boolean };
  /** Taken by whoever lands, so that one does at a time; null while another holds it after `waitMs`, which hold up nothing else. */
  readonly landingLease: { acquire(waitMs: number, abort?: AbortSignal): Promise<Lease | null> };
  /** Calls back after each commit by anyone to one of both stores. */
  watchStores(onChange: () => void): { close(): void };
  readonly git: Git;
  readonly tmux: Tmux;
  readonly processes: Processes;
  readonly agent: Agent;
  /** The agent that reviews where a gate asks for one. */
  readonly reviewer: Reviewer;
  /** The agent of the kind that made a run, which may not be the configured one now: it alone can read what the run left. */
  agentThatMade(run: Pick<Run, 'agentKind'>): Agent;
  /** The starter's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Marks of this project's processes. */
  readonly marks: Marks;
  /** The directory with the `orchestrate` launcher and nothing else, made so before each use. */
  launcherDir(): string;
  /** Milliseconds since the epoch. */
  now(): number;
  /** How long ago a moment that `now` gave was, whatever the clock was set to since. */
  readonly elapsed: Elapsed;
};

/** How long a launched agent may stay without a first sign, in ms. */
const START_DEADLINE_MS = 60_000;
/** Messages to an idle agent before the user is called. */
const MAX_NUDGES = 3;

/** The policy that a configuration means. `only`: stream ids the poller is limited to; `sinceEvent`: the last event when it began. */
export function policyOf(
  config: Config,
  agent: Pick<Agent, 'interactive' | 'login'>,
  only: ReadonlySet<string> | null,
  sinceEvent: number,
): Policy {
  return {
    maxWorkers: config.maxWorkers,
    maxAttempts: config.restart.maxAttempts,
    windowMs: config.restart.windowMinutes * 60_000,
    delaysMs: config.restart.delaysSeconds.map((seconds) => seconds * 1000),
    stallMs: config.stallMinutes * 60_000,
    startDeadlineMs: START_DEADLINE_MS,
    only,
    pollerSinceEvent: sinceEvent,
    interactive: agent.interactive,
    login: agent.login,
    maxNudges: MAX_NUDGES,
    sync: config.sync,
    keepFinishedWindows: config.finishedWindows === 'keep',
    ahead: config.worktree.ahead,
    gated: config.gates.length > 0,
    maxRunMs: config.limits.maxMinutes === null ? null : config.limits.maxMinutes * 60_000,
    maxCostUsd: config.limits.maxCostUsd,
  };
}
