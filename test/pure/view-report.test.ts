/** What `status --json` says of a snapshot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveStates } from '../../src/core/decide/decide.ts';
import type { Snapshot, StreamRecord } from '../../src/core/types.ts';
import { buildReport } from '../../src/report/build.ts';
import type { ReportInput } from '../../src/report/types.ts';
import {
  activity,
  complete,
  counts,
  doneRecord,
  NOW_MS,
  POLICY,
  record,
  run,
  snapshot,
  stream,
  worker,
} from '../support/snapshots.ts';

function input(facts: Snapshot, rest: Partial<ReportInput> = {}): ReportInput {
  return {
    snapshot: facts,
    states: deriveStates(facts, POLICY),
    workspace: 'my-app',
    projectRoot: '/p',
    session: { socket: 'default', name: 'orchestrate-p', alive: true },
    poller: { pid: 77, sinceMs: NOW_MS - 60_000 },
    maxWorkers: 5,
    changes: new Map(),
    events: [],
    warnings: [],
    ...rest,
  };
}

/** A is done, B runs, C waits for B. */
function chain(part: Partial<Snapshot> = {}, atWork = worker()): Snapshot {
  return snapshot({
    streams: [
      complete('A'),
      stream('B', ['A'], {
        name: 'Auth API',
        tasks: counts({ completed: 1, inProgress: 1 }),
        openTasks: ['T'],
      }),
      stream('C', ['B']),
    ],
    records: [doneRecord('A'), record('B', { runs: [run('B', { startedAtMs: NOW_MS - 4000 })] })],
    workers: { B: { ...atWork, activity: { ...atWork.activity, doing: 'Bash npm test', sessionId: 's-1' } } },
    part: { heads: { known: true, value: new Map([['b', 'head-b']]) }, ...part },
  });
}

test('the report has the keys and the values that scripts rely on', () => {
  const report = buildReport(input(chain()));
  const { streams, ...top } = JSON.parse(JSON.stringify(report));
  assert.equal(top.schemaVersion, 1);
  assert.equal(top.workspace, 'my-app');
  assert.equal(top.projectRoot, '/p');
  assert.deepEqual(top.initiative, { id: 'init', title: 'Init' });
  assert.deepEqual(top.session, { socket: 'default', name: 'orchestrate-p', alive: true });
  assert.deepEqual(top.poller, { alive: true, pid: 77, since: '2030-01-01T11:59:00.000Z', maxWorkers: 5 });
  assert.deepEqual(top.summary, {
    streams: { total: 3, done: 1, running: 1, waiting: 1 },
    tasks: { total: 6, completed: 3, inProgress: 1, pending: 2, blocked: 0, cancelled: 0 },
    needsYou: 0,
    tokens: null,
    cachedTokens: null,
    costUsd: null,
  });
  const { blockedBy, currentTask, doing, ...running } = streams[1];
  assert.deepEqual(blockedBy, []);
  assert.equal(doing, 'Bash npm test');
  assert.equal(currentTask, null);
  assert.deepEqual(
    {
      ...running,
      since: undefined,
    },
    {
      id: 'B',
      key: 'b',
      name: 'Auth API',
      phase: 'parallel',
      state: 'running',
      needsYou: false,
      stale: false,
      landed: false,
      reason: null,
      ownReason: null,
      remedy: null,
      since: undefined,
      dueAt: null,
      dependencies: ['A'],
      depth: 1,
      tasks: { total: 2, completed: 1, inProgress: 1, pending: 0, blocked: 0, cancelled: 0 },
      branch: 'orchestrate/b',
      worktree: '.claude/worktrees/b',
      baseSha: null,
      headSha: 'head-b',
      verifiedSha: null,
      run: 1,
      pane: '%1',
      pid: 42,
      sessionId: 's-1',
      startedAt: '2030-01-01T11:59:56.000Z',
      endedAt: null,
      lastActivityAt: '2030-01-01T11:59:59.000Z',
      workedMs: 4000,
      waitedMs: 0,
      gate: null,
      commits: null,
      added: null,
      removed: null,
      tokens: null,
      cachedTokens: null,
      costUsd: null,
    },
  );
});

test('a waiting stream names the dependencies that are not done, and only those', () => {
  const facts = snapshot({
    streams: [complete('A'), stream('B'), stream('C', ['A', 'B'])],
    records: [doneRecord('A')],
  });
  const report = buildReport(input(facts));
  assert.deepEqual(report.streams.find(({ id }) => id === 'C')?.blockedBy, ['B']);
});

test('a worker that could not be looked at keeps its last known pid, with a warning; one that is gone has none', () => {
  const unknown = buildReport(input(chain({ workers: { known: false, why: 'no answer' } })));
  assert.equal(unknown.streams[1]?.pid, 42);
  assert.equal(unknown.streams[1]?.pane, '%1');
  assert.deepEqual(unknown.warnings, ['tmux could not be asked: no answer']);
  const ended = snapshot({
    streams: [stream('B')],
    records: [record('B', { runs: [run('B')] })],
    workers: { B: worker({ process: 'gone' }) },
  });
  assert.equal(buildReport(input(ended)).streams[0]?.pid, null);
  assert.deepEqual(buildReport(input(ended)).warnings, []);
});

test('without a living poller nothing of a former one is reported', () => {
  assert.deepEqual(buildReport(input(chain({ pollerAlive: false }))).poller, {
    alive: false,
    pid: null,
    since: null,
    maxWorkers: null,
  });
});

