/** Rules for an open run whose worker's process is gone: never started, lost, finished, blocked or failed. */

import { blockedText, openTasksText, tasksComplete, verdictOn } from '../done.ts';
import { AGENT_TRAITS } from '../run-types.ts';
import { commandFor } from '../shell-word.ts';
import type { AgentError, Run, RunOutcome, WorkerFact } from '../types.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess, endRun, headOf, startCommand, verifying } from './assessment.ts';
import { overCap } from './caps.ts';
import { deniedRemedy, retryAfterLimit } from './limits.ts';

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
export function assessGone(situation: Situation, run: Run, worker: WorkerFact | null): Assessment {
  const { stream, snapshot } = situation;
  if (!snapshot.pollerAlive) {
    const state = tasksComplete(stream) ? 'verifying' : 'ready';
    return assess(state, { reason: 'no poller: its agent has ended', remedy: startCommand(stream) });
  }
  const lost = lostCause(situation, run, worker);
  if (lost !== null) return restarting(situation, run, lost.outcome, lost.reason, null);
  const error = worker?.lastError ?? null;
  return unfinished(situation, run, error) ?? assessEnded(situation, run, worker, error?.text ?? null);
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

/** Ended since the service refused the account: no attempt is burnt, a person is called, and it is tried again now and then. */
function afterRefusal(situation: Situation, run: Run, reason: string): Assessment {
  const { record, policy, snapshot, stream } = situation;
  const retryAtMs = retryAfterLimit(record, policy, snapshot.nowMs, null);
  const action = endRun(situation, run, 'denied', reason, { retryAtMs });
  const remedy = deniedRemedy(stream);
  return assess('needs-input', { reason, remedy, dueAtMs: retryAtMs, holdsLaunches: true, action });
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
  const verdict = verdictOn(run, headOf(situation));
  if (verdict === null || verdict.ok) return verifying(situation, run.number);
  return restarting(situation, run, 'failed', verdict.message, exitCode);
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
