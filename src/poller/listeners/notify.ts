/** Calls the user, once for each time a stream comes to need them: in tmux, by the configured command, and by the preset. */
import type { Ports } from '../../app/ports.ts';
import { retryDelayMs } from '../../core/decide/restarts.ts';
import { eachByItself } from '../../core/each-by-itself.ts';
import { commandFor } from '../../core/shell-word.ts';
import { isFinished, tally, traitsOf } from '../../core/states.ts';
import type { Run, StreamRecord, StreamState } from '../../core/types.ts';
import { messageFor, type Notice } from '../../notify/presets.ts';
import { answers } from './answers.ts';
import { type Listener, type PollerEnd, reporting } from './listener.ts';
import { createWays } from './ways.ts';

/** How the whole ended, for whoever is to be told; null where nobody is. */
const ENDS: Readonly<Record<PollerEnd['why'], ((states: PollerEnd['states']) => string) | null>> = {
  'all-done': (states) => {
    const { wanted } = tally(states);
    return wanted === 1 ? 'the stream is done' : `all ${wanted} streams are done`;
  },
  stuck: (states) => {
    const open = states.filter((each) => !isFinished(each));
    const text = ({ id, state, stale }: (typeof open)[number]): string =>
      `${id} ${state}${stale ? ' (stale)' : ''}`;
    return `nothing can go on: ${open.map(text).join(', ')}`;
  },
  aborted: null,
  once: null,
};

/** What was told already is kept in state.db, so that another poller doesn't tell it again. `abort` ends what is under way. */
export function notifier(ports: Ports, abort: AbortSignal, report: (message: string) => void): Listener {
  const ways = createWays(ports, abort, report);
  const tell = (notice: Notice, pane: string | null): void => {
    for (const way of ways.all) way.tell({ notice, message: messageFor(notice), pane });
  };
  const tellOf = (state: StreamState, run: Run | undefined): void =>
    tell(noticeOf(ports, state, run?.number ?? null), run?.endedAtMs === null ? run.pane : null);
  const told = createTold(ports);
  const answering = answers(ports, abort, ways.answering);
  let checked = false;
  return {
    name: 'notify',
    onStates(states, look) {
      if (!checked) ways.check();
      checked = true;
      answering.onStates?.(states, look);
      eachByItself(states, (state) => {
        const record = look.snapshot.records.get(state.key);
        const what = newsOf(state);
        if (record === undefined) return;
        const isNews = told.of(record) !== what;
        try {
          // Written first: a kill in between costs one notice, never tells one twice.
          told.set(record, what);
        } finally {
          if (isNews && what !== null) tellOf(state, record.runs.at(-1));
        }
      });
    },
    async close(end) {
      await answering.close?.(end);
      const ended = end === null ? null : ENDS[end.why];
      if (end !== null && ended !== null) {
        const message = ended(end.states);
        const kind = end.why === 'all-done' ? 'finished' : 'stuck';
        reporting(
          'events',
          report,
        )(() => ports.state.addEvent({ atMs: ports.now(), key: null, run: null, kind, message }));
        tell(endOfAll(ports, message), null);
      }
      await ways.close();
    },
  };
}

/**
 * What was told of each stream. What cannot be written down (a full disk) is known to this poller all the same, and is tried
 * again with the delays of the one back-off. `set` throws what keeps it from being written, once a try.
 */
function createTold(ports: Pick<Ports, 'state' | 'config'>): {
  of(record: StreamRecord): string | null;
  set(record: StreamRecord, what: string | null): void;
} {
  const unwritten = new Map<
    string,
    { readonly what: string | null; readonly count: number; readonly dueMs: number }
  >();
  const delaysMs = ports.config.restart.delaysSeconds.map((seconds) => seconds * 1000);
  const of = ({ key, told }: StreamRecord): string | null => {
    const kept = unwritten.get(key);
    return kept === undefined ? told : kept.what;
  };
  return {
    of,
    set(record, what) {
      const { key } = record;
      const before = unwritten.get(key);
      if (before === undefined && record.told === what) return;
      const count = (before?.count ?? 0) + 1;
      const nowMs = performance.now();
      unwritten.set(key, { what, count: before?.count ?? 0, dueMs: before?.dueMs ?? nowMs });
      if (before !== undefined && before.dueMs > nowMs) return;
      unwritten.set(key, { what, count, dueMs: nowMs + retryDelayMs({ count }, key, delaysMs) });
      ports.state.patchStream(key, { told: what });
      unwritten.delete(key);
    },
  };
}

/** What there is to tell of a state, null for nothing. Numbers in a reason change without being news. */
function newsOf({ state, reason, needsYou }: StreamState): string | null {
  if (!needsYou && traitsOf(state).telling.told !== 'event-and-notice') return null;
  return `${state} ${(reason ?? '').replace(/\d+/g, '#')}`;
}

function noticeOf(ports: Ports, state: StreamState, run: number | null): Notice {
  return {
    schemaVersion: 1,
    kind: state.state,
    at: new Date(ports.now()).toISOString(),
    workspace: ports.workspace.id,
    projectRoot: ports.paths.root,
    stream: state.id,
    key: state.key,
    run,
    reason: state.reason,
    remedy: state.remedy,
    attach: commandFor('attach', { streamId: state.id, key: state.key }),
    needsYou: state.needsYou,
  };
}

function endOfAll(ports: Ports, reason: string): Notice {
  return {
    schemaVersion: 1,
    kind: 'finished',
    at: new Date(ports.now()).toISOString(),
    workspace: ports.workspace.id,
    projectRoot: ports.paths.root,
    stream: null,
    key: null,
    run: null,
    reason,
    remedy: null,
    attach: null,
    needsYou: false,
  };
}
