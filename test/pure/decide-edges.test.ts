/** Where one fact alone tips a decision: a second run, a second dependency, a wish, a limit that has passed; a row each. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dependenciesLanded, endAction } from '../../src/core/decide/assessment.ts';
import { decide } from '../../src/core/decide/decide.ts';
import type { Policy, Run, StreamRecord, Trouble } from '../../src/core/types.ts';
import {
  activity,
  BASE,
  complete,
  counts,
  doneRecord,
  gone,
  headsAt,
  judged,
  NOW_MS,
  POLICY,
  record,
  run,
  snapshot,
  stepsOf,
  stream,
  type World,
  worker,
} from '../support/snapshots.ts';

const MINUTE_MS = 60_000;

const decided = (world: World, policy: Partial<Policy> = {}) =>
  decide(snapshot(world), { ...POLICY, ...policy });
const problem = { code: 'cycle', message: 'a cycle', streams: ['A'], tasks: [] } as const;
const withProblem = (world: World) => {
  const seen = snapshot(world);
  return { ...seen, plan: { ...seen.plan, problems: [problem] } };
};
const ended = (id: string, part: Partial<Run> = {}) =>
  run(id, { endedAtMs: NOW_MS - 9 * MINUTE_MS, outcome: 'stopped', ...part });
/** The second run of a stream, which is open. */
const second = (id: string, part: Partial<StreamRecord> = {}) =>
  record(id, { runs: [ended(id), run(id, { number: 2 })], base: BASE, ...part });

describe('a plan with a problem', () => {
  test('starts nothing, and says what to look at', () => {
    const { states, actions } = decide(withProblem({ streams: [stream('A')] }), POLICY);
    assert.deepEqual(actions, []);
    const [a] = states;
    assert.deepEqual(
      [a?.state, a?.reason, a?.remedy],
      ['blocked', 'the plan has problems', 'orchestrate plan'],
    );
  });

  test('makes no worktree ready either', () => {
    const world = {
      streams: [stream('A'), stream('B', ['A'])],
      records: [record('A', { runs: [run('A')], base: BASE })],
      workers: { A: worker() },
      part: headsAt({ a: 'tip' }),
    };
    const policy = { ...POLICY, ahead: null };
    assert.deepEqual(
      decide(snapshot(world), policy).actions.map(({ kind }) => kind),
      ['prepare'],
    );
    assert.deepEqual(decide(withProblem(world), policy).actions, []);
  });
});

describe('a slot', () => {
  const beside = { streams: [stream('A'), stream('B')], workers: { A: worker({ run: 2 }) } };
  test('is taken by the worker of any run', () =>
    assert.deepEqual(stepsOf({ ...beside, records: [second('A')] }, { maxWorkers: 1 }), []));

  test('is taken by a launch under way, and by no other step', () => {
    const flying = (kind: 'launch' | 'adopt', streams: World['streams']): World => ({
      streams,
      part: { inFlight: new Map([['a', { kind, sinceMs: NOW_MS }]]) },
    });
    assert.deepEqual(stepsOf(flying('launch', [stream('A'), stream('B')]), { maxWorkers: 1 }), []);
    assert.deepEqual(stepsOf(flying('adopt', [complete('A'), stream('B')]), { maxWorkers: 1 }), ['launch b']);
  });
});

describe('what cannot be read', () => {
  test('of a stream without a record blocks it, with the cause', () => {
    const seen = snapshot({
      streams: [stream('A'), stream('B')],
      part: { unseen: new Map([['a', 'garbage']]) },
    });
    const records = new Map([...seen.records].filter(([key]) => key !== 'a'));
    const { states, actions } = decide({ ...seen, records }, POLICY);
    const [a] = states;
    assert.deepEqual([a?.state, a?.reason, a?.remedy], ['blocked', 'garbage', 'orchestrate doctor']);
    assert.deepEqual(
      actions.map(({ key }) => key),
      ['b'],
    );
  });

  test('of the run of a stream that left the plan is not taken for its end', () => {
    const world = { streams: [], records: [second('Gone')], workers: { Gone: gone(0, { run: 2 }) } };
    const [end] = decided(world).actions;
    assert.ok(end?.kind === 'end-run');
    assert.deepEqual(
      [end.run, end.closeWindow],
      [2, false],
      'of its last run, whose window stays to be read',
    );
    assert.deepEqual(stepsOf({ ...world, part: { unseen: new Map([['gone', 'no claim']]) } }), []);
  });
});

