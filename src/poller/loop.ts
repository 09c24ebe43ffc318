/** The ticks of the acting poller, until the plan is finished, stuck or aborted; holds no knowledge that the next tick needs. */
import type { Ports } from '../app/ports.ts';
import { decide, deriveStates } from '../core/decide/decide.ts';
import { retryDelayMs } from '../core/decide/restarts.ts';
import { isWanted } from '../core/decide/schedule.ts';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { isFinished, isLively, traitsOf } from '../core/states.ts';
import type { Policy, StreamState } from '../core/types.ts';
import { initiativeOf, takeLook } from '../look/snapshot.ts';
import type { Lease } from '../state/types.ts';
import { createFlights, type Flights } from './flights.ts';
import type { Listeners, PollerEnd } from './listeners/listener.ts';
import { createBackoff } from './steps/apply.ts';
import { pause } from './steps/step.ts';
import type { Alarm } from './wake.ts';

export type LoopRequest = {
  readonly ports: Ports;
  readonly policy: Policy;
  readonly alarm: Alarm;
  readonly abort: AbortSignal;
  readonly once: boolean;
  readonly lease: Pick<Lease, 'isLost'>;
  readonly listeners: Listeners;
  /** Told of a tick that failed as a whole; the next one tries again. */
  readonly report: (message: string) => void;
};

/** Shortest time between two ticks, so that a storm of changes costs a bounded share of a core. */
const MIN_TICK_GAP_MS = 10;
/** No change is looked at sooner after a tick that failed as a whole: it would only fail again, at the price of its processes. */
const LEAST_TROUBLE_PAUSE_MS = 1_000;

/**
 * Ticks until the end. A failed tick is tried again, except with `once`: then its error is thrown. Throws exit 6 once another
 * poller can act beside this one; every step has ended by then.
 */
export async function tickUntilEnd(request: LoopRequest): Promise<PollerEnd> {
  const { ports, listeners, report, alarm } = request;
  const breakOff = new AbortController();
  const abort = AbortSignal.any([request.abort, breakOff.signal]);
  const backoff = createBackoff();
  const flights = createFlights({ ports, abort, backoff, listeners, report, wake: alarm.ring });
  try {
    return await tickOn({ ...request, abort }, flights);
  } catch (error) {
    breakOff.abort();
    throw error;
  } finally {
    await flights.settle();
  }
}

async function tickOn(request: LoopRequest, flights: Flights): Promise<PollerEnd> {
  const { ports, abort, alarm } = request;
  const pollMs = ports.config.pollSeconds * 1000;
  let states: readonly StreamState[] = [];
  let failures = 0;
  while (!abort.aborted) {
    if (request.lease.isLost()) throw leaseLost(ports.paths.lockDb);
    const ticked = await tick(request, flights).catch((error: unknown) => {
      if (request.once || ports.state.isLost()) throw error;
      request.report(messageOf(error));
      return null;
    });
    if (ticked === null) {
      failures += 1;
      const delayMs = Math.min(pollMs, retryDelayMs({ count: failures }, 'tick', request.policy.delaysMs));
      await pause(Math.min(LEAST_TROUBLE_PAUSE_MS, delayMs));
      await alarm.wait(delayMs - Math.min(LEAST_TROUBLE_PAUSE_MS, delayMs));
      continue;
    }
    failures = 0;
    states = ticked.states;
    if (request.once) return { why: 'once', states };
    const end = endOf(ticked, flights.size());
    if (end !== null) return { why: end, states };
    await pause(MIN_TICK_GAP_MS);
    await alarm.wait(pauseMs(states, ticked.nowMs, pollMs));
  }
  return { why: 'aborted', states };
}

function leaseLost(lockDb: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.state,
    `${lockDb} was removed or replaced while orchestrate runs, so that another one could act beside it; agents go on`,
    'orchestrate start',
  );
}

/** What a tick saw; `wanted`: the streams that this poller is to finish. */
type Ticked = {
  readonly states: readonly StreamState[];
  readonly wanted: readonly StreamState[];
  /** The clock by which the states are due. */
  readonly nowMs: number;
  /** Steps that were under way when it looked: what they came to may be seen, and what follows from it not yet be decided. */
  readonly underWay: number;
};

/** One tick: look, derive, decide, and set off what is to be done. */
async function tick(request: LoopRequest, flights: Flights): Promise<Ticked> {
  const { ports, listeners } = request;
  const policy = {
    ...request.policy,
    maxWorkers: ports.state.poller()?.maxWorkers ?? request.policy.maxWorkers,
  };
  const seen = await takeLook(ports, flights.view(), true, flights.unwritten());
  await listeners.onLook(seen);
  // What was noted of this look (an agent's pauses, a night asleep) counts for what is decided on it.
  const records = ports.state.records(initiativeOf(seen.snapshot.plan));
  const look = { ...seen, snapshot: { ...seen.snapshot, records } };
  const { actions, states: before } = decide(look.snapshot, policy);
  for (const action of actions) flights.launch(action, look.snapshot);
  const states =
    actions.length === 0 ? before : deriveStates({ ...look.snapshot, inFlight: flights.view() }, policy);
  listeners.onStates(states, look);
  const wanted = states.filter(({ id, key }) => isWanted(policy, id, records.get(key) ?? null));
  return { states, wanted, nowMs: look.snapshot.nowMs, underWay: look.snapshot.inFlight.size };
}

/** Until when to sleep: the next thing that is due by itself, or the safety poll. */
function pauseMs(states: readonly StreamState[], nowMs: number, pollMs: number): number {
  const due = states.flatMap((state) => (state.dueAtMs === null ? [] : [state.dueAtMs - nowMs]));
  return Math.max(0, Math.min(pollMs, ...due));
}

/** Finished when every wanted stream is done; stuck when nothing lives, is timed or can start. */
function endOf({ states, wanted, underWay }: Ticked, inFlight: number): 'all-done' | 'stuck' | null {
  if (inFlight > 0 || underWay > 0) return null;
  if (wanted.every(isFinished)) return 'all-done';
  const startable = (state: StreamState): boolean => traitsOf(state.state).phase === 'can-start';
  const goesOn = states.some((state) => isLively(state.state) || state.dueAtMs !== null);
  return goesOn || wanted.some(startable) ? null : 'stuck';
}
