/** Rules for a stream whose run has not ended: is the worker at work, at rest, waiting for a person, or gone? */

import { assessGone } from './assess-gone.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess, endRun, isVerified, openTasksText, tasksComplete, verifying } from './assessment.ts';
import { commandFor } from './shell-word.ts';
import type { AgentActivity, Run, Verdict } from './types.ts';

/** How long an idle agent may rest before it counts: its next turn may be about to begin. */
const SETTLE_MS = 1_500;
/** How long an agent may take to react to a message before a person should look. */
const NUDGE_ANSWER_MS = 60_000;

/** Assesses a stream that has an open run. */
export function assessOpenRun(situation: Situation, run: Run): Assessment {
  const { record, worker, stream } = situation;
  if (worker === undefined) return unseen(situation);
  if (record !== null && record.intent !== 'none') return called(situation, run, record.intent);
  if (isVerified(stream, record)) {
    const action = endRun(situation, run, 'done', 'verified', { exitCode: worker?.pane?.exitCode ?? null });
    return assess('done', { sinceMs: record?.verified?.atMs ?? null, action });
  }
  if (worker === null || worker.process === 'gone') return assessGone(situation, run, worker);
  return overCap(situation, run) ?? assessAlive(situation, run, worker.claimed ? worker.activity : null);
}

/** tmux could not be asked: nothing is known, so nothing is done. */
function unseen({ snapshot }: Situation): Assessment {
  const why = snapshot.workers.known ? 'not looked at' : snapshot.workers.why;
  return assess('running', {
    reason: `its worker could not be looked at: ${why}`,
    remedy: 'orchestrate doctor',
  });
}

/** A person called the stream off: its worker is ended. */
function called(situation: Situation, run: Run, intent: 'stopped' | 'parked'): Assessment {
  const reason = `${intent} by the operator`;
  const remedy = commandFor(intent === 'stopped' ? 'start' : 'retry', situation.stream.id);
  return assess(intent, { reason, remedy, action: endRun(situation, run, 'stopped', reason) });
}

/** Parks a stream whose runs together took longer than the configured cap. */
function overCap(situation: Situation, run: Run): Assessment | null {
  const { policy, snapshot, record, stream } = situation;
  if (policy.maxRunMs === null || record === null) return null;
  const usedMs = record.runs.reduce(
    (sum, each) => sum + ((each.endedAtMs ?? snapshot.nowMs) - each.startedAtMs),
    0,
  );
  if (usedMs <= policy.maxRunMs) return null;
  const minutes = (ms: number): number => Math.round(ms / 6_000) / 10;
  const reason = `worked ${minutes(usedMs)} minutes, the cap is ${minutes(policy.maxRunMs)} (limits.maxMinutes)`;
  const action = endRun(situation, run, 'stopped', reason, { intent: 'parked' });
  return assess('parked', { reason, remedy: commandFor('retry', stream.id), action });
}

/** Assesses a living worker; `activity` is null until it has claimed its run. */
function assessAlive(situation: Situation, run: Run, activity: AgentActivity | null): Assessment {
  const status = activity?.status ?? 'starting';
  if (activity === null || status === 'starting') return assessStarting(situation, run);
  if (status === 'waiting') return assessWaiting(situation, activity);
  if (status === 'limited') return assessLimited(situation, activity);
  if (status === 'idle') return assessIdle(situation, run, activity);
  return silence(situation, activity) ?? assess('running', { sinceMs: run.claimedAtMs ?? run.startedAtMs });
}

function assessWaiting({ stream }: Situation, activity: AgentActivity): Assessment {
  const detail = activity.detail ?? 'the agent waits for a person';
  const reason = activity.inferred ? `${detail} (read off its screen)` : detail;
  return assess('needs-input', {
    reason,
    remedy: activity.remedy ?? commandFor('attach', stream.id),
    sinceMs: activity.sinceMs,
  });
}

function assessLimited({ stream }: Situation, activity: AgentActivity): Assessment {
  const due = activity.untilMs === null ? {} : { dueAtMs: activity.untilMs };
  const reason = activity.detail ?? 'usage limit';
  return assess('limited', {
    reason,
    remedy: commandFor('attach', stream.id),
    sinceMs: activity.sinceMs,
    ...due,
  });
}

