/** Rules for a stream whose run has not ended: is the worker at work, at rest, waiting for the user, or gone? */

import {
  blockedText,
  doneSinceMs,
  gateText,
  isVerified,
  openTasksText,
  redGate,
  tasksComplete,
  verdictOn,
} from '../done.ts';
import { AGENT_TRAITS } from '../run-types.ts';
import { commandFor, thenTry } from '../shell-word.ts';
import type { AgentActivity, AgentError, Run, RunOutcome, WorkerFact } from '../types.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess, calledOff, endRun, headOf, startCommand, verifying } from './assessment.ts';
import { assessCancelled } from './cancelled.ts';
import { assessClosed } from './closed.ts';
import { assessIdle, endedText } from './idle-agent.ts';
import { assessLimited, deniedRemedy, overCap, retryAfterLimit } from './limits.ts';
import { clashInRun, tellOfMove } from './moved.ts';

/** Assesses a stream that has an open run. */
export function assessOpenRun(situation: Situation, run: Run): Assessment {
  const { record, worker, stream } = situation;
  if (worker === undefined) return unseen(situation);
  const off = calledOff(situation);
  if (off !== null) return { ...off, action: endRun(situation, run, 'stopped', off.reason) };
  const cancelled = assessCancelled(situation, run);
  if (cancelled !== null) return cancelled;
  // What the user gave its agent since falls to the next run.
  if (isVerified(stream, record === null ? null : { ...record, assignment: null })) {
    const action = endRun(situation, run, 'done', 'verified', { exitCode: worker?.pane?.exitCode ?? null });
    return assess('done', { sinceMs: doneSinceMs(record), action });
  }
  if (worker === null || worker.process === 'gone') return assessGone(situation, run, worker);
  return (
    overCap(situation, run) ??
    unreachable(situation, run, worker) ??
    assessAlive(situation, run, worker.claimed ? worker.activity : null)
  );
}

/** Its worker could not be looked at: nothing is known, so nothing is done. */
function unseen({ snapshot, key }: Situation): Assessment {
  const why = snapshot.workers.known ? (snapshot.unseen.get(key) ?? 'not looked at') : snapshot.workers.why;
  const reason = `its agent could not be looked at: ${why}`;
  return assess('running', { reason, remedy: 'orchestrate doctor' });
}

/**
 * What became of the window of a living worker that has none, and what to type; null while it has one. A window that was
 * just opened may be missing from a look, so that only a run whose claim was seen at an earlier one counts.
 */
export function lostWindow(
  run: Pick<Run, 'key' | 'claimedAtMs'>,
  worker: Pick<WorkerFact, 'process' | 'pane' | 'serverGone'>,
  stream: Parameters<typeof commandFor>[1],
): { readonly reason: string; readonly remedy: string } | null {
  if (worker.process === 'gone' || worker.pane !== null || run.claimedAtMs === null) return null;
  const reason = worker.serverGone ? 'its tmux server is gone' : 'its window was closed';
  return { reason, remedy: `${commandFor('stop', stream)} && ${commandFor('start', stream)}` };
}

/**
 * An agent that outlived its window cannot be seen, typed to or answered. One that is to be attended is ended, and its
 * conversation goes on in a new run; one that needs nobody is let finish. A closed window counts as a failed attempt,
 * whether or not the agent was quicker to end than we to look.
 */
function unreachable(situation: Situation, run: Run, worker: WorkerFact): Assessment | null {
  const { policy, snapshot, stream } = situation;
  const lost = lostWindow(run, worker, stream.id);
  if (lost === null) return null;
  const { reason } = lost;
  if (!policy.interactive || !AGENT_TRAITS[run.agentKind].livesInWindow) {
    const sinceMs = run.claimedAtMs ?? run.startedAtMs;
    return assess('running', {
      reason: `${reason}; it works on without a window`,
      remedy: lost.remedy,
      sinceMs,
    });
  }
  if (!snapshot.pollerAlive) return assess('running', { reason, remedy: commandFor('start', stream.id) });
  return assess('running', {
    reason,
    remedy: commandFor('start', stream.id),
    action: endRun(situation, run, worker.serverGone ? 'interrupted' : 'failed', reason),
  });
}

/** Assesses a living worker; `activity` is null until it has claimed its run. What is wrong with its hooks is said where nothing else is. */
function assessAlive(situation: Situation, run: Run, activity: AgentActivity | null): Assessment {
  const assessed = assessActivity(situation, run, activity);
  const reason = activity?.hookTrouble ?? null;
  if (reason === null || assessed.reason !== null) return assessed;
  return { ...assessed, reason, remedy: assessed.remedy ?? 'orchestrate doctor' };
}

