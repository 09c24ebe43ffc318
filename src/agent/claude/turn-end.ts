/** What it means that Claude Code's turn is over: rest, work left in the background, an interrupt by the user, or an error of the service. */
import type { AgentActivity, AgentError, Run } from '../../core/types.ts';
import { limitEnd } from './limit-time.ts';
import type { Report } from './reports.ts';
import type { TranscriptTail } from './transcript.ts';

/** Reports that begin, carry on or end a turn of the agent itself. */
const OF_A_TURN: ReadonlySet<Report['event']> = new Set([
  'UserPromptSubmit',
  'PreToolUse',
  'PermissionRequest',
  'Stop',
  'StopFailure',
]);

/** An end of a turn is reported, and idle is registered, within this of each other. */
const REPORT_DELAY_MS = 1_000;

/** Claude Code ends at once when it cannot go on with a conversation: then nothing of a turn is reported or written. */
export function endedBeforeItsTurn(
  run: Pick<Run, 'outcome' | 'exitCode' | 'startedAtMs'>,
  reports: readonly Report[],
  tail: TranscriptTail | null,
): boolean {
  const byItself = run.outcome === 'failed' && run.exitCode === 1;
  return byItself && lastOfTurn(reports) === null && (tail?.modifiedAtMs ?? 0) < run.startedAtMs;
}

/** Claude Code's words for an end that the user typed: `/exit`, Ctrl-D or Ctrl-C twice, `/logout`. Signals and a closed window are `other`. */
const TYPED_ENDS: ReadonlySet<string | null> = new Set(['prompt_input_exit', 'logout']);

/** True when the session ended by what the user typed at its prompt. */
export function closedAtPrompt(reports: readonly Report[]): boolean {
  const end = reports.findLast(({ event }) => event === 'SessionEnd' || event === 'SessionStart');
  return end?.event === 'SessionEnd' && TYPED_ENDS.has(end.endReason);
}

/** What is known of an agent whose turn is over. */
export type Resting = {
  readonly tail: TranscriptTail | null;
  readonly reports: readonly Report[];
  readonly nowMs: number;
};

/** The last report about the agent's own turn; null before its first. A subagent's calls are not its own, its requests are. */
export function lastOfTurn(reports: readonly Report[]): Report | null {
  return (
    reports.findLast(
      (report) => OF_A_TURN.has(report.event) && (report.event !== 'PreToolUse' || report.subagent === null),
    ) ?? null
  );
}

/** What the last turn left running when it ended; null when nothing. */
export function leftInBackground(reports: readonly Report[]): string | null {
  const last = lastOfTurn(reports);
  if (last?.event !== 'Stop' || last.background.length === 0) return null;
  return `in the background: ${last.background.join(', ')}`;
}

/** The activity of an agent whose turn is over; `common` has what does not depend on how it ended. */
export function atRest(resting: Resting, common: AgentActivity): AgentActivity {
  const { reports, tail, nowMs } = resting;
  const idle: AgentActivity = { ...common, status: 'idle', doing: null };
  if (wasCleared(reports)) return { ...idle, status: 'waiting', detail: CLEARED };
  const failure = serviceFailure(reports, tail);
  if (failure !== null) return failed(idle, failure);
  const last = lastOfTurn(reports);
  if (last === null || last.event === 'StopFailure') return idle;
  if (last.event === 'Stop') {
    if (last.background.length === 0) return idle;
    return { ...common, status: 'busy', sinceMs: last.atMs };
  }
  // No hook tells of an interrupt: the turn is over without a report of its end.
  const restedMs = nowMs - (common.sinceMs ?? nowMs);
  if ((common.sinceMs ?? 0) <= last.atMs)
    return { ...common, status: 'busy', settlesAtMs: nowMs + REPORT_DELAY_MS };
  if (restedMs < REPORT_DELAY_MS) {
    return { ...common, status: 'busy', settlesAtMs: nowMs + REPORT_DELAY_MS - restedMs };
  }
  return { ...idle, status: 'waiting', detail: 'interrupted by you: tell it how to go on' };
}

