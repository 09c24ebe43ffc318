/** What one look at the world leads to: tables of situations with the state shown and the step taken. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decide } from '../../src/core/decide/decide.ts';
import { tasksComplete } from '../../src/core/done.ts';
import { isLively, type StateName } from '../../src/core/states.ts';
import type { Action, Policy, Run } from '../../src/core/types.ts';
import {
  activity,
  complete,
  counts,
  doneRecord,
  gone,
  headsAt,
  NOW_MS,
  POLICY,
  record,
  run,
  snapshot,
  stream,
  type World,
  worker,
} from '../support/snapshots.ts';

type Row = {
  readonly title: string;
  readonly world: World;
  readonly policy?: Partial<Policy>;
  /** State of the stream `S`. */
  readonly state: StateName;
  /** The step for `S`: `kind` or `kind:outcome`; null for none. */
  readonly step: string | null;
  readonly reason?: RegExp;
  readonly remedy?: string;
};

function stepText(action: Action | undefined): string | null {
  if (action === undefined) return null;
  return action.kind === 'end-run' ? `end-run:${action.outcome}` : action.kind;
}

function check(row: Row): void {
  const world = snapshot(row.world);
  const { states, actions } = decide(world, { ...POLICY, ...row.policy });
  const state = states.find((each) => each.id === 'S');
  assert.equal(state?.state, row.state, state?.reason ?? undefined);
  assert.equal(stepText(actions.find((each) => each.key === 's')), row.step);
  if (row.reason !== undefined) assert.match(state?.reason ?? '', row.reason);
  if (row.remedy !== undefined) assert.equal(state?.remedy, row.remedy);
  const silent: StateName[] = ['running', 'done', 'waiting'];
  if (!silent.includes(row.state)) {
    assert.ok(state?.reason, 'a reason');
    assert.ok(state?.remedy, 'a remedy');
  }
}

const open = (part = {}) =>
  record('S', { runs: [run('S', part)], base: { sha: 'b'.repeat(40), parents: [], atMs: 1 } });
const failedRun = (number: number, agoMs: number) =>
  run('S', {
    number,
    endedAtMs: NOW_MS - agoMs,
    startedAtMs: NOW_MS - agoMs - 1,
    outcome: 'failed',
    reason: 'exit 1',
  });
const unknown = { known: false, why: 'timeout' } as const;

