/** A session of ours with workers in it, as the view arranges them: what is where, by tmux's own word. */
import type { Tmux, ViewWorker } from '../../src/tmux/types.ts';
import { openClient, type Size, type TmuxClient } from './tmux-client.ts';
import { createTmuxRig, type TmuxRig } from './tmux-rig.ts';
import { until } from './wait.ts';

/** One pane of our session. `index`: of its window. */
export type Seen = {
  readonly id: string;
  readonly pid: number;
  readonly window: string;
  readonly index: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly key: string;
};

export type ViewRig = AsyncDisposable & {
  readonly rig: TmuxRig;
  readonly tmux: Tmux;
  /** Pane of the summary. */
  readonly summary: string;
  /** Opens workers that answer every line with `got:<line>`; returns their panes. */
  open(...keys: readonly string[]): Promise<string[]>;
  /** Arranges once for these workers (most important first; `!` before a pane: urgent), as the summary does. */
  keep(workers: readonly string[]): Promise<{ shown: number; hidden: number }>;
  /** All panes of the session, in tmux's order. */
  panes(): Seen[];
  /** Keys of workers that stand beside the summary. */
  beside(): string[];
  client(size: Size): Promise<TmuxClient>;
};

export const LIMITS = { minWidth: 60, minHeight: 12 };

/** Settings of the user that an arrangement must not depend on. */
export const HOSTILE = `
set -g base-index 1
setw -g pane-base-index 1
set -g renumber-windows on
set -g destroy-unattached on
set -g default-shell /bin/false
set -g mouse on
set -g status-position top
setw -g automatic-rename on
setw -g pane-border-status bottom
setw -g pane-border-format 'theirs'
setw -g main-pane-width 10
setw -g aggressive-resize on
setw -g mode-keys vi
bind-key -n M-h select-pane -L
bind-key -n F9 kill-server
`;

const FORMAT = [
  '#{pane_id}',
  '#{pane_pid}',
  '#{window_name}',
  '#{window_index}',
  '#{pane_left}',
  '#{pane_top}',
  '#{pane_width}',
  '#{pane_height}',
  '#{@orchestrate_key}',
].join('|');

const ANSWER = 'while read -r line; do printf "got:%s\\n" "$line"; done';

/** `conf`: the server's configuration. */
export async function createViewRig(conf = ''): Promise<ViewRig> {
  const rig = createTmuxRig('app', conf);
  const tmux = rig.door();
  const { sessionId } = await tmux.ensureSession();
  const clients: TmuxClient[] = [];
  const panes = (): Seen[] =>
    rig
      .raw('list-panes', '-s', '-t', `${sessionId}:`, '-F', FORMAT)
      .trim()
      .split('\n')
      .map((line) => {
        const [id = '', pid, window = '', index, left, top, width, height, key = ''] = line.split('|');
        const [n, x, y, w, h] = [index, left, top, width, height].map(Number) as [
          number,
          number,
          number,
          number,
          number,
        ];
        return { id, pid: Number(pid), window, index: n, left: x, top: y, width: w, height: h, key };
      });
  const summary = panes()[0]?.id ?? '';
  const windowOf = (): number => panes().find(({ id }) => id === summary)?.index ?? -1;
  return {
    rig,
    tmux,
    summary,
    panes,
    async open(...keys) {
      const opened: string[] = [];
      for (const key of keys) {
        const runDir = rig.launch(key, 1, ANSWER);
        opened.push((await tmux.openWindow({ key, run: 1, runDir, keepOnExit: true })).pane);
      }
      return opened;
    },
    async keep(workers) {
      const asked = workers.map(
        (each): ViewWorker => ({
          pane: each.replace('!', ''),
          urgent: each.startsWith('!'),
          name: '',
          label: each.startsWith('!') ? '▲ needs-input 3m' : '● running 2m',
        }),
      );
      const urgent = asked.filter((each) => each.urgent).length;
      return tmux.arrangeView(await rig.facts(tmux), {
        workers: asked,
        limits: LIMITS,
        needs: urgent === 0 ? '' : `▲ ${urgent} needs you`,
        totals: `● ${asked.length} running`,
      });
    },
    beside: () =>
      panes()
        .filter(({ index, id }) => index === windowOf() && id !== summary)
        .map(({ key }) => key),
    async client(size) {
      const client = openClient(['-L', rig.socket, 'attach-session', '-t', `${sessionId}:`], size);
      clients.push(client);
      const count = clients.length;
      await until('the client is attached', () =>
        rig.raw('list-clients', '-F', 'x').split('\n').filter(Boolean).length >= count ? true : null,
      );
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client[Symbol.dispose]();
      await rig[Symbol.asyncDispose]();
    },
  };
}
