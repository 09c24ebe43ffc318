/** Reports on the streams of initiatives that are not current any more: what became of them; nothing acts on them. */

import type { Ports } from '../app/ports.ts';
import { deriveStates } from '../core/decide/decide.ts';
import type { Plan } from '../core/types.ts';
import { buildReport } from '../report/build.ts';
import type { Gathered } from '../report/gather.ts';
import type { ReportStream } from '../report/types.ts';

/** One earlier initiative; `title` is null for streams that never had one. */
export type EarlierInitiative = {
  readonly id: string | null;
  readonly title: string | null;
  readonly streams: readonly ReportStream[];
};

/** The streams of every earlier initiative, the latest first. What is not done there counts as stopped. */
export function earlierInitiatives(ports: Ports, gathered: Gathered): EarlierInitiative[] {
  return ports.plan.earlierPlans().map((plan) => ({
    id: plan.initiative?.id ?? null,
    title: plan.initiative?.title ?? null,
    streams: streamsOf(ports, gathered, plan),
  }));
}

function streamsOf(ports: Ports, { look, policy, report }: Gathered, plan: Plan): ReportStream[] {
  const records = ports.state.records(plan.initiative?.id ?? '');
  const known = new Map([...records.values()].map((record) => [record.streamId, record.key]));
  const snapshot = {
    ...look.snapshot,
    plan,
    // One that was never looked at while its initiative was current has no key.
    keys: new Map(plan.streams.map(({ id }) => [id, known.get(id) ?? ''])),
    records,
    workers: { known: true as const, value: new Map() },
    unseen: new Map(),
    inFlight: new Map(),
    troubles: new Map(),
    pollerAlive: false,
  };
  const { streams } = buildReport({
    snapshot,
    states: deriveStates(snapshot, policy),
    workspace: report.workspace,
    projectRoot: report.projectRoot,
    session: report.session,
    poller: null,
    maxWorkers: ports.config.maxWorkers,
    changes: new Map(),
    events: [],
    warnings: [],
  });
  return streams.map((stream) => (stream.state === 'done' ? stream : stopped(stream)));
}

const NOT_CURRENT = 'its initiative is not the current one';

function stopped(stream: ReportStream): ReportStream {
  return {
    ...stream,
    state: 'stopped',
    needsYou: false,
    blockedBy: [],
    reason: NOT_CURRENT,
    ownReason: NOT_CURRENT,
    remedy: 'orchestrate task list --all',
  };
}