const REST: readonly Row[] = [
  { title: 'a root without a run starts', world: { streams: [stream('S')] }, state: 'ready', step: 'launch' },
  {
    title: 'nothing starts without a poller',
    world: { streams: [stream('S')], part: { pollerAlive: false } },
    state: 'ready',
    step: null,
    reason: /^orchestrate is not running/,
  },
  {
    title: 'it waits for a dependency that is not done',
    world: { streams: [stream('D'), stream('S', ['D'])] },
    state: 'waiting',
    step: null,
  },
  {
    title: 'a dependency whose tasks are complete but not verified does not count as done',
    world: {
      streams: [complete('D'), stream('S', ['D'])],
      records: [record('D', { runs: [run('D')] })],
      workers: { D: worker() },
    },
    state: 'waiting',
    step: null,
  },
  {
    title: 'it starts when its dependency is verified',
    world: { streams: [complete('D'), stream('S', ['D'])], records: [doneRecord('D')] },
    state: 'ready',
    step: 'launch',
  },
  {
    title: 'a dependency that the user parked blocks it, by name',
    world: { streams: [stream('D'), stream('S', ['D'])], records: [record('D', { intent: 'parked' })] },
    state: 'blocked',
    step: null,
    reason: /D \(parked\)/,
  },
  {
    title: 'behind a row of blocked streams the one to see to is named, once, and not its neighbours',
    world: {
      streams: [stream('R'), stream('A', ['R']), stream('B', ['R']), stream('S', ['A', 'B'])],
      records: [record('R', { intent: 'parked' })],
    },
    state: 'blocked',
    step: null,
    reason: /^waits for R \(parked\)$/,
    remedy: 'orchestrate retry R',
  },
  {
    title: 'a dependency that is no stream blocks it, and the plan is what to look at',
    world: { streams: [stream('S', ['Gone'])] },
    state: 'blocked',
    step: null,
    reason: /^waits for Gone \(no stream of the plan\)$/,
    remedy: 'orchestrate plan',
  },
  {
    title: 'a dependency that waits for the stream itself is said to be in a cycle',
    world: { streams: [stream('S', ['T']), stream('T', ['S'])] },
    state: 'blocked',
    step: null,
    reason: /^waits for T \(in a cycle\)$/,
    remedy: 'orchestrate plan',
  },
  {
    title: 'a stopped stream stays stopped',
    world: { streams: [stream('S')], records: [record('S', { intent: 'stopped' })] },
    state: 'stopped',
    step: null,
  },
  {
    title: 'tasks completed without a run are adopted',
    world: { streams: [complete('S')] },
    state: 'verifying',
    step: 'adopt',
  },
  {
    title: 'a stream whose tasks are all cancelled is not wanted any more, whatever else holds it',
    world: {
      streams: [stream('S', [], { tasks: counts({ cancelled: 2 }) })],
      records: [record('S', { intent: 'parked' })],
    },
    state: 'cancelled',
    step: null,
  },
  {
    title: 'what depends on a cancelled stream needs the user, who is told how to let it go on without',
    world: {
      streams: [stream('D', [], { tasks: counts({ cancelled: 1 }) }), stream('S', ['D'])],
    },
    state: 'blocked',
    step: null,
    reason: /^depends on D, which is cancelled$/,
  },
  {
    title: 'a cancelled task does not count against completion',
    world: { streams: [stream('S', [], { tasks: counts({ completed: 1, cancelled: 1 }) })] },
    state: 'verifying',
    step: 'adopt',
  },
  {
    title: 'a base conflict is shown with its files and nothing is launched',
    world: {
      streams: [complete('D'), stream('S', ['D'])],
      records: [doneRecord('D'), record('S', { conflict: { parents: ['d-verified'], files: ['a.txt'] } })],
    },
    state: 'base-conflict',
    step: null,
    reason: /a\.txt/,
  },
  {
    title:
      'a base conflict that was given to its agent is no state any more: the agent starts with the merge',
    world: {
      streams: [complete('D'), stream('S', ['D'])],
      records: [
        doneRecord('D'),
        record('S', { conflict: { parents: ['d-verified'], files: ['a.txt'] }, resolve: true }),
      ],
    },
    state: 'ready',
    step: 'launch',
  },
  {
    title: 'a base conflict is forgotten when a dependency was verified again',
    world: {
      streams: [complete('D'), stream('S', ['D'])],
      records: [doneRecord('D'), record('S', { conflict: { parents: ['older'], files: ['a.txt'] } })],
    },
    state: 'ready',
    step: 'launch',
  },
  {
    title: 'after one failure it waits for its delay',
    world: { streams: [stream('S')], records: [record('S', { runs: [failedRun(1, 1000)] })] },
    state: 'queued',
    step: null,
    reason: /exit 1/,
  },
  {
    title: 'without a poller it does not claim to start again',
    world: {
      streams: [stream('S')],
      records: [record('S', { runs: [failedRun(1, 1000)] })],
      part: { pollerAlive: false },
    },
    state: 'queued',
    step: null,
    reason: /^orchestrate is not running; last attempt: exit 1/,
  },
  {
    title: 'after the delay it starts again',
    world: { streams: [stream('S')], records: [record('S', { runs: [failedRun(1, 20_000)] })] },
    state: 'ready',
    step: 'launch',
  },
  {
    title: 'three failures within the window are enough',
    world: {
      streams: [stream('S')],
      records: [record('S', { runs: [failedRun(1, 50_000), failedRun(2, 40_000), failedRun(3, 30_000)] })],
    },
    state: 'failed',
    step: null,
  },
  {
    title: 'a stream that failed and was parked is parked by you',
    world: {
      streams: [stream('S')],
      records: [
        record('S', {
          runs: [failedRun(1, 50_000)],
          intent: 'parked',
          intentAtMs: NOW_MS - 1000,
        }),
      ],
    },
    state: 'parked',
    step: null,
    reason: /^parked by you$/,
  },
  {
    title: 'a stream that a cap parked says which, whatever the clock says of its last run',
    world: {
      streams: [stream('S')],
      records: [
        record('S', {
          runs: [{ ...failedRun(1, 50_000), outcome: 'stopped', reason: 'something else' }],
          intent: 'parked',
          intentAtMs: NOW_MS + 9e6,
          intentReason: 'cost $9.00, the cap is $5.00 (limits.maxCostUsd)',
        }),
      ],
    },
    state: 'parked',
    step: null,
    reason: /^cost \$9\.00, the cap is \$5\.00/,
  },
  {
    title: 'failed stays failed when the window has passed',
    world: {
      streams: [stream('S')],
      records: [record('S', { runs: [failedRun(1, 9e6 + 3), failedRun(2, 9e6 + 2), failedRun(3, 9e6)] })],
    },
    state: 'failed',
    step: null,
  },
  {
    title: 'failures that the user cleared do not count',
    world: {
      streams: [stream('S')],
      records: [
        record('S', {
          clearedAfterRun: 3,
          runs: [failedRun(1, 3), failedRun(2, 2), failedRun(3, 1)],
        }),
      ],
    },
    state: 'ready',
    step: 'launch',
  },
  {
    title: 'a failed preparation is tried again, then given up',
    world: {
      streams: [stream('S')],
      part: {
        troubles: new Map([
          [
            's',
            {
              kind: 'launch',
              message: 'branch exists',
              fix: 'rename it',
              cause: null,
              atMs: NOW_MS,
              count: 3,
            },
          ],
        ]),
      },
    },
    state: 'failed',
    step: null,
    reason: /branch exists \(rename it\)$/,
    remedy: 'orchestrate retry S',
  },
  {
    title: 'interrupted runs burn no attempt',
    world: {
      streams: [stream('S')],
      records: [
        record('S', {
          runs: [1, 2, 3, 4].map((n) =>
            run('S', { number: n, endedAtMs: NOW_MS - 600_000, outcome: 'interrupted' }),
          ),
        }),
      ],
    },
    state: 'ready',
    step: 'launch',
  },
  {
    title: 'a limit is waited out',
    world: {
      streams: [stream('S')],
      records: [
        record('S', {
          runs: [run('S', { endedAtMs: NOW_MS - 9, outcome: 'limited', retryAtMs: NOW_MS + 9 })],
        }),
      ],
    },
    state: 'limited',
    step: null,
  },
  {
    title: 'a blocked task waits for the user',
    world: {
      streams: [
        stream('S', [], {
          tasks: counts({ blocked: 1, pending: 1 }),
          blockedTask: { id: 'TASK-9', reason: 'no key' },
        }),
      ],
    },
    state: 'blocked',
    step: null,
    reason: /no key/,
  },
  {
    title: 'a poller for other streams leaves it',
    world: { streams: [stream('S')] },
    policy: { only: new Set(['X']) },
    state: 'ready',
    step: null,
  },
  {
    title: 'a stream asked for by name joins a limited poller',
    world: { streams: [stream('S')], records: [record('S', { requestedEvent: 8 })] },
    policy: { only: new Set(['X']) },
    state: 'ready',
    step: 'launch',
  },
  {
    title: 'done is done',
    world: { streams: [complete('S')], records: [doneRecord('S')] },
    state: 'done',
    step: null,
  },
  {
    title: 'a task added after it was done makes it start again',
    world: {
      streams: [stream('S', [], { tasks: counts({ completed: 2, pending: 1 }) })],
      records: [doneRecord('S')],
    },
    state: 'ready',
    step: 'launch',
  },
  {
    title: 'complete work of a stopped run is checked without an agent',
    world: {
      streams: [complete('S')],
      records: [record('S', { runs: [run('S', { endedAtMs: NOW_MS, outcome: 'stopped' })] })],
    },
    state: 'verifying',
    step: 'verify',
  },
  {
    title: 'unknown workers: nothing is launched',
    world: { streams: [stream('S')], part: { workers: unknown } },
    state: 'ready',
    step: null,
  },
  {
    title: 'unknown refs: nothing is launched',
    world: { streams: [stream('S')], part: { heads: unknown } },
    state: 'ready',
    step: null,
  },
  {
    title: 'a step under way is not taken again',
    world: {
      streams: [stream('S')],
      part: { inFlight: new Map([['s', { kind: 'launch', sinceMs: NOW_MS }]]) },
    },
    state: 'starting',
    step: null,
  },
];

