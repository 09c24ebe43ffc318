/** Turns changes between two ticks (of states, and of whether tmux can be asked) into events, so that every view and log tells them in the same words. */

import type { Ports } from '../../app/ports.ts';
import { isTold, type StateEvent, type StateName, traitsOf } from '../../core/states.ts';
import type { StreamRecord, StreamState } from '../../core/types.ts';
import type { Listener } from './listener.ts';

/** Remembers the states of the last tick and writes an event for each that changed to one worth telling. */
export function transitions(ports: Pick<Ports, 'state' | 'now'>): Listener {
  let last: ReadonlyMap<string, StateName> | null = null;
  return {
    name: 'transitions',
    onStates(states, { snapshot }) {
      for (const stream of states) {
        const { key, state, reason } = stream;
        const kind = isToldElsewhere(stream, snapshot.records.get(key)) ? null : newsOf(key, state, last);
        const message = kind === 'running' ? 'back at work' : (reason ?? traitsOf(state).meaning);
        if (kind !== null) ports.state.addEvent({ atMs: ports.now(), key, run: null, kind, message });
      }
      last = new Map(states.map(({ key, state }) => [key, state]));
    },
  };
}

/** The command tells of what the operator did, and the dependency of what holds up its dependents. */
function isToldElsewhere({ state, needsYou }: StreamState, record: StreamRecord | undefined): boolean {
  if (record?.intent === state && record.intentReason === null) return true;
  return state === 'blocked' && !needsYou;
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

/**
 * Writes an event when tmux cannot be asked, and when it can again; what a poller finds at its first look counts as a change
 * when it is bad news.
 */
export function tmuxServer({ state, now }: Pick<Ports, 'state' | 'now'>): Listener {
  let why: string | null = null;
  const note = (kind: 'tmux-unknown' | 'tmux-back', message: string): void =>
    state.addEvent({ atMs: now(), key: null, run: null, kind, message });
  return {
    name: 'tmux server',
    onStates(_states, { tmux }) {
      if (!tmux.known && why === null) note('tmux-unknown', `${tmux.why}; agents go on, nothing is started`);
      if (tmux.known && why !== null) note('tmux-back', 'tmux can be asked again');
      why = tmux.known ? null : tmux.why;
    },
  };
}
