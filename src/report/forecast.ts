/** What remains of a plan and how long that may take: the longest open chain and an estimate from the work done so far. */
import { doneSinceMs } from '../core/done.ts';
import { workedMs } from '../core/pause.ts';
import { criticalPath, remainingPaths } from '../core/plan/critical-path.ts';
import { type StateName, traitsOf } from '../core/states.ts';
import type { Snapshot, StreamRecord } from '../core/types.ts';

type Facts = { readonly snapshot: Snapshot; readonly stateOf: ReadonlyMap<string, StateName> };

/** The longest chain of streams that are not done, first to start first. */
export function remainingPath({ snapshot, stateOf }: Facts): readonly string[] {
  return criticalPath(snapshot.plan.streams.filter(({ id }) => !isSettled(stateOf.get(id))));
}

/** True once nothing of a stream is left to be waited for. */
function isSettled(state: StateName | undefined): boolean {
  return state !== undefined && traitsOf(state).phase === 'settled';
}

/** Time that agents could work on a stream so far, in ms. */
function spentMs(record: StreamRecord | undefined, nowMs: number): number {
  return (record?.runs ?? []).reduce((sum, run) => sum + workedMs(run, nowMs), 0);
}

/** Mean time of a finished task, from streams that are done by runs of ours; null before there is one. */
function taskMs({ snapshot, stateOf }: Facts): number | null {
  let tasks = 0;
  let spent = 0;
  for (const stream of snapshot.plan.streams) {
    const worked = spentMs(snapshot.records.get(snapshot.keys.get(stream.id) ?? ''), snapshot.nowMs);
    if (stateOf.get(stream.id) === 'done' && worked > 0) {
      tasks += Math.max(1, stream.tasks.completed);
      spent += worked;
    }
  }
  return tasks === 0 ? null : spent / tasks;
}

/** Something of ours or of the agent's goes on, and needs nobody for it: not a limit, and not a silence. */
function isMoving(name: StateName): boolean {
  const { phase, handling } = traitsOf(name);
  return phase === 'moves' && !handling.retryEnds;
}

/**
 * An estimate of what remains, in ms: the longest open chain, or all open work shared by the workers, whichever is longer.
 * Null while no stream is done, or when no poller or nobody works: also while all that is at work is silent or limited.
 */
export function etaMs(facts: Facts, maxWorkers: number): number | null {
  const perTask = taskMs(facts);
  const open = facts.snapshot.plan.streams.filter(({ id }) => {
    const state = facts.stateOf.get(id);
    if (state === undefined) return false;
    const { phase } = traitsOf(state);
    return phase !== 'settled' && phase !== 'stuck';
  });
  const moving = open.some(({ id }) => isMoving(facts.stateOf.get(id) ?? 'waiting'));
  if (perTask === null || !moving || !facts.snapshot.pollerAlive) return null;
  const longest = [...remainingPaths(open).values()].reduce((most, tasks) => Math.max(most, tasks), 0);
  const all = open.reduce((sum, stream) => sum + Math.max(1, stream.openTasks.length), 0);
  return Math.round(perTask * Math.max(longest, all / Math.max(1, maxWorkers)));
}

/** From the first run to now, or to the last stream's end when all are done; in ms, null before the first run. */
export function elapsedMs({ snapshot, stateOf }: Facts): number | null {
  const records = [...snapshot.records.values()];
  const starts = records.flatMap(({ runs }) => runs.map((run) => run.startedAtMs));
  if (starts.length === 0) return null;
  const first = starts.reduce((least, ms) => Math.min(least, ms));
  const open = snapshot.plan.streams.some(({ id }) => !isSettled(stateOf.get(id)));
  const ends = records.map((record) => doneSinceMs(record) ?? 0);
  const last = open ? snapshot.nowMs : ends.reduce((most, ms) => Math.max(most, ms), first);
  return Math.max(0, last - first);
}
