/** Turns changes of state between two ticks into events, so that every view and log tells them in the same words. */

import type { Ports } from '../../app/ports.ts';
import type { StateEvent } from '../../core/events.ts';
import type { StateName, StreamState } from '../../core/types.ts';

/** States that are told when a stream comes into them; the others pass by themselves or have an event of their own. */
const TOLD = [
  'needs-input',
  'limited',
  'stalled',
  'base-conflict',
  'blocked',
  'failed',
  'stopped',
  'parked',
] as const satisfies readonly StateEvent[];

/** Going on after one of these is news; a launch has an event of its own. */
const PAUSED: ReadonlySet<StateName> = new Set(['needs-input', 'limited', 'stalled', 'verifying']);

/** Remembers the states of the last tick and writes an event for each that changed to one worth telling. */
export function createTransitions(
  ports: Pick<Ports, 'state' | 'now'>,
): (states: readonly StreamState[]) => void {
  let last: ReadonlyMap<string, StateName> | null = null;
  return (states) => {
    for (const { key, state, reason } of states) {
      const kind = newsOf(key, state, last);
      if (kind !== null)
        ports.state.addEvent({ atMs: ports.now(), key, run: null, kind, message: reason ?? '' });
    }
    last = new Map(states.map(({ key, state }) => [key, state]));
  };
}

/** The event that a stream's state makes, null for none. At the first tick of a poller only what waits for the user is news. */
function newsOf(
  key: string,
  state: StateName,
  last: ReadonlyMap<string, StateName> | null,
): StateEvent | null {
  if (last === null) return state === 'needs-input' ? state : null;
  const before = last.get(key);
  if (state === 'running') return before !== undefined && PAUSED.has(before) ? state : null;
  return before === state ? null : (TOLD.find((each) => each === state) ?? null);
}
