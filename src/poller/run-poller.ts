/** Runs the poller as the one holder of the lease: strays of an earlier one are ended first, changes and signals wake it. */
import type { Ports } from '../app/ports.ts';
import { messageOf } from '../core/errors.ts';
import type { Policy, ProcessIdentity } from '../core/types.ts';
import type { Lease } from '../state/types.ts';
import { attemptWith } from './attempt.ts';
import { type PollerEnd, type PollerView, runPoller } from './loop.ts';
import { createReportBell, prepareSpool } from './spool.ts';
import { sweep } from './sweep.ts';
import { createAlarm, ringOn } from './wake.ts';
import { watchDirectory } from './watch-directory.ts';

export type PollRequest = {
  readonly ports: Ports;
  readonly policy: Policy;
  readonly once: boolean;
  readonly lease: Pick<Lease, 'isLost'>;
  readonly abort: AbortSignal;
  readonly view: PollerView;
  /** Watches both stores' files and calls back after each commit by anyone. */
  readonly watchStores: (onChange: () => void) => { close(): void };
};

/** How often living workers are looked after by pid: a cheap check between ticks, so that a death is noticed within it. */
const LIFE_CHECK_MS = 1_000;
const GRACE_MS = 2_000;

/** Polls until the end. The caller holds the lease. */
export async function poll(request: PollRequest): Promise<PollerEnd> {
  const { ports, abort } = request;
  await endStrays(ports);
  const self = registerPoller(ports, request.policy);
  attemptWith(request.view.onTrouble)(() => sweep(ports, ports.plan.currentInitiative()?.id ?? ''));
  const alarm = createAlarm();
  const stopWaking = startWaking(request, alarm.ring);
  const listening = new AbortController();
  const signals = ringOn((signal) => ports.tmux.waitForSignal(signal), alarm, listening.signal);
  const onAbort = (): void => alarm.ring();
  abort.addEventListener('abort', onAbort);
  try {
    return await runPoller({ ...request, alarm });
  } finally {
    abort.removeEventListener('abort', onAbort);
    stopWaking();
    listening.abort();
    ports.state.clearPoller(self);
    await signals;
  }
}

/** Children (git, gates, setup) of a process of ours that was killed are ended before this poller acts. */
async function endStrays(ports: Ports): Promise<void> {
  const strays = ports.processes.findMarked(ports.marks.children).filter(({ mark }) => {
    const parent = ports.marks.parentOf(mark);
    return parent !== null && !ports.processes.isAlive(parent);
  });
  if (strays.length === 0) return;
  await ports.processes.endTree({
    roots: strays.map(({ identity }) => identity),
    mark: null,
    graceMs: GRACE_MS,
  });
  ports.state.addEvent({
    atMs: ports.now(),
    key: null,
    run: null,
    kind: 'poller-leftovers',
    message: `ended ${strays.length} process(es) of a former poller`,
  });
}

/** Writes down that this process is the poller; returns what it is known by. */
function registerPoller(ports: Ports, policy: Policy): ProcessIdentity {
  const self = ports.processes.identify(process.pid) ?? { pid: process.pid, start: '' };
  ports.state.setPoller({
    ...self,
    sinceMs: ports.now(),
    sinceEvent: policy.pollerSinceEvent,
    configHash: ports.configHash,
    only: policy.only === null ? null : [...policy.only],
  });
  return self;
}

/** Everything that wakes the poller but tmux; returns how to stop it. */
function startWaking(request: PollRequest, ring: () => void): () => void {
  const { ports } = request;
  prepareSpool(ports);
  const stores = request.watchStores(ring);
  const bell = createReportBell(ring);
  const watchers = ports.agent.watchPaths().map((path) =>
    watchDirectory(
      path,
      (name) => bell.onFile(name),
      (error) => request.view.onTrouble(`cannot watch ${path}: ${messageOf(error)}`),
    ),
  );
  const attempt = attemptWith(request.view.onTrouble);
  const timer = setInterval(
    () =>
      attempt(() => {
        if (someWorkerEnded(ports)) ring();
      }),
    LIFE_CHECK_MS,
  );
  return () => {
    clearInterval(timer);
    bell.close();
    for (const watcher of watchers) watcher.close();
    stores.close();
  };
}

/** True when a worker recorded as living is gone; read from our own records only. */
function someWorkerEnded(ports: Ports): boolean {
  const initiative = ports.plan.currentInitiative()?.id ?? '';
  return [...ports.state.records(initiative).values()].some((record) => {
    const run = record.runs.at(-1);
    return (
      run !== undefined &&
      run.endedAtMs === null &&
      run.worker !== null &&
      !ports.processes.isAlive(run.worker)
    );
  });
}