test('a worktree outside the project keeps its whole path', () => {
  const facts = snapshot({
    streams: [stream('B'), stream('C')],
    records: [record('B', { worktree: '/elsewhere/b' }), record('C', { worktree: '/project2/c' })],
  });
  const report = buildReport(input(facts, { projectRoot: '/project' }));
  assert.deepEqual(
    report.streams.map(({ worktree }) => worktree),
    ['/elsewhere/b', '/project2/c'],
  );
});

test('the critical path is what remains of it, and the estimate follows from finished work', () => {
  const report = buildReport(input(chain()));
  assert.deepEqual(report.criticalPath, ['B', 'C']);
  // A's two tasks took 7.5 s; three open tasks follow one another.
  assert.equal(report.etaMs, 3 * 3750);
  assert.equal(report.elapsedMs, 8000);
});

test('the estimate leaves out what an agent waited, for the user or for the end of a limit', () => {
  const paused = { totalMs: 6000, sinceMs: null, userMs: 6000, forUser: false };
  const facts = chain();
  const done = doneRecord('A');
  const waited = { ...done, runs: done.runs.map((each) => ({ ...each, paused })) };
  const records = new Map([...facts.records, ['a', waited]]);
  // Of 7.5 s A's agent worked 1.5 s on its two tasks.
  assert.equal(buildReport(input({ ...facts, records })).etaMs, 3 * 750);
});

test('there is no estimate without a poller, without finished work, or when nobody works', () => {
  assert.equal(buildReport(input(chain({ pollerAlive: false }))).etaMs, null);
  const fresh = snapshot({
    streams: [stream('A')],
    records: [record('A', { runs: [run('A')] })],
    workers: { A: worker() },
  });
  assert.equal(buildReport(input(fresh)).etaMs, null);
  const idle = snapshot({ streams: [complete('A'), stream('B', ['A'])], records: [doneRecord('A')] });
  assert.equal(buildReport(input(idle)).etaMs, null);
});

test('there is no estimate while all that is at work is silent or limited', () => {
  const silent = { lastSignAtMs: NOW_MS - 11 * 60_000 };
  for (const [state, part] of [
    ['stalled', silent],
    ['limited', { status: 'limited' as const, untilMs: NOW_MS + 60_000 }],
  ] as const) {
    const report = buildReport(input(chain({}, worker({ activity: activity(part) }))));
    assert.deepEqual([report.streams[1]?.state, report.etaMs], [state, null]);
  }
});

test('time stops when everything is done, and a later check of the same work does not move it', () => {
  const done = doneRecord('A');
  const checkedAgain = { ...done, verified: { ...done.verified, atMs: NOW_MS + 60_000 } } as StreamRecord;
  for (const record of [done, checkedAgain]) {
    const facts = snapshot({ streams: [complete('A')], records: [record] });
    const late = { ...facts, nowMs: NOW_MS + 3_600_000 };
    const report = buildReport({ ...input(late), states: deriveStates(late, POLICY) });
    assert.equal(report.elapsedMs, 7500);
    assert.deepEqual(
      [report.streams[0]?.since, report.streams[0]?.workedMs],
      ['2030-01-01T11:59:59.500Z', 7500],
    );
  }
  const facts = snapshot({ streams: [complete('A')], records: [done] });
  const report = buildReport(input({ ...facts, nowMs: NOW_MS + 3_600_000 }));
  assert.deepEqual(report.criticalPath, []);
});

test('events have stream ids instead of keys', () => {
  const events = Array.from({ length: 34 }, (_, i) => ({
    id: i + 1,
    atMs: NOW_MS - 1000,
    key: i % 2 === 0 ? 'b' : null,
    run: 1,
    kind: 'launched' as const,
    message: `event ${i + 1}`,
  }));
  const report = buildReport(input(chain(), { events }));
  assert.equal(report.events.length, 34);
  assert.deepEqual(report.events[4], {
    id: 5,
    at: '2030-01-01T11:59:59.000Z',
    stream: 'B',
    run: 1,
    kind: 'launched',
    message: 'event 5',
  });
  assert.equal(report.events.at(-1)?.stream, null);
});

test('work under way in the poller shows as what is being done', () => {
  const report = buildReport(
    input(chain({ inFlight: new Map([['b', { kind: 'verify', sinceMs: NOW_MS }]]) })),
  );
  assert.equal(report.streams[1]?.doing, 'checking the work');
});

test('what runs used is added up by stream and in all; what no agent told is null, not nothing', () => {
  const used = (tokens: number, cachedTokens: number, costUsd: number | null) => ({
    usage: { tokens, cachedTokens, costUsd },
  });
  const runs = [
    run('A', { endedAtMs: 1, outcome: 'failed', ...used(100, 10, 0.25) }),
    run('A', { number: 2, ...used(20, 5, null) }),
  ];
  const facts = snapshot({
    streams: [stream('A'), stream('B'), stream('C')],
    records: [record('A', { runs }), record('B', { runs: [run('B', used(3, 0, 1))] })],
  });
  const { streams, summary } = buildReport(input(facts));
  const told = streams.map(({ tokens, cachedTokens, costUsd }) => [tokens, cachedTokens, costUsd]);
  assert.deepEqual(told, [
    [120, 15, 0.25],
    [3, 0, 1],
    [null, null, null],
  ]);
  assert.deepEqual([summary.tokens, summary.cachedTokens, summary.costUsd], [123, 15, 1.25]);
});
