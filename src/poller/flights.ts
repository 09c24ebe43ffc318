/** The steps under way: one per stream, written down for processes that only watch; the end of each wakes the poller. */
import type { Ports } from '../app/ports.ts';
import { messageOf } from '../core/errors.ts';
import { createSlots } from '../core/job-slots.ts';
import type { Action, Snapshot } from '../core/types.ts';
import type { InFlight } from '../look/snapshot.ts';
import { type Listeners, reporting } from './listeners/listener.ts';
import { apply, type Backoff, type Outcome } from './steps/apply.ts';
import { pause, type Step } from './steps/step.ts';

/** What nobody waits for gives way to launches: it begins when none is under way, or after so long. */
const LONGEST_WAY_MS = 2_000;
const CALM_STEP_MS = 30;
/** What was made ready can wait until what is being handed on has been. */
const LATER_MS = 50;

export type Flights = {
  /** Sets an action off, unless its stream has a step under way. */
  launch(action: Action, snapshot: Snapshot): void;
  view(): InFlight;
  /** Failed steps that could not be written down. */
  unwritten(): Snapshot['troubles'];
  size(): number;
  /** Resolves when every step has ended. */
  settle(): Promise<void>;
};

export type FlightRequest = {
  readonly ports: Ports;
  readonly abort: AbortSignal;
  readonly backoff: Backoff;
  readonly listeners: Pick<Listeners, 'onOutcome'>;
  readonly report: (message: string) => void;
  /** Called after each step. */
  readonly wake: () => void;
};

export function createFlights({ ports, abort, backoff, listeners, report, wake }: FlightRequest): Flights {
  const shared: Omit<Step, 'snapshot'> = {
    ports,
    abort,
    gateSlots: createSlots(ports.config.gateConcurrency),
    pace: createPace(ports.config.staggerMs),
  };
  const flying = new Map<string, { kind: Action['kind']; sinceMs: number; done: Promise<void> }>();
  const view = (): InFlight =>
    new Map([...flying].map(([key, { kind, sinceMs }]) => [key, { kind, sinceMs }]));
  const attempt = reporting('steps under way', report);
  const untilCalm = async (): Promise<void> => {
    const launches = (): boolean => [...flying.values()].some(({ kind }) => kind === 'launch');
    for (let waitedMs = 0; waitedMs < LONGEST_WAY_MS && !abort.aborted; waitedMs += CALM_STEP_MS) {
      await pause(CALM_STEP_MS);
      if (!launches()) return;
    }
  };
  // Whatever cannot be written down (a full disk, a locked state): a step that has ended is never under way for ever.
  const fly = async (action: Action, snapshot: Snapshot): Promise<void> => {
    const wait = isOnlyTidying(action, snapshot) ? untilCalm() : Promise.resolve();
    const outcome = await wait
      .then(() => apply({ ...shared, snapshot }, action, backoff))
      .catch((error: unknown): Outcome => ({ action, ok: false, message: messageOf(error) }));
    flying.delete(action.key);
    attempt(() => ports.state.patchStream(action.key, { step: null }));
    listeners.onOutcome(outcome);
    if (isUrgent(action, flying.values())) wake();
    else setTimeout(wake, LATER_MS).unref();
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

/** False for what was made ready while another step is under way whose end is looked at anyhow. */
function isUrgent({ kind }: Action, others: Iterable<Pick<Action, 'kind'>>): boolean {
  if (kind !== 'prepare' && kind !== 'discard') return true;
  return ![...others].some((other) => other.kind === 'verify' || other.kind === 'launch');
}

/** True for the end of a run that is done and whose worker is gone: nobody waits for it, while dependents wait to start. */
function isOnlyTidying(action: Action, { workers }: Snapshot): boolean {
  if (action.kind !== 'end-run' || action.outcome !== 'done' || !workers.known) return false;
  return workers.value.get(action.key)?.process === 'gone';
}

/** Lets launches through one at a time, at least `gapMs` apart; the first passes at once. */
export function createPace(gapMs: number): Step['pace'] {
  let freeAtMs = 0;
  return {
    async next(abort) {
      const nowMs = performance.now();
      const atMs = Math.max(nowMs, freeAtMs);
      freeAtMs = atMs + gapMs;
      await pause(atMs - nowMs, abort);
    },
  };
}
