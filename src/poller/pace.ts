/** Spaces out launches. */

/** Lets callers through one at a time, at least `gapMs` apart; the first passes at once. */
export function createPace(gapMs: number, now: () => number): { next(): Promise<void> } {
  let freeAtMs = 0;
  return {
    async next() {
      const atMs = Math.max(now(), freeAtMs);
      freeAtMs = atMs + gapMs;
      if (atMs > now()) await new Promise((resolve) => setTimeout(resolve, atMs - now()));
    },
  };
}