const OPEN: readonly Row[] = [
  {
    title: 'a busy worker runs',
    world: { streams: [stream('S')], records: [open()], workers: { S: worker() } },
    state: 'running',
    step: null,
  },
  {
    title: 'a worker that has not claimed yet is starting',
    world: { streams: [stream('S')], records: [open()], workers: { S: worker({ claimed: false }) } },
    state: 'starting',
    step: null,
  },
  {
    title: 'an agent without a first sign past the deadline needs a look',
    world: {
      streams: [stream('S')],
      records: [open({ startedAtMs: NOW_MS - 61_000 })],
      workers: { S: worker({ activity: activity({ status: 'starting' }) }) },
    },
    state: 'needs-input',
    step: null,
  },
  {
    title: 'an agent that asks the user needs input',
    world: {
      streams: [stream('S')],
      records: [open()],
      workers: { S: worker({ activity: activity({ status: 'waiting', detail: 'permission: Bash' }) }) },
    },
    state: 'needs-input',
    step: null,
    reason: /permission/,
  },
  {
    title: 'silence is a stall, and the worker is let be',
    world: {
      streams: [stream('S')],
      records: [open()],
      workers: { S: worker({ activity: activity({ lastSignAtMs: NOW_MS - 11 * 60_000 }) }) },
    },
    state: 'stalled',
    step: null,
  },
  {
    title: 'complete and at rest is verified',
    world: {
      streams: [complete('S')],
      records: [open({ agentKind: 'claude' })],
      workers: { S: worker({ activity: activity({ status: 'idle' }) }) },
    },
    state: 'verifying',
    step: 'verify',
  },
  {
    title: 'complete but busy is still running',
    world: { streams: [complete('S')], records: [open({ agentKind: 'claude' })], workers: { S: worker() } },
    state: 'running',
    step: null,
  },
  {
    title: 'an idle agent with open tasks is told so',
    world: {
      streams: [stream('S')],
      records: [open({ agentKind: 'claude' })],
      workers: { S: worker({ activity: activity({ status: 'idle' }) }) },
    },
    state: 'running',
    step: 'nudge',
  },
  {
    title: 'an idle agent that was told often enough needs the user',
    world: {
      streams: [stream('S')],
      records: [open({ agentKind: 'claude', nudges: 3 })],
      workers: { S: worker({ activity: activity({ status: 'idle' }) }) },
    },
    state: 'needs-input',
    step: null,
  },
  {
    title: 'a failed check goes back to the idle agent',
    world: {
      streams: [complete('S')],
      records: [
        open({
          agentKind: 'claude',
          verdict: {
            sha: 'x',
            atMs: NOW_MS - 100,
            rest: 1,
            parents: [],
            ok: false,
            cause: 'gate',
            message: 'gate test failed',
            gate: null,
          },
        }),
      ],
      workers: { S: worker({ activity: activity({ status: 'idle' }) }) },
    },
    state: 'running',
    step: 'nudge',
    reason: /gate test failed/,
  },
  {
    title: 'the dependency that is not merged is named by what the check found, not by its words',
    world: {
      streams: [complete('D'), complete('S', ['D'])],
      records: [
        doneRecord('D'),
        open({
          agentKind: 'claude',
          verdict: {
            sha: 'x',
            atMs: NOW_MS - 100,
            rest: 1,
            parents: ['d-verified'],
            ok: false,
            cause: 'missing-parents',
            message: 'it lacks something',
            gate: null,
          },
        }),
      ],
      workers: { S: worker({ activity: activity({ status: 'idle' }) }) },
    },
    state: 'running',
    step: 'nudge',
    reason: /^stopped without merging D \(d-verif\)$/,
  },
  {
    title: 'work after a failed check is checked again',
    world: {
      streams: [complete('S')],
      records: [
        open({
          agentKind: 'claude',
          verdict: {
            sha: 'x',
            atMs: NOW_MS - 9000,
            rest: 0,
            parents: [],
            ok: false,
            cause: 'gate',
            message: 'gate test failed',
            gate: null,
          },
        }),
      ],
      workers: { S: worker({ activity: activity({ status: 'idle' }) }) },
    },
    state: 'verifying',
    step: 'verify',
  },
  {
    title: 'a verified stream ends its agent',
    world: {
      streams: [complete('S')],
      records: [{ ...doneRecord('S'), runs: [run('S')] }],
      workers: { S: worker({ activity: activity({ status: 'idle' }) }) },
    },
    state: 'done',
    step: 'end-run:done',
  },
  {
    title: 'an ended worker with complete tasks is checked',
    world: { streams: [complete('S')], records: [open()], workers: { S: gone(0) } },
    state: 'verifying',
    step: 'verify',
  },
  {
    title: 'a custom worker that failed is a failed run, whatever it claimed',
    world: { streams: [complete('S')], records: [open()], workers: { S: gone(1) } },
    state: 'ready',
    step: 'end-run:failed',
  },
  {
    title: 'a worker that ended early is a failed run',
    world: { streams: [stream('S')], records: [open()], workers: { S: gone(0) } },
    state: 'ready',
    step: 'end-run:failed',
    reason: /agent ended \(exit 0\), 2 of 2 tasks open/,
  },
  {
    title: 'a failed check of an ended worker fails the run',
    world: {
      streams: [complete('S')],
      records: [
        open({
          verdict: {
            sha: 'x',
            atMs: NOW_MS,
            rest: null,
            parents: [],
            ok: false,
            cause: 'dirty',
            message: 'uncommitted: a.txt',
            gate: null,
          },
        }),
      ],
      workers: { S: gone(0) },
    },
    state: 'ready',
    step: 'end-run:failed',
    reason: /uncommitted/,
  },
  {
    title: 'a worker that blocked a task and ended waits for the user',
    world: {
      streams: [
        stream('S', [], { tasks: counts({ blocked: 1 }), blockedTask: { id: 'TASK-9', reason: 'no key' } }),
      ],
      records: [open()],
      workers: { S: gone(0) },
    },
    state: 'blocked',
    step: 'end-run:stopped',
  },
  {
    title: 'a lost tmux server burns no attempt',
    world: {
      streams: [stream('S')],
      records: [open()],
      workers: { S: worker({ process: 'gone', pane: null, serverGone: true }) },
    },
    state: 'ready',
    step: 'end-run:interrupted',
  },
  {
    title: 'a restarted machine burns no attempt',
    world: {
      streams: [stream('S')],
      records: [open({ bootId: 'older' })],
      workers: { S: worker({ process: 'gone', pane: null }) },
    },
    state: 'ready',
    step: 'end-run:interrupted',
  },
  {
    title: 'a closed window is a failed run and says so',
    world: {
      streams: [stream('S')],
      records: [open()],
      workers: { S: worker({ process: 'gone', pane: null }) },
    },
    state: 'ready',
    step: 'end-run:failed',
    reason: /window was closed/,
  },
  {
    title: 'a launch cut short before its window is undone',
    world: { streams: [stream('S')], records: [open({ pane: null, claimedAtMs: null, worker: null })] },
    state: 'ready',
    step: 'end-run:interrupted',
  },
  {
    title: 'a live worker outside tmux is not taken for gone',
    world: {
      streams: [stream('S')],
      records: [open()],
      workers: { S: worker({ pane: null, serverGone: true }) },
    },
    state: 'running',
    step: null,
  },
  {
    title: 'unknown workers: an open run is left alone',
    world: { streams: [stream('S')], records: [open()], part: { workers: unknown } },
    state: 'running',
    step: null,
  },
  {
    title: 'a stop ends the worker',
    world: { streams: [stream('S')], records: [{ ...open(), intent: 'stopped' }], workers: { S: worker() } },
    state: 'stopped',
    step: 'end-run:stopped',
  },
  {
    title: 'a worker over the cap is parked',
    world: { streams: [stream('S')], records: [open()], workers: { S: worker() } },
    policy: { maxRunMs: 1000 },
    state: 'parked',
    step: 'end-run:stopped',
  },
  {
    title: 'with no poller, checkable work says so',
    world: {
      streams: [complete('S')],
      records: [open({ agentKind: 'claude' })],
      workers: { S: worker({ activity: activity({ status: 'idle' }) }) },
      part: { pollerAlive: false },
    },
    state: 'verifying',
    step: null,
    reason: /^orchestrate is not running/,
  },
];

