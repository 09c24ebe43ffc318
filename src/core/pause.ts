/** When an agent rested, and how long it could not work, since it waited for the user or for the end of a limit: such time counts for no cap. */
import type { AgentActivity, Pause, Rest, Run } from './types.ts';

/** Asked, limited, or without a turn until someone says more. */
const NOT_AT_WORK: ReadonlySet<AgentActivity['status']> = new Set(['waiting', 'limited', 'idle']);
const NONE: Pause = { totalMs: 0, sinceMs: null, userMs: 0, forUser: false };

const AT_REST: ReadonlySet<AgentActivity['status']> = new Set(['idle', 'limited']);
const AT_WORK: ReadonlySet<AgentActivity['status']> = new Set(['busy', 'starting']);

/** The run's last rest after a look at its agent; the same value when nothing changed. */
export function restAfter(
  { rest }: Pick<Run, 'rest'>,
  { status, sinceMs }: Pick<AgentActivity, 'status' | 'sinceMs'>,
): Rest | null {
  if (AT_WORK.has(status)) return rest === null || rest.isOver ? rest : { ...rest, isOver: true };
  if (!AT_REST.has(status) || (rest?.isOver === false && rest.sinceMs === sinceMs)) return rest;
  return { number: (rest?.number ?? 0) + 1, sinceMs, isOver: false };
}

/** True when what is noted with the number of a rest happened in the one that the agent is in now. */
export function isOfThisRest(
  run: Pick<Run, 'rest'>,
  activity: Pick<AgentActivity, 'status' | 'sinceMs'>,
  noted: number | null,
): boolean {
  return noted !== null && restAfter(run, activity)?.number === noted;
}

/** True while the agent is still in the rest of that number: it has not gone to work, nor been asked anything, since. */
export function stillRests(
  run: Pick<Run, 'rest'>,
  activity: Pick<AgentActivity, 'status' | 'sinceMs'>,
  rest: number,
): boolean {
  return AT_REST.has(activity.status) && isOfThisRest(run, activity, rest);
}

/** The run's pauses after a look at its agent; the same value when nothing changed. */
export function pauseAfter(
  run: Pick<Run, 'paused' | 'startedAtMs' | 'stopGate'>,
  { status, sinceMs }: Pick<AgentActivity, 'status' | 'sinceMs'>,
  nowMs: number,
): Pause | null {
  const before = run.paused ?? NONE;
  if (status === 'unknown') return run.paused;
  if (NOT_AT_WORK.has(status)) {
    // An idle one waits for the user only once it is not told any more what is missing.
    const forUser = status === 'waiting' || (status === 'idle' && (run.stopGate?.gaveUp ?? null) !== null);
    if (before.sinceMs === null)
      return { ...before, forUser, sinceMs: Math.max(run.startedAtMs, Math.min(sinceMs ?? nowMs, nowMs)) };
    return before.forUser === forUser ? run.paused : { ...closed(before, nowMs), sinceMs: nowMs, forUser };
  }
  return before.sinceMs === null ? run.paused : closed(before, nowMs);
}

/** The pauses with the one under way ended now. */
function closed(pause: Pause, nowMs: number): Pause {
  return { totalMs: pausedMs(pause, nowMs), sinceMs: null, userMs: userMs(pause, nowMs), forUser: false };
}

function userMs(pause: Pause, nowMs: number): number {
  const { sinceMs, forUser } = pause;
  return pause.userMs + (forUser && sinceMs !== null ? Math.max(0, nowMs - sinceMs) : 0);
}

/** Time that a look's clock shows and that nobody worked in counts as paused: the machine slept, or the clock was set. */
export function withLostTime(run: Pick<Run, 'paused'>, lostMs: number): Pause | null {
  // A pause that is under way has it already.
  if (lostMs === 0 || (run.paused?.sinceMs ?? null) !== null) return run.paused;
  return { ...(run.paused ?? NONE), totalMs: (run.paused?.totalMs ?? 0) + lostMs };
}

