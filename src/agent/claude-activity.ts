/** Derives what a Claude Code worker is doing from its registry entry, the end of its transcript and, before both exist, the screen. */
import type { AgentActivity } from '../core/types.ts';
import { type Dialog, recogniseDialog } from './claude-dialogs.ts';
import type { RegistryEntry } from './claude-registry.ts';
import type { TranscriptTail } from './claude-transcript.ts';
import { limitEnd } from './limit-time.ts';

/** What could be read of one worker. `screen` is null when it was not looked at. */
export type Sighting = {
  readonly entry: RegistryEntry | null;
  readonly tail: TranscriptTail | null;
  readonly screen: string | null;
  /** Conversation id as last known from elsewhere. */
  readonly sessionId: string | null;
  readonly startedAtMs: number;
  /** The open tool call has a living process of its own, now. */
  readonly toolAliveAtMs: number | null;
};

const NOTHING: AgentActivity = {
  status: 'unknown',
  sinceMs: null,
  detail: null,
  remedy: null,
  untilMs: null,
  lastSignAtMs: null,
  inferred: false,
  doing: null,
  sessionId: null,
};

/** True when only the screen can tell what is going on: no status yet, or a dialog that the registry doesn't name. */
export function needsScreen(
  entry: RegistryEntry | null,
  tail: TranscriptTail | null,
  startedAtMs: number,
): boolean {
  if (entry === null) return !hasBegun(tail, startedAtMs);
  return entry.status === null || (entry.status === 'waiting' && entry.waitingFor === 'dialog open');
}

/** The activity that a sighting shows. */
export function activityOf(sighting: Sighting): AgentActivity {
  const { entry, tail } = sighting;
  const common: AgentActivity = {
    ...NOTHING,
    sinceMs: entry?.statusAtMs ?? null,
    lastSignAtMs: latest(
      entry?.statusAtMs,
      hasBegun(tail, sighting.startedAtMs) ? tail?.modifiedAtMs : null,
      sighting.toolAliveAtMs,
    ),
    doing: tail?.openCall?.text ?? null,
    sessionId: entry?.sessionId ?? sighting.sessionId,
  };
  switch (entry?.status ?? null) {
    case null:
      return unheard(sighting, common);
    case 'busy':
    case 'shell':
      return { ...common, status: 'busy' };
    case 'waiting':
      return { ...common, ...waiting(sighting), status: 'waiting' };
    case 'idle':
      return idle(sighting, common);
    default:
      return { ...common, detail: `unknown status ${entry?.status}` };
  }
}

/** No status yet: starting, unless the screen shows a dialog; a conversation that already moves without an entry is unknown. */
function unheard(sighting: Sighting, common: AgentActivity): AgentActivity {
  const { entry, tail, screen, startedAtMs } = sighting;
  if (entry === null && hasBegun(tail, startedAtMs)) return common;
  const dialog = screen === null ? null : recogniseDialog(screen);
  const sinceMs = startedAtMs;
  if (dialog === null) return { ...common, status: 'starting', sinceMs };
  return { ...common, ...dialog, status: 'waiting', sinceMs, inferred: true };
}

function waiting(sighting: Sighting): Dialog & { readonly inferred: boolean } {
  const { entry, tail, screen } = sighting;
  const shown = screen === null ? null : recogniseDialog(screen);
  if (shown !== null) return { ...shown, inferred: true };
  const what = entry?.waitingFor ?? 'input needed';
  const call = tail?.openCall;
  const detail = call === null || call === undefined ? what : `${what}: ${call.text}`;
  return { detail, remedy: null, inferred: false };
}

/** At rest; or ended by an error of the service that rest does not cure. */
function idle({ tail }: Sighting, common: AgentActivity): AgentActivity {
  const atRest: AgentActivity = { ...common, status: 'idle', doing: null };
  const error = tail?.apiError ?? null;
  if (error === null) return atRest;
  if (error.error === 'rate_limit' || error.status === OVERLOADED) {
    const untilMs = limitEnd(error.text, error.atMs ?? common.sinceMs ?? 0);
    return { ...atRest, status: 'limited', detail: error.text, untilMs };
  }
  if (error.error === 'authentication_failed') {
    return {
      ...atRest,
      status: 'waiting',
      detail: error.text,
      remedy: 'attach and type /login, then `go on`',
    };
  }
  if (error.error === 'billing_error') return { ...atRest, status: 'waiting', detail: error.text };
  return atRest;
}

/** HTTP status of an overloaded service. */
const OVERLOADED = 529;

/** The conversation moved since this run began (a resumed one has a transcript from before). */
function hasBegun(tail: TranscriptTail | null, startedAtMs: number): boolean {
  return tail !== null && tail.modifiedAtMs >= startedAtMs;
}

function latest(...times: readonly (number | null | undefined)[]): number | null {
  const known = times.filter((time): time is number => typeof time === 'number');
  return known.length === 0 ? null : Math.max(...known);
}
