/** Derives what a Claude Code worker is doing from its registry entry, what its hooks reported, the end of its transcript and, before all of them, the screen. */

import { printable } from '../../core/printable.ts';
import type { AgentActivity, OpenDialog } from '../../core/types.ts';
import { UNKNOWN_ACTIVITY } from '../../core/worker-types.ts';
import { type Dialog, recogniseDialog } from './dialogs.ts';
import type { RegistryEntry } from './registry.ts';
import type { Report } from './reports.ts';
import type { TranscriptTail } from './transcript.ts';
import { atRest, lastOfTurn, leftInBackground, limitOf, serviceFailure } from './turn-end.ts';

/** What could be read of one worker. `screen` is null when it was not looked at. */
export type Sighting = {
  readonly entry: RegistryEntry | null;
  readonly tail: TranscriptTail | null;
  /** The latest report of each kind, oldest first. */
  readonly reports: readonly Report[];
  readonly screen: string | null;
  /** Conversation id as last known from elsewhere. */
  readonly sessionId: string | null;
  readonly startedAtMs: number;
  readonly nowMs: number;
  /** The open tool call has a living process of its own, now. */
  readonly toolAliveAtMs: number | null;
};

/** How long after a Stop to look again whether it has become rest. */
const REST_DELAYS_MS = [500, 2_000, 5_000] as const;

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
  const { entry, tail, reports } = sighting;
  const common: AgentActivity = {
    ...UNKNOWN_ACTIVITY,
    sinceMs: entry?.statusAtMs ?? null,
    lastSignAtMs: latest(
      entry?.statusAtMs,
      hasBegun(tail, sighting.startedAtMs) ? tail?.modifiedAtMs : null,
      sighting.toolAliveAtMs,
      reports.at(-1)?.atMs,
    ),
    doing: tail?.openCall?.text ?? subagentCall(reports) ?? leftInBackground(reports),
    sessionId: entry?.sessionId ?? sighting.sessionId,
  };
  switch (entry?.status ?? null) {
    case null:
      return unheard(sighting, common);
    case 'busy':
    case 'shell':
      return asksAlready(sighting, common) ?? { ...common, status: 'busy', settlesAtMs: restComes(sighting) };
    case 'waiting':
      return (
        atLimitDialog(sighting, common) ?? {
          ...common,
          ...waiting(sighting),
          status: 'waiting',
        }
      );
    case 'idle':
      return notBegun(sighting)
        ? { ...common, status: 'starting', sinceMs: sighting.startedAtMs }
        : atRest(sighting, common);
    default:
      return { ...common, detail: `unknown status ${entry?.status}` };
  }
}

/** No status yet: what the hooks say; else starting, unless the screen shows a dialog; a conversation that moves without an entry is unknown. */
function unheard(sighting: Sighting, common: AgentActivity): AgentActivity {
  const { entry, tail, screen, startedAtMs } = sighting;
  const reported = byReports(sighting, common);
  if (reported !== null) return reported;
  if (entry === null && hasBegun(tail, startedAtMs)) return common;
  const dialog = screen === null ? null : recogniseDialog(screen);
  const sinceMs = startedAtMs;
  if (dialog === null) return { ...common, status: 'starting', sinceMs };
  return { ...common, ...dialog, status: 'waiting', sinceMs, inferred: true, dialog: 'other' };
}

/** Without a registry (an older or later version) the last report of the turn tells; null before there is one. */
function byReports(sighting: Sighting, common: AgentActivity): AgentActivity | null {
  const last = lastOfTurn(sighting.reports);
  if (last === null) return null;
  const since = { ...common, sinceMs: last.atMs };
  if (last.event === 'PermissionRequest') return { ...since, ...request(last), status: 'waiting' };
  return last.event === 'Stop' || last.event === 'StopFailure'
    ? atRest(sighting, since)
    : { ...since, status: 'busy' };
}

