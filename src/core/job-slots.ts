/** Lets a bounded number of asynchronous works run at once, the others in order after them. */

/** Runs a work as soon as there is a slot for it. */
export type Slots = <T>(work: () => Promise<T>) => Promise<T>;

/** Makes `size` slots: at most so many works run at a time. */
export function createSlots(size: number): Slots {
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
