/** Builds snapshots of small worlds for the tests of the pure core, and says what is decided of one stream with a worker. */
import assert from 'node:assert/strict';
import { decide } from '../../src/core/decide/decide.ts';
import type {
  Action,
  AgentActivity,
  Plan,
  PlanStream,
  Policy,
  Run,
  Snapshot,
  StreamRecord,
  TaskCounts,
  WorkerFact,
} from '../../src/core/types.ts';

export const NOW_MS = Date.UTC(2030, 0, 1, 12);
export const BOOT = 'boot-1';
export const SERVER = '/tmp/tmux|1|1';
/** What a started stream began from. */
export const BASE = { sha: 'b'.repeat(40), parents: [], atMs: 1 };

export const POLICY: Policy = {
  maxWorkers: 5,
  maxAttempts: 3,
  windowMs: 60 * 60_000,
  delaysMs: [5_000, 30_000, 120_000],
  stallMs: 10 * 60_000,
  startDeadlineMs: 60_000,
  only: null,
  pollerSinceEvent: 7,
  interactive: true,
  login: null,
  maxNudges: 3,
  sync: 'auto',
  keepFinishedWindows: false,
  ahead: 0,
  gated: false,
  maxRunMs: null,
  maxCostUsd: null,
};

export function counts(part: Partial<TaskCounts> = {}): TaskCounts {
  const { completed = 0, inProgress = 0, pending = 0, blocked = 0, cancelled = 0 } = part;
  return {
    total: completed + inProgress + pending + blocked,
    completed,
    inProgress,
    pending,
    blocked,
    cancelled,
  };
}

export function stream(
  id: string,
  dependencies: readonly string[] = [],
  part: Partial<PlanStream> = {},
): PlanStream {
  return {
    id,
    name: id,
    phase: 'parallel',
    dependencies: [...dependencies].sort(),
    files: [],
    tasks: counts({ pending: 2 }),
    declaresNoChanges: false,
    currentTask: null,
    blockedTask: null,
    openTasks: ['TASK-1', 'TASK-2'],
    ...part,
  };
}

/** The stream with every task completed. */
export function complete(id: string, dependencies: readonly string[] = []): PlanStream {
  return stream(id, dependencies, { tasks: counts({ completed: 2 }), openTasks: [] });
}

export function record(id: string, part: Partial<StreamRecord> = {}): StreamRecord {
  return {
    key: keyOf(id),
    initiativeId: 'init',
    streamId: id,
    intent: 'none',
    intentAtMs: 0,
    intentReason: null,
    clearedAfterRun: 0,
    requestedEvent: 0,
    resolve: false,
    verifyRequested: false,
    verifyAnswer: null,
    syncRequested: false,
    assignment: null,
    fresh: false,
    branchMade: false,
    branch: `orchestrate/${keyOf(id)}`,
    worktree: `/p/.claude/worktrees/${keyOf(id)}`,
    port: 4100,
    ahead: null,
    base: null,
    conflict: null,
    verified: null,
    trouble: null,
    step: null,
    told: null,
    changes: null,
    landedAnswer: null,
    landingClash: null,
    removing: null,
    runs: [],
    ...part,
  };
}

/** A record of a stream that was verified after one run. */
export function doneRecord(id: string): StreamRecord {
  return record(id, {
    base: { sha: 'b'.repeat(40), parents: [], atMs: NOW_MS - 9000 },
    verified: { sha: `${keyOf(id)}-verified`, atMs: NOW_MS - 1000, adopted: false, run: 1, parents: [] },
    runs: [run(id, { endedAtMs: NOW_MS - 500, outcome: 'done' })],
  });
}

export function run(id: string, part: Partial<Run> = {}): Run {
  return {
    key: keyOf(id),
    number: 1,
    agentKind: 'custom',
    startedAtMs: NOW_MS - 8000,
    claimedAtMs: NOW_MS - 7900,
    endedAtMs: null,
    worker: { pid: 42, start: '7' },
    pane: '%1',
    server: SERVER,
    bootId: BOOT,
    sessionId: null,
    baseSha: 'b'.repeat(40),
    exitCode: null,
    outcome: null,
    reason: null,
    retryAtMs: null,
    verdict: null,
    nudges: 0,
    lastNudgeAtMs: null,
    lastNudgeRest: null,
    rest: null,
    stopGate: null,
    continued: null,
    usage: null,
    reviewUsage: null,
    paused: null,
    toldOf: null,
    ...part,
  };
}

