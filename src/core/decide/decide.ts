/**
 * Derives every stream's state and the step that leads on from it, from one snapshot; the scheduler and all views use this.
 *
 * Approach: dependencies before dependents, each stream by the first rule that has something to say: `without-run.ts` where
 * no run is open, `open-run.ts` where one is (its worker alive: at work, limited, idle; or gone). What
 * failed a short time ago is held back (`restarts.ts`), launches beyond the worker limit are queued, a step under way is not
 * taken again. Pure and total: no clock, no randomness, and what is unknown leads to no step.
 *
 *    waiting ──dependencies done──▶ ready ◀──▶ queued (worker limit, delay, limit of the account)
 *       │                             │ launch
 *       │ a dependency is stuck       ▼
 *       ▼                          starting ──▶ running ◀──▶ needs-input, limited, stalled
 *    blocked ◀──own tasks blocked─────────────────┤ tasks complete, agent at rest
 *                                                 ▼
 *    base-conflict ──resolve──▶ ready         verifying ──passes──▶ done (stale: a dependency moved)
 *                                                 │ fails: back to the agent, or the run failed
 *    failed ◀──attempts used up── ready ◀─────────┘
 *    cancelled: from any state once every task of it is cancelled
 *    stopped, parked: from any state by the operator, parked also by a cap; failed, parked ──retry──▶ ready
 */

import { isCancelled, isVerified, staleReasons } from '../done.ts';
import { inBuildOrder, streamDepths } from '../plan/graph.ts';
import { commandFor, shellWord } from '../shell-word.ts';
import { hidesCharacters } from '../short-names.ts';
import { needsUser, traitsOf } from '../states.ts';
import type {
  Action,
  PlanStream,
  Policy,
  Run,
  Snapshot,
  StreamRecord,
  StreamState,
  WorkerFact,
} from '../types.ts';
import { aheadActions } from './ahead.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess, endAction } from './assessment.ts';
import { holdingLimit } from './limits.ts';
import { assessOpenRun } from './open-run.ts';
import { holdBack } from './restarts.ts';
import { launchOrder } from './schedule.ts';
import { assessWithoutRun } from './without-run.ts';

/** What `assessPlan` yields for one stream. */
type Assessed = {
  readonly stream: PlanStream;
  readonly key: string;
  readonly assessment: Assessment;
  /** Why it no longer builds on what its dependencies have come to; null while it does. */
  readonly stale: string | null;
};

/** The whole plan assessed, in plan order, with the launches that fit under the limit; and the assessments by stream id. */
function assessPlan(
  snapshot: Snapshot,
  policy: Policy,
): { readonly assessed: readonly Assessed[]; readonly found: ReadonlyMap<string, Assessment> } {
  const order = inBuildOrder(snapshot.plan.streams);
  const found = new Map<string, Assessment>();
  const stale = staleReasons(order, snapshot);
  for (const stream of order)
    found.set(stream.id, assessOne(stream, { snapshot, policy, dependencies: found, stale }));
  limitLaunches(snapshot, policy, found);
  const assessed = snapshot.plan.streams.map((stream) => ({
    stream,
    key: snapshot.keys.get(stream.id) ?? '',
    assessment: found.get(stream.id) ?? assess('waiting'),
    stale: stale.get(stream.id) ?? null,
  }));
  return { assessed, found };
}

function assessOne(
  stream: PlanStream,
  plan: Pick<Situation, 'snapshot' | 'policy' | 'dependencies' | 'stale'>,
): Assessment {
  const { snapshot } = plan;
  const key = snapshot.keys.get(stream.id) ?? '';
  const record = snapshot.records.get(key) ?? null;
  const lastRun = record?.runs.at(-1) ?? null;
  const openRun = lastRun !== null && lastRun.endedAtMs === null ? lastRun : null;
  const situation: Situation = {
    ...plan,
    stream,
    key,
    record,
    openRun,
    lastRun,
    worker: workerOf(snapshot, key, openRun?.number),
  };
  const unread = record === null ? snapshot.unseen.get(key) : undefined;
  if (unread !== undefined) return assess('blocked', { reason: unread, remedy: 'orchestrate doctor' });
  const assessment = openRun === null ? assessWithoutRun(situation) : assessOpenRun(situation, openRun);
  return underWay(situation, holdBack(situation, assessment));
}