/** Below this the two clocks may differ by their reading alone. */
const LEAST_LOST_MS = 1_000;

/**
 * Returns what to ask at each look: how much more the wall clock moved since the last one (less, when negative) than time
 * passed in which somebody may have worked: by the steady clock, and `mostMs` at most, since some count sleep.
 *
 * @param formerMs when a former poller last looked (wall clock): nobody knows what was done since, so that none of it counts.
 */
export function createLostTime(
  mostMs: number,
  formerMs: number | null,
): (wallMs: number, steadyMs: number) => number {
  let last: { wallMs: number; steadyMs: number } | null = null;
  return (wallMs, steadyMs) => {
    const before = last;
    last = { wallMs, steadyMs };
    if (before === null) return formerMs === null ? 0 : Math.max(0, Math.round(wallMs - formerMs));
    const lostMs = wallMs - before.wallMs - Math.min(steadyMs - before.steadyMs, mostMs);
    return Math.abs(lostMs) < LEAST_LOST_MS ? 0 : Math.round(lostMs);
  };
}

/** What an open run is known by, and when it began. */
type OpenRun = Pick<Run, 'key' | 'number' | 'startedAtMs'>;

/** The lost time of each open run, kept until it is taken: what a look that could not see the agents found lost would count as work. */
export type LostTimes = {
  /** To be called at each look, with the runs that are open by then. */
  look(at: { readonly wallMs: number; readonly steadyMs: number }, runs: readonly OpenRun[]): void;
  /** What the run has lost since that was taken last, in ms. */
  take(run: OpenRun): number;
};

/** Shares out what `lostTime` (see createLostTime) tells of each look. */
export function createLostTimes(lostTime: ReturnType<typeof createLostTime>): LostTimes {
  const idOf = ({ key, number }: OpenRun): string => `${key}#${number}`;
  const lost = new Map<string, number>();
  let before: ReadonlySet<string> | null = null;
  return {
    look({ wallMs, steadyMs }, runs) {
      const lostMs = lostTime(wallMs, steadyMs);
      const ids = new Set(runs.map(idOf));
      for (const id of lost.keys()) if (!ids.has(id)) lost.delete(id);
      for (const run of runs) {
        const id = idOf(run);
        if (before === null || before.has(id) || beganBefore(run, wallMs, lostMs))
          lost.set(id, (lost.get(id) ?? 0) + lostMs);
      }
      before = ids;
    },
    take(run) {
      const lostMs = lost.get(idOf(run)) ?? 0;
      lost.delete(idOf(run));
      return lostMs;
    },
  };
}

/** Of a run that began since the last look: true when it did so before the clock moved, by what its start is nearer to. */
function beganBefore({ startedAtMs }: OpenRun, wallMs: number, lostMs: number): boolean {
  return Math.abs(wallMs - lostMs - startedAtMs) < Math.abs(wallMs - startedAtMs);
}

/** All pauses up to `nowMs`, the one under way included. */
function pausedMs({ totalMs, sinceMs }: Pause, nowMs: number): number {
  return totalMs + (sinceMs === null ? 0 : Math.max(0, nowMs - sinceMs));
}

/** Time in which the run's agent could work, up to its end or `nowMs`. */
export function workedMs(run: Pick<Run, 'startedAtMs' | 'endedAtMs' | 'paused'>, nowMs: number): number {
  const endMs = run.endedAtMs ?? nowMs;
  return Math.max(0, endMs - run.startedAtMs - pausedMs(run.paused ?? NONE, endMs));
}

/** Time in which the run's agent waited for the user, up to its end or `nowMs`. */
export function waitedForUserMs(run: Pick<Run, 'endedAtMs' | 'paused'>, nowMs: number): number {
  return userMs(run.paused ?? NONE, run.endedAtMs ?? nowMs);
}
