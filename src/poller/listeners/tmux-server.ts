/** Says once when tmux can't be asked, and once when it can again; knows nothing of why. */
import type { Ports } from '../../app/ports.ts';
import type { StreamState } from '../../core/types.ts';
import type { Look } from '../../look/snapshot.ts';

/** Writes an event at each change; what a poller finds at its first look counts as one when it is bad news. */
export function tmuxServer({ state, now }: Pick<Ports, 'state' | 'now'>): {
  readonly name: string;
  onStates(states: readonly StreamState[], look: Pick<Look, 'tmux'>): void;
} {
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
