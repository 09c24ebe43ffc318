/** The vocabulary of orchestrate: the facts a tick reads and the states it derives; knows nothing of how they are read. */

/** Status of one task, as Task Copilot stores it. */
export type TaskStatus = 'pending' | 'in_progress' | 'blocked' | 'completed' | 'cancelled';

/** One task of the plan. `stream` is the stream id, null for a task outside any stream. */
export type Task = {
  readonly id: string;
  readonly prdId: string | null;
  readonly title: string;
  readonly description: string | null;
  readonly status: TaskStatus;
  readonly stream: string | null;
  readonly assignedAgent: string | null;
  readonly blockedReason: string | null;
  readonly notes: string | null;
  readonly acceptanceCriteria: readonly string[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** Task counts of a stream or a plan; `total` leaves cancelled tasks out. */
export type TaskCounts = {
  readonly total: number;
  readonly completed: number;
  readonly inProgress: number;
  readonly pending: number;
  readonly blocked: number;
  readonly cancelled: number;
};

/** One node of the plan: the tasks that share a stream id. */
export type PlanStream = {
  readonly id: string;
  readonly name: string;
  readonly phase: string;
  /** Stream ids, union of both metadata keys, title-style spellings resolved, sorted, no duplicates. */
  readonly dependencies: readonly string[];
  readonly files: readonly string[];
  readonly tasks: TaskCounts;
  /** True when a task's notes have a line beginning `no-changes:`. */
  readonly declaresNoChanges: boolean;
  /** The title of the task in progress (the latest), for display. */
  readonly currentTask: string | null;
  /** Reason of the first blocked task, for display. */
  readonly blockedReason: string | null;
  /** Ids of the tasks neither completed nor cancelled, oldest first. */
  readonly openTasks: readonly string[];
};

/** Why a plan can't be run; `code` is stable, `message` names streams and tasks. */
export type PlanProblem = {
  readonly code:
    | 'no-streams'
    | 'archived-only'
    | 'no-root'
    | 'cycle'
    | 'unknown-dependency'
    | 'self-dependency'
    | 'bad-dependencies'
    | 'bad-metadata'
    | 'bad-stream-id';
  readonly message: string;
  readonly streams: readonly string[];
  readonly tasks: readonly string[];
};

export type Initiative = { readonly id: string; readonly title: string };

/** The plan of the current initiative. `streams` are in the order of their oldest task. */
export type Plan = {
  readonly initiative: Initiative | null;
  readonly streams: readonly PlanStream[];
  readonly problems: readonly PlanProblem[];
};

/** What a person asked of a stream; survives the poller. */
export type Intent = 'none' | 'stopped' | 'parked';

/** A process, told apart from a later one with the same pid by its start time (an opaque text of the platform). */
export type ProcessIdentity = { readonly pid: number; readonly start: string };

/** How a run ended. Only `failed` burns an attempt. */
export type RunOutcome =
  /** the stream was verified */
  | 'done'
  /** the worker ended or gave up with the stream unfinished */
  | 'failed'
  /** an operator or a cap ended it */
  | 'stopped'
  /** lost with its tmux server, window or machine, or never claimed */
  | 'interrupted'
  /** ended by a usage limit or an overloaded service */
  | 'limited';

/** What the last check of a run's worktree and gates found, tied to the commit it was found on. */
export type Verdict = {
  readonly sha: string | null;
  readonly atMs: number;
  readonly ok: boolean;
  /** Machine-readable cause when not ok. */
  readonly cause:
    | null
    | 'dirty'
    | 'no-commits'
    | 'off-branch'
    | 'operation-in-progress'
    | 'missing-parents'
    | 'gate'
    | 'gate-void'
    | 'worktree-missing'
    | 'tampered';
  /** One sentence for a person (and the agent), e.g. `gate test failed (exit 1), log: …`. */
  readonly message: string;
};

/** One attempt to work on a stream. */
export type Run = {
  readonly key: string;
  readonly number: number;
  readonly agentKind: 'claude' | 'custom';
  readonly startedAtMs: number;
  readonly claimedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly worker: ProcessIdentity | null;
  readonly pane: string | null;
  /** Identity of the tmux server (`socket|pid|start`), since a pane id means nothing on another one. */
  readonly server: string | null;
  readonly bootId: string;
  readonly sessionId: string | null;
  readonly baseSha: string;
  readonly exitCode: number | null;
  readonly outcome: RunOutcome | null;
  readonly reason: string | null;
  /** For `limited`: when the limit ends, by the agent's word or our own growing delay. */
  readonly retryAtMs: number | null;
  readonly verdict: Verdict | null;
  /** Messages sent to an idle agent about what is missing (bounded). */
  readonly nudges: number;
  readonly lastNudgeAtMs: number | null;
};

/** What orchestrate itself remembers of a stream (state.db). */
export type StreamRecord = {
  readonly key: string;
  readonly initiativeId: string;
  readonly streamId: string;
  readonly intent: Intent;
  readonly intentAtMs: number;
  /** Attempts before this moment don't count (set by `retry` and `start X`). */
  readonly attemptsClearedAtMs: number;
  /** When a person last asked for this very stream (`start X`); lets a poller limited to some streams add it. */
  readonly requestedAtMs: number;
  /** `resolve`: start on the first dependency and give the merge of the others to the agent. */
  readonly resolve: boolean;
  /** `verify`: check again, without an agent. */
  readonly verifyRequested: boolean;
  readonly branch: string;
  /** Absolute path of the worktree. */
  readonly worktree: string;
  /** First port of the stream's range of ten. */
  readonly port: number;
  readonly base: { readonly sha: string; readonly parents: readonly string[]; readonly atMs: number } | null;
  readonly conflict: { readonly parents: readonly string[]; readonly files: readonly string[] } | null;
  readonly verified: { readonly sha: string; readonly atMs: number; readonly adopted: boolean } | null;
  /** The last attempt to prepare a launch (worktree, setup, window) that failed before any agent ran. */
  readonly launchFailure: {
    readonly message: string;
    readonly fix: string;
    readonly atMs: number;
    readonly count: number;
  } | null;
  /** Last run first is not promised: ordered by number. */
  readonly runs: readonly Run[];
};

/** What the agent is doing, as far as its own channels tell. */
export type AgentActivity = {
  readonly status: 'unknown' | 'starting' | 'busy' | 'idle' | 'waiting' | 'limited';
  /** When `status` began, if known. */
  readonly sinceMs: number | null;
  /** For `waiting`: what it asks a person; for `limited`: the limit; else null. */
  readonly detail: string | null;
  /** What to type to deal with `detail`; null when attaching is the answer. */
  readonly remedy: string | null;
  /** For `limited`: when it ends, if the agent said so. */
  readonly untilMs: number | null;
  /** The last sign of life, if known. */
  readonly lastSignAtMs: number | null;
  /** True when `detail` was read off the screen. */
  readonly inferred: boolean;
  /** What it is doing now, e.g. `Bash npm test`; null when unknown. */
  readonly doing: string | null;
  /** Conversation id as last seen (it changes on `/clear`). */
  readonly sessionId: string | null;
};

/** A run's worker as it is at this moment. */
export type WorkerFact = {
  readonly run: number;
  readonly claimed: boolean;
  readonly pane: { readonly id: string; readonly dead: boolean; readonly exitCode: number | null } | null;
  /** `unknown` when it could not be looked at: never read as gone. */
  readonly process: 'alive' | 'gone' | 'unknown';
  readonly identity: ProcessIdentity | null;
  /** The tmux server that the run was launched on no longer exists. */
  readonly serverGone: boolean;
  readonly activity: AgentActivity;
};

/** A fact that may not have been readable: "could not look" is not "nothing there". */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: string };

/** Everything a tick decides on. Maps are by stream key. */
export type Snapshot = {
  readonly nowMs: number;
  readonly bootId: string;
  readonly plan: Plan;
  /** Key of each stream of the plan, by stream id. */
  readonly keys: ReadonlyMap<string, string>;
  readonly records: ReadonlyMap<string, StreamRecord>;
  /** Live facts of open runs, by key; unknown when tmux could not be asked. */
  readonly workers: Known<ReadonlyMap<string, WorkerFact>>;
  /** Branch tips by key (absent: no such branch); unknown when git could not be asked. */
  readonly heads: Known<ReadonlyMap<string, string>>;
  /** Keys whose verified head is contained in the base branch. */
  readonly landed: ReadonlySet<string>;
  /** Work under way in this poller, by key. */
  readonly inFlight: ReadonlyMap<string, { readonly kind: Action['kind']; readonly sinceMs: number }>;
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
  /** Streams asked for by name after this moment join `only`. */
  readonly pollerSinceMs: number;
  /** Interactive agents stay after a turn and can be told what is missing. */
  readonly interactive: boolean;
  readonly maxNudges: number;
  readonly keepFinishedWindows: boolean;
  readonly maxRunMs: number | null;
};

/** One step towards the plan; every one says why. */
export type Action = { readonly key: string; readonly reason: string } & (
  | { readonly kind: 'adopt' }
  | { readonly kind: 'launch'; readonly run: number }
  | { readonly kind: 'verify'; readonly run: number | null }
  | { readonly kind: 'nudge'; readonly run: number; readonly text: string }
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
    }
);

/** The states a stream can be in, one at a time. */
export const STREAM_STATES = [
  'waiting',
  'ready',
  'queued',
  'starting',
  'running',
  'needs-input',
  'limited',
  'stalled',
  'verifying',
  'done',
  'base-conflict',
  'blocked',
  'failed',
  'stopped',
  'parked',
] as const;
export type StateName = (typeof STREAM_STATES)[number];

/** The derived state of one stream, for the scheduler and every view alike. */
export type StreamState = {
  readonly id: string;
  readonly key: string;
  readonly state: StateName;
  readonly reason: string | null;
  readonly remedy: string | null;
  /** When the state began, as far as known. */
  readonly sinceMs: number | null;
  /** When something is due by itself (a restart, the end of a limit). */
  readonly dueAtMs: number | null;
  readonly stale: boolean;
  readonly landed: boolean;
  readonly depth: number;
  /** True when a person has to act for this stream to go on. */
  readonly needsYou: boolean;
};

/** One line of the event log. */
export type OrchestrateEvent = {
  readonly id: number;
  readonly atMs: number;
  readonly key: string | null;
  readonly run: number | null;
  readonly kind: string;
  readonly message: string;
};
