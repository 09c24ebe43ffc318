/** The vocabulary of work under way: runs, their workers, what is remembered of a stream. */
import type { Ahead } from './ahead-types.ts';
import type { LandedAnswer, LandingClash } from './landing-types.ts';

/** The agents that a run can be of. To add one: its traits here, its folder beside the agents' port, a line in create-agent. */
export const AGENT_KINDS = ['claude', 'codex', 'opencode', 'custom'] as const;
export type AgentKind = (typeof AGENT_KINDS)[number];

/** What decisions and the configuration depend on; all else of an agent is behind its port. */
export type AgentTraits = {
  /** The program that it is, unless the configuration names another one; null: it is whatever the configuration names. */
  readonly program: string | null;
  /** An exit status other than 0 says that its work failed; without, its work is judged by what is there. */
  readonly exitCodeTells: boolean;
  /** When it is interactive, it lives in its window: without the window nobody can reach it. */
  readonly livesInWindow: boolean;
};

export const AGENT_TRAITS: Readonly<Record<AgentKind, AgentTraits>> = {
  claude: { program: 'claude', exitCodeTells: false, livesInWindow: true },
  codex: { program: 'codex', exitCodeTells: false, livesInWindow: true },
  opencode: { program: 'opencode', exitCodeTells: false, livesInWindow: true },
  custom: { program: null, exitCodeTells: true, livesInWindow: false },
};

/** What the user asked of a stream; survives the poller. */
export type Intent = 'none' | 'stopped' | 'parked';

/** A process, told apart from a later one with the same pid by its start time (an opaque text of the platform). */
export type ProcessIdentity = { readonly pid: number; readonly start: string };

/** A step of ours that could not be taken, `count` times in a row. */
export type Trouble = {
  readonly kind: 'launch' | 'end-run' | 'adopt' | 'verify' | 'sync' | 'nudge' | 'prepare' | 'discard';
  readonly message: string;
  readonly fix: string;
  /** Set where one command frees every stream that failed for the same: git settings that run programs were changed. */
  readonly cause: 'git-config' | null;
  readonly atMs: number;
  readonly count: number;
};

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
  | 'limited'
  /** ended since the service refused the account (login expired, no credit): the user has to act */
  | 'denied'
  /** the user closed the agent at its prompt: they say when it goes on */
  | 'closed';

/** What the last check of a run's worktree and gates found, tied to the commit it was found on. */
export type Verdict = {
  readonly sha: string | null;
  readonly atMs: number;
  /** The agent's rest (`Run.rest`) at which the check began; null: it was not at rest, or had ended. */
  readonly rest: number | null;
  readonly ok: boolean;
  /** Machine-readable cause when not ok. */
  readonly cause:
    | null
    | 'dirty'
    | 'no-commits'
    | 'off-branch'
    | 'operation-in-progress'
    | 'missing-parents'
    | 'unshared'
    | 'gate'
    | 'gate-void'
    | 'worktree-missing'
    | 'tampered';
  /** One sentence for the user (and the agent), e.g. `gate test failed (exit 1), log: …`. */
  readonly message: string;
  /** For `missing-parents`: the commits that the head has to contain and does not; else none. */
  readonly parents: readonly string[];
  /** The gate that failed, and how many times in a row it has; null for any other cause. */
  readonly gate: FailedGate | null;
};

/** A gate that failed: its name, the file with what it printed, and how many times in a row it failed on the stream. */
export type FailedGate = { readonly name: string; readonly log: string; readonly times: number };

/** The answer to a check that the operator asked for. */
export type VerifyAnswer = { readonly ok: boolean; readonly message: string };

/** What the stop gate did about an agent that wanted to stop too early. */
export type StopGate = {
  /** Refusals in this run, and those since the agent was last told something else. */
  readonly refusals: number;
  readonly inARow: number;
  /** What the work looked like at the last refusal: the same again means that nothing changed. */
  readonly signature: string;
  readonly atMs: number;
  /** Set when it gave up: the whole reason. */
  readonly gaveUp: string | null;
};

/** What a run used, as the agent itself says; null where it doesn't say. */
export type Usage = {
  /** Read in, written to the cache and put out; what came from the cache is apart. */
  readonly tokens: number | null;
  readonly cachedTokens: number | null;
  readonly costUsd: number | null;
};

/** Time in which the agent could not work: it waited for the user or for the end of a limit. */
export type Pause = {
  readonly totalMs: number;
  /** Begin of the one under way, null when there is none. */
  readonly sinceMs: number | null;
  /** The part of `totalMs` in which it waited for the user. */
  readonly userMs: number;
  /** The one under way is such a wait. */
  readonly forUser: boolean;
};

/** An agent's last rest (idle, or held by a limit). They are numbered from 1: by its stamps, which are its own, they are only told apart. */
export type Rest = { readonly number: number; readonly sinceMs: number | null; readonly isOver: boolean };

