/** Runs the poller as the one holder of the lease: what a killed one left is ended first, changes and signals wake it. */
import type { Ports } from '../app/ports.ts';
import type { Policy, ProcessIdentity } from '../core/types.ts';
import type { Lease } from '../state/types.ts';
import { endLeftChildren } from './left-processes.ts';
import { guardListeners, type Listener, type PollerEnd, reporting } from './listeners/listener.ts';
import { tickUntilEnd } from './loop.ts';
import { createAlarm, ringOn, startWaking } from './wake.ts';

export type PollRequest = {
  readonly ports: Ports;
  readonly policy: Policy;
  readonly once: boolean;
  readonly lease: Pick<Lease, 'isLost'>;
  readonly abort: AbortSignal;
  readonly listeners: readonly Listener[];
  /** Told of what goes wrong without ending the poller. */
  readonly report: (message: string) => void;
};

/** Polls until the end; throws as `tickUntilEnd` does. The caller holds the lease. */
export async function poll(request: PollRequest): Promise<PollerEnd> {
  const { ports, abort, report } = request;
  await endLeftChildren(ports);
  const self = registerPoller(ports, request.policy);
  const alarm = createAlarm();
  const stopWaking = startWaking(ports, alarm.ring, report);
  const listening = new AbortController();
  const signals = ringOn((signal) => ports.tmux.waitForSignal(signal), alarm, listening.signal);
  abort.addEventListener('abort', alarm.ring);
  const listeners = guardListeners(request.listeners, report);
  let end: PollerEnd | null = null;
  try {
    end = await tickUntilEnd({ ...request, alarm, listeners });
    return end;
  } finally {
    abort.removeEventListener('abort', alarm.ring);
    stopWaking();
    listening.abort();
    // A row that stays is of a process that is gone, which is seen.
    reporting('leaving', report)(() => void ports.state.clearPoller(self));
    await listeners.close(end);
    await signals;
  }
}

/** Writes down that this process is the poller; returns what it is known by. */
function registerPoller(ports: Ports, policy: Policy): ProcessIdentity {
  const self = ports.processes.identify(process.pid) ?? { pid: process.pid, start: '' };
  ports.state.setPoller({
    ...self,
    sinceMs: ports.now(),
    sinceEvent: policy.pollerSinceEvent,
    configHash: ports.configHash(),
    only: policy.only === null ? null : [...policy.only],
    maxWorkers: policy.maxWorkers,
  });
  return self;
}