const launching = { inFlight: new Map([['s', { kind: 'launch' as const, sinceMs: NOW_MS }]]) };
const SETTING_UP: Row = {
  title: 'a run whose worktree is being set up is starting, not gone',
  world: {
    streams: [stream('S')],
    records: [open({ pane: null, claimedAtMs: null, worker: null })],
    part: launching,
  },
  state: 'starting',
  step: null,
};

const unborn = worker({ process: 'gone', claimed: false, pane: null, identity: null });
const LOOKED_FOR: Row = {
  ...SETTING_UP,
  title: 'nor is one that was looked for before its window was opened cut short',
  world: { ...SETTING_UP.world, workers: { S: unborn } },
  reason: /worktree and window are being made/,
};

describe('a stream without an open run', () => {
  for (const row of REST) test(row.title, () => check(row));
});

describe('a stream with an open run', () => {
  for (const row of [...OPEN, SETTING_UP, LOOKED_FOR]) test(row.title, () => check(row));
});

describe('the worker limit', () => {
  test('the longest remaining path goes first, the others are queued', () => {
    const streams = [stream('Short'), stream('Long'), stream('After', ['Long'])];
    const { states, actions } = decide(snapshot({ streams }), { ...POLICY, maxWorkers: 1 });
    assert.deepEqual(
      actions.map((action) => action.key),
      ['long'],
    );
    const queued = states.find((state) => state.id === 'Short');
    assert.equal(queued?.state, 'queued');
    assert.equal(queued?.remedy, 'orchestrate start --max-workers 2', 'as it is to be typed');
  });

  test('a worker that has ended frees its slot at once', () => {
    const streams = [stream('S'), complete('T')];
    const records = [record('T', { runs: [run('T')], base: { sha: 'b', parents: [], atMs: 1 } })];
    const { actions } = decide(snapshot({ streams, records, workers: { T: gone(0) } }), {
      ...POLICY,
      maxWorkers: 1,
    });
    assert.deepEqual(actions.map(stepText), ['verify', 'launch']);
  });
});

const gateFailed = {
  sha: 'old',
  atMs: NOW_MS,
  ok: false,
  cause: 'gate' as const,
  message: 'gate test failed',
  gate: null,
};

