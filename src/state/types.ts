/** The door to orchestrate's own memory (state.db): streams, runs, events, the poller; no SQL shows through it. */
import type { NewEvent, OrchestrateEvent } from '../core/events.ts';
import type { Intent, Landing, ProcessIdentity, Run, StreamRecord } from '../core/types.ts';

/** A gate's result, kept per commit. */
export type GateResult = {
  readonly key: string;
  readonly sha: string;
  readonly name: string;
  readonly command: string;
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly log: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
};

export type StreamPatch = Partial<
  Pick<
    StreamRecord,
    | 'intent'
    | 'intentAtMs'
    | 'intentReason'
    | 'clearedAfterRun'
    | 'requestedEvent'
    | 'resolve'
    | 'verifyRequested'
    | 'verifyAnswer'
    | 'syncRequested'
    | 'assignment'
    | 'fresh'
    | 'branch'
    | 'worktree'
    | 'branchMade'
    | 'ahead'
    | 'base'
    | 'conflict'
    | 'verified'
    | 'trouble'
    | 'step'
    | 'told'
    | 'changes'
    | 'landedAnswer'
    | 'landingClash'
    | 'removing'
  >
>;
/** A landing before it has its number. */
export type NewLanding = Omit<Landing, 'number'>;

export type RunPatch = Partial<Omit<Run, 'key' | 'number' | 'startedAtMs' | 'agentKind' | 'bootId'>>;

export type PollerRow = {
  readonly pid: number;
  readonly start: string;
  readonly sinceMs: number;
  readonly configHash: string;
  /** The last event when it began. */
  readonly sinceEvent: number;
  /** Ids of the streams that it is limited to; null for all. */
  readonly only: readonly string[] | null;
  /** The limit of workers that it obeys from its next tick on; null for the configured one (of an earlier release). */
  readonly maxWorkers: number | null;
};

/** A stream of which something recorded cannot be read, and why. */
export type Unreadable = { readonly streamId: string; readonly why: string };

/** Streams as read from their rows, by key. */
export type ReadStreams = {
  readonly readable: ReadonlyMap<string, StreamRecord>;
  readonly unreadable: ReadonlyMap<string, Unreadable>;
};

/** What a run's directory is for: an open run, a later look at what an ended one said, or nothing any more. */
export type RunPlace = 'open' | 'kept' | 'past';

/** orchestrate's own memory. Writes are single transactions; safe to use from several processes. */
export type StateStore = {
  readonly path: string;
  /** Records (with runs) of one initiative, by key, but for the unreadable ones; cached until the database changes. */
  records(initiativeId: string): ReadonlyMap<string, StreamRecord>;
  /** Streams of the initiative of which something recorded cannot be read, by key. */
  unreadable(initiativeId: string): ReadonlyMap<string, Unreadable>;
  /** Finds or allocates the stream's key, branch, worktree path and port; idempotent, race-free. */
  ensureStream(
    initiativeId: string,
    streamId: string,
    names: { branchPrefix: string; worktreeRoot: string; portBase: number },
  ): StreamRecord;
  /** The same for many streams in one transaction; returns their keys, by stream id. */
  ensureStreams(
    initiativeId: string,
    streamIds: readonly string[],
    names: { branchPrefix: string; worktreeRoot: string; portBase: number },
  ): ReadonlyMap<string, string>;
  patchStream(key: string, patch: StreamPatch): void;
  /**
   * Records a new run; refuses (returns false) when the stream was called off (its intent) or is being removed, has an open
   * run, or the number is taken, all in one statement: no run is opened beside a `stop` or a `clean`.
   */
  openRun(
    run: Pick<Run, 'key' | 'number' | 'agentKind' | 'startedAtMs' | 'bootId' | 'sessionId' | 'baseSha'> & {
      tokenHash: string;
    },
  ): boolean;
  /** Notes that this process takes worktree and branch of the stream away; false, changing nothing, while it has an open run. */
  claimRemoval(key: string, by: ProcessIdentity): boolean;
  patchRun(key: string, number: number, patch: RunPatch): void;
  /** Changes a run that is open, `endedAtMs` among the rest; false, changing nothing, when another process ended it before. */
  endRun(key: string, number: number, patch: RunPatch & { readonly endedAtMs: number }): boolean;
  /** Streams of all initiatives, in the order in which they were first seen. */
  allRecords(): ReadStreams;
  /** Streams of any initiative whose last run is open. */
  openRecords(): ReadStreams;
  /** The run a launch token belongs to, with its stream; null for an unknown token. */
  runByTokenHash(tokenHash: string): { run: Run; streamId: string; initiativeId: string } | null;
  addEvent(event: NewEvent): void;
  /** Oldest first; the last `limit` of them, without one all that are kept. */
  events(filter: { key?: string; sinceId?: number; limit?: number }): OrchestrateEvent[];
  gateResults(key: string, sha?: string): GateResult[];
  addGateResult(result: GateResult): void;
  initiativeBase(initiativeId: string): { branch: string; sha: string } | null;
  /** Keeps the first value ever given for the initiative and returns it. */
  setInitiativeBase(
    initiativeId: string,
    base: { branch: string; sha: string },
  ): { branch: string; sha: string };
  /**
   * What landed of the initiative's streams, oldest first. A landing is written down before its branch moves: it counts only
   * when the branch contains its commits (`Git.contained`).
   */
  landings(initiativeId: string): readonly Landing[];
  /** Writes landings down, all or none; one of the same stream, head and branch replaces the former. */
  addLandings(landings: readonly NewLanding[]): void;
  /** The tmux server that the session was last seen on (`socket|pid|start`); null before the first. */
  tmuxServer(): string | null;
  setTmuxServer(server: string): void;
  /** The git settings that run programs, as they were accepted; null before the first worker. */
  gitConfig(): Readonly<Record<string, string>> | null;
  setGitConfig(settings: Readonly<Record<string, string>>): void;
  poller(): PollerRow | null;
  /** Makes `row` the acting poller, with no step under way. */
  setPoller(row: PollerRow): void;
  /** Hands this very poller another limit of workers; false, changing nothing, when another has taken its place. */
  setMaxWorkers(identity: ProcessIdentity, maxWorkers: number): boolean;
  /** Forgets the poller if it is this very process; false, changing nothing, when another one has taken its place. */
  clearPoller(identity: ProcessIdentity): boolean;
  /** What the directories (`runDir`) of all runs of all initiatives are for, by their name; `initiativeId` is the current one. */
  runPlaces(initiativeId: string): ReadonlyMap<string, RunPlace>;
  /** True when any run of any initiative is open. */
  hasOpenRuns(exceptInitiativeId?: string): boolean;
  /** `reason`: why a cap parked the stream; null, as when left out: it is the operator's wish. */
  setIntent(key: string, intent: Intent, atMs: number, reason?: string | null): void;
  changeToken(): number;
  /** From now on each call waits for another's lock for so long at most, in ms. */
  waitAtMost(ms: number): void;
  /** True when the file was removed or replaced: every method but `close` then throws exit 6. */
  isLost(): boolean;
  close(): void;
};

/** Held by the one acting poller; the kernel releases it with the process. */
export type Lease = {
  release(): void;
  /** True when the lock file was removed or replaced: then another process can hold it too. */
  isLost(): boolean;
};
