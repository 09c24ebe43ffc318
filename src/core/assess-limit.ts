/** Rules for usage limits and a failing service: how long to wait, when to tell the agent to go on, and what else waits with it. */
import { NUDGE_ANSWER_MS } from './assess-idle.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess } from './assessment.ts';
import { restartDelayMs } from './attempts.ts';
import { commandFor } from './shell-word.ts';
import type { Action, AgentActivity, Policy, Run, StreamRecord } from './types.ts';

/** An agent that names the end of a limit goes on by itself then; it is told to only when it did not. */
const OWN_START_MS = 60_000;
/** After this much time a new limit has nothing to do with the last one: delays begin anew. */
const NEW_LIMIT_MS = 15 * 60_000;

const GO_ON =
  'orchestrate: the usage limit or the trouble of the service may be over. Please go on with your tasks.';

/** Assesses a living agent whose turn was ended by a limit: it keeps its conversation and goes on later. */
export function assessLimited(situation: Situation, run: Run, activity: AgentActivity): Assessment {
  const { stream, snapshot } = situation;
  const nowMs = snapshot.nowMs;
  const reason = activity.detail ?? 'usage limit';
  const common = { reason, remedy: commandFor('attach', stream.id), sinceMs: activity.sinceMs };
  const toldMs = run.continued?.atMs ?? null;
  if (toldMs !== null && toldMs >= (activity.sinceMs ?? 0)) return afterTelling(common, toldMs, nowMs);
  const dueMs = endOfWait(situation, run, activity);
  if (dueMs > nowMs) {
    const { untilMs } = activity;
    return assess('limited', { ...common, dueAtMs: untilMs !== null && untilMs > nowMs ? untilMs : dueMs });
  }
  if (!snapshot.pollerAlive)
    return assess('limited', { ...common, reason: `${reason}; no poller`, remedy: 'orchestrate start' });
  return assess('limited', { ...common, dueAtMs: nowMs + NUDGE_ANSWER_MS, action: goOn(situation, run) });
}

type Common = { readonly reason: string; readonly remedy: string; readonly sinceMs: number | null };

/** It was told to go on after this limit: it is about to, or it did not notice. */
function afterTelling(common: Common, toldMs: number, nowMs: number): Assessment {
  const dueAtMs = toldMs + NUDGE_ANSWER_MS;
  return dueAtMs > nowMs
    ? assess('limited', { ...common, reason: `${common.reason}; told to go on`, dueAtMs })
    : assess('needs-input', { ...common, reason: `${common.reason}; told to go on, but it did not react` });
}

function goOn({ key }: Situation, run: Run): Action {
  const reason = 'the limit may be over';
  return { kind: 'nudge', key, run: run.number, reason, text: GO_ON, about: 'limit' };
}

function endOfWait({ policy, key }: Situation, run: Run, activity: AgentActivity): number {
  if (activity.untilMs !== null) return activity.untilMs + OWN_START_MS;
  const sinceMs = activity.sinceMs ?? activity.lastSignAtMs ?? run.startedAtMs;
  const again = run.continued !== null && sinceMs - run.continued.atMs < NEW_LIMIT_MS;
  return sinceMs + restartDelayMs(key, again ? (run.continued?.count ?? 0) + 1 : 1, policy.delaysMs);
}

/** When a stream whose run was ended by a limit may start again: when the agent said, else after a growing delay. */
export function retryAfterLimit(
  record: StreamRecord | null,
  policy: Policy,
  nowMs: number,
  untilMs: number | null,
): number {
  if (untilMs !== null && untilMs > nowMs) return untilMs;
  const ended = (record?.runs ?? []).filter((run) => run.outcome !== null);
  const inARow = ended.length - 1 - ended.findLastIndex((run) => run.outcome !== 'limited');
  return nowMs + restartDelayMs(record?.key ?? '', inARow + 1, policy.delaysMs);
}

/** The limit that holds back launches: the account is one, so what stopped one worker would stop the next. */
export function holdingLimit(found: ReadonlyMap<string, Assessment>, nowMs: number): Assessment | null {
  let longest: Assessment | null = null;
  for (const [id, assessment] of found) {
    if (assessment.state !== 'limited' || assessment.dueAtMs === null || assessment.dueAtMs <= nowMs)
      continue;
    if (longest !== null && (longest.dueAtMs ?? 0) >= assessment.dueAtMs) continue;
    const reason = `held back while ${id} is limited: ${assessment.reason ?? 'usage limit'}`;
    longest = assess('queued', { reason, remedy: commandFor('retry', id), dueAtMs: assessment.dueAtMs });
  }
  return longest;
}