describe('a verdict counts for the head it was made on', () => {
  const ended = { records: [open({ agentKind: 'claude', verdict: gateFailed })], workers: { S: gone(0) } };
  const rows: readonly Row[] = [
    {
      title: 'work that was mended after a failed check is checked again when its agent ends',
      world: { streams: [complete('S')], ...ended, part: headsAt({ s: 'new' }) },
      state: 'verifying',
      step: 'verify',
    },
    {
      title: 'the same head fails the run',
      world: { streams: [complete('S')], ...ended, part: headsAt({ s: 'old' }) },
      state: 'ready',
      step: 'end-run:failed',
    },
    {
      title: 'an idle agent that mended its work before it was told is not told of the old head',
      world: {
        streams: [complete('S')],
        records: [open({ agentKind: 'claude', verdict: gateFailed })],
        workers: { S: worker({ activity: activity({ status: 'idle', sinceMs: NOW_MS - 5000 }) }) },
        part: headsAt({ s: 'new' }),
      },
      state: 'verifying',
      step: 'verify',
    },
    ...(
      [
        ['old', 'ready', 'launch'],
        ['new', 'verifying', 'verify'],
      ] as const
    ).map(([head, state, step]) => ({
      title: `a run that was stopped after a failed check goes on or is checked: its head is the ${head} one`,
      world: {
        streams: [complete('S')],
        records: [
          open({ agentKind: 'claude', verdict: gateFailed, endedAtMs: NOW_MS - 10, outcome: 'stopped' }),
        ],
        part: headsAt({ s: head }),
      },
      state,
      step,
    })),
    {
      title: 'a head that git could not tell decides nothing',
      world: { streams: [complete('S')], ...ended, part: { heads: { known: false, why: 'busy' } } },
      state: 'verifying',
      step: null,
    },
  ];
  for (const row of rows) test(row.title, () => check(row));
});

describe('what else a run is worth', () => {
  const rows: readonly Row[] = [
    {
      title: 'a custom agent whose exit status was lost is not verified: its run failed',
      world: { streams: [complete('S')], records: [open()], workers: { S: gone(null) } },
      state: 'ready',
      step: 'end-run:failed',
      reason: /exit status is lost/,
    },
    {
      title: 'a stream that was verified and started again is not done until it is verified again',
      world: {
        streams: [complete('S')],
        records: [
          record('S', {
            base: { sha: 'b', parents: [], atMs: 1 },
            verified: { sha: 'v', atMs: NOW_MS + 60_000, adopted: false, run: 1, parents: [] },
            runs: [run('S', { endedAtMs: 2, outcome: 'done' }), run('S', { number: 2 })],
          }),
        ],
        workers: { S: worker({ run: 2, activity: activity({ status: 'busy' }) }) },
      },
      state: 'running',
      step: null,
    },
    {
      title: 'a stream that was verified stays done, wherever the clock was set to when its run began',
      world: {
        streams: [complete('S')],
        records: [
          record('S', {
            base: { sha: 'b', parents: [], atMs: 1 },
            verified: { sha: 'v', atMs: NOW_MS - 3_600_000, adopted: false, run: 1, parents: [] },
            runs: [run('S', { startedAtMs: NOW_MS, endedAtMs: NOW_MS - 3_600_000, outcome: 'done' })],
          }),
        ],
      },
      state: 'done',
      step: null,
    },
    {
      title: 'a base conflict of before its first run does not hold a stream that has run',
      world: {
        streams: [complete('A'), complete('B'), stream('S', ['A', 'B'])],
        records: [
          doneRecord('A'),
          doneRecord('B'),
          record('S', {
            conflict: { parents: ['a-verified', 'b-verified'], files: ['x'] },
            base: { sha: 'b', parents: ['a-verified', 'b-verified'], atMs: 1 },
            runs: [run('S', { endedAtMs: NOW_MS - 1, outcome: 'interrupted' })],
          }),
        ],
      },
      state: 'ready',
      step: 'launch',
    },
    {
      title: 'a window that is not in the look at which its run was claimed may be about to be',
      world: {
        streams: [stream('S')],
        records: [open({ agentKind: 'claude', claimedAtMs: null })],
        workers: { S: worker({ pane: null, activity: activity({ status: 'busy' }) }) },
      },
      state: 'running',
      step: null,
    },
    {
      title: 'failures that are further apart than the window do not add up',
      world: {
        streams: [stream('S')],
        records: [
          record('S', {
            runs: [1, 2, 3].map((number) =>
              run('S', {
                number,
                outcome: 'failed',
                endedAtMs: NOW_MS - (4 - number) * (POLICY.windowMs / 2 + 1000),
              }),
            ),
          }),
        ],
      },
      state: 'ready',
      step: 'launch',
    },
  ];
  for (const row of rows) test(row.title, () => check(row));
});

describe('a blocked task', () => {
  const blocked = (id: string) =>
    stream('S', [], {
      tasks: counts({ pending: 1, blocked: 1 }),
      blockedTask: { id, reason: 'no key' },
      openTasks: ['TASK-pending', id],
    });
  const rows: readonly (readonly [string, string])[] = [
    ['TASK-2', 'orchestrate task update TASK-2 --status pending'],
    ['x; rm -rf ~', "orchestrate task update 'x; rm -rf ~' --status pending"],
    ['-x', 'orchestrate task update --status pending -- -x'],
  ];
  for (const [id, remedy] of rows)
    test(`${id} is the one that the remedy names, as one word of a shell`, () =>
      check({ title: '', world: { streams: [blocked(id)] }, state: 'blocked', step: null, remedy }));
});

test('a remedy names a stream by its key where characters of its id would be lost on the way to a command line', () => {
  const id = 'a\u200cb';
  const odd = snapshot({
    streams: [stream(id), stream('S', [id])],
    records: [record(id, { intent: 'parked' })],
  });
  const key = odd.keys.get(id);
  assert.deepEqual(
    decide(odd, POLICY).states.map(({ remedy }) => remedy),
    [`orchestrate retry ${key}`, `orchestrate retry ${key}`],
  );
});

