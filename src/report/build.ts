/** Builds the one report that every screen shows and `status --json` prints, from a snapshot and the derived states. */
import { redGate } from '../core/done.ts';
import type { OrchestrateEvent } from '../core/events.ts';
import { waitedForUserMs, workedMs } from '../core/pause.ts';
import { countStates, type StateName, traitsOf } from '../core/states.ts';
import type {
  PlanStream,
  Run,
  Snapshot,
  StreamRecord,
  StreamState,
  TaskCounts,
  Usage,
  WorkerFact,
} from '../core/types.ts';
import { elapsedMs, etaMs, remainingPath } from './forecast.ts';
import type { ReportEvent, ReportInput, ReportStream, StatusReport } from './types.ts';

/** What the poller does for a stream at this moment, in words. */
const UNDER_WAY: Readonly<Record<string, string>> = {
  adopt: 'adopting finished work',
  launch: 'preparing the worktree',
  verify: 'checking the work',
  sync: 'merging what it builds on',
  nudge: 'telling the agent what is missing',
  'end-run': 'ending the agent',
};

const iso = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : new Date(ms).toISOString();

/** A path below the root without the root, any other as it is. */
function relativeTo(root: string, path: string): string {
  const prefix = root.endsWith('/') ? root : `${root}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : path;
}

const addCounts = (a: TaskCounts, b: TaskCounts): TaskCounts => ({
  total: a.total + b.total,
  completed: a.completed + b.completed,
  inProgress: a.inProgress + b.inProgress,
  pending: a.pending + b.pending,
  blocked: a.blocked + b.blocked,
  cancelled: a.cancelled + b.cancelled,
});
const NO_TASKS: TaskCounts = {
  total: 0,
  completed: 0,
  inProgress: 0,
  pending: 0,
  blocked: 0,
  cancelled: 0,
};

type Context = {
  readonly input: ReportInput;
  readonly stateOf: ReadonlyMap<string, StateName>;
  readonly planOf: ReadonlyMap<string, PlanStream>;
};

/** The living worker of a stream. What tmux could not tell is taken from the open run: not looked at is not gone. */
function workerFacts(snapshot: Snapshot, key: string, run: Run | undefined) {
  const open = run !== undefined && run.endedAtMs === null;
  const fact: WorkerFact | undefined = snapshot.workers.known ? snapshot.workers.value.get(key) : undefined;
  if (fact === undefined) {
    const lastKnown = open && !snapshot.workers.known;
    return {
      pane: lastKnown ? run.pane : null,
      pid: lastKnown ? (run.worker?.pid ?? null) : null,
      activity: null,
    };
  }
  const alive = fact.process !== 'gone';
  return {
    pane: fact.pane?.id ?? null,
    pid: alive ? (fact.identity?.pid ?? null) : null,
    activity: fact.activity,
  };
}

function sumOf(record: StreamRecord | undefined, part: (run: Run) => number): number {
  return (record?.runs ?? []).reduce((sum, run) => sum + part(run), 0);
}

function workFields(context: Context, key: string, record: StreamRecord | undefined) {
  const { snapshot } = context.input;
  const run = record?.runs.at(-1);
  const { pane, pid, activity } = workerFacts(snapshot, key, run);
  const inFlight = snapshot.inFlight.get(key);
  return {
    doing: inFlight === undefined ? (activity?.doing ?? null) : (UNDER_WAY[inFlight.kind] ?? inFlight.kind),
    run: run?.number ?? null,
    pane,
    pid,
    sessionId: activity?.sessionId ?? run?.sessionId ?? null,
    startedAt: iso(run?.startedAtMs),
    endedAt: iso(run?.endedAtMs),
    workedMs: run === undefined ? null : sumOf(record, (each) => workedMs(each, snapshot.nowMs)),
    waitedMs: run === undefined ? null : sumOf(record, (each) => waitedForUserMs(each, snapshot.nowMs)),
    gate: redGate(record ?? null),
    lastActivityAt: iso(activity?.lastSignAtMs),
  };
}

function codeFields(context: Context, key: string, record: StreamRecord | undefined) {
  const { snapshot, projectRoot, changes } = context.input;
  const change = changes.get(key);
  return {
    branch: record?.branch ?? null,
    worktree: record === undefined ? null : relativeTo(projectRoot, record.worktree),
    baseSha: record?.base?.sha ?? null,
    headSha: (snapshot.heads.known ? snapshot.heads.value.get(key) : undefined) ?? null,
    verifiedSha: record?.verified?.sha ?? null,
    commits: change?.commits ?? null,
    added: change?.added ?? null,
    removed: change?.removed ?? null,
    ...usageOf(
      (record?.runs ?? []).flatMap(({ usage, reviewUsage }) => [usage ?? [], reviewUsage ?? []].flat()),
    ),
  };
}

/** What all of these used; null where none says. */
function usageOf(used: readonly Usage[]): Usage {
  const sum = (part: (usage: Usage) => number | null): number | null => {
    const known = used.flatMap((usage) => part(usage) ?? []);
    return known.length === 0 ? null : known.reduce((all, each) => all + each, 0);
  };
  return {
    tokens: sum(({ tokens }) => tokens),
    cachedTokens: sum(({ cachedTokens }) => cachedTokens),
    costUsd: sum(({ costUsd }) => costUsd),
  };
}

function describeStream(context: Context, state: StreamState): ReportStream {
  const plan = context.planOf.get(state.id);
  const record = context.input.snapshot.records.get(state.key);
  const held = traitsOf(state.state).handling.heldByDependencies;
  const dependencies = plan?.dependencies ?? [];
  return {
    id: state.id,
    key: state.key,
    name: plan?.name ?? state.id,
    phase: plan?.phase ?? '',
    state: state.state,
    needsYou: state.needsYou,
    stale: state.stale,
    landed: state.landed,
    reason: state.reason,
    ownReason: state.ownReason,
    remedy: state.remedy,
    since: iso(state.sinceMs),
    dueAt: iso(state.dueAtMs),
    dependencies,
    blockedBy: held ? dependencies.filter((id) => context.stateOf.get(id) !== 'done') : [],
    depth: state.depth,
    tasks: plan?.tasks ?? NO_TASKS,
    currentTask: plan?.currentTask ?? null,
    ...workFields(context, state.key, record),
    ...codeFields(context, state.key, record),
  };
}

/** Events as a report has them, each with the id of its stream. */
export function reportEvents({ keys }: Snapshot, events: readonly OrchestrateEvent[]): ReportEvent[] {
  const idOf = new Map([...keys].map(([id, key]) => [key, id]));
  return events.map((event) => ({
    id: event.id,
    at: new Date(event.atMs).toISOString(),
    stream: event.key === null ? null : (idOf.get(event.key) ?? event.key),
    run: event.run,
    kind: event.kind,
    message: event.message,
  }));
}

/** The given warnings, and one for everything that could not be looked at. */
function warningsOf({ snapshot, warnings }: ReportInput): string[] {
  const unread = [
    snapshot.workers.known ? [] : [`tmux could not be asked: ${snapshot.workers.why}`],
    snapshot.heads.known ? [] : [`git could not be asked: ${snapshot.heads.why}`],
  ];
  return [...warnings, ...unread.flat()];
}

/** The report of B3 (`status --json`) with everything that the screens show besides. Pure; times come from the snapshot. */
export function buildReport(input: ReportInput): StatusReport {
  const { snapshot, states } = input;
  const context: Context = {
    input,
    stateOf: new Map(states.map((state) => [state.id, state.state])),
    planOf: new Map(snapshot.plan.streams.map((stream) => [stream.id, stream])),
  };
  const streams = states.map((state) => describeStream(context, state));
  const facts = { snapshot, stateOf: context.stateOf };
  const poller = snapshot.pollerAlive ? input.poller : null;
  return {
    schemaVersion: 1,
    at: new Date(snapshot.nowMs).toISOString(),
    workspace: input.workspace,
    projectRoot: input.projectRoot,
    initiative: snapshot.plan.initiative,
    session: input.session,
    poller: {
      alive: snapshot.pollerAlive,
      pid: poller?.pid ?? null,
      since: iso(poller?.sinceMs),
      maxWorkers: poller === null ? null : input.maxWorkers,
    },
    summary: {
      streams: countStates(states),
      tasks: streams.reduce((sum, stream) => addCounts(sum, stream.tasks), NO_TASKS),
      needsYou: streams.filter((stream) => stream.needsYou).length,
      ...usageOf(streams),
    },
    streams,
    criticalPath: remainingPath(facts),
    elapsedMs: elapsedMs(facts),
    etaMs: etaMs(facts, input.maxWorkers),
    events: reportEvents(input.snapshot, input.events),
    problems: snapshot.plan.problems,
    warnings: warningsOf(input),
  };
}
