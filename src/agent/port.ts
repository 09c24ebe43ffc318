/** The door to coding agents: what is launched for a run, and what it says it is doing; knows nothing of tmux windows or the plan's graph. */
import type { Config } from '../app/config/load.ts';
import type {
  AgentActivity,
  AgentError,
  AgentKind,
  ProcessIdentity,
  Run,
  StreamRecord,
  Usage,
} from '../core/types.ts';

/** `agent` of config.json. */
export type AgentSettings = Config['agent'];

/** A command that serves MCP on stdio. */
export type McpServer = { readonly command: string; readonly args: readonly string[] };

/** Tells whether a token is that of a run. */
export type TokenCheck = (token: string, key: string, run: number) => boolean;

/** What an agent needs of its surroundings, complete. */
export type AgentDeps = {
  readonly projectRoot: string;
  /** The repository that the project's worktrees share; for a submodule or a linked worktree it is not `<project>/.git`. */
  readonly commonDir: string;
  /** Environment of whoever starts workers: PATH, HOME, CLAUDE_CONFIG_DIR … */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Gate and setup commands: a worker may run them unasked. */
  readonly commands: readonly string[];
  /** Our MCP server; null: workers report with `orchestrate task`. */
  readonly mcpServer: McpServer | null;
  /** Where the agent's hooks put their reports, and how they are known for a run's own; null: no hooks. */
  readonly reports: { readonly spool: string; readonly isTokenOf: TokenCheck } | null;
  /** Dollars that one stream may cost; null: no cap, and then the agent is not made to tell what it costs while it works. */
  readonly maxCostUsd: number | null;
  readonly nowMs: () => number;
  readonly isRoot: boolean;
  /** The worktree of a stream's key, absolute. */
  readonly worktreeOf: (key: string) => string;
  /** A path of the configuration (relative to the project) as an absolute one. */
  readonly resolve: (file: string) => string;
};

export type LaunchRequest = {
  readonly runDir: string;
  readonly record: StreamRecord;
  readonly run: number;
  readonly prompt: string;
  /** Conversation to go on with, null for a new one. */
  readonly resume: string | null;
  /** Id for a new conversation (UUID). */
  readonly sessionId: string;
  /** Secret of this run; travels by environment and file, never by argv. */
  readonly token: string;
  /** ORCHESTRATE_*, PORT, WORKSPACE_ID, TASK_DB_PATH, PATH … on top of the starter's environment. */
  readonly env: Readonly<Record<string, string>>;
};

export type Launch = {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The conversation that the run will have; null: the agent chooses, and tells later. */
  readonly sessionId: string | null;
};

export type AgentCheck = {
  readonly name: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly fix: string | null;
};

/** What became of a typed text: the agent took it, or keeps it until its present step ends; null: nothing is known (yet). */
export type Heard = 'taken' | 'queued' | null;

/** A line of a log and when it happened (null: with the line before it). */
export type ToldLine = { readonly atMs: number | null; readonly text: string };

/** How an agent's own records are told to people. */
export type ConversationReader = {
  /** Lines of one of its transcripts; bookkeeping lines vanish. */
  transcript(lines: readonly string[]): readonly ToldLine[];
  /** A line that it printed to its pane; null when it is not one of its records. */
  output(line: string): readonly ToldLine[] | null;
};

/** What was reported of a stop: `again` when it follows a refusal, `background`: what still runs. */
export type ReportedStop = {
  readonly again: boolean;
  readonly background: readonly string[];
  /** The last thing that the agent said; null where it doesn't say. */
  readonly said: string | null;
};

export type Agent = {
  readonly kind: AgentKind;
  /** What `start` tells of it: who works, what asks for permission, what walls it in (null: nothing of ours). */
  readonly about: { readonly agent: string; readonly permissions: string; readonly wall: string | null };
  /** Stays after a turn and can be told things. */
  readonly interactive: boolean;
  /** Text typed into its pane reaches it as a message. */
  readonly readsTyping: boolean;
  readonly conversation: ConversationReader;
  /** What the user types to log in; null where there is no such command. */
  readonly login: string | null;
  /** argv by which the user goes on with a conversation, in its worktree; null when there is no such command. */
  resumeCommand(conversation: string): readonly string[] | null;
  /** The stop that the run's hook has just reported; null when nothing is reported (a full disk, no hooks). */
  lastStop(key: string, run: number): ReportedStop | null;
  /** How its stop hook is told that the stop is refused. */
  refusal(reason: string): string;
  /** Is it there, new enough, trusted, allowed to run in this mode? */
  check(): Promise<AgentCheck[]>;
  /** Writes the agent's files (prompt, settings, MCP configuration; 0600) into `runDir`; returns what to exec. */
  prepare(request: LaunchRequest): Promise<Launch>;
  /** What a living worker is doing. Cheap: called for every open run at each tick. `screen` reads the pane (only for dialogs before any hook). */
  activity(run: Run, worker: ProcessIdentity, screen: () => Promise<string>): Promise<AgentActivity>;
  /** The service's error that ended the last turn of a run whose process is gone; null when it did not end by one. */
  lastError(run: Run): AgentError | null;
  /** Whether the user ended a run whose process is gone, by a command of its own at its prompt; false where it doesn't tell. */
  closedByUser(run: Run): boolean;
  /** What the run's last `git commit` said, when it failed, by the agent's own records; null: it did not, or they don't tell. */
  failedCommit(run: Run): string | null;
  /** Directories whose changes mean that an agent's activity changed. */
  watchPaths(): string[];
  /** Signal that ends it cleanly when at rest. */
  readonly endSignal: NodeJS.Signals;
  /** The conversation to resume for this run, null when there is none on disk. */
  findConversation(run: Run): string | null;
  /** Processes that are registered as having this conversation open; some may be dead. `start` as ProcessIdentity has it. */
  holders(conversation: string): { readonly pid: number; readonly start: string | null }[];
  /**
   * Begins to listen whether typed text arrives in the run's conversation: asked again and again with the text's first
   * line. Null where the agent's own files don't tell: then its pane has to.
   */
  listen(run: Run): ((firstLine: string) => Heard) | null;
  /** Whether someone has begun to type in its prompt, by its screen with colours. */
  hasDraft(screen: string): boolean;
  /** What the run used so far, as the agent itself says; null where it doesn't say. */
  usage(run: Run): Usage | null;
  /** Paths of the run's conversations on disk, oldest first (`/clear` begins another); none when its pane's output tells. */
  transcripts(run: Run): readonly string[];
};

/** The answers of an agent that tells no such thing, has no stop hook, and registers no conversation anywhere. */
export const TELLS_NOTHING = {
  lastStop: () => null,
  refusal: (reason: string) => reason,
  closedByUser: () => false,
  failedCommit: () => null,
  holders: () => [],
  listen: () => null,
  hasDraft: () => false,
  usage: () => null,
} satisfies Partial<Agent>;

/** What a review answered: read strictly, since a text that only looks like a verdict must never pass. */
export type ReviewAnswer = {
  readonly verdict: 'pass' | 'fail';
  readonly findings: readonly {
    readonly file: string;
    readonly line: number | null;
    readonly text: string;
  }[];
};

/** A second agent that judges a change: it gets its prompt on stdin, and can do nothing but read. */
export type Reviewer = {
  readonly argv: readonly string[];
  /** The answer in what it printed, as parsed JSON that is still to be checked (null: there is none), and what it used. */
  read(stdout: string): { readonly answer: unknown; readonly usage: Usage | null };
};