describe('a stream whose dependency moved', () => {
  const chain = [complete('A'), complete('S', ['A']), complete('C', ['S'])];
  const built = (id: string, parents: readonly string[]) => {
    const done = doneRecord(id);
    return {
      ...done,
      base: { sha: 'b', parents, atMs: 1 },
      verified: { sha: `${id}-verified`, atMs: 1, adopted: false, run: 1, parents },
    };
  };
  const statesFor = (parentsOfS: readonly string[]) =>
    decide(
      snapshot({
        streams: chain,
        records: [doneRecord('A'), built('S', parentsOfS), built('C', ['S-verified'])],
      }),
      POLICY,
    ).states;

  test('is stale, and so is what builds on it; reason and remedy say what to do', () => {
    const [a, s, c] = statesFor(['a-before']);
    assert.deepEqual([a?.stale, s?.stale, c?.stale], [false, true, true]);
    assert.deepEqual([a?.state, s?.state, c?.state], ['done', 'done', 'done']);
    assert.match(s?.reason ?? '', /^A has moved on to a-verified$/);
    assert.equal(s?.remedy, 'orchestrate sync S');
    assert.match(c?.reason ?? '', /^S, which it builds on, is stale$/);
  });

  test('is not while it contains what the dependency has come to', () => {
    for (const state of statesFor(['a-verified'])) {
      assert.equal(state.stale, false, state.id);
      assert.equal(state.reason, null);
    }
  });

  test('is not built on: what depends on it waits, and says for what and what to type', () => {
    const statesOf = (parentsOfS: readonly string[]) =>
      decide(
        snapshot({
          streams: [...chain, stream('D', ['S']), stream('E', ['C'])],
          records: [doneRecord('A'), built('S', parentsOfS), built('C', ['S-verified'])],
        }),
        { ...POLICY, sync: 'ask' },
      );
    const { states, actions } = statesOf(['a-before']);
    const [d, e] = states.slice(3);
    assert.deepEqual([d?.state, e?.state, actions], ['waiting', 'waiting', []]);
    const command = 'orchestrate sync S';
    assert.equal(d?.reason, `waits for S, which is stale (A has moved on to a-verified): ${command}`);
    assert.equal(d?.remedy, command);
    assert.match(e?.reason ?? '', /^waits for C, which is stale \(S, which it builds on, is stale\): /);
    const launched = statesOf(['a-verified']).actions.map(({ kind, key }) => `${kind} ${key}`);
    assert.deepEqual(launched.sort(), ['launch d', 'launch e']);
  });

  /** The steps that are decided of A, S and C, where only S is behind A itself. */
  const stepsFor = (part: {
    readonly policy?: Partial<Policy>;
    readonly a?: ReturnType<typeof stream>;
    readonly s?: Partial<ReturnType<typeof record>>;
    readonly pollerAlive?: boolean;
    readonly heads?: ReturnType<typeof snapshot>['heads'];
  }) => {
    const world = snapshot({
      streams: [part.a ?? complete('A'), ...chain.slice(1)],
      records: [doneRecord('A'), { ...built('S', ['a-before']), ...part.s }, built('C', ['S-verified'])],
      part: {
        pollerAlive: part.pollerAlive ?? true,
        ...(part.heads === undefined ? {} : { heads: part.heads }),
      },
    });
    const { states, actions } = decide(world, { ...POLICY, ...part.policy });
    const [, s] = states;
    return { steps: actions.map(({ kind, key }) => `${kind} ${key}`), s, states };
  };

  test('follows it, before what builds on it in turn, and no agent is started', () => {
    const { steps, states } = stepsFor({});
    assert.deepEqual(steps, ['sync s'], 'C has its turn when S is done again');
    assert.deepEqual(
      states.map(({ state, stale }) => `${state} ${stale}`),
      ['done false', 'done true', 'done true'],
    );
  });

  test('follows it only where it may', () => {
    const quiet: [string, Parameters<typeof stepsFor>[0]][] = [
      ['left to the user', { policy: { sync: 'ask' } }],
      ['without a poller', { pollerAlive: false }],
      ['where git could not be asked', { heads: unknown }],
      ['stopped by the user', { s: { intent: 'stopped' } }],
      ['a poller of other streams', { policy: { only: new Set(['A']) } }],
    ];
    for (const [title, part] of quiet) {
      const { steps, s } = stepsFor(part);
      assert.deepEqual(steps, [], title);
      assert.deepEqual([s?.state, s?.stale, s?.remedy], ['done', true, 'orchestrate sync S'], title);
    }
    const asked = stepsFor({
      policy: { sync: 'ask', only: new Set(['A']) },
      s: { syncRequested: true },
    });
    assert.deepEqual(asked.steps, ['sync s'], 'what the user asks for by name is done');
    const open = stepsFor({ a: stream('A') });
    assert.deepEqual(open.steps, ['launch a'], 'not while what it builds on is open itself');
    assert.equal(open.s?.state, 'done');
  });

  test('asks about a clash, with its files, until the user gives it to its agent', () => {
    const conflict = { parents: ['a-verified'], files: ['shared.txt'] };
    const { steps, s, states } = stepsFor({ s: { conflict } });
    assert.deepEqual(steps, []);
    assert.equal(s?.state, 'base-conflict');
    assert.match(s?.reason ?? '', /does not merge with what its dependencies have come to: shared\.txt/);
    assert.deepEqual([s?.remedy, s?.needsYou], ['orchestrate resolve S', true]);
    assert.equal(states[2]?.stale, true);
    const elsewhere = stepsFor({ s: { conflict: { ...conflict, parents: ['a-other'] } } });
    assert.deepEqual(elsewhere.steps, ['sync s'], 'a clash of before the last move says nothing');
    const assignment = { afterRun: 1, merges: [], files: ['shared.txt'], notes: null };
    const given = stepsFor({ s: { conflict, assignment } });
    assert.deepEqual([given.steps, given.s?.state], [['launch s'], 'ready']);
  });

  test('is done again only when the agent came to the end of what it was given', () => {
    const assignment = { afterRun: 1, merges: [], files: [], notes: 'a word' };
    const after = (part: Parameters<typeof run>[1]) =>
      stepsFor({
        s: {
          base: { sha: 'b', parents: ['a-verified'], atMs: 1 },
          assignment,
          runs: [
            run('S', { endedAtMs: NOW_MS - 500, outcome: 'done' }),
            run('S', { number: 2, endedAtMs: NOW_MS - 400, ...part }),
          ],
        },
      }).steps;
    assert.deepEqual(after({ outcome: 'stopped' }), ['launch s'], 'cut short');
    assert.deepEqual(after({ outcome: 'done' }), ['verify s']);
  });

  test('is checked again where the user moved its branch, once for each head', () => {
    const tip = { known: true, value: new Map([['s', 'a-new-head']]) } as const;
    const current = { base: { sha: 'b', parents: ['a-verified'], atMs: 1 } };
    const moved = stepsFor({ s: current, heads: tip });
    assert.deepEqual([moved.steps, moved.s?.state], [['verify s'], 'verifying']);
    const verdict = {
      sha: 'a-new-head',
      atMs: 1,
      rest: null,
      parents: [],
      ok: false,
      cause: 'dirty',
      message: 'uncommitted: x',
      gate: null,
    } as const;
    const runs = [run('S', { endedAtMs: NOW_MS - 500, outcome: 'done', verdict })];
    const refused = stepsFor({ s: { ...current, runs }, heads: tip });
    assert.deepEqual([refused.steps, refused.s?.state], [[], 'done'], 'it stays done at the head before');
    assert.deepEqual(stepsFor({ s: current, heads: tip, pollerAlive: false }).steps, []);
    assert.deepEqual(stepsFor({ s: current, heads: { known: true, value: new Map() } }).steps, []);
  });

  test('says why it could not follow, and is tried again after a pause, a few times', () => {
    const words = { message: 'uncommitted: x', fix: 'commit it', cause: null };
    const trouble = { kind: 'sync', ...words, atMs: NOW_MS } as const;
    const first = stepsFor({ s: {} });
    assert.deepEqual(first.steps, ['sync s']);
    for (const count of [1, 3]) {
      const world = snapshot({
        streams: chain,
        records: [doneRecord('A'), built('S', ['a-before']), built('C', ['S-verified'])],
        part: { troubles: new Map([['s', { ...trouble, count }]]) },
      });
      const { states, actions } = decide(world, POLICY);
      assert.deepEqual(actions, []);
      const [, s] = states;
      assert.deepEqual(
        [s?.state, s?.reason, s?.remedy],
        ['done', 'uncommitted: x (commit it)', 'orchestrate sync S'],
      );
      assert.equal(s?.dueAtMs !== null, count < POLICY.maxAttempts, `${count}`);
    }
  });

  /** What is decided of S, in a run of before A moved. */
  const inRun = (fact: ReturnType<typeof worker>, part: Parameters<typeof record>[1] = {}, ofRun = {}) => {
    const world = snapshot({
      streams: [complete('A'), complete('S', ['A'])],
      records: [
        doneRecord('A'),
        record('S', {
          base: { sha: 'b', parents: ['a-before'], atMs: 1 },
          runs: [run('S', { agentKind: 'claude', ...ofRun })],
          ...part,
        }),
      ],
      workers: { S: fact },
    });
    const { states, actions } = decide(world, POLICY);
    return { action: actions[0], state: states[1] };
  };

  test('its agent is told once while it works, and merges before the check when it rests', () => {
    const busy = inRun(worker()).action;
    assert.equal(busy?.kind === 'nudge' ? busy.about : busy?.kind, 'moved');
    assert.match(busy?.kind === 'nudge' ? busy.text : '', /git merge --no-edit a-verified/);
    assert.equal(inRun(worker(), {}, { toldOf: ['a-verified'] }).action, undefined);
    assert.equal(inRun(worker({ activity: activity({ dialog: 'other' }) })).action, undefined);
    assert.equal(inRun(worker({ activity: activity({ status: 'idle' }) })).action?.kind, 'sync');
    assert.equal(inRun(gone(0)).action?.kind, 'sync');
  });

  test('a clash ends its run without a failed attempt', () => {
    const conflict = { parents: ['a-verified'], files: ['shared.txt'] };
    for (const fact of [gone(0), worker({ activity: activity({ status: 'idle' }) })]) {
      const { action, state } = inRun(fact, { conflict });
      assert.equal(state?.state, 'base-conflict');
      assert.equal(action?.kind === 'end-run' ? action.outcome : action?.kind, 'stopped');
    }
  });

  test('is not before it was begun', () => {
    const { states } = decide(
      snapshot({ streams: [complete('A'), stream('S', ['A'])], records: [doneRecord('A')] }),
      POLICY,
    );
    assert.equal(states[1]?.stale, false);
  });
});