function assessActivity(situation: Situation, run: Run, activity: AgentActivity | null): Assessment {
  const status = activity?.status ?? 'starting';
  if (activity === null || status === 'starting') return assessStarting(situation, run);
  if (status === 'waiting') return assessWaiting(situation, activity);
  if (status === 'limited') return assessLimited(situation, run, activity);
  if (status === 'idle') return assessIdle(situation, run, activity);
  const due = activity.settlesAtMs === null ? {} : { dueAtMs: activity.settlesAtMs };
  const red = redGate(situation.record);
  const reason = red === null ? {} : { reason: gateText(red) };
  // At work since it last went to work: what it waited for the user before is no work.
  const sinceMs = Math.max(run.claimedAtMs ?? run.startedAtMs, activity.sinceMs ?? 0);
  return (
    silence(situation, activity) ??
    tellOfMove(situation, run, activity) ??
    assess('running', { sinceMs, ...reason, ...due })
  );
}

function assessWaiting({ stream }: Situation, activity: AgentActivity): Assessment {
  const detail = activity.detail ?? 'the agent waits for you';
  const reason = activity.inferred ? `${detail} (read off its screen)` : detail;
  const attach = commandFor('attach', stream.id);
  const { account, remedy, sinceMs } = activity;
  const told = account
    ? { reason: `${reason} (${remedy ?? 'see to the account'}, then tell it to go on)`, remedy: attach }
    : remedy === null
      ? { reason, remedy: attach }
      : thenTry(reason, remedy, commandFor('retry', stream.id));
  return assess('needs-input', { ...told, sinceMs, holdsLaunches: account });
}

/** A worker that gave no sign of life for longer than configured is said to be stalled, and let be. */
function silence({ stream, snapshot, policy }: Situation, activity: AgentActivity): Assessment | null {
  const signMs = activity.lastSignAtMs;
  const silentMs = signMs === null ? 0 : snapshot.elapsed(signMs);
  if (silentMs <= policy.stallMs) return null;
  const last = activity.doing === null ? '' : `; last seen: ${activity.doing}`;
  const reason = `no sign of life for ${Math.round(silentMs / 60_000)} min${last}`;
  return assess('stalled', { reason, remedy: commandFor('attach', stream.id), sinceMs: signMs });
}

/** Launched, but not heard of yet. */
function assessStarting({ stream, snapshot, policy }: Situation, run: Run): Assessment {
  const remedy = commandFor('attach', stream.id);
  const sinceMs = run.startedAtMs;
  const waitedMs = snapshot.elapsed(sinceMs);
  if (waitedMs <= policy.startDeadlineMs) {
    return assess('starting', { reason: 'the agent is being launched', remedy, sinceMs });
  }
  return assess('needs-input', {
    reason: `no sign from the agent for ${Math.round(waitedMs / 1000)} s after its launch`,
    remedy,
    sinceMs,
  });
}

/** Names of the signals that end processes, the same on Linux and macOS. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
};

/** How an ended process reads, e.g. `agent ended (exit 1)`, `agent killed (SIGKILL)`. */
function exitText(exitCode: number | null): string {
  if (exitCode === null) return 'agent ended, its exit status is lost';
  if (exitCode <= 128) return `agent ended (exit ${exitCode})`;
  return `agent killed (${SIGNALS[exitCode - 128] ?? `signal ${exitCode - 128}`})`;
}

/** Why a run whose process is gone did not simply end by itself; null when it did. */
function lostCause(
  situation: Situation,
  run: Run,
  worker: WorkerFact | null,
): { outcome: RunOutcome; reason: string } | null {
  if (run.bootId !== situation.snapshot.bootId)
    return { outcome: 'interrupted', reason: 'the machine was restarted' };
  if (worker === null || !worker.claimed) {
    const seen = run.pane !== null || (worker?.pane ?? null) !== null;
    return seen
      ? { outcome: 'failed', reason: 'its window ended before the agent started' }
      : { outcome: 'interrupted', reason: 'the launch was cut short before the agent started' };
  }
  // With the server went the exit status: complete work is checked all the same, unless only that status speaks for it.
  const unspoken = !tasksComplete(situation.stream) || AGENT_TRAITS[run.agentKind].exitCodeTells;
  if (worker.pane === null && worker.serverGone && unspoken) {
    return { outcome: 'interrupted', reason: 'its tmux server is gone' };
  }
  return null;
}

