/** Caps of a stream: which time counts as work, and what happens when a cap is reached. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { costUsd } from '../../src/core/decide/limits.ts';
import {
  createLostTime,
  createLostTimes,
  pauseAfter,
  waitedForUserMs,
  withLostTime,
  workedMs,
} from '../../src/core/pause.ts';
import type { AgentActivity, Policy, Run, WorkerFact } from '../../src/core/types.ts';
import {
  activity,
  complete,
  gone,
  judged,
  NOW_MS,
  record,
  run,
  stream,
  worker,
} from '../support/snapshots.ts';

const MINUTE_MS = 60_000;
const started = { startedAtMs: NOW_MS - 60 * MINUTE_MS, claimedAtMs: NOW_MS - 60 * MINUTE_MS };
const ended = { endedAtMs: NOW_MS - 20 * MINUTE_MS, outcome: 'failed' } as const;
const NO_PAUSE = { userMs: 0, forUser: false };
const cost = (costUsd: number) => ({ usage: { tokens: 1, cachedTokens: 0, costUsd } });
const CAPS: Partial<Policy> = { maxRunMs: 60 * MINUTE_MS, maxCostUsd: 2 };

type Case = {
  readonly title: string;
  readonly runs: readonly Partial<Run>[];
  readonly worker?: WorkerFact;
  readonly cleared?: number;
  readonly policy?: Partial<Policy>;
  readonly done?: boolean;
  readonly pollerAlive?: boolean;
  readonly parked: RegExp | null;
};

const CASES: readonly Case[] = [
  {
    title: 'the time is up',
    runs: [started],
    parked: /^worked 60 minutes, the cap is 60 \(limits.maxMinutes\)$/,
  },
  { title: 'nobody is there to park it', runs: [started], pollerAlive: false, parked: null },
  { title: 'a moment before', runs: [{ startedAtMs: started.startedAtMs + 1 }], parked: null },
  { title: 'without a cap', runs: [started], policy: { maxRunMs: null, maxCostUsd: null }, parked: null },
  {
    title: 'runs add up',
    runs: [
      { ...started, ...ended },
      { number: 2, startedAtMs: NOW_MS - 20 * MINUTE_MS },
    ],
    worker: worker({ run: 2 }),
    parked: /^worked 60 minutes/,
  },
  {
    title: 'what the user cleared does not count',
    runs: [
      { ...started, ...ended },
      { number: 2, startedAtMs: NOW_MS - 20 * MINUTE_MS },
    ],
    worker: worker({ run: 2 }),
    cleared: 1,
    parked: null,
  },
  {
    title: 'time in which it waited for the user or a limit does not count',
    runs: [{ ...started, paused: { ...NO_PAUSE, totalMs: MINUTE_MS, sinceMs: null } }],
    parked: null,
  },
  {
    title: 'also while it still waits',
    runs: [{ ...started, paused: { ...NO_PAUSE, totalMs: 0, sinceMs: NOW_MS - 30 * MINUTE_MS } }],
    worker: worker({ activity: activity({ status: 'limited', untilMs: NOW_MS + 9 }) }),
    parked: null,
  },
  {
    title: 'the money is spent',
    runs: [cost(2)],
    parked: /^cost \$2\.00, the cap is \$2\.00 \(limits.maxCostUsd\)$/,
  },
  { title: 'not yet spent', runs: [cost(1.99)], parked: null },
  {
    title: 'costs add up over runs, and a run that ended is not started again',
    runs: [
      { ...ended, ...cost(1.5) },
      { number: 2, ...cost(0.6) },
    ],
    worker: gone(1, { run: 2 }),
    parked: /^cost \$2\.10/,
  },
  {
    title: 'finished work is checked, not parked',
    runs: [cost(5)],
    worker: gone(0),
    done: true,
    parked: null,
  },
];

describe('a cap', () => {
  for (const each of CASES) {
    test(each.title, () => {
      const { state, action } = judged({
        ...each,
        stream: each.done === true ? complete('S') : stream('S'),
        record: { clearedAfterRun: each.cleared ?? 0 },
        policy: { ...CAPS, ...each.policy },
      });
      assert.equal(state.state === 'parked', each.parked !== null, state.state);
      if (each.parked === null) return;
      assert.match(state.reason ?? '', each.parked);
      assert.equal(state.remedy, 'orchestrate retry S');
      assert.ok(action?.kind === 'end-run' && action.intent === 'parked' && action.outcome === 'stopped');
    });
  }
});

describe('pauses', () => {
  const look = (paused: Run['paused'], status: AgentActivity['status'], sinceMs: number | null) =>
    pauseAfter({ startedAtMs: 100, stopGate: null, paused }, { status, sinceMs }, 1000);
  test('begin when the agent stopped, but not before its run', () => {
    assert.deepEqual(look(null, 'limited', 400), { ...NO_PAUSE, totalMs: 0, sinceMs: 400 });
    assert.deepEqual(look({ ...NO_PAUSE, totalMs: 5, sinceMs: null }, 'waiting', 50), {
      ...NO_PAUSE,
      totalMs: 5,
      sinceMs: 100,
      forUser: true,
    });
    assert.deepEqual(look(null, 'idle', null), { ...NO_PAUSE, totalMs: 0, sinceMs: 1000 });
    assert.deepEqual(
      look(null, 'idle', 2000),
      { ...NO_PAUSE, totalMs: 0, sinceMs: 1000 },
      'a clock that was set back',
    );
  });
  test('end when it is at work again', () =>
    assert.deepEqual(look({ ...NO_PAUSE, totalMs: 5, sinceMs: 400 }, 'busy', 990), {
      ...NO_PAUSE,
      totalMs: 605,
      sinceMs: null,
    }));
  test('are left alone when nothing changed, or nothing is known', () => {
    const paused = { ...NO_PAUSE, totalMs: 5, sinceMs: 400 };
    assert.equal(look(paused, 'limited', 500), paused);
    assert.equal(look(paused, 'unknown', null), paused);
    assert.equal(look(null, 'busy', 5), null);
  });
  test('what was waited for the user is told apart from a limit, and from rest that nobody was called for', () => {
    const asked = look(null, 'waiting', 400);
    assert.deepEqual(asked, { totalMs: 0, sinceMs: 400, userMs: 0, forUser: true });
    assert.equal(waitedForUserMs({ endedAtMs: null, paused: asked }, 1000), 600);
    const limited = look(asked, 'limited', 900);
    assert.deepEqual(limited, { totalMs: 600, sinceMs: 1000, userMs: 600, forUser: false });
    assert.equal(waitedForUserMs({ endedAtMs: 5000, paused: limited }, 9000), 600);
    assert.deepEqual(look(asked, 'busy', 990), { totalMs: 600, sinceMs: null, userMs: 600, forUser: false });
    const stopGate = { refusals: 1, inARow: 1, signature: 's', atMs: 1, gaveUp: '1 of 1 task open' };
    const seen = { status: 'idle', sinceMs: 300 } as const;
    assert.equal(pauseAfter({ startedAtMs: 100, stopGate, paused: null }, seen, 1000)?.forUser, true);
    assert.equal(look(null, 'idle', 300)?.forUser, false);
  });
  test('one that was under way ends with the run', () => {
    const part = { startedAtMs: 0, endedAtMs: 1000, paused: { ...NO_PAUSE, totalMs: 100, sinceMs: 700 } };
    assert.equal(workedMs(part, 9000), 600);
  });
});

test('a night asleep, or a clock that was set, is no time at work', () => {
  const lostTime = createLostTime(120_000, null);
  let [wallMs, steadyMs] = [NOW_MS, 0];
  let worker = run('S', { startedAtMs: NOW_MS, claimedAtMs: NOW_MS });
  const look = (wallBy: number, steadyBy: number): number => {
    wallMs += wallBy;
    steadyMs += steadyBy;
    worker = { ...worker, paused: withLostTime(worker, lostTime(wallMs, steadyMs)) };
    return workedMs(worker, wallMs);
  };
  look(0, 0);
  assert.equal(look(30_000, 30_000), 30_000);
  assert.equal(look(8 * 3_600_000, 10_000), 40_000, 'asleep, by a steady clock that stops');
  assert.equal(
    look(8 * 3_600_000, 8 * 3_600_000),
    160_000,
    'asleep, by one that does not: at most what a tick takes',
  );
  assert.equal(look(-3_600_000, 5_000), 165_000, 'set back');
  assert.equal(look(3_605_000, 5_000), 170_000, 'set forward');
});

test('time that was lost is noted once, and changes nothing else', () => {
  const paused = { ...NO_PAUSE, totalMs: 5, sinceMs: null };
  const noted = (part: Partial<Pick<Run, 'paused'>>, lostMs: number): Run['paused'] =>
    withLostTime({ paused, ...part }, lostMs);
  assert.deepEqual(noted({ paused: null }, 1), { totalMs: 1, sinceMs: null, userMs: 0, forUser: false });
  assert.deepEqual(noted({}, 1), { ...paused, totalMs: 6 });
  assert.deepEqual(noted({}, -1), { ...paused, totalMs: 4 });
  assert.equal(noted({ paused: null }, 0), null, 'none was lost');
  const underWay = { ...paused, sinceMs: 3 };
  assert.equal(noted({ paused: underWay }, 9), underWay, 'a pause that is under way has it already');
});

test('time is lost to a run that had begun by then, whether or not anybody had seen its agent', () => {
  const DAY_MS = 86_400_000;
  for (const byMs of [DAY_MS, -DAY_MS]) {
    const lost = createLostTimes(createLostTime(120_000, null));
    const old = run('Old', { startedAtMs: NOW_MS + byMs });
    lost.look({ wallMs: NOW_MS, steadyMs: 0 }, [old]);
    const before = run('Before', { startedAtMs: NOW_MS + 1_000 });
    const after = run('After', { startedAtMs: NOW_MS + byMs + 2_000 });
    const all = [old, before, after];
    lost.look({ wallMs: NOW_MS + byMs + 3_000, steadyMs: 3_000 }, all);
    assert.deepEqual(all.map(lost.take), [byMs, byMs, 0], 'begun before the clock was set, and after');
    assert.deepEqual(all.map(lost.take), [0, 0, 0], 'taken once');
    lost.look({ wallMs: NOW_MS + 4_000, steadyMs: 4_000 }, all);
    lost.look({ wallMs: NOW_MS + byMs + 5_000, steadyMs: 5_000 }, [old]);
    assert.deepEqual(
      all.map(lost.take),
      [0, 0, 0],
      'set and set back, and of those that ended nothing is left',
    );
  }
});

test('two clocks that differ by less than a second were only read one after the other', () => {
  const lost = (byMs: number): number => {
    const lostTime = createLostTime(120_000, null);
    lostTime(NOW_MS, 0);
    return lostTime(NOW_MS + 10_000 + byMs, 10_000);
  };
  assert.deepEqual([999, 1_000, -999, -1_000].map(lost), [0, 1_000, 0, -1_000]);
});

test('what passed since a former poller looked is no time at work, unless the clock was set back', () => {
  const first = (formerMs: number | null): number => createLostTime(120_000, formerMs)(NOW_MS, 7);
  assert.deepEqual([NOW_MS - 8 * 3_600_000, NOW_MS - 20, NOW_MS + 60_000, null].map(first), [
    8 * 3_600_000,
    20,
    0,
    0,
  ]);
});

test('what runs cost is their sum and that of their reviews, since the user last cleared them', () => {
  const reviewUsage = { tokens: 1, cachedTokens: 0, costUsd: 1 };
  const runs = [run('S', { ...cost(0.5), reviewUsage }), run('S', { number: 2, ...cost(0.25) })];
  assert.equal(costUsd(record('S', { runs })), 1.75);
  assert.equal(costUsd(record('S', { runs, clearedAfterRun: 1 })), 0.25);
});

test('a pause that a clock which was set shows to begin later takes nothing from the time at work', () => {
  const paused = { totalMs: 0, sinceMs: NOW_MS + 60_000, userMs: 0, forUser: false };
  assert.equal(workedMs({ startedAtMs: NOW_MS - 5_000, endedAtMs: null, paused }, NOW_MS), 5_000);
  const asked = { ...paused, userMs: 7, forUser: true };
  assert.equal(
    waitedForUserMs({ endedAtMs: null, paused: asked }, NOW_MS),
    7,
    'nor from what was waited before',
  );
  assert.equal(workedMs({ startedAtMs: NOW_MS + 5_000, endedAtMs: null, paused: null }, NOW_MS), 0);
});
