/** Closes windows that came too late: a poller was killed while tmux opened them, and their wrapper lost its run. */

import type { Ports } from '../../app/ports.ts';
import { messageOf } from '../../core/errors.ts';
import type { Look } from '../../look/snapshot.ts';
import type { PaneFact } from '../../tmux/types.ts';

/** Closes every dead pane of ours whose run has ended without ever knowing it. A failure is told; the next look tries again. */
export async function closeLostWindows(
  ports: Pick<Ports, 'tmux'>,
  look: Look,
  onTrouble: (message: string) => void,
): Promise<void> {
  if (!look.tmux.known) return;
  for (const pane of look.tmux.value.panes.filter((each) => isLost(each, look))) {
    try {
      await ports.tmux.closePane(pane.id, pane);
    } catch (error) {
      onTrouble(messageOf(error));
    }
  }
}

function isLost(pane: PaneFact, { snapshot }: Look): boolean {
  if (pane.role !== 'worker' || !pane.dead || pane.key === null) return false;
  const run = snapshot.records.get(pane.key)?.runs.find(({ number }) => number === pane.run);
  return run !== undefined && run.endedAtMs !== null && run.pane !== pane.id;
}