describe('a run that is interrupted again and again', () => {
  const interrupted = (count: number, agoMs: number, claimed = true) =>
    Array.from({ length: count }, (_, i) =>
      run('S', {
        number: i + 1,
        outcome: 'interrupted',
        reason: 'its tmux server is gone',
        claimedAtMs: claimed ? NOW_MS - 60_000 : null,
        endedAtMs: NOW_MS - agoMs - (count - i) * 1000,
      }),
    );
  const world = (runs: ReturnType<typeof interrupted>, clearedAfterRun = 0): World => ({
    streams: [stream('S')],
    records: [record('S', { runs, clearedAfterRun })],
  });
  const rows: readonly Row[] = [
    {
      title: 'goes on at once after the first',
      world: world(interrupted(1, 0)),
      state: 'ready',
      step: 'launch',
    },
    {
      title: 'waits after the second',
      world: world(interrupted(2, 0)),
      state: 'queued',
      step: null,
      reason: /^tries again in \d s; last attempt: its tmux server is gone$/,
    },
    {
      title: 'goes on when that time is over',
      world: world(interrupted(2, 10_000)),
      state: 'ready',
      step: 'launch',
    },
    {
      title: 'is given up after five in one window',
      world: world(interrupted(5, 600_000)),
      state: 'failed',
      step: null,
      reason: /ended from outside again and again; the last time: its tmux server is gone$/,
      remedy: 'orchestrate retry S',
    },
    {
      title: 'goes on when the user clears it',
      world: world(interrupted(5, 0), 5),
      state: 'ready',
      step: 'launch',
    },
    {
      title: 'loses nothing by launches that were cut short before an agent started',
      world: world(interrupted(6, 0, false)),
      state: 'ready',
      step: 'launch',
    },
  ];
  for (const row of rows) test(row.title, () => check(row));
});

