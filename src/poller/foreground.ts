/** The poller in the foreground: live progress lines, a closing summary, and an end within two seconds of a signal. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ports, policyOf } from '../app/ports.ts';
import type { Flags } from '../commands/definition.ts';
import type { Io } from '../commands/io.ts';
import { wantsUnicode } from '../commands/terminal.ts';
import { EXIT } from '../core/errors.ts';
import { eventTraits } from '../core/events.ts';
import { isFinished } from '../core/states.ts';
import { lastEvent } from '../operator/intent.ts';
import { gatherReport } from '../report/gather.ts';
import { watchDatabases } from '../sqlite/watch.ts';
import type { Lease } from '../state/types.ts';
import { describeEvent, renderFinal } from '../view/pages/progress-lines.ts';
import { heldBackLines } from '../view/summary/held-back.ts';
import { createNotifier } from './listeners/notify.ts';
import { createStreamLogs } from './listeners/stream-logs.ts';
import { createSummaryKeeper } from './listeners/summary-pane.ts';
import { tmuxServer } from './listeners/tmux-server.ts';
import { createTransitions } from './listeners/transitions.ts';
import type { PollerEnd } from './loop.ts';
import { poll } from './run-poller.ts';
import { privateDirectory } from './steps/step.ts';

export type ForegroundRequest = {
  readonly named: readonly string[];
  readonly flags: Flags;
  readonly io: Io;
  readonly lease: Lease;
};

/** Signals that end the poller (workers go on), with their exit codes. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
/** Longest time between a signal and the end of the process. */
const LEAVE_MS = 1_700;

/** How the whole ended, for whoever is to be told; null where nobody is. */
const ENDS: Readonly<Record<PollerEnd['why'], ((states: PollerEnd['states']) => string) | null>> = {
  'all-done': (states) => `all ${states.length} streams are done`,
  stuck: (states) => {
    const open = states.filter((each) => !isFinished(each));
    const text = ({ id, state, stale }: (typeof open)[number]): string =>
      `${id} ${state}${stale ? ' (stale)' : ''}`;
    return `nothing can go on: ${open.map(text).join(', ')}`;
  },
  aborted: null,
  once: null,
};

/** Polls until the end; returns the exit code. The caller holds the lease. */
export async function pollInForeground(ports: Ports, request: ForegroundRequest): Promise<number> {
  const { io, named, flags, lease } = request;
  const abort = new AbortController();
  const signalled = onSignals(abort, io);
  const policy = policyOf(
    ports.config,
    ports.agent,
    named.length === 0 ? null : new Set(named),
    lastEvent(ports),
  );
  const tell = createTeller(ports, io);
  const transitions = createTransitions(ports);
  const server = tmuxServer(ports);
  const onTrouble = tellOnce((message) => io.warn(`orchestrate: warning: ${message}`));
  const logs = createStreamLogs(ports, onTrouble);
  const keepSummary = createSummaryKeeper(ports, onTrouble);
  const notifier = createNotifier(ports, onTrouble, abort.signal);
  const end = await poll({
    ports,
    policy,
    once: flags['once'] === true,
    lease,
    abort: abort.signal,
    watchStores: (onChange) =>
      watchDatabases(
        [ports.plan, ports.state].map((store) => ({ path: store.path, check: () => store.changeToken() })),
        onChange,
      ),
    view: {
      onStates: (states, look) => {
        keepSummary(look);
        server.onStates(states, look);
        transitions(states);
        notifier.look(states, look);
        tell();
        logs.update();
      },
      onOutcome: () => {
        tell();
        logs.update();
      },
      onTrouble,
    },
  });
  tell();
  logs.close();
  const ended = ENDS[end.why];
  if (ended !== null) notifier.finished(ended(end.states));
  await notifier.settle();
  signalled.stop();
  return signalled.code() ?? (await conclude(ports, end, request));
}

/** What goes wrong at every tick is told once, until something else does. */
function tellOnce(tell: (message: string) => void): (message: string) => void {
  let last: string | null = null;
  return (message) => {
    if (message !== last) tell(message);
    last = message;
  };
}

function onSignals(abort: AbortController, io: Io): { code(): number | null; stop(): void } {
  let code: number | null = null;
  const handlers = Object.entries(SIGNALS).map(([signal, exitCode]) => {
    const handler = (): void => {
      if (code !== null) process.exit(code);
      code = exitCode;
      abort.abort();
      if (!io.json && signal === 'SIGINT') io.warn('leaving; workers go on (orchestrate stop ends them)');
      setTimeout(() => process.exit(exitCode), LEAVE_MS).unref();
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return {
    code: () => code,
    stop: () => {
      for (const off of handlers) off();
    },
  };
}

/** Prints (and logs) events that are new since the last call. */
function createTeller(ports: Ports, io: Io): () => void {
  let lastId = ports.state.events({ limit: 1 }).at(-1)?.id ?? 0;
  const file = join(privateDirectory(ports.paths.logsDir), 'orchestrator.log');
  return () => {
    const events = ports.state.events({ sinceId: lastId });
    lastId = events.at(-1)?.id ?? lastId;
    const records = ports.state.records(ports.plan.currentInitiative()?.id ?? '');
    const streamOf = (key: string): string | null => records.get(key)?.streamId ?? null;
    for (const event of events) {
      const look = { unicode: wantsUnicode(io.env), streamOf };
      if (!io.json && eventTraits(event.kind).told)
        io.print(describeEvent(event, { ...look, colour: io.colour, columns: io.columns() }));
      const line = describeEvent(event, { ...look, colour: false, columns: null });
      appendFileSync(file, `${new Date(event.atMs).toISOString().slice(0, 10)} ${line}\n`, { mode: 0o600 });
    }
  };
}

/** Prints how it ended and returns the exit code. */
async function conclude(ports: Ports, end: PollerEnd, { io, named }: ForegroundRequest): Promise<number> {
  const { report } = await gatherReport(ports);
  if (io.json) io.print(JSON.stringify(report));
  else {
    const look = { colour: io.colour, unicode: wantsUnicode(io.env), columns: io.columns() ?? 100 };
    for (const line of renderFinal(report, look)) io.print(line);
    for (const line of heldBackLines(report.streams, named)) io.warn(line);
  }
  if (end.why === 'once') return EXIT.ok;
  const wanted = report.streams.filter((stream) => named.length === 0 || named.includes(stream.id));
  return wanted.every(isFinished) ? EXIT.ok : EXIT.unfinished;
}