/** A worker that gave no sign of life for longer than configured is said to be stalled, and let be. */
function silence({ stream, snapshot, policy }: Situation, activity: AgentActivity): Assessment | null {
  const signMs = activity.lastSignAtMs;
  if (signMs === null || snapshot.nowMs - signMs <= policy.stallMs) return null;
  const reason = `no sign of life for ${Math.round((snapshot.nowMs - signMs) / 60_000)} min`;
  return assess('stalled', { reason, remedy: commandFor('attach', stream.id), sinceMs: signMs });
}

/** Launched, but not heard of yet. */
function assessStarting({ stream, snapshot, policy }: Situation, run: Run): Assessment {
  const remedy = commandFor('attach', stream.id);
  const sinceMs = run.startedAtMs;
  const waitedMs = snapshot.nowMs - sinceMs;
  if (waitedMs <= policy.startDeadlineMs) {
    return assess('starting', { reason: 'the agent is being launched', remedy, sinceMs });
  }
  return assess('needs-input', {
    reason: `no sign from the agent for ${Math.round(waitedMs / 1000)} s after its launch`,
    remedy,
    sinceMs,
  });
}

/** Assesses an interactive agent at rest: verify, say what is missing, or call a person. */
function assessIdle(situation: Situation, run: Run, activity: AgentActivity): Assessment {
  const { stream, snapshot } = situation;
  const restedMs = activity.sinceMs === null ? SETTLE_MS : snapshot.nowMs - activity.sinceMs;
  const verdict = verdictOfThisRest(run, activity);
  if (tasksComplete(stream)) {
    // A good verdict without a recorded verified head was cut short: check again.
    return verdict === null || verdict.ok
      ? verifying(situation, run.number)
      : tell(situation, run, activity, verdict.message);
  }
  if (stream.tasks.blocked > 0) {
    const reason = `task blocked: ${stream.blockedReason ?? 'no reason given'}`;
    return assess('blocked', { reason, remedy: commandFor('attach', stream.id), sinceMs: activity.sinceMs });
  }
  if (restedMs < SETTLE_MS) {
    return assess('running', { sinceMs: activity.sinceMs, dueAtMs: (activity.sinceMs ?? 0) + SETTLE_MS });
  }
  return tell(
    situation,
    run,
    activity,
    `${openTasksText(stream)}: ${stream.openTasks.slice(0, 5).join(', ')}`,
  );
}

/** The verdict, when it was reached after the agent came to this rest. */
function verdictOfThisRest(run: Run, activity: AgentActivity): Verdict | null {
  if (run.verdict === null) return null;
  return activity.sinceMs !== null && run.verdict.atMs < activity.sinceMs ? null : run.verdict;
}

/** Tells the idle agent what is missing, a bounded number of times; then it is a person's turn. */
function tell(situation: Situation, run: Run, activity: AgentActivity, missing: string): Assessment {
  const { key, policy, snapshot, stream } = situation;
  const toldMs = run.lastNudgeAtMs;
  const told = toldMs !== null && (activity.sinceMs === null || toldMs >= activity.sinceMs);
  if (told && snapshot.nowMs - toldMs < NUDGE_ANSWER_MS) {
    return assess('running', {
      reason: `told the agent: ${missing}`,
      sinceMs: toldMs,
      dueAtMs: toldMs + NUDGE_ANSWER_MS,
    });
  }
  if (told || run.nudges >= policy.maxNudges || !snapshot.pollerAlive) {
    const reason = `the agent is at rest, but ${missing}`;
    return assess('needs-input', {
      reason,
      remedy: commandFor('attach', stream.id),
      sinceMs: activity.sinceMs,
    });
  }
  return assess('running', {
    reason: missing,
    action: { kind: 'nudge', key, run: run.number, reason: missing, text: nudgeText(missing) },
  });
}

/** The fixed sentence typed to the agent; only ids, file names and our own words are in it. */
function nudgeText(missing: string): string {
  return `orchestrate: this stream is not done yet: ${missing}. Please finish, commit, and complete your tasks; or mark a task blocked with the reason.`;
}
