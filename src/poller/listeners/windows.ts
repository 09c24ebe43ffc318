/** Keeps the session's windows: the view as its setting asks, the summary that keeps it, no window of a run that ended before it. */
import type { Ports } from '../../app/ports.ts';
import { messageOf } from '../../core/errors.ts';
import type { Look } from '../../look/snapshot.ts';
import type { Gathered } from '../../report/gather.ts';
import type { PaneFact } from '../../tmux/types.ts';
import { viewRequest } from '../../view/summary/view-request.ts';
import type { Listener } from './listener.ts';

/** Arranges the view once, in one call of tmux or none; null when there is no session to arrange. */
export async function keepView(
  ports: Ports,
  { report, look }: Pick<Gathered, 'report' | 'look'>,
  unicode: boolean,
): Promise<{ readonly shown: number; readonly hidden: number } | null> {
  if (!look.tmux.known || look.tmux.value.view === undefined) return null;
  const alive = look.tmux.value.panes.filter(({ role, dead }) => role === 'worker' && !dead);
  const request = viewRequest(report, new Set(alive.map(({ id }) => id)), { unicode, nowMs: ports.now() });
  return ports.tmux.arrangeView(look.tmux.value, { ...request, limits: ports.config.view });
}

/** True when this very process is the summary of the session: the one that keeps the view. */
export function isSummary({ look }: Pick<Gathered, 'look'>, pid: number): boolean {
  const panes = look.tmux.known ? look.tmux.value.panes : [];
  return panes.some((pane) => pane.role === 'summary' && !pane.dead && pane.pid === pid);
}

/** A summary that ends as soon as it begins is not begun again all the time. */
const SUMMARY_PAUSE_MS = 10_000;

/** While the view is on, a summary that was closed or has ended comes back: without it nobody keeps the view. */
export function summaryPane(ports: Pick<Ports, 'tmux'>, report: (message: string) => void): Listener {
  let underWay = false;
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    name: 'summary pane',
    onStates(_states, { tmux }) {
      if (underWay || !tmux.known || tmux.value.view?.on !== true) return;
      if (performance.now() - lastMs < SUMMARY_PAUSE_MS) return;
      if (tmux.value.panes.some(({ role, dead }) => role === 'summary' && !dead)) return;
      underWay = true;
      lastMs = performance.now();
      // A session takes its time to be made, which the tick is not to wait for.
      ports.tmux
        .ensureSession()
        .catch((error: unknown) => report(`summary pane: ${messageOf(error)}`))
        .finally(() => {
          underWay = false;
        });
    },
  };
}

/** Closes windows that came too late: a poller was killed while tmux opened them, and their wrapper lost its run. */
export function lostWindows(ports: Pick<Ports, 'tmux'>): Listener {
  return {
    name: 'lost windows',
    async onLook(look) {
      if (!look.tmux.known) return;
      for (const pane of look.tmux.value.panes.filter((each) => isLost(each, look)))
        await ports.tmux.closePane(pane.id, pane);
    },
  };
}

/** True for a dead pane of ours whose run has ended without ever knowing it. */
function isLost(pane: PaneFact, { snapshot }: Look): boolean {
  if (pane.role !== 'worker' || !pane.dead || pane.key === null) return false;
  const run = snapshot.records.get(pane.key)?.runs.find(({ number }) => number === pane.run);
  return run !== undefined && run.endedAtMs !== null && run.pane !== pane.id;
}
