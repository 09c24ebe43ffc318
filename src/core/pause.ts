/** How long an agent could not work, since it waited for a person or for the end of a limit: such time counts for no cap. */
import type { AgentActivity, Pause, Run } from './types.ts';

/** Not at work: asked, limited, or at rest until someone says more. */
const RESTING: ReadonlySet<AgentActivity['status']> = new Set(['waiting', 'limited', 'idle']);
const NONE: Pause = { totalMs: 0, sinceMs: null };

/** The run's pauses after a look at its agent; the same value when nothing changed. */
export function pauseAfter(
  run: Pick<Run, 'paused' | 'startedAtMs'>,
  { status, sinceMs }: Pick<AgentActivity, 'status' | 'sinceMs'>,
  nowMs: number,
): Pause | null {
  const before = run.paused ?? NONE;
  if (status === 'unknown') return run.paused;
  if (RESTING.has(status)) {
    if (before.sinceMs !== null) return run.paused;
    return { ...before, sinceMs: Math.max(run.startedAtMs, Math.min(sinceMs ?? nowMs, nowMs)) };
  }
  return before.sinceMs === null ? run.paused : { totalMs: pausedMs(before, nowMs), sinceMs: null };
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
