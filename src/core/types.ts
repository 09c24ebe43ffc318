/** The vocabulary of orchestrate: the facts a tick reads and the states it derives; knows nothing of how they are read. */
import type { Elapsed } from './elapsed.ts';
import type { Plan } from './plan/plan-types.ts';
import type { Intent, RunOutcome, StreamRecord, Trouble } from './run-types.ts';
import type { StateName } from './states.ts';
import type { WorkerFact } from './worker-types.ts';

export type * from './ahead-types.ts';
export type * from './landing-types.ts';
export * from './plan/plan-types.ts';
export type * from './run-types.ts';
export type * from './worker-types.ts';

/** A fact that may not have been readable: "could not look" is not "nothing there". */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: string };

/** Everything a tick decides on. Maps are by stream key. */
export type Snapshot = {
  /** The wall clock: to show, and to compare with times that others gave us. */
  readonly nowMs: number;
  /** How long ago a noted moment was; what delays and ages are measured by. */
  readonly elapsed: Elapsed;
  readonly bootId: string;
  readonly plan: Plan;
  /** Key of each stream of the plan, by stream id. */
  readonly keys: ReadonlyMap<string, string>;
  readonly records: ReadonlyMap<string, StreamRecord>;
  /** Live facts of open runs, by key; unknown when tmux could not be asked. */
  readonly workers: Known<ReadonlyMap<string, WorkerFact>>;
  /**
   * Streams of which something could not be read (their record, a claim, a transcript), by key, with what and why: nothing
   * is known of their workers, and nothing is done about them.
   */
  readonly unseen: ReadonlyMap<string, string>;
  /** Branch tips by key (absent: no such branch); unknown when git could not be asked. */
  readonly heads: Known<ReadonlyMap<string, string>>;
  /** Keys whose verified work is contained in the landing branch, by content. */
  readonly landed: ReadonlySet<string>;
  /** The branch that work lands on, and its tip; null where there is none, or git could not be asked. */
  readonly landing: { readonly branch: string; readonly tip: string } | null;
  /** Work under way in this poller, by key. */
  readonly inFlight: ReadonlyMap<string, { readonly kind: Action['kind']; readonly sinceMs: number }>;
  /** Steps that failed when they were last tried, by key: those of memory before those written down. */
  readonly troubles: ReadonlyMap<string, Trouble>;
  /** Whether a poller acts (this process or another). */
  readonly pollerAlive: boolean;
};

/** What the configuration and the command line allow. */
export type Policy = {
  readonly maxWorkers: number;
  readonly maxAttempts: number;
  readonly windowMs: number;
  /** Delays before the 2nd, 3rd and every later attempt. */
  readonly delaysMs: readonly number[];
  readonly stallMs: number;
  /** How long a launched agent may stay without a first sign before it is said to need a look. */
  readonly startDeadlineMs: number;
  /** Stream ids this poller is limited to; null for all. */
  readonly only: ReadonlySet<string> | null;
  /** The last event when the poller began: streams asked for by name after it join `only`. */
  readonly pollerSinceEvent: number;
  /** Interactive agents stay after a turn and can be told what is missing. */
  readonly interactive: boolean;
  /** What the user types to log the agent in; null where there is no such command. */
  readonly login: string | null;
  readonly maxNudges: number;
  /** `auto`: streams that are done follow what they build on; `ask`: the user asks for that. */
  readonly sync: 'auto' | 'ask';
  readonly keepFinishedWindows: boolean;
  /** Worktrees made ahead of need, at most; null: as many as agents may work. */
  readonly ahead: number | null;
  /** A check runs commands of the user's, so that it may take long. */
  readonly gated: boolean;
  readonly maxRunMs: number | null;
  readonly maxCostUsd: number | null;
};

/** One step towards the plan; every one says why. */
export type Action = { readonly key: string; readonly reason: string } & (
  | { readonly kind: 'adopt' }
  | { readonly kind: 'launch'; readonly run: number }
  /** Make its worktree ahead of need, or move it on, to where the merge of `parents` is (none: the plan's base). */
  | { readonly kind: 'prepare'; readonly parents: readonly string[] }
  /** Take away what was made ahead for a stream that is not to start, unless somebody has put something there. */
  | { readonly kind: 'discard' }
  | { readonly kind: 'verify'; readonly run: number | null }
  /** Merge what its dependencies have come to into its branch, to be checked again; `run`: the open one, null without. */
  | { readonly kind: 'sync'; readonly run: number | null }
  /** Type `text` to an idle agent: about its work, or to go on after a limit. */
  | {
      readonly kind: 'nudge';
      readonly run: number;
      readonly text: string;
      readonly about: 'work' | 'limit' | 'moved';
      /** For `moved`: the heads that it tells of. */
      readonly heads?: readonly string[];
      /** A dialog that is known to be about the limit is left with Escape first. */
      readonly leaveDialog: boolean;
    }
  /** End the process tree of an open run, if any of it lives, and record how the run ended. */
  | {
      readonly kind: 'end-run';
      readonly run: number;
      readonly outcome: RunOutcome;
      readonly exitCode: number | null;
      /** Close the window too (else a dead pane stays for reading). */
      readonly closeWindow: boolean;
      /** Also set this intent (a cap that parks). */
      readonly intent: Intent | null;
      /** For `limited` and `denied`: when the next run may start. */
      readonly retryAtMs: number | null;
      /** What a listening agent is told first; null: nothing. */
      readonly farewell: string | null;
    }
);

/** The action that ends a run. */
export type EndRun = Extract<Action, { kind: 'end-run' }>;

/** The derived state of one stream, for the scheduler and every view alike. */
export type StreamState = {
  readonly id: string;
  readonly key: string;
  readonly state: StateName;
  readonly reason: string | null;
  /** The reason without what holds of all streams: that orchestrate is not running. */
  readonly ownReason: string | null;
  readonly remedy: string | null;
  /** When the state began, as far as known. */
  readonly sinceMs: number | null;
  /** When something is due by itself (a restart, the end of a limit). */
  readonly dueAtMs: number | null;
  readonly stale: boolean;
  readonly landed: boolean;
  readonly depth: number;
  /** True when the user has to act for this stream to go on. */
  readonly needsYou: boolean;
};
