/** Spaces out launches. */

/** Lets callers through one at a time, at least `gapMs` apart by a clock that nobody sets; the first passes at once. */
export function createPace(gapMs: number): { next(): Promise<void> } {
  let freeAtMs = 0;
  return {
    async next() {
      const nowMs = performance.now();
      const atMs = Math.max(nowMs, freeAtMs);
      freeAtMs = atMs + gapMs;
      if (atMs > nowMs) await new Promise((resolve) => setTimeout(resolve, atMs - nowMs));
    },
  };
}