test('a launch that failed waits, also where that could not be written down, and is given up in the end', () => {
  const after = (count: number, agoMs: number) =>
    decide(
      snapshot({
        streams: [stream('S')],
        part: {
          troubles: new Map([
            [
              's',
              {
                kind: 'launch',
                message: 'disk full',
                fix: 'make room',
                cause: null,
                atMs: NOW_MS - agoMs,
                count,
              },
            ],
          ]),
        },
      }),
      POLICY,
    );
  assert.deepEqual(after(1, 0).actions, []);
  assert.equal(after(1, 0).states[0]?.state, 'queued');
  assert.equal(after(1, 60_000).actions[0]?.kind, 'launch');
  assert.ok((after(2, 0).states[0]?.dueAtMs ?? 0) > (after(1, 0).states[0]?.dueAtMs ?? 0), 'the delay grows');
  assert.equal(after(POLICY.maxAttempts, 600_000).states[0]?.state, 'failed');
});

test('complete work is not adopted while something was given to its agent to do', () => {
  const assignment = { afterRun: 0, merges: [], files: [], notes: 'please mend' };
  check({
    title: 'assigned',
    world: { streams: [complete('S')], records: [record('S', { assignment })] },
    state: 'ready',
    step: 'launch',
  });
});

test('what was tried, how often, and when it is tried again is counted as it is', () => {
  const after = (runs: readonly Run[], policy: Partial<Policy> = {}) =>
    decide(snapshot({ streams: [stream('S')], records: [record('S', { runs })] }), { ...POLICY, ...policy });
  const [once] = after([failedRun(1, 10)], { maxAttempts: 1 }).states;
  assert.equal(once?.reason, 'gave up after 1 attempt: exit 1');
  const three = [failedRun(1, 30), failedRun(2, 20), failedRun(3, 10)];
  assert.equal(after(three).states[0]?.reason, 'gave up after 3 attempts: exit 1');
  const verdict = { ...gateFailed, rest: null, parents: [], gate: { name: 'test', log: '/log', times: 3 } };
  const red = { ...failedRun(2, 10), reason: verdict.message, verdict };
  const [gaveUp] = after([failedRun(1, 20), red], { maxAttempts: 2 }).states;
  assert.equal(gaveUp?.reason, 'gave up after 2 attempts: gate "test" failed', 'one count, of one thing');
  const [waits] = after([failedRun(1, 10)]).states;
  const seconds = Math.ceil(((waits?.dueAtMs ?? 0) - NOW_MS) / 1000);
  assert.equal(waits?.reason, `tries again in ${seconds} s; last attempt: exit 1`);
  assert.equal(after([]).actions[0]?.reason, 'its dependencies are done');
  assert.equal(after([failedRun(1, POLICY.windowMs)]).actions[0]?.reason, 'run 2, after: exit 1');
});

test('what is cancelled is never out of date, and no work is complete without a task', () => {
  const base = { sha: 'b'.repeat(40), parents: ['former'], atMs: 1 };
  const cancelled = stream('S', ['D'], { tasks: counts({ cancelled: 1 }) });
  const world = { streams: [complete('D'), cancelled], records: [doneRecord('D'), record('S', { base })] };
  assert.equal(decide(snapshot(world), POLICY).states[1]?.stale, false);
  assert.equal(tasksComplete({ tasks: counts({ cancelled: 1 }) }), false);
});

test('of several limits the one that ends last holds back launches', () => {
  const limited = (id: string, forMs: number) =>
    record(id, {
      runs: [
        run(id, { endedAtMs: NOW_MS - 10, outcome: 'limited', reason: 'limit', retryAtMs: NOW_MS + forMs }),
      ],
    });
  for (const [first, last] of [
    [1_000, 2_000],
    [2_000, 1_000],
  ] as const) {
    const world = {
      streams: [stream('A'), stream('B'), stream('S')],
      records: [limited('A', first), limited('B', last)],
    };
    const held = decide(snapshot(world), POLICY).states[2];
    assert.equal(held?.reason, `held back while ${first > last ? 'A' : 'B'} is limited: limit`);
    assert.equal(held.dueAtMs, NOW_MS + 2_000);
  }
});

describe('whatever the plan lists first, and however a worker went', () => {
  const rows: readonly Row[] = [
    {
      title: 'a dependent that stands before its dependency waits for it',
      world: { streams: [stream('S', ['D']), stream('D')] },
      state: 'waiting',
      step: null,
      reason: /^waits for D$/,
    },
    {
      title:
        'complete work of a worker whose exit status is lost with its window alone is not taken at its word',
      world: { streams: [complete('S')], records: [open()], workers: { S: gone(null, { pane: null }) } },
      state: 'ready',
      step: 'end-run:failed',
      reason: /^its window was closed/,
    },
    {
      title: 'a signal without a name is told by its number',
      world: { streams: [stream('S')], records: [open()], workers: { S: gone(128 + 12) } },
      state: 'ready',
      step: 'end-run:failed',
      reason: /^agent killed \(signal 12\)/,
    },
  ];
  for (const row of rows) test(row.title, () => check(row));
});

test('something goes on while an agent works or asks, and nothing once a stream is stuck or done', () => {
  const lively = (['running', 'needs-input', 'failed', 'done', 'waiting'] as const).map(isLively);
  assert.deepEqual(lively, [true, true, false, false, false]);
});