const CLEARED = 'its conversation was cleared: it no longer knows what it was told';

/** The user who types `/clear` is about to say how to go on: what we would tell it means nothing to it now. */
function wasCleared(reports: readonly Report[]): boolean {
  const start = reports.findLast(({ event }) => event === 'SessionStart');
  return start?.source === 'clear' && start.atMs >= (lastOfTurn(reports)?.atMs ?? 0);
}

/** An error of the service by which a turn ended. */
export type ServiceFailure = {
  /** Claude Code's word for it. */
  readonly error: string;
  readonly text: string;
  readonly atMs: number;
};

/** The service's error that ended the last turn, by report or transcript; null when it did not end by one. */
export function serviceFailure(
  reports: readonly Report[],
  tail: TranscriptTail | null,
): ServiceFailure | null {
  const last = lastOfTurn(reports);
  const told = tail?.apiError ?? null;
  if (last?.event === 'StopFailure') {
    return {
      error: last.error ?? told?.error ?? 'unknown',
      text: last.said ?? told?.text ?? '',
      atMs: last.atMs,
    };
  }
  if (told === null || (last !== null && (told.atMs ?? 0) < last.atMs)) return null;
  return { error: told.error, text: told.text, atMs: told.atMs ?? tail?.modifiedAtMs ?? 0 };
}

/** Errors that pass: a usage limit, an overloaded or failing service, one that cannot be reached. */
const PASSING: ReadonlySet<string> = new Set(['rate_limit', 'server_error', 'overloaded']);

/** Errors by which the service refuses the account: with what to do about each. */
const DENIED: Readonly<Record<string, string>> = {
  authentication_failed: 'type /login',
  oauth_org_not_allowed: 'type /login',
  cloud_credential_error: 'renew the credentials',
  account_on_hold: 'see to the account',
  verification_required: 'see to the account',
  billing_error: 'add credit to the account',
};

/** What the user has to do about the account; null for an error that is not about it. */
function deniedRemedy(failure: ServiceFailure): string | null {
  return DENIED[failure.error] ?? null;
}

/** When the limit ends, as far as the error says; null for an error that time does not cure. */
export function limitOf(failure: ServiceFailure): { readonly untilMs: number | null } | null {
  if (!PASSING.has(failure.error)) return null;
  return { untilMs: limitEnd(failure.text, failure.atMs) };
}

/**
 * An agent whose login had expired before the credentials were last written: someone logged in, here or in another window, so
 * that it may be told to go on, as after a limit. `writtenMs`: null where there is no file of credentials.
 */
export function afterLogin(seen: AgentActivity, writtenMs: number | null): AgentActivity {
  if (!seen.account || seen.dialog !== null || writtenMs === null || writtenMs <= (seen.sinceMs ?? writtenMs))
    return seen;
  const detail = `${seen.detail ?? 'the login had expired'}; someone has logged in since`;
  return { ...seen, status: 'limited', detail, remedy: null, account: false };
}

/** The error by which the last turn of a run that began at `startedAtMs` ended; null when it did not end by one. */
export function errorOf(
  reports: readonly Report[],
  tail: TranscriptTail | null,
  startedAtMs: number,
): AgentError | null {
  const ownTail = tail !== null && (tail.apiError?.atMs ?? 0) >= startedAtMs ? tail : null;
  const failure = serviceFailure(reports, ownTail);
  if (failure === null) return null;
  return { text: failure.text || failure.error, limit: limitOf(failure), denied: deniedRemedy(failure) };
}

function failed(idle: AgentActivity, failure: ServiceFailure): AgentActivity {
  const told = { ...idle, detail: failure.text || `the service failed: ${failure.error}` };
  const limit = limitOf(failure);
  if (limit !== null) return { ...told, status: 'limited', untilMs: limit.untilMs };
  const remedy = deniedRemedy(failure);
  return remedy === null ? idle : { ...told, status: 'waiting', remedy, account: true };
}
