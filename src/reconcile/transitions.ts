/** Turns changes of state between two ticks into events, so that every view and log tells them in the same words. */
import type { StateName, StreamState } from '../core/types.ts';
import type { Ports } from './ports.ts';

/** States that are told when a stream comes into them; the others pass by themselves or have an event of their own. */
const TOLD: ReadonlySet<StateName> = new Set([
  'running',
  'needs-input',
  'limited',
  'stalled',
  'base-conflict',
  'blocked',
  'failed',
  'stopped',
  'parked',
]);

/** Remembers the states of the last tick and writes an event for each that changed to one worth telling. */
export function createTransitions(
  ports: Pick<Ports, 'state' | 'now'>,
): (states: readonly StreamState[]) => void {
  let last: ReadonlyMap<string, StateName> | null = null;
  return (states) => {
    for (const { key, state, reason } of states) {
      // At the first tick only what waits for a person is news.
      const before = last === null ? (state === 'running' ? state : null) : last.get(key);
      if (before === state || !TOLD.has(state)) continue;
      if (last === null && state !== 'needs-input') continue;
      ports.state.addEvent({ atMs: ports.now(), key, run: null, kind: state, message: reason ?? '' });
    }
    last = new Map(states.map(({ key, state }) => [key, state]));
  };
}
