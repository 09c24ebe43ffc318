/** The vocabulary of a living worker: what its agent is doing, and what became of its process. */
import type { ProcessIdentity } from './run-types.ts';

/** An error of the service that ended the agent's turn; `limit` is set when time cures it, `denied` (what to type) when the user has to see to the account. */
export type AgentError = {
  readonly text: string;
  readonly limit: { readonly untilMs: number | null } | null;
  readonly denied: string | null;
};

/** What a dialog asks for: leave for a call, an answer to the agent's own question, or something else. */
export type OpenDialog = 'permission' | 'question' | 'other';

/** What the agent is doing, as far as its own channels tell. */
export type AgentActivity = {
  readonly status: 'unknown' | 'starting' | 'busy' | 'idle' | 'waiting' | 'limited';
  /** When `status` began, if known. */
  readonly sinceMs: number | null;
  /** For `waiting`: what it asks the user; for `limited`: the limit; else null. */
  readonly detail: string | null;
  /** How to deal with `detail`, whereupon the stream is tried again (of an account: the agent goes on); null when attaching is the answer. */
  readonly remedy: string | null;
  /** For `limited`: when it ends, if the agent said so. */
  readonly untilMs: number | null;
  /** When to look again, since what was read is about to change without a sign; null when it is settled. */
  readonly settlesAtMs: number | null;
  /** The last sign of life, if known. */
  readonly lastSignAtMs: number | null;
  /** True when `detail` was read off the screen. */
  readonly inferred: boolean;
  /** What is open in its pane, so that what is typed would answer it; null when nothing is. */
  readonly dialog: OpenDialog | null;
  /** For `waiting`: the cause is the account (login, credit), which every worker shares. */
  readonly account: boolean;
  /** What it is doing now, e.g. `Bash npm test`; null when unknown. */
  readonly doing: string | null;
  /** Conversation id as last seen (it changes on `/clear`). */
  readonly sessionId: string | null;
  /** Why its hooks cannot be relied on (the stop gate, the reports), null while they can: the user has to know. */
  readonly hookTrouble: string | null;
};

/** An agent of which nothing is known: what every reading of an activity starts from. */
export const UNKNOWN_ACTIVITY: AgentActivity = {
  status: 'unknown',
  sinceMs: null,
  detail: null,
  remedy: null,
  untilMs: null,
  settlesAtMs: null,
  lastSignAtMs: null,
  inferred: false,
  dialog: null,
  account: false,
  doing: null,
  sessionId: null,
  hookTrouble: null,
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
  /** For a process that is gone: the error its last turn ended by, if it did. */
  readonly lastError: AgentError | null;
  /** For a process that is gone: the user ended it, by a command of its own at its prompt. */
  readonly closedByUser: boolean;
};
