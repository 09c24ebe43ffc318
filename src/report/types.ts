/** What the views are made from and what they show: plain data, JSON-ready; knows nothing of where the facts were read. */
import type { OrchestrateEvent } from '../core/events.ts';
import type { StateCounts, StateName } from '../core/states.ts';
import type {
  FailedGate,
  Initiative,
  PlanProblem,
  RunOutcome,
  Snapshot,
  StreamRecord,
  StreamState,
  Task,
  TaskCounts,
} from '../core/types.ts';
import type { GateResult } from '../state/types.ts';

/** The project's tmux session as found. */
export type SessionFacts = { readonly socket: string; readonly name: string | null; readonly alive: boolean };

/** What a stream's branch holds beyond its base. */
export type ChangeFacts = { readonly commits: number; readonly added: number; readonly removed: number };

/** The facts a report is built from. Maps are by stream key. */
export type ReportInput = {
  readonly snapshot: Snapshot;
  readonly states: readonly StreamState[];
  readonly workspace: string;
  /** Absolute path of the main checkout. */
  readonly projectRoot: string;
  readonly session: SessionFacts;
  /** Who holds the poller's lease; null when nobody does. */
  readonly poller: { readonly pid: number; readonly sinceMs: number } | null;
  readonly maxWorkers: number;
  readonly changes: ReadonlyMap<string, ChangeFacts>;
  /** Of the plan, oldest first; the last 30 are kept. */
  readonly events: readonly OrchestrateEvent[];
  /** Sentences the user should know (bypassed permissions, a configuration change not yet obeyed, …). */
  readonly warnings: readonly string[];
};

export type ReportStream = {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly phase: string;
  readonly state: StateName;
  readonly needsYou: boolean;
  readonly stale: boolean;
  readonly landed: boolean;
  readonly reason: string | null;
  /** The reason without what holds of all streams: that orchestrate is not running. */
  readonly ownReason: string | null;
  readonly remedy: string | null;
  readonly since: string | null;
  readonly dueAt: string | null;
  readonly dependencies: readonly string[];
  /** Dependencies that keep this stream from going on. */
  readonly blockedBy: readonly string[];
  readonly depth: number;
  readonly tasks: TaskCounts;
  readonly currentTask: string | null;
  readonly doing: string | null;
  readonly branch: string | null;
  /** Relative to the project root when inside it. */
  readonly worktree: string | null;
  readonly baseSha: string | null;
  readonly headSha: string | null;
  readonly verifiedSha: string | null;
  readonly run: number | null;
  readonly pane: string | null;
  /** Of the living worker; null when none lives. */
  readonly pid: number | null;
  readonly sessionId: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly lastActivityAt: string | null;
  /** Over all runs: time in which agents worked, and time in which they waited for the user; null before the first run. */
  readonly workedMs: number | null;
  readonly waitedMs: number | null;
  /** The gate that failed at the last check of its work; null when none did. */
  readonly gate: FailedGate | null;
  readonly commits: number | null;
  readonly added: number | null;
  readonly removed: number | null;
  /** Over all runs, as the agent itself says; null where it doesn't say. Tokens that came from the cache are apart. */
  readonly tokens: number | null;
  readonly cachedTokens: number | null;
  readonly costUsd: number | null;
};

export type ReportEvent = {
  readonly id: number;
  readonly at: string;
  readonly stream: string | null;
  readonly run: number | null;
  readonly kind: OrchestrateEvent['kind'];
  readonly message: string;
};

/** `status --json`, and the one source of every screen. Times are ISO-8601 UTC. */
export type StatusReport = {
  readonly schemaVersion: 1;
  readonly at: string;
  readonly workspace: string;
  readonly projectRoot: string;
  readonly initiative: Initiative | null;
  readonly session: SessionFacts;
  readonly poller: {
    readonly alive: boolean;
    readonly pid: number | null;
    readonly since: string | null;
    /** How many workers it lets be at work at the same time; null without a poller. */
    readonly maxWorkers: number | null;
  };
  readonly summary: {
    readonly streams: StateCounts;
    readonly tasks: TaskCounts;
    readonly needsYou: number;
    /** All streams' together; null when none says. */
    readonly tokens: number | null;
    readonly cachedTokens: number | null;
    readonly costUsd: number | null;
  };
  readonly streams: readonly ReportStream[];
  /** The longest chain of streams that are not done, first to start first. */
  readonly criticalPath: readonly string[];
  /** From the first run to now, or to the moment the last stream was done; null before the first run. */
  readonly elapsedMs: number | null;
  /** A guess of what remains; null without data or when nothing moves. */
  readonly etaMs: number | null;
  readonly events: readonly ReportEvent[];
  readonly problems: readonly PlanProblem[];
  readonly warnings: readonly string[];
};

/** A stream with what it was made of, for `report`. */
export type ReportedStream = ReportStream & {
  readonly taskList: readonly Task[];
  /** Over its base, the latest first. */
  readonly commitList: readonly { readonly sha: string; readonly author: string; readonly subject: string }[];
  /** The last result of each gate on the verified head. */
  readonly gates: readonly { readonly name: string; readonly ok: boolean; readonly ms: number }[];
  readonly runs: readonly {
    readonly number: number;
    readonly outcome: RunOutcome | null;
    readonly reason: string | null;
  }[];
  readonly landings: readonly { readonly branch: string; readonly commits: readonly string[] }[];
};

/** `report --json`: what the whole plan came to. */
export type PlanReport = Omit<StatusReport, 'streams'> & { readonly streams: readonly ReportedStream[] };

/** Everything about one stream, for `status <stream>`. */
export type StreamDetail = {
  readonly stream: ReportStream;
  /** When the report was made, ISO-8601 UTC. */
  readonly at: string;
  /** Null before the stream was first touched. */
  readonly record: StreamRecord | null;
  readonly tasks: readonly Task[];
  readonly gates: readonly GateResult[];
  readonly events: readonly OrchestrateEvent[];
  /** Paths changed since the base. */
  readonly files: readonly string[];
  /** The last commits since the base, the latest first. */
  readonly commits: readonly {
    readonly sha: string;
    readonly author: string;
    readonly atMs: number;
    readonly subject: string;
  }[];
  /** What to type to watch the worker; null when none lives. */
  readonly attach: string | null;
  /** What to type to go on with the agent's conversation by hand; null when there is none. */
  readonly resume: string | null;
};

/** How a text is to look: decided by the terminal and the user's settings. */
export type TextStyle = { readonly colour: boolean; readonly unicode: boolean };