test('a launch under way shows as one until a worker of it was seen', () => {
  const launching = (fact: ReturnType<typeof worker>) =>
    decided({
      streams: [stream('S')],
      records: [record('S', { runs: [run('S')], base: BASE })],
      workers: { S: fact },
      part: { inFlight: new Map([['s', { kind: 'launch', sinceMs: NOW_MS }]]) },
    }).states[0]?.reason ?? '';
  const made = /worktree and window are being made/;
  assert.match(launching(gone(null, { claimed: false, pane: null })), made);
  assert.doesNotMatch(launching(gone(1)), made);
  assert.doesNotMatch(launching(worker({ claimed: false })), made);
});

test('steps go in one order, whatever the plan lists first: what frees a slot, checks, messages, launches', () => {
  const idle = activity({ status: 'idle', sinceMs: NOW_MS - MINUTE_MS });
  const path = record('Discard').worktree;
  const world = (last: World['streams']): World => ({
    streams: [
      ...last,
      stream('Nudge'),
      complete('Verify'),
      complete('Sync', ['Base']),
      complete('Adopt'),
      stream('End'),
      complete('Base'),
    ],
    records: [
      doneRecord('Base'),
      record('Nudge', { runs: [run('Nudge', { agentKind: 'claude' })], base: BASE }),
      record('Verify', { runs: [run('Verify')], base: BASE }),
      record('End', { runs: [run('End')], base: BASE }),
      { ...doneRecord('Sync'), base: { ...BASE, parents: ['former'] } },
      record('Discard', {
        intent: 'parked',
        ahead: { path, parents: ['x'], bases: ['x'], setUp: null },
      }),
    ],
    workers: { Nudge: worker({ activity: idle }), Verify: gone(0), End: gone(1) },
    part: headsAt({ nudge: 'tip', base: 'base-verified', sync: 'sync-verified' }),
  });
  const first = ['end-run end', 'adopt adopt', 'sync sync', 'verify verify', 'nudge nudge'];
  const discard = stream('Discard', ['End']);
  assert.deepEqual(stepsOf(world([discard, stream('Launch')])), [
    ...first,
    'launch launch',
    'discard discard',
  ]);
  const ready = [stream('Ahead', ['Nudge']), discard];
  assert.deepEqual(stepsOf(world(ready), { ahead: null, gated: true }), [
    ...first,
    'discard discard',
    'prepare ahead',
  ]);
});

test('what waits, is up to date, or has landed is said of nothing else', () => {
  const stale = { ...doneRecord('S'), base: { ...BASE, parents: ['former'] } };
  const chain = [complete('A'), complete('S', ['A'])];
  const part = headsAt({ a: 'a-verified', s: 's-verified' });
  const [a] = decided({ streams: chain, records: [doneRecord('A'), stale], part }, { sync: 'ask' }).states;
  assert.deepEqual([a?.state, a?.reason, a?.remedy, a?.landed], ['done', null, null, false]);
  const open = { streams: [stream('A'), stream('S', ['A'])], records: [record('S', { base: stale.base })] };
  assert.equal(decided({ ...open, part }).states[1]?.remedy, null, 'one that waits has nothing to be synced');
  const landed = (records: readonly StreamRecord[]) =>
    decided({ streams: [complete('A')], records, part: { ...part, landed: new Set(['a']) } }).states[0]
      ?.landed;
  assert.deepEqual([landed([doneRecord('A')]), landed([])], [true, false]);
});

test('the user is needed for a task that is blocked and for what waits for a cancelled one, not for what waits behind it', () => {
  const blocked = stream('A', [], {
    tasks: counts({ pending: 1, blocked: 1 }),
    blockedTask: { id: 'TASK-1', reason: 'no key' },
  });
  const cancelled = stream('X', [], { tasks: counts({ cancelled: 1 }) });
  const needs = (streams: World['streams']) => decided({ streams }).states.map(({ needsYou }) => needsYou);
  assert.deepEqual(needs([blocked, stream('B', ['A'])]), [true, false]);
  assert.deepEqual(needs([cancelled, stream('B', ['X']), stream('C', ['B'])]), [false, true, false]);
});