/** Assesses an open run without a living process. */
function assessGone(situation: Situation, run: Run, worker: WorkerFact | null): Assessment {
  const { stream, snapshot } = situation;
  if (!snapshot.pollerAlive) {
    const state = tasksComplete(stream) ? 'verifying' : 'ready';
    return assess(state, {
      notRunning: true,
      reason: 'its agent has ended',
      remedy: startCommand(stream),
    });
  }
  const lost = lostCause(situation, run, worker);
  if (lost !== null) return restarting(situation, run, lost.outcome, lost.reason, null);
  const error = worker?.lastError ?? null;
  const early = assessClosed(situation, run) ?? unfinished(situation, run, error);
  return early ?? assessEnded(situation, run, worker, error?.text ?? null);
}

/** Unfinished for a reason that is no failure: a cap, a limit; null for any other end. */
function unfinished(situation: Situation, run: Run, error: AgentError | null): Assessment | null {
  if (tasksComplete(situation.stream)) return null;
  const capped = overCap(situation, run);
  if (capped !== null || error === null) return capped;
  if (error.limit !== null) return afterLimit(situation, run, error.text, error.limit.untilMs);
  return error.denied === null ? null : afterRefusal(situation, run, `${error.text} (${error.denied})`);
}

/** Ended by a usage limit or a failing service: no attempt is burnt, and it goes on when that may be over. */
function afterLimit(situation: Situation, run: Run, reason: string, untilMs: number | null): Assessment {
  const { record, policy, snapshot, stream } = situation;
  const retryAtMs = retryAfterLimit(record, policy, snapshot.nowMs, untilMs);
  const action = endRun(situation, run, 'limited', reason, { retryAtMs });
  const remedy = commandFor('retry', stream.id);
  return assess('limited', { reason, remedy, dueAtMs: retryAtMs, holdsLaunches: true, action });
}

/** Ended since the service refused the account: no attempt is burnt, the user is called, and it is tried again now and then. */
function afterRefusal(situation: Situation, run: Run, reason: string): Assessment {
  const { record, policy, snapshot } = situation;
  const retryAtMs = retryAfterLimit(record, policy, snapshot.nowMs, null);
  const action = endRun(situation, run, 'denied', reason, { retryAtMs });
  return assess('needs-input', {
    reason,
    remedy: deniedRemedy(situation),
    dueAtMs: retryAtMs,
    holdsLaunches: true,
    action,
  });
}

/** The worker ran and ended: its work is checked, or it gave up, or it failed. */
function assessEnded(
  situation: Situation,
  run: Run,
  worker: WorkerFact | null,
  error: string | null,
): Assessment {
  const { stream } = situation;
  const pane = worker?.pane ?? null;
  const exitCode = pane?.exitCode ?? null;
  // One that only its exit status speaks for is not taken at its word when that is lost, unless its server took it along.
  const lostWithServer = pane === null && worker?.serverGone === true;
  const mayBeDone = !AGENT_TRAITS[run.agentKind].exitCodeTells || exitCode === 0 || lostWithServer;
  if (tasksComplete(stream) && mayBeDone) return judgeWork(situation, run, exitCode);
  if (stream.tasks.blocked > 0) {
    const reason = blockedText(stream);
    return assess('blocked', {
      reason,
      remedy: startCommand(stream),
      action: endRun(situation, run, 'stopped', reason, { exitCode }),
    });
  }
  const how = pane === null ? 'its window was closed' : exitText(exitCode);
  const gaveUp = run.stopGate?.gaveUp ?? null;
  const open = `${how}, ${openTasksText(stream)}${error === null ? '' : ` (${error})`}`;
  const reason = gaveUp === null ? open : `${how}: ${gaveUp}`;
  return restarting(situation, run, 'failed', reason, exitCode);
}

/** A finished worker's claim is checked; a check that failed on this very head fails the run. */
function judgeWork(situation: Situation, run: Run, exitCode: number | null): Assessment {
  const clashes = clashInRun(situation, run);
  if (clashes !== null) return clashes;
  const verdict = verdictOn(run, headOf(situation));
  if (verdict === null || verdict.ok) return verifying(situation, run.number);
  return restarting(situation, run, 'failed', endedText(situation, verdict), exitCode);
}

/** The run ends; what follows is decided at the next look. */
function restarting(
  situation: Situation,
  run: Run,
  outcome: RunOutcome,
  reason: string,
  exitCode: number | null,
): Assessment {
  return assess('ready', {
    reason,
    remedy: startCommand(situation.stream),
    action: endRun(situation, run, outcome, reason, { exitCode }),
  });
}
