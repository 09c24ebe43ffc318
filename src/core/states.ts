/** The states of a stream, one documented row per state with all its traits; no other file holds a set or a table of states. */

/** How a stream moves on from a state. */
export type Phase =
  /** Once its dependencies are done. */
  | 'waits'
  /** By a launch, as soon as there is a worker free for it. */
  | 'can-start'
  /** By itself: something of ours or the agent is at work on it. */
  | 'moves'
  /** Something of it lives, but goes no further without the user. */
  | 'asks'
  /** Only by the user. */
  | 'stuck'
  /** Not at all: this is where it should get to. */
  | 'settled';

/** Everything that depends on a state; the compiler asks for each of these of a new one. */
export type StateTraits = {
  /** The row of the state table in words. */
  readonly meaning: string;
  readonly phase: Phase;
  readonly handling: {
    /** Whether the user has to act; `own-cause`: only when tasks of the stream itself are blocked, or what it waits for is cancelled. */
    readonly needsUser: 'yes' | 'own-cause' | 'no';
    /** Its agent gets no further by itself, so that `retry` ends the open run. */
    readonly retryEnds: boolean;
    /** A poller takes up a wish to verify it, or is about to. */
    readonly checkable: boolean;
    /** What it waits for are dependencies: they are named with it. */
    readonly heldByDependencies: boolean;
  };
  readonly telling: {
    /**
     * Whether coming into it is written as an event, and whether the user is called for it even if not needed; `where-news`: only
     * by what brings it about, or after some states.
     */
    readonly told: 'no' | 'where-news' | 'event' | 'event-and-notice';
    /** Running again after it is news. */
    readonly resumingIsNews: boolean;
    /** `none`: it passes by itself; `only`: a plain `start` would change nothing, its own remedy does. */
    readonly remedy: 'none' | 'shown' | 'only';
  };
  readonly look: {
    /** One column wide, also where no emoji font is installed. */
    readonly symbol: string;
    readonly ascii: string;
    /** A word; what it looks like is the view's. */
    readonly colour: 'plain' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'gray';
    /** Lower is shown first where not all have room; a stream that needs the user goes before all. */
    readonly urgency: number;
  };
};

const STATES = {
  waiting: {
    meaning: 'some dependency is not done',
    phase: 'waits',
    handling: { needsUser: 'no', retryEnds: false, checkable: false, heldByDependencies: true },
    telling: { told: 'no', resumingIsNews: false, remedy: 'none' },
    look: { symbol: '○', ascii: '.', colour: 'gray', urgency: 7 },
  },
  ready: {
    meaning: 'could start now',
    phase: 'can-start',
    handling: { needsUser: 'no', retryEnds: false, checkable: false, heldByDependencies: false },
    telling: { told: 'no', resumingIsNews: false, remedy: 'shown' },
    look: { symbol: '◇', ascii: 'o', colour: 'plain', urgency: 5 },
  },
  queued: {
    meaning:
      'ready, but as many agents are at work as may be, or a delay or a limit of the account holds it back',
    phase: 'can-start',
    handling: { needsUser: 'no', retryEnds: false, checkable: false, heldByDependencies: false },
    telling: { told: 'no', resumingIsNews: false, remedy: 'shown' },
    look: { symbol: '◔', ascii: ':', colour: 'plain', urgency: 5 },
  },
  starting: {
    meaning: 'worktree, window or agent is being set up',
    phase: 'moves',
    handling: { needsUser: 'no', retryEnds: false, checkable: false, heldByDependencies: false },
    telling: { told: 'no', resumingIsNews: false, remedy: 'none' },
    look: { symbol: '◌', ascii: '~', colour: 'cyan', urgency: 3 },
  },
  running: {
    meaning: 'the agent is at work',
    phase: 'moves',
    handling: { needsUser: 'no', retryEnds: false, checkable: false, heldByDependencies: false },
    telling: { told: 'where-news', resumingIsNews: false, remedy: 'none' },
    look: { symbol: '●', ascii: '>', colour: 'cyan', urgency: 3 },
  },
  'needs-input': {
    meaning: 'the agent asks the user, or the stop gate gave up',
    phase: 'asks',
    handling: { needsUser: 'yes', retryEnds: true, checkable: false, heldByDependencies: false },
    telling: { told: 'event', resumingIsNews: true, remedy: 'shown' },
    look: { symbol: '▲', ascii: '!', colour: 'yellow', urgency: 1 },
  },
  limited: {
    meaning: 'a usage limit or an overloaded service holds the agent up; burns no attempt',
    phase: 'moves',
    handling: { needsUser: 'no', retryEnds: true, checkable: false, heldByDependencies: false },
    telling: { told: 'event', resumingIsNews: true, remedy: 'shown' },
    look: { symbol: '◑', ascii: '=', colour: 'magenta', urgency: 3 },
  },
  stalled: {
    meaning: 'no sign of life for longer than configured; never ended early',
    phase: 'moves',
    handling: { needsUser: 'yes', retryEnds: true, checkable: false, heldByDependencies: false },
    telling: { told: 'event-and-notice', resumingIsNews: true, remedy: 'shown' },
    look: { symbol: '◎', ascii: '?', colour: 'yellow', urgency: 2 },
  },
  verifying: {
    meaning:
      'tasks complete and the agent at rest: the work is checked, or waits for orchestrate start to do so',
    phase: 'moves',
    handling: { needsUser: 'no', retryEnds: false, checkable: true, heldByDependencies: false },
    telling: { told: 'no', resumingIsNews: true, remedy: 'none' },
    look: { symbol: '◆', ascii: '&', colour: 'blue', urgency: 3 },
  },
  done: {
    meaning: 'everything that makes a stream done holds; the verified head is recorded',
    phase: 'settled',
    handling: { needsUser: 'no', retryEnds: false, checkable: true, heldByDependencies: false },
    telling: { told: 'where-news', resumingIsNews: false, remedy: 'none' },
    look: { symbol: '✓', ascii: '+', colour: 'green', urgency: 9 },
  },
  'base-conflict': {
    meaning: "its dependencies' heads do not merge",
    phase: 'stuck',
    handling: { needsUser: 'yes', retryEnds: false, checkable: false, heldByDependencies: false },
    telling: { told: 'where-news', resumingIsNews: false, remedy: 'only' },
    look: { symbol: '≠', ascii: '#', colour: 'red', urgency: 1 },
  },
  blocked: {
    meaning: 'its own tasks are blocked, or a dependency is stuck',
    phase: 'stuck',
    handling: { needsUser: 'own-cause', retryEnds: true, checkable: false, heldByDependencies: true },
    telling: { told: 'event', resumingIsNews: false, remedy: 'only' },
    look: { symbol: '⊘', ascii: '-', colour: 'gray', urgency: 4 },
  },
  failed: {
    meaning: 'its attempts are used up',
    phase: 'stuck',
    handling: { needsUser: 'yes', retryEnds: false, checkable: true, heldByDependencies: false },
    telling: { told: 'event', resumingIsNews: false, remedy: 'only' },
    look: { symbol: '✗', ascii: 'x', colour: 'red', urgency: 1 },
  },
  stopped: {
    meaning: 'stopped by the user; a plain `start` takes it up again',
    phase: 'stuck',
    handling: { needsUser: 'no', retryEnds: false, checkable: false, heldByDependencies: false },
    telling: { told: 'event', resumingIsNews: false, remedy: 'shown' },
    look: { symbol: '■', ascii: '_', colour: 'gray', urgency: 6 },
  },
  parked: {
    meaning: 'put aside by the user or by a cap, until `retry`',
    phase: 'stuck',
    handling: { needsUser: 'no', retryEnds: false, checkable: false, heldByDependencies: false },
    telling: { told: 'event-and-notice', resumingIsNews: false, remedy: 'only' },
    look: { symbol: '□', ascii: '|', colour: 'gray', urgency: 8 },
  },
  cancelled: {
    meaning: 'every task of it is cancelled: it is not wanted any more',
    phase: 'settled',
    handling: { needsUser: 'no', retryEnds: false, checkable: false, heldByDependencies: false },
    telling: { told: 'event', resumingIsNews: true, remedy: 'none' },
    look: { symbol: '⊗', ascii: '/', colour: 'gray', urgency: 10 },
  },
} satisfies Readonly<Record<string, StateTraits>>;