test('a name with hidden characters is replaced by its key, and no other name by its own', () => {
  const odd = 'a\u200cb';
  const world = { streams: [stream('retry'), stream(odd)], records: [record(odd, { intent: 'parked' })] };
  const keys = snapshot(world).keys;
  const named = decide({ ...snapshot(world), keys: new Map([...keys, ['retry', 'other']]) }, POLICY);
  assert.equal(named.states[1]?.remedy, `orchestrate retry ${keys.get(odd)}`);
  const done = decided({ streams: [complete(odd)], records: [doneRecord(odd)] }).states[0];
  assert.deepEqual([done?.state, done?.remedy], ['done', null]);
});

test('how a run is ended is said where it matters, and the window goes unless it is said', () => {
  const { closeWindow, exitCode, intent } = endAction({ key: 'a', number: 3 }, 'stopped', 'why');
  assert.deepEqual([closeWindow, exitCode, intent], [true, null, null]);
});

test('dependencies have landed when there are some and all of them have', () => {
  const landed = (on: readonly string[], ...keys: string[]) => {
    const s = stream('S', on);
    const streams = [stream('A'), stream('B'), s];
    return dependenciesLanded(s, snapshot({ streams, part: { landed: new Set(keys) } }));
  };
  assert.deepEqual([landed([]), landed(['A']), landed(['A'], 'a')], [false, false, true]);
  assert.deepEqual([landed(['A', 'B'], 'a'), landed(['A', 'B'], 'a', 'b')], [false, true]);
});

describe('a worktree ahead of need', () => {
  const path = record('B').worktree;
  const made = { path, parents: ['old'], bases: ['old'], setUp: null };
  const ahead = (b: Partial<StreamRecord>, part: World['part'] = {}, streams?: World['streams']) =>
    stepsOf(
      {
        streams: streams ?? [stream('A'), stream('B', ['A'])],
        records: [record('A', { runs: [run('A')], base: BASE }), record('B', b)],
        workers: { A: worker() },
        part: { ...headsAt({ a: 'tip' }), ...part },
      },
      { ahead: null },
    );
  const trouble: Trouble = { kind: 'launch', message: 'm', fix: 'f', cause: null, atMs: 0, count: 1 };

  test('is made for one that may begin', () => assert.deepEqual(ahead({}), ['prepare b']));

  const none: readonly (readonly [string, Partial<StreamRecord>, World['part']?, World['streams']?])[] = [
    ['that has begun before', { runs: [ended('B')] }],
    ['that has a branch', { branchMade: true }],
    ['whose dependencies clash', { conflict: { parents: [], files: [] } }],
    ['that merges them itself', { resolve: true }],
    ['of which another step failed', {}, { troubles: new Map([['b', trouble]]) }],
    [
      'that its own task blocks',
      {},
      {},
      [stream('A'), stream('B', [], { tasks: counts({ pending: 1, blocked: 1 }) })],
    ],
  ];
  for (const [title, b, part, streams] of none)
    test(`is not made for one ${title}`, () => {
      assert.deepEqual(ahead(b, part, streams), []);
    });

  test('is not made while nothing is known of what a dependency comes to', () => {
    const world = {
      streams: [stream('A'), stream('B', ['A'])],
      records: [record('A', { runs: [run('A')] })],
      workers: { A: worker() },
      part: headsAt({}),
    };
    assert.deepEqual(stepsOf(world, { ahead: null }), []);
  });

  test('is made also where its dependency is at its second run', () => {
    const world = {
      streams: [stream('A'), stream('B', ['A'])],
      records: [second('A')],
      workers: { A: worker({ run: 2 }) },
      part: headsAt({ a: 'tip' }),
    };
    assert.deepEqual(stepsOf(world, { ahead: null }), ['prepare b']);
  });

  test('says why it is made, and why it is moved', () => {
    const reasonFor = (b: Partial<StreamRecord>) =>
      decided(
        {
          streams: [stream('A'), stream('B', ['A'])],
          records: [record('A', { runs: [run('A')], base: BASE }), record('B', b)],
          workers: { A: worker() },
          part: headsAt({ a: 'tip' }),
        },
        { ahead: null },
      ).actions.at(-1)?.reason;
    assert.equal(reasonFor({}), 'it is likely to start next');
    assert.equal(reasonFor({ ahead: made }), 'what it will start from has moved');
  });

  test('is not taken away while a step of its stream is under way', () => {
    const left = [stream('A')];
    assert.deepEqual(ahead({ ahead: made }, {}, left), ['discard b']);
    const busy = new Map([['b', { kind: 'discard' as const, sinceMs: NOW_MS }]]);
    assert.deepEqual(ahead({ ahead: made }, { inFlight: busy }, left), []);
  });

  test('is one too many where there are more than may be, and no third is made at a time', () => {
    const waiting = ['B', 'C', 'D', 'E'].map((id) => stream(id, ['A']));
    const world = (part: World['part'] = {}): World => ({
      streams: [stream('A'), ...waiting],
      records: [
        record('A', { runs: [run('A')], base: BASE }),
        ...['B', 'C'].map((id) =>
          record(id, { ahead: { path: record(id).worktree, parents: ['tip'], bases: ['tip'], setUp: null } }),
        ),
      ],
      workers: { A: worker() },
      part: { ...headsAt({ a: 'tip' }), ...part },
    });
    assert.deepEqual(stepsOf(world(), { ahead: 1 }), []);
    assert.deepEqual(stepsOf(world(), { ahead: 9 }), ['prepare d', 'prepare e']);
    const three = new Map(['x', 'y', 'z'].map((key) => [key, { kind: 'prepare' as const, sinceMs: NOW_MS }]));
    assert.deepEqual(stepsOf(world({ inFlight: three }), { ahead: 9 }), []);
  });
});

