/** What remains of a plan and how long that may take: the longest open chain and an estimate from the work done so far. */
import { criticalPath, remainingPaths } from '../core/plan/critical-path.ts';
import type { Snapshot, StateName, StreamRecord } from '../core/types.ts';

/** States that only a person ends: a stream in one of them can't be foretold. */
const STUCK: ReadonlySet<StateName> = new Set(['failed', 'stopped', 'parked', 'blocked', 'base-conflict']);
/** States in which somebody works on the stream. */
const MOVING: ReadonlySet<StateName> = new Set(['starting', 'running', 'verifying', 'stalled', 'limited']);

type Facts = { readonly snapshot: Snapshot; readonly stateOf: ReadonlyMap<string, StateName> };

/** The longest chain of streams that are not done, first to start first. */
export function remainingPath({ snapshot, stateOf }: Facts): readonly string[] {
  return criticalPath(snapshot.plan.streams.filter(({ id }) => stateOf.get(id) !== 'done'));
}

/** Time that a stream's runs have taken so far, in ms. */
function workedMs(record: StreamRecord | undefined, nowMs: number): number {
  return (record?.runs ?? []).reduce((sum, run) => sum + (run.endedAtMs ?? nowMs) - run.startedAtMs, 0);
}

/** Mean time of a finished task, from streams that are done by runs of ours; null before there is one. */
function taskMs({ snapshot, stateOf }: Facts): number | null {
  let tasks = 0;
  let spent = 0;
  for (const stream of snapshot.plan.streams) {
    const worked = workedMs(snapshot.records.get(snapshot.keys.get(stream.id) ?? ''), snapshot.nowMs);
    if (stateOf.get(stream.id) === 'done' && worked > 0) {
      tasks += Math.max(1, stream.tasks.completed);
      spent += worked;
    }
  }
  return tasks === 0 ? null : spent / tasks;
}

/**
 * An estimate of what remains, in ms: the longest open chain, or all open work shared by the workers, whichever is longer.
 * Null while no stream is done, or when no poller or nobody works.
 */
export function etaMs(facts: Facts, maxWorkers: number): number | null {
  const perTask = taskMs(facts);
  const open = facts.snapshot.plan.streams.filter(({ id }) => {
    const state = facts.stateOf.get(id);
    return state !== undefined && state !== 'done' && !STUCK.has(state);
  });
  const moving = open.some(({ id }) => MOVING.has(facts.stateOf.get(id) ?? 'waiting'));
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
  const open = snapshot.plan.streams.some(({ id }) => stateOf.get(id) !== 'done');
  const ends = records.flatMap(({ verified, runs }) => [
    verified?.atMs ?? 0,
    ...runs.map((run) => run.endedAtMs ?? 0),
  ]);
  const last = open ? snapshot.nowMs : ends.reduce((most, ms) => Math.max(most, ms), first);
  return Math.max(0, last - first);
}
