/** Waits for a lock in short steps of random length: SQLite's own waiting grows to 100 ms a step, and starves some of many writers. */
import { isBusy } from './failures.ts';

const SHORTEST_MS = 1;
const LONGEST_MS = 10;

/**
 * Runs `work` again and again while another connection holds the lock it needs, for `waitMs` at most; blocks the thread
 * meanwhile. `work` must have no effect when it fails. The connection's own busy timeout should be short.
 */
export function whileBusy<T>(waitMs: number, work: () => T): T {
  const deadline = performance.now() + waitMs;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      Atomics.wait(pause, 0, 0, SHORTEST_MS + Math.random() * (LONGEST_MS - SHORTEST_MS));
    }
  }
}