/** One attempt to work on a stream. */
export type Run = {
  readonly key: string;
  readonly number: number;
  readonly agentKind: AgentKind;
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
  /** For `limited` and `denied`: when to try again, by the agent's word or our own growing delay. */
  readonly retryAtMs: number | null;
  readonly verdict: Verdict | null;
  /** Messages sent to an idle agent about what is missing (bounded). */
  readonly nudges: number;
  readonly lastNudgeAtMs: number | null;
  /** The rest at which the last of them was sent. */
  readonly lastNudgeRest: number | null;
  readonly rest: Rest | null;
  readonly stopGate: StopGate | null;
  /** How often, and when last, the agent was told to go on after a limit. */
  readonly continued: { readonly count: number; readonly atMs: number; readonly rest: number | null } | null;
  readonly usage: Usage | null;
  /** What reviews of its work by another agent used. */
  readonly reviewUsage: Usage | null;
  readonly paused: Pause | null;
  /** Heads of dependencies of which the agent was told, while it worked, that they have moved. */
  readonly toldOf: readonly string[] | null;
};

/** What the user gave a stream's agent to do besides its tasks; until a run was verified that came to the end of it. */
export type Assignment = {
  /** The last run when it was given: it falls to a later one. */
  readonly afterRun: number;
  /** Commits to be merged into its branch, with what they are called. */
  readonly merges: readonly { readonly name: string; readonly sha: string }[];
  /** Files on which those merges are known to clash. */
  readonly files: readonly string[];
  /** What a review said, as it was written: data, never instructions of ours. */
  readonly notes: string | null;
};

/** Commits and lines of a branch beyond its base. */
export type BranchChanges = {
  readonly base: string;
  readonly head: string;
  readonly commits: number;
  readonly added: number;
  readonly removed: number;
};

/** What orchestrate itself remembers of a stream (state.db). */
export type StreamRecord = {
  readonly key: string;
  readonly initiativeId: string;
  readonly streamId: string;
  readonly intent: Intent;
  readonly intentAtMs: number;
  /** Why a cap parked it; null: it was the operator. */
  readonly intentReason: string | null;
  /** Runs up to this number count for nothing any more (set by `retry` and `start X`). */
  readonly clearedAfterRun: number;
  /** The event by which the user last asked for this very stream (`start X`); lets a poller limited to some streams add it. */
  readonly requestedEvent: number;
  /** `resolve`: start on the first dependency and give the merge of the others to the agent. */
  readonly resolve: boolean;
  /** `verify`: check again, without an agent. */
  readonly verifyRequested: boolean;
  /** `sync`: bring it onto what its dependencies have come to, also where that is left to the user. */
  readonly syncRequested: boolean;
  readonly assignment: Assignment | null;
  /** How the check went that was asked for last; null while it is waited for. */
  readonly verifyAnswer: VerifyAnswer | null;
  /** `retry --fresh`: the next run begins a new conversation. */
  readonly fresh: boolean;
  /** Its branch was made by us; a branch of that name before then is someone else's. */
  readonly branchMade: boolean;
  readonly branch: string;
  /** Absolute path of the worktree. */
  readonly worktree: string;
  /** First port of the stream's range of ten. */
  readonly port: number;
  readonly ahead: Ahead | null;
  readonly base: { readonly sha: string; readonly parents: readonly string[]; readonly atMs: number } | null;
  readonly conflict: { readonly parents: readonly string[]; readonly files: readonly string[] } | null;
  readonly verified: {
    readonly sha: string;
    readonly atMs: number;
    readonly adopted: boolean;
    /** The last run when it was verified (0: none): any later one contradicts it. */
    readonly run: number;
    /** What the head was found to contain: heads of the dependencies, or the base. */
    readonly parents: readonly string[];
  } | null;
  /** The step that failed when it was last tried. */
  readonly trouble: Trouble | null;
  /** The step that a poller has under way; means nothing once that poller is gone. */
  readonly step: { readonly kind: Trouble['kind']; readonly sinceMs: number } | null;
  /** What the user was last told of the stream; null when it needs no telling. */
  readonly told: string | null;
  /** What the branch holds at `head` beyond `base`, as git once said. */
  readonly changes: BranchChanges | null;
  /** Whether it has landed, as was last found out; it says nothing of another tip or head. */
  readonly landedAnswer: LandedAnswer | null;
  /** Why it did not land when that was last tried; null when nothing kept it. */
  readonly landingClash: LandingClash | null;
  /** The process that is taking its worktree and branch away: while it lives no run is opened. */
  readonly removing: ProcessIdentity | null;
  /** Last run first is not promised: ordered by number. */
  readonly runs: readonly Run[];
};