export function activity(part: Partial<AgentActivity> = {}): AgentActivity {
  return {
    status: 'busy',
    sinceMs: NOW_MS - 5000,
    detail: null,
    remedy: null,
    untilMs: null,
    settlesAtMs: null,
    lastSignAtMs: NOW_MS - 1000,
    inferred: false,
    dialog: null,
    account: false,
    doing: null,
    sessionId: null,
    hookTrouble: null,
    ...part,
  };
}

/** A living worker; `gone(...)` makes it an ended one. */
export function worker(part: Partial<WorkerFact> = {}): WorkerFact {
  return {
    run: 1,
    claimed: true,
    pane: { id: '%1', dead: false, exitCode: null },
    process: 'alive',
    identity: { pid: 42, start: '7' },
    serverGone: false,
    activity: activity(),
    lastError: null,
    closedByUser: false,
    ...part,
  };
}

export function gone(exitCode: number | null, part: Partial<WorkerFact> = {}): WorkerFact {
  return worker({ process: 'gone', pane: { id: '%1', dead: true, exitCode }, ...part });
}

export function keyOf(id: string): string {
  return id.toLowerCase();
}

/** A branch is where its last verdict was made, unless a test says otherwise. */
function headsOf(records: readonly StreamRecord[]): ReadonlyMap<string, string> {
  return new Map(
    records.flatMap(({ key, runs }) => {
      const sha = runs.at(-1)?.verdict?.sha;
      return sha == null ? [] : [[key, sha]];
    }),
  );
}

export type World = {
  readonly streams: readonly PlanStream[];
  readonly records?: readonly StreamRecord[];
  readonly workers?: Readonly<Record<string, WorkerFact>>;
  readonly part?: Partial<Snapshot>;
};

export function snapshot({ streams, records = [], workers = {}, part = {} }: World): Snapshot {
  const plan: Plan = { initiative: { id: 'init', title: 'Init' }, streams, problems: [] };
  return {
    nowMs: NOW_MS,
    elapsed: (atMs) => Math.max(0, NOW_MS - atMs),
    bootId: BOOT,
    plan,
    keys: new Map(streams.map((each) => [each.id, keyOf(each.id)])),
    records: new Map([...streams.map((each) => record(each.id)), ...records].map((each) => [each.key, each])),
    workers: { known: true, value: new Map(Object.entries(workers).map(([id, fact]) => [keyOf(id), fact])) },
    heads: { known: true, value: headsOf(records) },
    landed: new Set(),
    landing: null,
    inFlight: new Map(),
    troubles: new Map(),
    unseen: new Map(),
    pollerAlive: true,
    ...part,
  };
}

/** The steps that are decided of a world, as `kind key`. */
export function stepsOf(world: World, policy: Partial<Policy> = {}): string[] {
  const { actions } = decide(snapshot(world), { ...POLICY, ...policy });
  return actions.map(({ kind, key }) => `${kind} ${key}`);
}

/** A known place for branches, by key. */
export function headsAt(tips: Readonly<Record<string, string>>): Pick<Snapshot, 'heads'> {
  return { heads: { known: true, value: new Map(Object.entries(tips)) } };
}

/** A stream `S` that was started, with its runs (one, unless said) and the worker of the last of them. */
export type Started = {
  readonly stream?: PlanStream;
  readonly runs?: readonly Partial<Run>[];
  readonly worker?: WorkerFact;
  readonly record?: Partial<StreamRecord>;
  /** Streams that could start beside it. */
  readonly beside?: readonly PlanStream[];
  readonly pollerAlive?: boolean;
  readonly policy?: Partial<Policy>;
};

/** What is decided of `S`, its first step, and what is decided of the first stream beside it. */
export function judged(started: Started) {
  const { runs = [{}], beside = [], pollerAlive = true } = started;
  const part = { runs: runs.map((each) => run('S', each)), base: BASE, ...started.record };
  const world = snapshot({
    streams: [started.stream ?? stream('S'), ...beside],
    records: [record('S', part)],
    workers: { S: started.worker ?? worker() },
    part: { pollerAlive },
  });
  const { states, actions } = decide(world, { ...POLICY, ...started.policy });
  const [state, other] = states;
  assert.ok(state !== undefined);
  const action: Action | undefined = actions.find(({ key }) => key === 's');
  return { state, other, action };
}
