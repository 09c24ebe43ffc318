/** Bounds how many of a kind of work run at once, in the order they came; and spaces out launches. */

/** Runs work when one of its places is free. */
export type Limiter = { run<T>(work: () => Promise<T>): Promise<T> };

/** A limiter with `places` places. */
export function createLimiter(places: number): Limiter {
  let free = places;
  const waiting: (() => void)[] = [];
  return {
    async run(work) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}

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
