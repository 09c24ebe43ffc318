/** Rules for a stream without an open run: is it done, held, waiting for others, checkable, worn out, or ready to start? */

import {
  blockedText,
  doneSinceMs,
  gateText,
  isAssigned,
  isVerified,
  tasksComplete,
  verdictOn,
} from '../done.ts';
import { plural } from '../printable.ts';
import { commandFor, reopenCommand, thenTry } from '../shell-word.ts';
import { traitsOf } from '../states.ts';
import type { Run, Trouble } from '../types.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess, calledOff, headOf, startCommand, verifying } from './assessment.ts';
import { assessCancelled, onCancelled } from './cancelled.ts';
import { assessClosed } from './closed.ts';
import { deniedRemedy, restOfLimit } from './limits.ts';
import { checkMoved, clash, follow } from './moved.ts';
import { judgeAttempts } from './restarts.ts';
import { isWanted } from './schedule.ts';

type Rule = (situation: Situation) => Assessment | null;

/** In this order: the first rule that has something to say decides. */
const RULES: readonly Rule[] = [
  done,
  (situation) => assessCancelled(situation, null),
  calledOff,
  dependenciesFirst,
  clash,
  adopted,
  checkable,
  ownTasksBlocked,
  (situation) => assessClosed(situation, null),
  limited,
  wornOut,
  restartDue,
  startable,
];

/** Assesses a stream that has no open run. */
export function assessWithoutRun(situation: Situation): Assessment {
  for (const rule of RULES) {
    const assessment = rule(situation);
    if (assessment !== null) return assessment;
  }
  return assess('ready');
}

function done(situation: Situation): Assessment | null {
  const { stream, record, key, snapshot } = situation;
  if (!isVerified(stream, record)) return null;
  if (record?.verifyRequested === true && snapshot.pollerAlive && snapshot.heads.known) {
    const reason = 'you asked for another check';
    return assess('verifying', {
      reason,
      remedy: commandFor('logs', stream.id),
      action: { kind: 'verify', key, run: null, reason },
    });
  }
  return (
    clash(situation) ??
    follow(situation) ??
    checkMoved(situation) ??
    assess('done', { sinceMs: doneSinceMs(record) })
  );
}

function dependenciesFirst(situation: Situation): Assessment | null {
  const { stream, dependencies } = situation;
  const cancelled = onCancelled(situation);
  if (cancelled !== null) return cancelled;
  const found = stream.dependencies.map((id) => ({ id, dependency: dependencies.get(id) }));
  // One that is no stream of the plan is a problem of the plan too.
  const stuck = found.filter(
    ({ dependency }) => dependency === undefined || traitsOf(dependency.state).phase === 'stuck',
  );
  const [first] = stuck;
  if (first !== undefined) {
    const roots = new Map(
      stuck.flatMap(({ id, dependency }): (readonly [string, string])[] =>
        dependency !== undefined && dependency.roots.size > 0
          ? [...dependency.roots]
          : [[id, dependency?.state ?? unassessed(situation, id)]],
      ),
    );
    const names = [...roots].map(([id, state]) => `${id} (${state})`);
    const remedy = first.dependency === undefined ? 'orchestrate plan' : first.dependency.remedy;
    return assess('blocked', {
      reason: `waits for ${names.join(', ')}`,
      roots,
      remedy: remedy ?? commandFor('status', first.id),
    });
  }
  const open = found.filter(({ dependency }) => dependency?.state !== 'done').map(({ id }) => id);
  return open.length > 0
    ? assess('waiting', { reason: `waits for ${open.join(', ')}` })
    : currentFirst(situation);
}

/** Why a dependency has no state: it is no stream, or comes after the stream itself since they are in a cycle. */
function unassessed({ snapshot }: Situation, id: string): string {
  return snapshot.keys.has(id) ? 'in a cycle' : 'no stream of the plan';
}

/** Nothing is built on a dependency that is itself outdated: it would be outdated from its first commit. */
function currentFirst({ stream, stale }: Situation): Assessment | null {
  const [outdated] = stream.dependencies.filter((id) => stale.has(id));
  if (outdated === undefined) return null;
  const remedy = commandFor('sync', outdated);
  const reason = `waits for ${outdated}, which is stale (${stale.get(outdated)}): ${remedy}`;
  return assess('waiting', { reason, remedy });
}

function adopted({ stream, record, key, snapshot }: Situation): Assessment | null {
  if (!tasksComplete(stream) || (record?.runs.length ?? 0) > 0 || record?.resolve === true) return null;
  if (record !== null && isAssigned(record)) return null;
  const reason = 'its tasks were completed without a run';
  if (!snapshot.pollerAlive)
    return assess('verifying', { notRunning: true, reason, remedy: 'orchestrate start' });
  if (!snapshot.heads.known)
    return assess('verifying', {
      reason: `git could not be asked: ${snapshot.heads.why}`,
      remedy: 'orchestrate doctor',
    });
  return assess('verifying', {
    reason,
    remedy: commandFor('status', stream.id),
    action: { kind: 'adopt', key, reason },
  });
}

