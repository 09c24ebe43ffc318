/** The acting poller: ticks until the plan is finished, stuck or aborted; holds no knowledge that the next tick needs. */

import type { Ports } from '../app/ports.ts';
import { decide, deriveStates } from '../core/decide/decide.ts';
import { isWanted } from '../core/decide/schedule.ts';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { createSlots } from '../core/job-slots.ts';
import { createLostTime } from '../core/pause.ts';
import { isFinished, isLively, traitsOf } from '../core/states.ts';
import type { Action, Policy, Snapshot, StreamState } from '../core/types.ts';
import { type Look, takeLook } from '../look/snapshot.ts';
import type { Lease } from '../state/types.ts';
import { attemptWith } from './attempt.ts';
import { closeLostWindows } from './listeners/lost-windows.ts';
import { createUsageRecorder } from './listeners/usage.ts';
import { observe } from './listeners/worker-facts.ts';
import { createPace } from './pace.ts';
import { apply, type Backoff, createBackoff, type Outcome } from './steps/apply.ts';
import type { Step } from './steps/step.ts';
import { type Alarm, pause } from './wake.ts';

/** What the poller tells whoever watches it. */
export type PollerView = {
  /** After each tick, with the states before it (by key). */
  onStates(states: readonly StreamState[], look: Look): void;
  onOutcome(outcome: Outcome): void;
  /** A tick that failed as a whole; the next one tries again. */
  onTrouble(message: string): void;
};

export type PollerRequest = {
  readonly ports: Ports;
  readonly policy: Policy;
  readonly alarm: Alarm;
  readonly abort: AbortSignal;
  readonly once: boolean;
  readonly lease: Pick<Lease, 'isLost'>;
  readonly view: PollerView;
};

/** Why the poller ended, with the states it last saw. */
export type PollerEnd = {
  readonly why: 'all-done' | 'stuck' | 'aborted' | 'once';
  readonly states: readonly StreamState[];
};

/** Shortest time between two ticks, so that a storm of changes costs a bounded share of a core. */
const MIN_TICK_GAP_MS = 10;
/** Time that launches get before what was done is tidied up. */
const TIDY_DELAY_MS = 30;
/** What a tick may take beyond the time between two. */
const SLACK_MS = 60_000;
/** Pause after a tick that failed as a whole. */
const TROUBLE_PAUSE_MS = 1_000;

/** Runs ticks until the end; never throws for a failed tick, but exit 6 once another poller can act beside this one. */
export async function runPoller(request: PollerRequest): Promise<PollerEnd> {
  const { ports, abort, alarm } = request;
  const lostTime = createLostTime(2 * ports.config.pollSeconds * 1000 + SLACK_MS);
  const backoff = createBackoff();
  const flights = createFlights(request, backoff);
  const recordUsages = createUsageRecorder(ports);
  let states: readonly StreamState[] = [];
  while (!abort.aborted) {
    if (request.lease.isLost()) throw leaseLost(ports.paths.lockDb);
    const ticked = await tick(request, flights, recordUsages, lostTime).catch((error: unknown) => {
      if (ports.state.isLost()) throw error;
      request.view.onTrouble(messageOf(error));
      return null;
    });
    if (ticked === null) {
      await alarm.wait(TROUBLE_PAUSE_MS);
      continue;
    }
    states = ticked.states;
    if (request.once) {
      await flights.settle();
      return { why: 'once', states };
    }
    const end = endOf(ticked, flights.size());
    if (end !== null) return { why: end, states };
    await new Promise((resolve) => setTimeout(resolve, MIN_TICK_GAP_MS));
    await alarm.wait(pauseMs(ticked.states, ticked.nowMs, ports.config.pollSeconds * 1000));
  }
  await flights.settle();
  return { why: 'aborted', states };
}

function leaseLost(lockDb: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.state,
    `${lockDb} was removed or replaced under this poller, so that another one could act beside it; workers go on`,
    'orchestrate start',
  );
}

/** What a tick saw; `wanted`: the streams that this poller is to finish. */
type Ticked = {
  readonly states: readonly StreamState[];
  readonly wanted: readonly StreamState[];
  /** The clock by which the states are due. */
  readonly nowMs: number;
};