/** A request for permission is reported a moment before the registry tells. */
function asksAlready({ entry, reports }: Sighting, common: AgentActivity): AgentActivity | null {
  const last = lastOfTurn(reports);
  if (last?.event !== 'PermissionRequest' || last.atMs <= (entry?.statusAtMs ?? 0)) return null;
  return { ...common, ...request(last), status: 'waiting', sinceMs: last.atMs };
}

/** A limit of more than a day comes with a dialog (wait, go on by itself, upgrade): it is a limit all the same. */
function atLimitDialog(sighting: Sighting, common: AgentActivity): AgentActivity | null {
  if (sighting.entry?.waitingFor !== 'dialog open') return null;
  const failure = serviceFailure(sighting.reports, sighting.tail);
  if (failure === null || limitOf(failure) === null) return null;
  return { ...atRest(sighting, common), dialog: 'other' };
}

/** After the report of a Stop the registry turns idle by itself, unless the stop was refused. */
function restComes({ entry, reports, nowMs }: Sighting): number | null {
  const last = lastOfTurn(reports);
  if (last?.event !== 'Stop' || last.atMs <= (entry?.statusAtMs ?? 0)) return null;
  return REST_DELAYS_MS.map((delay) => last.atMs + delay).find((atMs) => atMs > nowMs) ?? null;
}

/** What it waits for, and behind which kind of dialog. */
type Asked = Dialog & { readonly dialog: OpenDialog };

function request(report: Report): Asked {
  if (report.question !== null)
    return { detail: `asks: "${printable(report.question)}"`, remedy: null, dialog: 'question' };
  const who = report.subagent === null ? '' : ` (subagent ${report.subagent})`;
  return { detail: `${wish(report.call ?? 'a tool')}${who}`, remedy: null, dialog: 'permission' };
}

/** What a call for which it needs permission would do, as one says it: `wants to run: npm publish`. */
function wish(call: string): string {
  const [tool = '', ...target] = call.split(' ');
  return tool === 'Bash' && target.length > 0 ? `wants to run: ${target.join(' ')}` : `wants to use: ${call}`;
}

function waiting(sighting: Sighting): Asked & { readonly inferred: boolean } {
  const { entry, tail, screen } = sighting;
  const shown = screen === null ? null : recogniseDialog(screen);
  if (shown !== null) return { ...shown, inferred: true, dialog: 'other' };
  const last = lastOfTurn(sighting.reports);
  if (last?.event === 'PermissionRequest') return { ...request(last), inferred: false };
  const what = entry?.waitingFor ?? 'input needed';
  const call = tail?.openCall;
  const asked = call === null || call === undefined ? null : call.text;
  const dialog = /permission/i.test(what) ? 'permission' : 'other';
  const detail = asked === null ? what : dialog === 'permission' ? wish(asked) : `${what}: ${asked}`;
  return { detail, remedy: null, inferred: false, dialog };
}

/** What a subagent in the background is doing, when that was the last thing reported. */
function subagentCall(reports: readonly Report[]): string | null {
  const last = reports.at(-1);
  if (last?.event !== 'PreToolUse' || last.subagent === null || last.call === null) return null;
  return `${last.subagent}: ${last.call}`;
}

/** It is registered as idle before its prompt is submitted (for seconds, on a busy machine): that is no rest. */
function notBegun({ reports, tail, startedAtMs }: Sighting): boolean {
  if (lastOfTurn(reports) !== null) return false;
  return reports.length > 0 || !hasBegun(tail, startedAtMs);
}

/** The conversation moved since this run began (a resumed one has a transcript from before). */
function hasBegun(tail: TranscriptTail | null, startedAtMs: number): boolean {
  return tail !== null && tail.modifiedAtMs >= startedAtMs;
}

function latest(...times: readonly (number | null | undefined)[]): number | null {
  const known = times.filter((time): time is number => typeof time === 'number');
  return known.length === 0 ? null : Math.max(...known);
}
