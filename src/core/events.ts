/** Every kind of event that is written down, once: what it means, whether it is told, and how it is marked. */
import { type StateEvent, type StateName, traitsOf } from './states.ts';
import type { Action, RunOutcome } from './types.ts';

export type EventKind =
  | StateEvent
  | `run-${RunOutcome}`
  | `${Action['kind']}-error`
  | 'launched'
  | 'setup'
  | 'warning'
  | 'git-config'
  | 'born-dirty'
  | 'gate'
  | 'leftovers'
  | 'synced'
  | 'not-verified'
  | 'window-left'
  | 'tmux-unknown'
  | 'tmux-back'
  | 'tmux-socket'
  | 'nudge'
  | 'returned'
  | 'go-on'
  | 'not-told'
  | 'hooks'
  | 'stop-refused'
  | 'stop-allowed'
  | 'task-refused'
  | 'mcp-refused'
  | 'operator'
  | 'landed'
  | 'not-landed'
  | 'finished'
  | 'stuck'
  | 'poller-leftovers'
  | 'notify-error';

/** What holds of a kind of event wherever it is shown. */
export type EventTraits = {
  readonly means: string;
  /** Shown to the user; false where another event has the same news. The log of the poller has all of them. */
  readonly told: boolean;
  /** `state`: the symbol and colour of the state of that name; `news`: a grey dot; `trouble`: a yellow one. */
  readonly mark: 'state' | 'news' | 'trouble';
};

const state = (means: string): EventTraits => ({ means, told: true, mark: 'state' });
const news = (means: string): EventTraits => ({ means, told: true, mark: 'news' });
const trouble = (means: string): EventTraits => ({ means, told: true, mark: 'trouble' });

/** Kept in the log of the poller only: another event has the same news. */
const untold = (means: string): EventTraits => ({ means, told: false, mark: 'news' });

const EVENTS: Readonly<Record<EventKind, EventTraits>> = {
  running: state('the agent is at work again after a pause'),
  'needs-input': state('the agent waits for the user'),
  limited: state('a usage limit or an overload holds the agent up'),
  stalled: state('no sign of life for longer than configured'),
  done: state('the stream was verified, or adopted at its base'),
  'base-conflict': state('the heads of its dependencies do not merge'),
  blocked: state('its tasks are blocked, or a dependency cannot go on'),
  failed: state('its attempts are used up'),
  stopped: state('the user stopped it'),
  cancelled: state('every task of it was cancelled'),
  parked: state('the user or a cap took it out of the plan'),

  launched: news("a run's window was opened"),
  'run-done': untold('a run ended with its stream done'),
  'run-failed': trouble('a run ended with its stream unfinished'),
  'run-stopped': untold('a run was ended by the user or a cap, of which their own events tell'),
  'run-interrupted': trouble('a run was lost with its window, server or machine, or never began'),
  'run-limited': news('a run was ended by a usage limit'),
  'run-denied': trouble("a run was ended since the agent's account was refused"),
  'run-closed': untold('the user closed the agent at its prompt, of which the state of the stream tells'),

  'launch-error': trouble('a launch failed before any agent ran, or not all that goes with it was done'),
  'verify-error': trouble('work could not be checked'),
  'sync-error': trouble('a stream could not be brought onto what its dependencies have come to'),
  'adopt-error': trouble('a stream that is complete without a run could not be recorded as done'),
  'nudge-error': trouble('an idle agent could not be told what is missing'),
  'end-run-error': trouble('a run could not be ended'),
  'prepare-error': trouble(
    'a worktree could not be made ahead of need: it is tried again when its stream starts',
  ),
  'discard-error': trouble('a worktree that was made ahead of need could not be taken away'),

  setup: news('a setup command runs in a new worktree'),
  warning: trouble('a worktree lacks something that it was to be given'),
  'born-dirty': trouble('a fresh worktree is dirty before its agent begins'),
  'git-config': news('git settings that run programs were changed, and are taken as they are now'),
  gate: news('a gate runs'),
  synced: news('what its dependencies have come to was merged into its branch'),
  leftovers: news('changes that the agent left were committed'),
  'not-verified': trouble('a check found something missing'),

  'window-left': trouble('the window of a run that has ended could not be closed'),
  'tmux-unknown': trouble('tmux could not be asked, so that nothing is known of the agents'),
  'tmux-back': news('tmux can be asked again'),
  'tmux-socket': news('the socket of the tmux server was gone; the server made it again'),

  nudge: news('an idle agent was told what is missing'),
  returned: untold('what a check found was given back to the agent'),
  'go-on': news('an agent was told to go on after a limit'),
  'not-told': news('an agent was not told, since someone is typing to it'),
  hooks: trouble("an agent's hooks do not report, or its stop gate cannot run"),
  'stop-refused': news("an agent's wish to stop was refused, with what is missing"),
  'stop-allowed': untold('an agent may stop with work missing, since refusing came to nothing'),

  'task-refused': trouble('an agent tried to change what is not its own from the command line'),
  'mcp-refused': trouble('an agent tried to change what is not its own through the MCP server'),
  operator: news('the user gave a command'),
  landed: news('verified work went into the landing branch'),
  'not-landed': trouble('work that is done could not land: it clashes, or a gate failed with it'),
  finished: untold('every stream is done, which the closing summary tells'),
  stuck: untold('nothing can go on by itself, which the closing summary tells'),
  'poller-leftovers': news('processes of an orchestrate that was killed were ended'),
  'notify-error': trouble('the user could not be told by a command or a preset'),
};