describe('an agent at rest', () => {
  const idle = worker({ activity: activity({ status: 'idle', sinceMs: NOW_MS - MINUTE_MS }) });

  test('is told what is missing, its dialog as it is, and merges by the name of each that it lacks', () => {
    const { action } = judged({ worker: idle, runs: [{ agentKind: 'claude' }] });
    assert.ok(action?.kind === 'nudge' && action.about === 'work');
    assert.equal(action.leaveDialog, false);
    const rest = { number: 1, sinceMs: NOW_MS - MINUTE_MS, isOver: false };
    const verdict = {
      sha: 'head',
      atMs: NOW_MS,
      rest: 1,
      ok: false,
      cause: 'missing-parents',
      message: 'lacks',
      parents: ['b-verified'],
      gate: null,
    } as const;
    const world = {
      streams: [complete('A'), complete('B'), complete('S', ['A', 'B'])],
      records: [
        doneRecord('A'),
        doneRecord('B'),
        record('S', {
          base: { ...BASE, parents: ['a-verified', 'b-verified'] },
          runs: [run('S', { agentKind: 'claude', verdict, rest })],
        }),
      ],
      workers: { S: idle },
      part: headsAt({ a: 'a-verified', b: 'b-verified', s: 'head' }),
    };
    assert.equal(decided(world).states[2]?.reason, 'stopped without merging B (b-verif)');
  });
});