/** The state of a stream, one at a time. */
export type StateName = keyof typeof STATES;

/** All states, in the order of the state table. */
export const STREAM_STATES = Object.keys(STATES) as readonly StateName[];

/** What depends on the state `name`. */
export function traitsOf(name: StateName): StateTraits {
  return STATES[name];
}

/** States of which the entry can be an event; the others pass by themselves, or another event tells of them. */
export type StateEvent = {
  [Name in StateName]: (typeof STATES)[Name]['telling']['told'] extends 'no' ? never : Name;
}[StateName];

/** True for a state that is told whenever a stream comes into it. */
export function isTold(name: StateName): name is StateEvent {
  return ['event', 'event-and-notice'].includes(traitsOf(name).telling.told);
}

/** Why a stream is held that the user called off, in words to the user. */
export function byOperator(state: 'stopped' | 'parked'): string {
  return `${state} by you`;
}

/** True while something of ours or of the agent's still goes on. */
export function isLively(name: StateName): boolean {
  const { phase } = traitsOf(name);
  return phase === 'moves' || phase === 'asks';
}

/** True when the user has to act; `causeIsHere`: tasks of the stream itself are blocked, or what it waits for is cancelled. */
export function needsUser(name: StateName, causeIsHere: boolean): boolean {
  const { needsUser: needs } = traitsOf(name).handling;
  return needs === 'yes' || (needs === 'own-cause' && causeIsHere);
}

/** True for a stream that nothing is left to be done for: done on top of what its dependencies have come to, or cancelled. */
export function isFinished({
  state,
  stale,
}: {
  readonly state: StateName;
  readonly stale: boolean;
}): boolean {
  return traitsOf(state).phase === 'settled' && !stale;
}

/** `total`, and one count for every state that occurs. */
export type StateCounts = { readonly total: number } & Readonly<Partial<Record<StateName, number>>>;

/** How many streams there are, and how many in each state. */
export function countStates(streams: readonly { readonly state: StateName }[]): StateCounts {
  const counts: Partial<Record<StateName, number>> = {};
  for (const { state } of streams) counts[state] = (counts[state] ?? 0) + 1;
  return { total: streams.length, ...counts };
}

/** How many of these streams are wanted (not cancelled), how many of those are finished, and how many are not counted as such. */
export function tally(
  streams: readonly { readonly state: StateName; readonly stale: boolean }[],
): Readonly<Record<'wanted' | 'finished' | 'stale' | 'cancelled', number>> {
  const wanted = streams.filter(({ state }) => state !== 'cancelled');
  return {
    wanted: wanted.length,
    finished: wanted.filter(isFinished).length,
    stale: wanted.filter(({ stale }) => stale).length,
    cancelled: streams.length - wanted.length,
  };
}
