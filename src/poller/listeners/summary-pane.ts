/** Keeps the session's windows as its view setting asks, from a report: who is shown, with which label; moves nothing itself. */

import type { Ports } from '../../app/ports.ts';
import { messageOf } from '../../core/errors.ts';
import type { Gathered } from '../../report/gather.ts';
import { viewRequest } from '../../view/summary/view-request.ts';

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

/** While the view is on, a summary that a person closed or that ended comes back: without it nobody keeps the view. */
export function createSummaryKeeper(
  ports: Pick<Ports, 'tmux' | 'now'>,
  onTrouble: (message: string) => void,
): (look: Pick<Gathered['look'], 'tmux'>) => void {
  let underWay = false;
  let lastMs = Number.NEGATIVE_INFINITY;
  return ({ tmux }) => {
    if (underWay || ports.now() - lastMs < SUMMARY_PAUSE_MS || !tmux.known || tmux.value.view?.on !== true)
      return;
    if (tmux.value.panes.some(({ role, dead }) => role === 'summary' && !dead)) return;
    underWay = true;
    lastMs = ports.now();
    ports.tmux
      .ensureSession()
      .catch((error: unknown) => onTrouble(messageOf(error)))
      .finally(() => {
        underWay = false;
      });
  };
}