describe('a limit', () => {
  const limited = (continued: { atMs: number; count: number } | null, sinceMs: number) => {
    const seen = worker({ activity: activity({ status: 'limited', sinceMs, detail: 'overloaded' }) });
    const told = continued === null ? null : { ...continued, rest: 1 };
    const rest = { number: 2, sinceMs, isOver: false };
    const { state } = judged({ worker: seen, runs: [{ agentKind: 'claude', continued: told, rest }] });
    return (state.dueAtMs ?? 0) - NOW_MS;
  };
  const about = (ms: number, wantedMs: number) =>
    assert.ok(Math.abs(ms - wantedMs) <= wantedMs / 8, `due in ${ms} ms, not about ${wantedMs}`);

  test('comes again when the last one was less than an hour before, and is a new one after that', () => {
    const sinceMs = NOW_MS - 20_000;
    const before = (minutes: number) => limited({ atMs: sinceMs - minutes * MINUTE_MS, count: 1 }, sinceMs);
    const rest = before(59.9);
    assert.ok(rest > 5_000 && rest < 15_000, `due in ${rest} ms: half a minute after it began`);
    assert.equal(before(60.1), MINUTE_MS, 'it is told to go on: five seconds have passed');
  });

  test('is waited for twice as long each time where nobody says when, up to a quarter of an hour', () => {
    const nth = (count: number) => limited({ atMs: NOW_MS - 5_000, count: count - 1 }, NOW_MS);
    for (const [count, wantedMs] of [
      [3, 120_000],
      [4, 240_000],
      [5, 480_000],
      [6, 900_000],
      [40, 900_000],
    ] as const)
      about(nth(count), wantedMs);
  });

  const between = (runs: readonly Partial<Run>[], part: World['part'] = {}) =>
    decided({
      streams: [stream('S')],
      records: [record('S', { base: BASE, runs: runs.map((each) => run('S', each)) })],
      part,
    }).states[0];

  test('between two runs lasts no longer than it was, whatever the clock is set to', () => {
    const day = 24 * 60 * MINUTE_MS;
    const endedAtMs = NOW_MS + day;
    const [back] = [between([{ endedAtMs, outcome: 'limited', reason: 'l', retryAtMs: endedAtMs + 30_000 }])];
    assert.deepEqual([back?.state, back?.dueAtMs], ['limited', NOW_MS + 30_000]);
    // An hour has passed by the steady clock, of which the wall clock shows nothing.
    const slept = between(
      [{ endedAtMs: NOW_MS, outcome: 'limited', reason: 'l', retryAtMs: NOW_MS + 30_000 }],
      { elapsed: () => 60 * MINUTE_MS },
    );
    assert.equal(slept?.state, 'ready');
    const forward = between(
      [
        {
          endedAtMs: NOW_MS - 60 * MINUTE_MS,
          outcome: 'limited',
          reason: 'l',
          retryAtMs: NOW_MS + MINUTE_MS,
        },
      ],
      { elapsed: () => 0 },
    );
    assert.equal(forward?.dueAtMs, NOW_MS + MINUTE_MS, 'by the clock that names the end');
    const unsaid = between([{ endedAtMs: NOW_MS, outcome: 'limited', reason: 'l', retryAtMs: null }]);
    assert.equal(unsaid?.state, 'ready', 'nobody said until when');
  });

  const ending = (untilMs: number | null, former: readonly Partial<Run>[] = []) => {
    const lastError = { text: 'limit', limit: { untilMs }, denied: null };
    const { action } = judged({
      runs: [...former, { number: former.length + 1 }],
      worker: gone(1, { run: former.length + 1, lastError }),
    });
    assert.ok(action?.kind === 'end-run' && action.outcome === 'limited');
    return (action.retryAtMs ?? 0) - NOW_MS;
  };

  test('that ended a run is over when it says, or after a delay that grows with each in a row', () => {
    assert.equal(ending(NOW_MS + MINUTE_MS), MINUTE_MS);
    about(ending(NOW_MS - MINUTE_MS), 5_000);
    about(ending(null), 5_000);
    const over = { endedAtMs: NOW_MS - MINUTE_MS, outcome: 'limited' } as const;
    about(ending(null, [over]), 30_000);
    about(ending(null, [over, { ...over, number: 2, outcome: 'failed' }]), 5_000);
  });
});

test('the time that a stream worked, and its cap, are told to a tenth of a minute', () => {
  const { state } = judged({
    runs: [{ startedAtMs: NOW_MS - 1_000 * MINUTE_MS }],
    policy: { maxRunMs: 1_000 * MINUTE_MS },
  });
  assert.equal(state.reason, 'worked 1000 minutes, the cap is 1000 (limits.maxMinutes)');
});

