/** Turns changes of state between two ticks into events, so that every view and log tells them in the same words. */

import type { Ports } from '../../app/ports.ts';
import type { StateEvent } from '../../core/events.ts';
import { isTold, type StateName, traitsOf } from '../../core/states.ts';
import type { Listener } from './listener.ts';

/** Remembers the states of the last tick and writes an event for each that changed to one worth telling. */
export function transitions(ports: Pick<Ports, 'state' | 'now'>): Listener {
  let last: ReadonlyMap<string, StateName> | null = null;
  return {
    name: 'transitions',
    onStates(states) {
      for (const { key, state, reason } of states) {
        const kind = newsOf(key, state, last);
        if (kind !== null)
          ports.state.addEvent({ atMs: ports.now(), key, run: null, kind, message: reason ?? '' });
      }
      last = new Map(states.map(({ key, state }) => [key, state]));
    },
  };
}

/** The event that a stream's state makes, null for none. At the first tick of a poller only a question to the user is news. */
function newsOf(
  key: string,
  state: StateName,
  last: ReadonlyMap<string, StateName> | null,
): StateEvent | null {
  if (last === null) return state === 'needs-input' ? state : null;
  const before = last.get(key);
  if (state === 'running')
    return before !== undefined && traitsOf(before).telling.resumingIsNews ? state : null;
  return before !== state && isTold(state) ? state : null;
}
