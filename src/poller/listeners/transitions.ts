/** Turns changes of state between two ticks into events, so that every view and log tells them in the same words. */

import type { Ports } from '../../app/ports.ts';
import type { StateName, StreamState } from '../../core/types.ts';

/** States that are told when a stream comes into them; the others pass by themselves or have an event of their own. */
const TOLD: ReadonlySet<StateName> = new Set([
  'needs-input',
  'limited',
  'stalled',
  'base-conflict',
  'blocked',
  'failed',
  'stopped',
  'parked',
]);

/** Going on after one of these is news; a launch has an event of its own. */
const PAUSED: ReadonlySet<StateName> = new Set(['needs-input', 'limited', 'stalled', 'verifying']);

/** Remembers the states of the last tick and writes an event for each that changed to one worth telling. */
export function createTransitions(
  ports: Pick<Ports, 'state' | 'now'>,
): (states: readonly StreamState[]) => void {
  let last: ReadonlyMap<string, StateName> | null = null;
  return (states) => {
    for (const state of states.filter((each) => isNews(each, last))) {
      const { key, state: kind, reason } = state;
      ports.state.addEvent({ atMs: ports.now(), key, run: null, kind, message: reason ?? '' });
    }
    last = new Map(states.map(({ key, state }) => [key, state]));
  };
}

/** At the first tick of a poller only what waits for a person is news. */
function isNews({ key, state }: StreamState, last: ReadonlyMap<string, StateName> | null): boolean {
  if (last === null) return state === 'needs-input';
  const before = last.get(key);
  if (state === 'running') return before !== undefined && PAUSED.has(before);
  return TOLD.has(state) && before !== state;
}