function workerOf(snapshot: Snapshot, key: string, run: number | undefined): WorkerFact | null | undefined {
  if (!snapshot.workers.known || snapshot.unseen.has(key)) return undefined;
  const fact = snapshot.workers.value.get(key) ?? null;
  return fact !== null && fact.run === run ? fact : null;
}

/** A step that is under way is not taken again, and shows as what it is. */
function underWay({ snapshot, key, openRun, worker }: Situation, assessment: Assessment): Assessment {
  const flight = snapshot.inFlight.get(key);
  if (flight === undefined) return assessment;
  // Its run is written down before its window is opened: that nothing lives of it yet says nothing.
  const isUnborn = openRun === null || worker === null || (worker?.process === 'gone' && !worker.claimed);
  if (flight.kind === 'launch' && isUnborn) {
    return assess('starting', {
      reason: 'its worktree and window are being made',
      remedy: 'orchestrate doctor',
      sinceMs: flight.sinceMs,
    });
  }
  return { ...assessment, action: null };
}

/** Leaves as many launches as there are free slots, longest remaining path first; the others are queued. */
function limitLaunches(snapshot: Snapshot, policy: Policy, found: Map<string, Assessment>): void {
  const ready = snapshot.plan.streams.filter((stream) => found.get(stream.id)?.action?.kind === 'launch');
  if (ready.length === 0) return;
  let free = policy.maxWorkers - occupiedSlots(snapshot);
  const blocked = snapshot.plan.problems.length > 0;
  const limit = holdingLimit(found, snapshot.nowMs);
  for (const id of launchOrder(
    ready.map((stream) => stream.id),
    snapshot.plan,
  )) {
    const assessment = found.get(id);
    if (assessment === undefined) continue;
    if (blocked)
      found.set(id, assess('blocked', { reason: 'the plan has problems', remedy: 'orchestrate plan' }));
    else if (limit !== null) found.set(id, limit);
    else if (free <= 0)
      found.set(
        id,
        assess('queued', {
          reason: `waits for a free place: ${policy.maxWorkers} of ${policy.maxWorkers} agents at work`,
          remedy: `orchestrate start --max-workers ${policy.maxWorkers + 1}`,
        }),
      );
    free -= 1;
  }
}

/** Workers that live, may live, or are being launched; each takes one slot. */
function occupiedSlots(snapshot: Snapshot): number {
  const open = [...snapshot.records.values()]
    .filter((record) => mayLive(record, snapshot))
    .map((record) => record.key);
  const launching = [...snapshot.inFlight]
    .filter(([, flight]) => flight.kind === 'launch')
    .map(([key]) => key);
  return new Set([...open, ...launching, ...snapshot.unseen.keys()]).size;
}

/** True unless the record's last run has ended, or its worker was looked for and is gone. */
function mayLive(record: StreamRecord, { workers, unseen }: Snapshot): boolean {
  const run = record.runs.at(-1);
  if (run === undefined || run.endedAtMs !== null) return false;
  if (unseen.has(record.key)) return true;
  const process = workers.known ? (workers.value.get(record.key)?.process ?? 'gone') : 'unknown';
  return process !== 'gone';
}

/** What one snapshot means: every stream's state, in plan order, and the steps to take, in order. */
export type Decision = { readonly states: readonly StreamState[]; readonly actions: readonly Action[] };

/** Derives states and decides the steps of one tick; pure and total. */
export function decide(snapshot: Snapshot, policy: Policy): Decision {
  const depths = streamDepths(snapshot.plan.streams);
  const { assessed, found } = assessPlan(snapshot, policy);
  const cancelled = new Set(snapshot.plan.streams.filter(isCancelled).map(({ id }) => id));
  const states = assessed.map((each) => stateOf(snapshot, each, depths.get(each.stream.id) ?? 0, cancelled));
  const actions = [...assessed.flatMap(({ assessment }) => assessment.action ?? []), ...strayRuns(snapshot)];
  const ahead = aheadActions(snapshot, policy, found, actions);
  return { states, actions: inOrder([...actions, ...ahead], snapshot) };
}

