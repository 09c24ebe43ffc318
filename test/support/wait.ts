/** How tests wait: until something holds, or until one wide deadline that only a hang meets. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

/** Waited out by a failing test alone, so it leaves room for a machine that does much else. */
export const DEADLINE_MS = 240_000;

/** A look that costs more (a process, say) comes less often, so that waiting leaves the machine to what is waited for. */
const LOOK_EVERY_MS = 15;
const PAUSE_PER_LOOK = 3;

/** Waits until `look` yields something other than null, undefined or false; fails the test at the deadline. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
): Promise<T> {
  const endMs = Date.now() + DEADLINE_MS;
  for (;;) {
    const startedMs = performance.now();
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    assert.ok(Date.now() < endMs, `waited ${DEADLINE_MS} ms in vain: ${what}`);
    await pause(Math.min(300, Math.max(LOOK_EVERY_MS, PAUSE_PER_LOOK * (performance.now() - startedMs))));
  }
}

/** What `promise` resolves to; fails the test at the deadline, with what `said` tells then. */
export async function inTime<T>(promise: Promise<T>, said: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${DEADLINE_MS} ms in vain: ${said()}`)), DEADLINE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/**
 * What `attempt` yields at a limit of time that it is to meet, but not before it `began`: the limit is short, since it is waited
 * out, and a longer one is tried where a busy machine met it too soon.
 */
export async function atLimit<T>(
  firstMs: number,
  attempt: (limitMs: number) => Promise<T>,
  began: (seen: T) => boolean,
): Promise<T> {
  for (let limitMs = firstMs; ; limitMs *= 4) {
    const seen = await attempt(limitMs);
    if (began(seen) || limitMs >= DEADLINE_MS) return seen;
  }
}