describe('a stream that is done or at work when what it builds on moves', () => {
  const files = Array.from({ length: 12 }, (_, at) => `f${at}`);

  test('names ten files of a clash', () => {
    const conflict = { parents: ['a-verified'], files };
    const world = {
      streams: [complete('A'), stream('S', ['A'])],
      records: [doneRecord('A'), record('S', { conflict })],
    };
    assert.equal(
      decided(world).states[1]?.reason,
      `its dependencies do not merge: ${files.slice(0, 10).join(', ')}`,
    );
  });

  test('is checked again at another head of its branch, by a poller that works on it', () => {
    const tip = `${'0123456789'}${'f'.repeat(30)}`;
    const moved = (part: Partial<StreamRecord> = {}, policy: Partial<Policy> = {}, pollerAlive = true) => {
      const world = {
        streams: [complete('S')],
        records: [{ ...doneRecord('S'), ...part }],
        part: { ...headsAt({ s: tip }), pollerAlive },
      };
      const { states, actions } = decided(world, policy);
      return [states[0]?.state, actions[0]?.reason ?? null];
    };
    assert.deepEqual(moved(), ['verifying', 'its branch has moved on to 0123456789 since it was checked']);
    assert.deepEqual(moved({}, { only: new Set(['other']) }), ['done', null]);
    assert.deepEqual(moved({ intent: 'parked' }), ['done', null]);
    assert.deepEqual(moved({}, {}, false), ['done', null]);
    const adopted = { sha: 's-verified', atMs: 1, adopted: true, run: 0, parents: [] };
    assert.deepEqual(moved({ runs: [], verified: adopted }), ['done', null], 'nobody worked on it');
  });

  const told = (policy: Partial<Policy> = {}, part: Partial<StreamRecord> = {}, seen: World['part'] = {}) =>
    decided(
      {
        streams: [complete('A'), stream('S', ['A'])],
        records: [
          doneRecord('A'),
          record('S', {
            base: { ...BASE, parents: ['former'] },
            runs: [run('S', { agentKind: 'claude' })],
            ...part,
          }),
        ],
        workers: { S: worker() },
        part: { ...headsAt({ a: 'a-verified' }), ...seen },
      },
      policy,
    ).actions;

  test('is told while it works, its dialog as it is, where that is wanted and it can be told', () => {
    const [nudge] = told();
    assert.ok(nudge?.kind === 'nudge' && nudge.about === 'moved');
    assert.equal(nudge.leaveDialog, false);
    assert.deepEqual(told({ interactive: false }), []);
    assert.deepEqual(told({}, {}, { pollerAlive: false }), []);
    assert.deepEqual(told({ sync: 'ask' }), []);
    assert.equal(told({ sync: 'ask' }, { syncRequested: true })[0]?.kind, 'nudge');
  });
});

describe('an open run', () => {
  test('of a stream that is cancelled is ended with a farewell', () => {
    const { state, action } = judged({ stream: stream('S', [], { tasks: counts({ cancelled: 2 }) }) });
    assert.equal(state.state, 'cancelled');
    assert.ok(action?.kind === 'end-run' && action.outcome === 'stopped');
    assert.match(action.farewell ?? '', /was cancelled/);
  });

  test('whose worker was not looked at is said to be so, with the cause, and let be', () => {
    const seen = (part: NonNullable<World['part']>) => {
      const records = [record('S', { runs: [run('S')], base: BASE })];
      const { states, actions } = decided({ streams: [stream('S')], records, part });
      assert.deepEqual(actions, []);
      return states[0]?.reason;
    };
    const why = 'its agent could not be looked at: ';
    assert.equal(seen({ workers: { known: false, why: 'tmux is silent' } }), `${why}tmux is silent`);
    assert.equal(seen({ unseen: new Map([['s', 'no claim']]) }), `${why}no claim`);
  });

  test('is due when what its agent does will have settled', () => {
    const at = (settlesAtMs: number | null) =>
      judged({ worker: worker({ activity: activity({ settlesAtMs }) }) }).state.dueAtMs;
    assert.deepEqual([at(null), at(NOW_MS + 700)], [null, NOW_MS + 700]);
  });
});

