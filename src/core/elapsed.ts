/** Tells how long ago a noted moment was, in a way that no change of the wall clock upsets; knows nothing of who asks. */

/** Moments that are remembered at most; the oldest go first. */
const MOST = 20_000;

/** How long ago (ms, never negative) the moment was that the wall clock called `atMs`. */
export type Elapsed = (atMs: number) => number;

/**
 * Counts from the first time a moment is asked for: by the wall clock up to there (a moment that it has not reached yet
 * counts as now, so that a delay never lasts longer than itself), by the steady clock from there on.
 *
 * @param wallMs the clock that moments are noted by, which anybody may set.
 * @param steadyMs a clock that only goes forward.
 */
export function createElapsed(wallMs: () => number, steadyMs: () => number): Elapsed {
  const began = new Map<number, number>();
  return (atMs) => {
    const steady = steadyMs();
    const known = began.get(atMs);
    if (known !== undefined) return steady - known;
    const age = Math.max(0, wallMs() - atMs);
    began.set(atMs, steady - age);
    if (began.size > MOST) for (const oldest of [...began.keys()].slice(0, MOST / 2)) began.delete(oldest);
    return age;
  };
}