/** The states of all streams of the plan, in plan order. */
export function deriveStates(snapshot: Snapshot, policy: Policy): readonly StreamState[] {
  return decide(snapshot, policy).states;
}

/** Why nothing goes on by itself. */
const NOT_RUNNING = 'orchestrate is not running';

function stateOf(
  snapshot: Snapshot,
  { stream, key, assessment, stale }: Assessed,
  depth: number,
  cancelled: ReadonlySet<string>,
): StreamState {
  const { state, notRunning, remedy, sinceMs, dueAtMs } = assessment;
  const record = snapshot.records.get(key) ?? null;
  const waitsForCancelled = stream.dependencies.some((id) => cancelled.has(id));
  const outdated = stale !== null && traitsOf(state).phase === 'settled';
  const ownReason = assessment.reason ?? (outdated ? stale : null);
  return {
    id: stream.id,
    key,
    state,
    reason: notRunning ? [NOT_RUNNING, ownReason ?? []].flat().join('; ') : ownReason,
    ownReason,
    remedy: typeable(outdated ? (remedy ?? commandFor('sync', stream.id)) : remedy, snapshot),
    sinceMs,
    dueAtMs,
    stale: stale !== null,
    landed: isVerified(stream, record) && snapshot.landed.has(key),
    depth,
    needsYou: needsUser(state, stream.tasks.blocked > 0 || waitsForCancelled),
  };
}

/** The remedy with keys in place of ids that hold characters which show nothing: those would be lost on the way to a command line. */
function typeable(remedy: string | null, { plan, keys }: Snapshot): string | null {
  if (remedy === null || !hidesCharacters(remedy)) return remedy;
  return plan.streams.reduce((text, { id }) => {
    const key = keys.get(id);
    return key === undefined || !hidesCharacters(id) ? text : text.replaceAll(shellWord(id), key);
  }, remedy);
}

const URGENCY: Readonly<Record<Action['kind'], number>> = {
  'end-run': 0,
  adopt: 1,
  sync: 2,
  verify: 3,
  nudge: 4,
  launch: 5,
  discard: 6,
  prepare: 7,
};

/** Ends and checks go first, since they free slots; launches follow, longest remaining path first. */
function inOrder(actions: readonly Action[], snapshot: Snapshot): readonly Action[] {
  if (actions.length < 2) return actions;
  const ids = new Map([...snapshot.keys].map(([id, key]) => [key, id]));
  const launches = actions.flatMap((action) => (action.kind === 'launch' ? [ids.get(action.key) ?? ''] : []));
  const ranks = new Map(launchOrder(launches, snapshot.plan).map((id, rank) => [id, rank]));
  const rank = (action: Action): number =>
    action.kind === 'launch' ? (ranks.get(ids.get(action.key) ?? '') ?? 0) : 0;
  return [...actions].sort((a, b) => URGENCY[a.kind] - URGENCY[b.kind] || rank(a) - rank(b));
}

/** Open runs of streams that left the plan: their living workers are let be; what has ended is recorded. */
function strayRuns(snapshot: Snapshot): Action[] {
  if (!snapshot.workers.known || !snapshot.pollerAlive) return [];
  const planned = new Set(snapshot.keys.values());
  return [...snapshot.records.values()].flatMap((record) => {
    const run = record.runs.at(-1);
    const stray = run !== undefined && run.endedAtMs === null && !planned.has(record.key);
    return stray && !snapshot.inFlight.has(record.key) && !mayLive(record, snapshot) ? [strayEnd(run)] : [];
  });
}

function strayEnd(run: Run): Action {
  const reason = 'its stream left the plan and its agent has ended';
  return endAction(run, 'stopped', reason, { closeWindow: false });
}