describe('a run whose worker is gone', () => {
  const over = (part: Parameters<typeof judged>[0]) => {
    const { state, action } = judged(part);
    return [state.state, action?.kind === 'end-run' ? action.outcome : null, state.reason] as const;
  };

  test('is told by its exit status, or by the signal that ended it', () => {
    const how = (exitCode: number) => over({ worker: gone(exitCode) })[2]?.split(',')[0];
    assert.deepEqual([1, 128, 129, 137].map(how), [
      'agent ended (exit 1)',
      'agent ended (exit 128)',
      'agent killed (SIGHUP)',
      'agent killed (SIGKILL)',
    ]);
  });

  test('was cut short when it never had a window, and failed in one', () => {
    const unclaimed = { claimed: false, identity: null } as const;
    const never = over({ runs: [{ pane: null }], worker: gone(null, { ...unclaimed, pane: null }) });
    assert.deepEqual(never.slice(1), ['interrupted', 'the launch was cut short before the agent started']);
    const failed = ['failed', 'its window ended before the agent started'];
    assert.deepEqual(over({ worker: gone(null, { ...unclaimed, pane: null }) }).slice(1), failed);
    assert.deepEqual(over({ runs: [{ pane: null }], worker: gone(1, unclaimed) }).slice(1), failed);
  });

  test('with its tmux server is interrupted, unless its complete work speaks for it without an exit status', () => {
    const lost = gone(null, { pane: null, serverGone: true });
    const by = (agentKind: 'claude' | 'custom', done: boolean) =>
      over({ runs: [{ agentKind }], worker: lost, stream: done ? complete('S') : stream('S') })[1];
    assert.deepEqual(
      [by('claude', false), by('custom', false), by('custom', true)],
      Array(3).fill('interrupted'),
    );
    assert.equal(
      over({ runs: [{ agentKind: 'claude' }], worker: lost, stream: complete('S') })[0],
      'verifying',
    );
    // Its pane is there, so that its server is another one only by its name: what it left by is known to be lost.
    const seen = gone(null, { serverGone: true });
    assert.equal(over({ worker: seen, stream: complete('S') })[1], 'failed');
  });

  test('without a poller says so, and what would come next', () => {
    const left = (done: boolean) => {
      const { state } = judged({
        worker: gone(0),
        stream: done ? complete('S') : stream('S'),
        pollerAlive: false,
      });
      return [state.state, state.reason];
    };
    const why = 'orchestrate is not running; its agent has ended';
    assert.deepEqual(left(true), ['verifying', why]);
    assert.deepEqual(left(false), ['ready', why]);
  });
});

test('a run that failed twice is tried again so long after the last of them', () => {
  const runs = [60_000, 1_000].map((agoMs, at) =>
    run('S', { number: at + 1, endedAtMs: NOW_MS - agoMs, outcome: 'failed', reason: 'exit 1' }),
  );
  const [state] = decided({ streams: [stream('S')], records: [record('S', { runs })] }).states;
  const inMs = (state?.dueAtMs ?? 0) - NOW_MS;
  assert.ok(Math.abs(inMs - 29_000) < 4_000, `due in ${inMs} ms`);
});

test('what another kind of step came to gives up no check', () => {
  const after = (kind: Trouble['kind']) => {
    const trouble: Trouble = { kind, message: 'm', fix: 'f', cause: null, atMs: 0, count: 9 };
    const { states, actions } = decided({
      streams: [complete('S')],
      part: { troubles: new Map([['s', trouble]]) },
    });
    return `${states[0]?.state}, ${actions[0]?.kind ?? 'no step'}`;
  };
  assert.equal(after('adopt'), 'failed, no step');
  for (const kind of ['launch', 'prepare', 'nudge'] as const) assert.equal(after(kind), 'verifying, adopt');
});

test('no worktree is made ahead while more are there than may be, whoever they are for', () => {
  const ids = ['B', 'C', 'D', 'E', 'F'];
  const made = (id: string) =>
    record(id, { ahead: { path: record(id).worktree, parents: ['tip'], bases: ['tip'], setUp: null } });
  const world = {
    streams: [stream('A'), ...ids.map((id) => stream(id, ['A']))],
    records: [record('A', { runs: [run('A')], base: BASE }), ...['D', 'E', 'F'].map(made)],
    workers: { A: worker() },
    part: headsAt({ a: 'tip' }),
  };
  assert.deepEqual(stepsOf(world, { ahead: 2 }), []);
  assert.deepEqual(stepsOf(world, { ahead: 4 }), ['prepare b']);
});

test('work that is complete without a run is taken up by a poller that can ask git, and said to wait for it else', () => {
  const seen = (part: NonNullable<World['part']>) => {
    const { states, actions } = decided({ streams: [complete('S')], part });
    return [states[0]?.state, actions[0]?.kind ?? null, states[0]?.reason, states[0]?.remedy] as const;
  };
  assert.deepEqual(seen({}).slice(0, 2), ['verifying', 'adopt']);
  const why = 'orchestrate is not running; its tasks were completed without a run';
  assert.deepEqual(seen({ pollerAlive: false }), ['verifying', null, why, 'orchestrate start']);
  const [state, step, reason] = seen({ heads: { known: false, why: 'locked' } });
  assert.deepEqual([state, step, reason], ['verifying', null, 'git could not be asked: locked']);
});
