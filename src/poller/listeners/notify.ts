/** Calls the user, once for each time a stream comes to need them: in tmux, and by the configured command. */
import { join } from 'node:path';
import type { Ports } from '../../app/ports.ts';
import { retryDelayMs } from '../../core/decide/restarts.ts';
import { isAbort, messageOf } from '../../core/errors.ts';
import { commandFor } from '../../core/shell-word.ts';
import { isFinished, type StateName, tally, traitsOf } from '../../core/states.ts';
import type { Run, StreamRecord, StreamState } from '../../core/types.ts';
import { privateDirectory } from '../steps/step.ts';
import { eachByItself, type Listener, type PollerEnd, reporting } from './listener.ts';

/** What `notify.command` reads on its stdin, as one line of JSON. `stream` is null for the end of the whole. */
export type Notice = {
  readonly schemaVersion: 1;
  /** The state that the stream came into, or `finished`. */
  readonly kind: StateName | 'finished';
  readonly at: string;
  readonly workspace: string;
  readonly projectRoot: string;
  readonly stream: string | null;
  readonly key: string | null;
  readonly run: number | null;
  readonly reason: string | null;
  readonly remedy: string | null;
  readonly attach: string | null;
  readonly needsYou: boolean;
};

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

/** A command that takes longer is ended, with all that it started. */
const TIMEOUT_MS = 10_000;
/** Notices that wait for their turn; a storm of more is not worth anybody's while. */
const MOST_WAITING = 100;

/** What was told already is kept in state.db, so that another poller doesn't tell it again. `abort` ends a command under way. */
export function notifier(ports: Ports, abort: AbortSignal, report: (message: string) => void): Listener {
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  const tell = (notice: Notice, pane: string | null): void => {
    if (waiting >= MOST_WAITING) return;
    waiting += 1;
    last = last
      .then(() => showInTmux(ports, notice, pane))
      .catch((error: unknown) => report(`notify: ${messageOf(error)}`))
      .then(() => runCommand(ports, notice, abort))
      .catch((error: unknown) => {
        if (!isAbort(error)) report(`notify: ${messageOf(error)}`);
      })
      .finally(() => {
        waiting -= 1;
      });
  };
  const tellOf = (state: StreamState, run: Run | undefined): void =>
    tell(noticeOf(ports, state, run?.number ?? null), run?.endedAtMs === null ? run.pane : null);
  const told = createTold(ports);
  return {
    name: 'notify',
    onStates(states, { snapshot }) {
      eachByItself(states, (state) => {
        const record = snapshot.records.get(state.key);
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
    close(end) {
      const ended = end === null ? null : ENDS[end.why];
      if (end === null || ended === null) return last;
      const message = ended(end.states);
      const kind = end.why === 'all-done' ? 'finished' : 'stuck';
      reporting(
        'events',
        report,
      )(() => ports.state.addEvent({ atMs: ports.now(), key: null, run: null, kind, message }));
      tell(endOfAll(ports, message), null);
      return last;
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
    attach: commandFor('attach', state.id),
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

async function showInTmux(ports: Ports, notice: Notice, pane: string | null): Promise<void> {
  if (!ports.config.notify.tmux) return;
  const reason = notice.reason === null ? '' : `: ${notice.reason}`;
  await ports.tmux.message(`${notice.stream ?? 'orchestrate'}: ${notice.kind}${reason}`);
  if (pane !== null && notice.needsYou) await ports.tmux.bell(pane);
}

/** What the command prints; no stream's log can have this name, since keys have no dot. */
const NOTIFY_LOG = 'notify.command.log';

async function runCommand(ports: Ports, notice: Notice, abort: AbortSignal): Promise<void> {
  const { command } = ports.config.notify;
  if (command === null) return;
  const result = await ports.processes.runShell({
    command,
    cwd: ports.paths.root,
    env: Object.fromEntries(
      Object.entries(ports.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    input: `${JSON.stringify(notice)}\n`,
    log: join(privateDirectory(ports.paths.logsDir), NOTIFY_LOG),
    timeoutMs: TIMEOUT_MS,
    mark: ports.marks.own,
    abort,
  });
  if (result.exitCode === 0) return;
  const how = result.timedOut
    ? `took more than ${TIMEOUT_MS / 1000} s`
    : `failed (${result.signal ?? `exit ${result.exitCode}`})`;
  ports.state.addEvent({
    atMs: ports.now(),
    key: notice.key,
    run: notice.run,
    kind: 'notify-error',
    message: `notify.command ${how}, see .claude/orchestrator/logs/${NOTIFY_LOG}`,
  });
}