/** Complete, but its last run ended before the check (a stop, a crash), or a check was asked for. */
function checkable(situation: Situation): Assessment | null {
  const { stream, record, lastRun } = situation;
  if (record === null || lastRun === null || !tasksComplete(stream) || isAssigned(record)) return null;
  const refused = verdictOn(lastRun, headOf(situation))?.ok === false;
  if (!record.verifyRequested && (lastRun.outcome === 'failed' || refused)) return null;
  return verifying(situation, lastRun.number);
}

function ownTasksBlocked({ stream, lastRun }: Situation): Assessment | null {
  if (stream.tasks.blocked === 0) return null;
  return assess('blocked', {
    reason: blockedText(stream),
    remedy:
      stream.blockedTask === null ? commandFor('status', stream.id) : reopenCommand(stream.blockedTask.id),
    sinceMs: lastRun?.endedAtMs ?? null,
  });
}

/** Its last run was ended by a limit, or by the service refusing the account; the user's `retry` doesn't wait for it. */
function limited(situation: Situation): Assessment | null {
  const { lastRun, record, snapshot, stream } = situation;
  const denied = lastRun?.outcome === 'denied';
  if (lastRun?.outcome !== 'limited' && !denied) return null;
  const waitMs = restOfLimit(lastRun, snapshot);
  if (waitMs <= 0 || (record?.clearedAfterRun ?? 0) >= lastRun.number) return null;
  return assess(denied ? 'needs-input' : 'limited', {
    reason: lastRun.reason ?? 'usage limit',
    remedy: denied ? deniedRemedy(situation) : commandFor('retry', stream.id),
    sinceMs: lastRun.endedAtMs,
    dueAtMs: snapshot.nowMs + waitMs,
    holdsLaunches: true,
  });
}

function wornOut({ stream, record, policy, snapshot, lastRun, key }: Situation): Assessment | null {
  if (record === null) return null;
  const trouble = snapshot.troubles.get(key);
  const { exhausted } = judgeAttempts(record, trouble, policy, snapshot.elapsed);
  if (exhausted === null) return null;
  const retry = commandFor('retry', stream.id);
  if (exhausted === 'launches' && trouble !== undefined)
    return assess('failed', {
      ...afterTrouble(`could not start: ${trouble.message}`, trouble, retry),
      sinceMs: trouble.atMs,
    });
  const last = lastReason(lastRun);
  const attempts = plural(policy.maxAttempts, 'attempt');
  const what =
    exhausted === 'failures'
      ? `gave up after ${attempts}`
      : 'its agent was ended from outside again and again; the last time';
  return assess('failed', { reason: `${what}: ${last}`, remedy: retry, sinceMs: lastRun?.endedAtMs ?? null });
}

/** What to say and to type for a launch that failed; one command for all streams that failed so frees this one too. */
function afterTrouble(reason: string, { fix, cause }: Trouble, again: string): ReturnType<typeof thenTry> {
  return cause === null ? thenTry(reason, fix, again) : { reason, remedy: fix };
}

/**
 * Why the last run came to nothing; of a red gate in few words: how, and what it printed, its log tells. How often it failed in
 * a row is left out: work may be checked several times in one attempt, and attempts are what is counted here.
 */
function lastReason(run: Run | null): string {
  const gate = run?.verdict?.gate ?? null;
  return gate !== null && run?.reason === run?.verdict?.message
    ? gateText({ ...gate, times: 1 })
    : (run?.reason ?? 'unknown');
}

function restartDue({ stream, record, policy, snapshot, lastRun, key }: Situation): Assessment | null {
  if (record === null) return null;
  const trouble = snapshot.troubles.get(key);
  const launch = trouble?.kind === 'launch' ? trouble : null;
  const { waitMs } = judgeAttempts(record, trouble, policy, snapshot.elapsed);
  if (waitMs <= 0) return null;
  const last = launch?.message ?? lastReason(lastRun);
  const { pollerAlive } = snapshot;
  const when = pollerAlive ? `tries again in ${Math.ceil(waitMs / 1000)} s; ` : '';
  const reason = `${when}last attempt: ${last}`;
  const remedy = pollerAlive ? commandFor('retry', stream.id) : 'orchestrate start';
  return assess('queued', {
    ...(launch === null ? { reason, remedy } : afterTrouble(reason, launch, remedy)),
    notRunning: !pollerAlive,
    dueAtMs: snapshot.nowMs + waitMs,
  });
}

function startable({ stream, record, key, policy, snapshot, lastRun }: Situation): Assessment | null {
  const remedy = startCommand(stream);
  if (!snapshot.pollerAlive) return assess('ready', { notRunning: true, remedy: 'orchestrate start' });
  if (!snapshot.workers.known)
    return assess('ready', {
      reason: `tmux could not be asked: ${snapshot.workers.why}`,
      remedy: 'orchestrate doctor',
    });
  if (!snapshot.heads.known)
    return assess('ready', {
      reason: `git could not be asked: ${snapshot.heads.why}`,
      remedy: 'orchestrate doctor',
    });
  if (!isWanted(policy, stream.id, record))
    return assess('ready', { reason: 'orchestrate was started for other streams only', remedy });
  const run = (lastRun?.number ?? 0) + 1;
  const reason =
    run === 1 ? 'its dependencies are done' : `run ${run}, after: ${lastRun?.reason ?? 'the last one ended'}`;
  return assess('ready', {
    reason: 'starts now',
    remedy,
    action: { kind: 'launch', key, run, reason },
  });
}
