/** Rules for a stream whose run has not ended: is the worker at work, at rest, waiting for a person, or gone? */

import { doneSinceMs, gateText, isVerified, redGate } from '../done.ts';
import { AGENT_TRAITS } from '../run-types.ts';
import { commandFor } from '../shell-word.ts';
import { byOperator } from '../states.ts';
import type { AgentActivity, Run, WorkerFact } from '../types.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess, endRun } from './assessment.ts';
import { assessCancelled } from './cancelled.ts';
import { overCap } from './caps.ts';
import { assessIdle } from './idle-agent.ts';
import { assessLimited } from './limits.ts';
import { assessGone } from './process-gone.ts';

/** Assesses a stream that has an open run. */
export function assessOpenRun(situation: Situation, run: Run): Assessment {
  const { record, worker, stream } = situation;
  if (worker === undefined) return unseen(situation);
  if (record !== null && record.intent !== 'none') return called(situation, run, record.intent);
  const cancelled = assessCancelled(situation, run);
  if (cancelled !== null) return cancelled;
  if (isVerified(stream, record)) {
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
  return assess('running', {
    reason: `its agent could not be looked at: ${why}`,
    remedy: 'orchestrate doctor',
  });
}

/** A person called the stream off: its worker is ended. */
function called(situation: Situation, run: Run, intent: 'stopped' | 'parked'): Assessment {
  const reason = byOperator(intent);
  const remedy = commandFor(intent === 'stopped' ? 'start' : 'retry', situation.stream.id);
  return assess(intent, { reason, remedy, action: endRun(situation, run, 'stopped', reason) });
}

/**
 * What became of the window of a living worker that has none, and what to type; null while it has one. A window that was
 * just opened may be missing from a look, so that only a run whose claim was seen at an earlier one counts.
 */
export function lostWindow(
  run: Pick<Run, 'key' | 'claimedAtMs'>,
  worker: Pick<WorkerFact, 'process' | 'pane' | 'serverGone'>,
  streamId: string,
): { readonly reason: string; readonly remedy: string } | null {
  if (worker.process === 'gone' || worker.pane !== null || run.claimedAtMs === null) return null;
  const reason = worker.serverGone ? 'its tmux server is gone' : 'its window was closed';
  return { reason, remedy: `${commandFor('stop', streamId)}, then ${commandFor('start', streamId)}` };
}

/**
 * An agent that outlived its window can't be seen, typed to or answered. One that is to be attended is ended, and its
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
  return silence(situation, activity) ?? assess('running', { sinceMs, ...reason, ...due });
}

function assessWaiting({ stream }: Situation, activity: AgentActivity): Assessment {
  const detail = activity.detail ?? 'the agent waits for you';
  const reason = activity.inferred ? `${detail} (read off its screen)` : detail;
  const attach = commandFor('attach', stream.id);
  const { account, remedy, sinceMs } = activity;
  return assess('needs-input', {
    reason,
    remedy: account ? `${attach}, ${remedy ?? 'see to the account'}, then type: go on` : (remedy ?? attach),
    sinceMs,
    holdsLaunches: account,
  });
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
