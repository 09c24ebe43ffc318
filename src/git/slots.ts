/** Lets a bounded number of asynchronous works run at once, the others in order after them. */

/** Returns a function that runs works, at most `size` at a time. */
export function createSlots(size: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = size;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // A slot goes straight to the next in line, so that nobody can slip in between.
      if (next === undefined) free += 1;
      else next();
    }
  };
}
