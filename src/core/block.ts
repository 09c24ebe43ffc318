/** Stands still for a moment, where what is waited for can only be looked at again and nothing else is to happen meanwhile. */

const NOBODY = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the thread for `ms`. */
export function blockFor(ms: number): void {
  Atomics.wait(NOBODY, 0, 0, ms);
}