declare const UNKNOWN: unique symbol;
/** A kind that another version wrote: shown as it is, never acted on. */
export type UnknownEventKind = string & { readonly [UNKNOWN]: true };

/** An event to be written down. `key` is null for one of the whole plan, `run` for one of no certain run. */
export type NewEvent = {
  readonly atMs: number;
  readonly key: string | null;
  readonly run: number | null;
  readonly kind: EventKind;
  readonly message: string;
};

/** An event as it was read. */
export type OrchestrateEvent = Omit<NewEvent, 'kind'> & {
  readonly id: number;
  readonly kind: EventKind | UnknownEventKind;
};

/** True for a kind that this version knows. */
function isEventKind(text: string): text is EventKind {
  return Object.hasOwn(EVENTS, text);
}

/** The kind that a stored text stands for. */
export function eventKindOf(text: string): EventKind | UnknownEventKind {
  return isEventKind(text) ? text : (text as UnknownEventKind);
}

/** The traits of a kind; one that is unknown is told as plain news. */
export function eventTraits(kind: EventKind | UnknownEventKind): EventTraits {
  return isEventKind(kind) ? EVENTS[kind] : news('an event of another version');
}

/** The state whose entry a kind is; null for all else. */
export function stateOfEvent(kind: EventKind | UnknownEventKind): StateName | null {
  return eventTraits(kind).mark === 'state' ? (kind as StateEvent) : null;
}

/** What an event is to a user who is elsewhere: it needs them, tells them of an end, or takes back what another one said. */
export type CallKind = 'needs-user' | 'ended' | 'over';

/** Kinds that are the entry of no state, with what they say (or take back) of the stream, or of the plan where there is none. */
const CALLS: Partial<
  Record<EventKind, { readonly call: CallKind; readonly about: 'work' | 'tmux' | 'landing' }>
> = {
  launched: { call: 'over', about: 'work' },
  'go-on': { call: 'over', about: 'work' },
  operator: { call: 'over', about: 'work' },
  finished: { call: 'ended', about: 'work' },
  stuck: { call: 'needs-user', about: 'work' },
  'tmux-unknown': { call: 'needs-user', about: 'tmux' },
  'tmux-back': { call: 'over', about: 'tmux' },
  'not-landed': { call: 'needs-user', about: 'landing' },
  landed: { call: 'over', about: 'landing' },
};

/** What an event calls the user for, null for nothing; a later one about the same takes the place of an earlier one. */
export function callOf(kind: EventKind | UnknownEventKind): { call: CallKind; about: string } | null {
  const state = stateOfEvent(kind);
  if (state === null) return isEventKind(kind) ? (CALLS[kind] ?? null) : null;
  if (state === 'done') return { call: 'ended', about: 'work' };
  const { handling, telling } = traitsOf(state);
  const calls = handling.needsUser !== 'no' || telling.told === 'event-and-notice';
  return { call: calls ? 'needs-user' : 'over', about: 'work' };
}

/** What of events is news to the user: no text twice of the same stream, and of two that tell one fact the fuller. Oldest first. */
export function newsAmong<Event extends Pick<OrchestrateEvent, 'kind' | 'message'>>(
  events: readonly Event[],
  streamOf: (event: Event) => string | null,
): Event[] {
  const next = new Map<string | null, string>();
  const kept: Event[] = [];
  for (const event of events
    .filter(({ kind, message }) => eventTraits(kind).told && message !== '')
    .reverse()) {
    const later = next.get(streamOf(event));
    if (later?.endsWith(event.message) === true) continue;
    next.set(streamOf(event), event.message);
    kept.push(event);
  }
  return kept.reverse();
}
