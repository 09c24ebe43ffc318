/** Gathers one report for people and programs: a look, the derived states, and what git says of each branch. */

import type { Ports } from '../app/ports.ts';
import { policyOf } from '../app/ports.ts';
import { deriveStates } from '../core/decide/decide.ts';
import type { OrchestrateEvent } from '../core/events.ts';
import type { Policy, Snapshot, StreamState } from '../core/types.ts';
import { type Changes, readChanges } from '../look/changes.ts';
import { type Look, pollerLives, takeLook } from '../look/snapshot.ts';
import { buildReport, reportEvents } from './build.ts';
import type { StatusReport } from './types.ts';

/** A report with what it was made from. */
export type Gathered = {
  readonly report: StatusReport;
  readonly look: Look;
  readonly states: readonly StreamState[];
  readonly policy: Policy;
};

/** Looks once and derives the states; `afterNs` as for `takeLook`. */
export async function gatherStates(
  ports: Ports,
  afterNs: bigint | null = null,
): Promise<Omit<Gathered, 'report'>> {
  const look = await takeLook(ports, null, pollerLives(ports), new Map(), afterNs);
  const policy = currentPolicy(ports);
  return { look, states: deriveStates(look.snapshot, policy), policy };
}

/** Looks once and reports; `allEvents`: all of the plan that are kept, instead of the last few; `afterNs` as for `takeLook`. */
export async function gatherReport(
  ports: Ports,
  allEvents = false,
  afterNs: bigint | null = null,
): Promise<Gathered> {
  const { look, states, policy } = await gatherStates(ports, afterNs);
  const changes = await readChanges(ports, look.snapshot);
  const report = reportOf(ports, look, states, changes);
  const events = allEvents ? eventsOfPlan(ports.state.events({}), look.snapshot) : null;
  const shown = events === null ? report : { ...report, events: reportEvents(look.snapshot, events) };
  return { report: shown, look, states, policy };
}

/** The policy that the living poller follows, as far as it was written down. */
function currentPolicy(ports: Ports): Policy {
  const poller = ports.state.poller();
  const only = poller?.only ?? null;
  const policy = policyOf(
    ports.config,
    ports.agent,
    only === null ? null : new Set(only),
    poller?.sinceEvent ?? 0,
  );
  return { ...policy, maxWorkers: poller?.maxWorkers ?? policy.maxWorkers };
}

/** The report of a look that was taken already. */
export function reportOf(
  ports: Ports,
  look: Look,
  states: readonly StreamState[],
  changes: Changes,
): StatusReport {
  const poller = ports.state.poller();
  const tmux = look.tmux.known ? look.tmux.value : null;
  return buildReport({
    snapshot: look.snapshot,
    states,
    workspace: ports.workspace.id,
    projectRoot: ports.paths.root,
    session: { socket: ports.tmux.socket, name: tmux?.session ?? null, alive: tmux?.session != null },
    poller: poller === null ? null : { pid: poller.pid, sinceMs: poller.sinceMs },
    maxWorkers: poller?.maxWorkers ?? ports.config.maxWorkers,
    changes: changes.known,
    events: eventsOfPlan(ports.state.events({ limit: EVENTS_READ }), look.snapshot).slice(-EVENTS_SHOWN),
    warnings: [...warningsOf(ports, look.snapshot, changes), ...look.unread],
  });
}

/** As many events are looked through for those of the plan. */
const EVENTS_READ = 200;
const EVENTS_SHOWN = 30;

/** The events after the last one of a stream of another plan. */
function eventsOfPlan(
  events: readonly OrchestrateEvent[],
  { records }: Pick<Snapshot, 'records'>,
): readonly OrchestrateEvent[] {
  return events.slice(events.findLastIndex(({ key }) => key !== null && !records.has(key)) + 1);
}

function warningsOf(ports: Ports, snapshot: Snapshot, { unread }: Changes): string[] {
  const hash = ports.state.poller()?.configHash;
  const changed = snapshot.pollerAlive && hash !== undefined && hash !== ports.configHash();
  return [
    ...(ports.config.agent.permissions === 'bypass'
      ? ['agents run with all permission checks bypassed']
      : []),
    ...(changed
      ? ['config.json has changed; restart orchestrate to use it (orchestrate stop && orchestrate start)']
      : []),
    ...[...unread].map(
      ([key, why]) =>
        `what ${snapshot.records.get(key)?.branch ?? key} holds beyond its base could not be read: ${why}`,
    ),
  ];
}
