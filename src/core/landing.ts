/** Which streams can land, in words for people and programs; knows nothing of git. */
import { inBuildOrder } from './plan/graph.ts';
import type { LandingStrategy, PlanStream, StreamState } from './types.ts';

/** How landing went, or would go. Streams are named by their ids. */
export type LandingReport = {
  readonly schemaVersion: 1;
  readonly branch: string;
  readonly strategy: LandingStrategy;
  readonly dryRun: boolean;
  /** Tip of the branch before and after. */
  readonly from: string;
  readonly to: string;
  readonly landed: readonly {
    readonly stream: string;
    readonly name: string;
    readonly head: string;
    /** What it became, the oldest first; those of the stream that it came with, where that resolved its clash. */
    readonly commits: readonly string[];
    readonly with: string | null;
  }[];
  /** Streams whose work the branch contained already. */
  readonly contained: readonly string[];
  readonly clashes: readonly {
    readonly stream: string;
    readonly files: readonly string[];
    /** Streams that touch the same files; none: the branch itself does. */
    readonly against: readonly string[];
    readonly remedy: string;
  }[];
  /** Streams whose work made a gate fail on the landing line. */
  readonly rejected: readonly { readonly stream: string; readonly why: string; readonly remedy: string }[];
  /** Streams that are done and build on something that did not land. */
  readonly waiting: readonly { readonly stream: string; readonly on: readonly string[] }[];
  readonly notDone: readonly NotDone[];
  readonly gates: {
    /** none: none are configured; hold: they passed on this very tree before. */
    readonly status: 'none' | 'skipped' | 'hold' | 'passed' | 'failed' | 'to-run';
    readonly names: readonly string[];
    /** The stream whose verified tree it is. */
    readonly as: string | null;
  };
  /** Why the branch could not move now, with what helps; only a dry run says it, else it is an error. */
  readonly refusal: { readonly message: string; readonly fix: string; readonly exitCode: number } | null;
  readonly next: string | null;
};

export type NotDone = {
  readonly stream: string;
  readonly state: string;
  readonly reason: string | null;
  readonly remedy: string | null;
};

/** What is asked to land, and what of it can. */
export type Choice = {
  /** Ids, dependencies before dependents. */
  readonly wanted: readonly string[];
  readonly waiting: LandingReport['waiting'];
  /** Of those asked for; of the whole plan when none was named. */
  readonly notDone: readonly NotDone[];
};

/**
 * Chooses what can land: streams that are done and not stale, and that build on nothing but such, or on what has landed.
 *
 * @param named ids asked for, with which all that they build on is meant; empty for the whole plan.
 */
export function chooseStreams(
  streams: readonly PlanStream[],
  states: readonly StreamState[],
  named: readonly string[],
): Choice {
  const stateOf = new Map(states.map((state) => [state.id, state]));
  const asked = named.length === 0 ? new Set(streams.map(({ id }) => id)) : closureOf(streams, named);
  const can = new Set<string>();
  const notDone: NotDone[] = [];
  const waiting: { stream: string; on: readonly string[] }[] = [];
  for (const { id, dependencies } of inBuildOrder(streams)) {
    const state = stateOf.get(id);
    if (state === undefined || !asked.has(id)) continue;
    const on = dependencies.filter((each) => !can.has(each) && !isSettled(stateOf.get(each)));
    if (!state.landed && !canLand(state)) notDone.push(notDoneOf(state));
    else if (on.length > 0 && !state.landed) waiting.push({ stream: id, on });
    else can.add(id);
  }
  return { wanted: [...can], waiting, notDone };
}

/** True for a stream whose verified work is up to date. */
export function canLand({ state, stale }: StreamState): boolean {
  return state === 'done' && !stale;
}

/** Nothing more is to come of it: it has landed, or was taken out of the plan. */
function isSettled(state: StreamState | undefined): boolean {
  return state === undefined || state.landed || state.state === 'cancelled';
}

function notDoneOf({ id, state, stale, reason, remedy }: StreamState): NotDone {
  return { stream: id, state: stale ? 'stale' : state, reason, remedy };
}

/** The streams and everything that they build on. */
function closureOf(streams: readonly PlanStream[], ids: readonly string[]): ReadonlySet<string> {
  const byId = new Map(streams.map((stream) => [stream.id, stream]));
  const found = new Set<string>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    open.push(...(byId.get(id)?.dependencies ?? []));
  }
  return found;
}
