/** Builds status reports for view tests, with only what a test cares about spelled out. */
import type { EventKind } from '../../src/core/events.ts';
import type { StateName } from '../../src/core/states.ts';
import type { TaskCounts } from '../../src/core/types.ts';
import type { ReportStream, StatusReport } from '../../src/report/types.ts';

/** The moment that all reports are made at. */
export const NOW_MS = Date.UTC(2026, 4, 4, 12, 0, 0);
export const agoIso = (ms: number): string => new Date(NOW_MS - ms).toISOString();

export function counts(completed: number, total: number, inProgress = 0): TaskCounts {
  return { total, completed, inProgress, pending: total - completed - inProgress, blocked: 0, cancelled: 0 };
}

export function stream(id: string, state: StateName, rest: Partial<ReportStream> = {}): ReportStream {
  const key = id.toLowerCase();
  return {
    id,
    key,
    name: id,
    phase: 'parallel',
    state,
    needsYou: false,
    stale: false,
    landed: false,
    reason: null,
    ownReason: rest.reason ?? null,
    remedy: null,
    since: null,
    dueAt: null,
    dependencies: [],
    blockedBy: [],
    depth: 0,
    tasks: counts(0, 3),
    currentTask: null,
    doing: null,
    branch: `orchestrate/${key}`,
    worktree: `.claude/worktrees/${key}`,
    baseSha: null,
    headSha: null,
    verifiedSha: null,
    run: null,
    pane: null,
    pid: null,
    sessionId: null,
    startedAt: null,
    endedAt: null,
    lastActivityAt: null,
    workedMs: null,
    waitedMs: null,
    gate: null,
    commits: null,
    added: null,
    removed: null,
    tokens: null,
    cachedTokens: null,
    costUsd: null,
    ...rest,
  };
}

export function report(streams: readonly ReportStream[], rest: Partial<StatusReport> = {}): StatusReport {
  const states: Partial<Record<StateName, number>> = {};
  for (const { state } of streams) states[state] = (states[state] ?? 0) + 1;
  const sum = (count: (tasks: TaskCounts) => number) =>
    streams.reduce((total, { tasks }) => total + count(tasks), 0);
  return {
    schemaVersion: 1,
    at: new Date(NOW_MS).toISOString(),
    workspace: 'my-app',
    projectRoot: '/home/u/my-app',
    initiative: { id: 'oauth', title: 'OAuth login' },
    session: { socket: 'default', name: 'orchestrate-my-app', alive: true },
    poller: { alive: true, pid: 4711, since: agoIso(900_000), maxWorkers: 5 },
    summary: {
      streams: { total: streams.length, ...states },
      tasks: {
        total: sum((tasks) => tasks.total),
        completed: sum((tasks) => tasks.completed),
        inProgress: sum((tasks) => tasks.inProgress),
        pending: sum((tasks) => tasks.pending),
        blocked: sum((tasks) => tasks.blocked),
        cancelled: sum((tasks) => tasks.cancelled),
      },
      needsYou: streams.filter(({ needsYou }) => needsYou).length,
      tokens: null,
      cachedTokens: null,
      costUsd: null,
    },
    streams,
    criticalPath: [],
    elapsedMs: 900_000,
    etaMs: null,
    events: [],
    problems: [],
    warnings: [],
    ...rest,
  };
}

export const event = (
  id: number,
  agoMs: number,
  streamId: string | null,
  kind: EventKind,
  message: string,
) => ({
  id,
  at: agoIso(agoMs),
  stream: streamId,
  run: 1,
  kind,
  message,
});

/** A plan in full swing: every kind of row, two of them waiting for the user. */
export function busyReport(): StatusReport {
  return report(
    [
      stream('Stream-A', 'done', {
        name: 'Foundation',
        since: agoIso(540_000),
        tasks: counts(3, 3),
        commits: 4,
        added: 212,
        removed: 8,
        tokens: 48_200,
      }),
      stream('Stream-B', 'running', {
        name: 'Auth API',
        depth: 1,
        dependencies: ['Stream-A'],
        since: agoIso(240_000),
        tasks: counts(1, 4, 1),
        pid: 48_211,
        doing: 'Bash npm test -- --watch=false',
        commits: 2,
        added: 96,
        removed: 12,
        tokens: 31_000,
      }),
      stream('Stream-C', 'needs-input', {
        name: 'User API',
        depth: 1,
        dependencies: ['Stream-A'],
        needsYou: true,
        since: agoIso(420_000),
        tasks: counts(2, 3, 1),
        pid: 48_230,
        reason: 'wants to run: rm -rf build',
        remedy: 'orchestrate attach Stream-C',
        commits: 1,
        added: 40,
        removed: 0,
        tokens: 12_400,
      }),
      stream('Stream-D', 'failed', {
        name: 'Session storage',
        depth: 1,
        dependencies: ['Stream-A'],
        needsYou: true,
        since: agoIso(60_000),
        tasks: counts(0, 2),
        reason:
          'gave up after 3 attempts: gate "test" failed, and what it printed is long enough to be cut off on a narrow screen',
        remedy: 'orchestrate retry Stream-D',
      }),
      stream('Stream-E', 'limited', {
        name: 'Docs',
        depth: 1,
        dependencies: ['Stream-A'],
        since: agoIso(100_000),
        dueAt: new Date(NOW_MS + 1_800_000).toISOString(),
        tasks: counts(1, 2, 1),
        reason: 'usage limit reached',
        remedy: 'orchestrate attach Stream-E',
        pid: 48_290,
      }),
      stream('Stream-F', 'blocked', {
        name: 'Session pages',
        depth: 2,
        dependencies: ['Stream-D'],
        blockedBy: ['Stream-D'],
        tasks: counts(0, 2),
        reason: 'waits for Stream-D (failed)',
        remedy: 'orchestrate retry Stream-D',
      }),
      stream('Stream-Z', 'waiting', {
        name: 'Integration',
        depth: 2,
        dependencies: ['Stream-B', 'Stream-C'],
        blockedBy: ['Stream-B', 'Stream-C'],
        tasks: counts(0, 2),
      }),
    ],
    {
      criticalPath: ['Stream-B', 'Stream-Z'],
      etaMs: 660_000,
      events: [
        event(1, 540_000, 'Stream-A', 'done', 'verified at a1b2c3d'),
        event(2, 539_000, 'Stream-B', 'launched', 'worker started (run 1)'),
        event(3, 420_000, 'Stream-C', 'needs-input', 'wants to run: rm -rf build'),
        event(
          4,
          60_000,
          'Stream-D',
          'failed',
          'gave up after 3 attempts: agent ended (exit 1), 2 tasks open',
        ),
      ],
    },
  );
}
