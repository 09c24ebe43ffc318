/** Rules for limits: those of the account and a failing service (how long to wait, what waits with it), and the stream's own caps, which park it. */

import { tasksComplete, verdictOn } from '../done.ts';
import { isOfThisRest, workedMs } from '../pause.ts';
import { dollars } from '../printable.ts';
import { commandFor } from '../shell-word.ts';
import type { Action, AgentActivity, Policy, Run, Snapshot, StreamRecord } from '../types.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess, endRun, headOf, verifying } from './assessment.ts';
import { NUDGE_ANSWER_MS } from './idle-agent.ts';
import { restartDelayMs } from './restarts.ts';

/**
 * An agent that names the end of a limit goes on by itself then (Claude Code 2.1.331 did so two minutes after it was
 * stopped, 95 s after the time it had named); it is told to only when it did not.
 */
const OWN_START_MS = 4 * 60_000;
/** After this much time a new limit has nothing to do with the last one: delays start over. */
const NEW_LIMIT_MS = 60 * 60_000;
/** Longest delay between two attempts to go on where nobody says when. */
const LONGEST_DELAY_MS = 15 * 60_000;

const GO_ON =
  'orchestrate: the usage limit or the trouble of the service may be over. Please go on with your tasks.';

/** Assesses a living agent whose turn was ended by a limit: it keeps its conversation and goes on later. */
export function assessLimited(situation: Situation, run: Run, activity: AgentActivity): Assessment {
  const { stream, snapshot } = situation;
  const nowMs = snapshot.nowMs;
  if (tasksComplete(stream) && !wasRefused(situation, run, activity)) return verifying(situation, run.number);
  const reason = activity.detail ?? 'usage limit';
  const remedy = commandFor('attach', stream.id);
  const common = { reason, remedy, sinceMs: activity.sinceMs, holdsLaunches: true };
  const told = run.continued;
  if (told !== null && isOfThisRest(run, activity, told.rest))
    return afterTelling(common, snapshot.elapsed(told.atMs), nowMs);
  const waitMs = restOfWait(situation, run, activity);
  if (waitMs > 0) {
    const { untilMs } = activity;
    const dueAtMs = untilMs !== null && untilMs > nowMs ? untilMs : nowMs + waitMs;
    return assess('limited', { ...common, dueAtMs });
  }
  if (!snapshot.pollerAlive)
    return assess('limited', { ...common, notRunning: true, remedy: 'orchestrate start' });
  const action = goOn(situation, run, activity);
  return assess('limited', { ...common, dueAtMs: nowMs + NUDGE_ANSWER_MS, action });
}

/** The work was checked in this rest and found wanting: what is missing needs the agent, and so the end of the limit. */
function wasRefused(situation: Situation, run: Run, activity: AgentActivity): boolean {
  const verdict = verdictOn(run, headOf(situation));
  return verdict !== null && !verdict.ok && isOfThisRest(run, activity, verdict.rest);
}

type Common = {
  readonly reason: string;
  readonly remedy: string;
  readonly sinceMs: number | null;
  readonly holdsLaunches: boolean;
};

/** It was told to go on after this limit: it is about to, or it did not notice. */
function afterTelling(common: Common, toldForMs: number, nowMs: number): Assessment {
  const waitMs = NUDGE_ANSWER_MS - toldForMs;
  return waitMs > 0
    ? assess('limited', { ...common, reason: `${common.reason}; told to go on`, dueAtMs: nowMs + waitMs })
    : assess('needs-input', {
        ...common,
        reason: `${common.reason}; told to go on, but it did not react`,
        holdsLaunches: false,
      });
}

function goOn({ key }: Situation, run: Run, { dialog }: AgentActivity): Action {
  const reason = 'the limit may be over';
  const { number } = run;
  return {
    kind: 'nudge',
    key,
    run: number,
    reason,
    text: GO_ON,
    about: 'limit',
    leaveDialog: dialog !== null,
  };
}

/** Time until the agent is told to go on. */
function restOfWait({ policy, key, snapshot }: Situation, run: Run, activity: AgentActivity): number {
  const { nowMs, elapsed } = snapshot;
  // A dialog keeps it from going on by itself.
  if (activity.untilMs !== null)
    return activity.untilMs + (activity.dialog !== null ? 60_000 : OWN_START_MS) - nowMs;
  const limitedForMs = elapsed(activity.sinceMs ?? activity.lastSignAtMs ?? run.startedAtMs);
  const again = run.continued !== null && elapsed(run.continued.atMs) - limitedForMs < NEW_LIMIT_MS;
  return limitDelayMs(key, again ? (run.continued?.count ?? 0) + 1 : 1, policy.delaysMs) - limitedForMs;
}