/** One tick: look, derive, decide, and set off what is to be done. */
async function tick(
  request: PollerRequest,
  flights: Flights,
  recordUsages: (look: Look) => void,
  lostTime: (wallMs: number, steadyMs: number) => number,
): Promise<Ticked> {
  const { ports, policy } = request;
  const look = await takeLook(ports, flights.view(), true, flights.unwritten());
  observe(ports, look, lostTime(look.snapshot.nowMs, performance.now()));
  recordUsages(look);
  await closeLostWindows(ports, look, request.view.onTrouble);
  const { actions, states: before } = decide(look.snapshot, policy);
  for (const action of actions) flights.launch(action, look.snapshot);
  const states =
    actions.length === 0 ? before : deriveStates({ ...look.snapshot, inFlight: flights.view() }, policy);
  attemptWith(request.view.onTrouble)(() => request.view.onStates(states, look));
  const { records } = look.snapshot;
  const wanted = states.filter(({ id, key }) => isWanted(policy, id, records.get(key) ?? null));
  return { states, wanted, nowMs: look.snapshot.nowMs };
}

/** Until when to sleep: the next thing that is due by itself, or the safety poll. */
function pauseMs(states: readonly StreamState[], nowMs: number, pollMs: number): number {
  const due = states.flatMap((state) => (state.dueAtMs === null ? [] : [state.dueAtMs - nowMs]));
  return Math.max(0, Math.min(pollMs, ...due));
}

/** Finished when every wanted stream is done; stuck when nothing lives, is timed or can start. */
function endOf({ states, wanted }: Ticked, inFlight: number): 'all-done' | 'stuck' | null {
  if (inFlight > 0) return null;
  if (wanted.every(isFinished)) return 'all-done';
  const startable = (state: StreamState): boolean => traitsOf(state.state).phase === 'can-start';
  const goesOn = states.some((state) => isLively(state.state) || state.dueAtMs !== null);
  return goesOn || wanted.some(startable) ? null : 'stuck';
}

type Flights = {
  launch(action: Action, snapshot: Snapshot): void;
  view(): ReadonlyMap<string, { kind: Action['kind']; sinceMs: number }>;
  /** Failed steps that could not be written down. */
  unwritten(): Snapshot['troubles'];
  size(): number;
  settle(): Promise<void>;
};

/** True for the end of a run that is done and whose worker is gone: nobody waits for it, while dependents wait to start. */
function isOnlyTidying(action: Action, { workers }: Snapshot): boolean {
  if (action.kind !== 'end-run' || action.outcome !== 'done' || !workers.known) return false;
  return workers.value.get(action.key)?.process === 'gone';
}

/** The steps under way, one a stream; each end wakes the poller. */
function createFlights(request: PollerRequest, backoff: Backoff): Flights {
  const { ports, abort, alarm } = request;
  const shared: Omit<Step, 'snapshot'> = {
    ports,
    abort,
    gateSlots: createSlots(ports.config.gateConcurrency),
    pace: createPace(ports.config.staggerMs),
  };
  const flying = new Map<string, { kind: Action['kind']; sinceMs: number; done: Promise<void> }>();
  const view = (): ReadonlyMap<string, { kind: Action['kind']; sinceMs: number }> =>
    new Map([...flying].map(([key, { kind, sinceMs }]) => [key, { kind, sinceMs }]));
  const attempt = attemptWith(request.view.onTrouble);
  // Whatever can't be written down (a full disk, a locked state): a step that has ended is never under way for ever.
  const fly = async (action: Action, snapshot: Snapshot): Promise<void> => {
    if (isOnlyTidying(action, snapshot)) await pause(TIDY_DELAY_MS, abort);
    const outcome = await apply({ ...shared, snapshot }, action, backoff).catch(
      (error: unknown): Outcome => ({ action, ok: false, message: messageOf(error) }),
    );
    flying.delete(action.key);
    attempt(() => ports.state.patchStream(action.key, { step: null }));
    attempt(() => request.view.onOutcome(outcome));
    alarm.ring();
  };
  return {
    launch(action, snapshot) {
      if (flying.has(action.key)) return;
      const flight = { kind: action.kind, sinceMs: ports.now(), done: Promise.resolve() };
      flying.set(action.key, flight);
      attempt(() =>
        ports.state.patchStream(action.key, { step: { kind: action.kind, sinceMs: flight.sinceMs } }),
      );
      flight.done = fly(action, snapshot);
    },
    view,
    unwritten: backoff.unwritten,
    size: () => flying.size,
    async settle() {
      await Promise.all([...flying.values()].map((entry) => entry.done));
    },
  };
}