/** Delay before the n-th attempt to go on (n from 1): as after failures, then doubled up to a quarter of an hour. */
function limitDelayMs(key: string, attempt: number, delaysMs: readonly number[]): number {
  const beyond = Math.max(0, attempt - delaysMs.length);
  const delayMs = restartDelayMs(key, attempt, delaysMs) * 2 ** Math.min(beyond, 10);
  return Math.min(delayMs, Math.max(LONGEST_DELAY_MS, ...delaysMs));
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
  const held = (run: Run): boolean => run.outcome === 'limited' || run.outcome === 'denied';
  const inARow = ended.length - 1 - ended.findLastIndex((run) => !held(run));
  return nowMs + limitDelayMs(record?.key ?? '', inARow + 1, policy.delaysMs);
}

/** Time until a run that was ended by a limit may be followed by the next; by the clock, or by the length of our own delay. */
export function restOfLimit(
  { retryAtMs, endedAtMs }: Run,
  { nowMs, elapsed }: Pick<Snapshot, 'nowMs' | 'elapsed'>,
): number {
  if (retryAtMs === null || endedAtMs === null) return 0;
  return Math.min(retryAtMs - nowMs, retryAtMs - endedAtMs - elapsed(endedAtMs));
}

/** What to type for a stream whose run ended since the service refused the account; what to do there, its reason says. */
export function deniedRemedy({ stream, policy }: Pick<Situation, 'stream' | 'policy'>): string {
  const retry = commandFor('retry', stream.id);
  return policy.login === null ? retry : `${policy.login} && ${retry}`;
}

/** The limit that holds back launches: the account is one, so what stopped one worker would stop the next. The latest end counts. */
export function holdingLimit(found: ReadonlyMap<string, Assessment>, nowMs: number): Assessment | null {
  const [longest] = [...found]
    .filter(([, held]) => held.holdsLaunches && endOf(held) > nowMs)
    .sort(([, a], [, b]) => endOf(b) - endOf(a) || 0);
  if (longest === undefined) return null;
  const [id, held] = longest;
  const what = held.state === 'limited' ? 'is limited' : 'waits for you';
  const reason = `held back while ${id} ${what}: ${held.reason ?? 'usage limit'}`;
  const due = held.dueAtMs === null ? {} : { dueAtMs: held.dueAtMs };
  return assess('queued', { reason, remedy: held.remedy ?? commandFor('retry', id), ...due });
}

/** One without an end (the user has to act) ends last. */
function endOf({ dueAtMs }: Assessment): number {
  return dueAtMs ?? Number.MAX_VALUE;
}

/** Parks a stream whose runs together (since the user last cleared them) went over a configured cap; null when none did, or without a poller to do it. */
export function overCap(situation: Situation, run: Run): Assessment | null {
  const { record, snapshot, stream } = situation;
  const reason =
    record === null || !snapshot.pollerAlive
      ? null
      : (overTime(situation, record) ?? overCost(situation, record));
  if (reason === null) return null;
  const action = endRun(situation, run, 'stopped', reason, { intent: 'parked' });
  return assess('parked', { reason, remedy: commandFor('retry', stream.id), action });
}

/** Runs that count: those since the user last cleared the stream's attempts. */
function countedRuns(record: StreamRecord): readonly Run[] {
  return record.runs.filter((run) => run.number > record.clearedAfterRun);
}

function overTime({ policy, snapshot }: Situation, record: StreamRecord): string | null {
  if (policy.maxRunMs === null) return null;
  const usedMs = countedRuns(record).reduce((sum, each) => sum + workedMs(each, snapshot.nowMs), 0);
  if (usedMs < policy.maxRunMs) return null;
  const minutes = (ms: number): number => Math.round(ms / 6_000) / 10;
  return `worked ${minutes(usedMs)} minutes, the cap is ${minutes(policy.maxRunMs)} (limits.maxMinutes)`;
}

/** What the stream's counted runs, and the reviews of their work, cost together, as the agents themselves say. */
export function costUsd(record: StreamRecord): number {
  const used = countedRuns(record).flatMap(({ usage, reviewUsage }) => [usage, reviewUsage]);
  return used.reduce((sum, each) => sum + (each?.costUsd ?? 0), 0);
}

function overCost({ policy }: Situation, record: StreamRecord): string | null {
  if (policy.maxCostUsd === null) return null;
  const cost = costUsd(record);
  if (cost < policy.maxCostUsd) return null;
  return `cost ${dollars(cost)}, the cap is ${dollars(policy.maxCostUsd)} (limits.maxCostUsd)`;
}
