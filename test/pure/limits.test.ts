/** What a usage limit, a failing service and an account that is refused lead to: states, waits, messages, and no attempt burnt. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decide } from '../../src/core/decide/decide.ts';
import type { StateName } from '../../src/core/states.ts';
import type { Action, AgentActivity, Policy, Run, WorkerFact } from '../../src/core/types.ts';
import {
  activity,
  BASE,
  complete,
  gone,
  judged,
  NOW_MS,
  POLICY,
  record,
  run,
  snapshot,
  stream,
  worker,
} from '../support/snapshots.ts';

const MINUTE_MS = 60_000;
const POLICY_CLAUDE: Policy = { ...POLICY, maxWorkers: 9, login: 'agent login' };

type Case = {
  readonly title: string;
  readonly worker: WorkerFact;
  readonly runs?: readonly Partial<Run>[];
  readonly tasksComplete?: boolean;
  readonly pollerAlive?: boolean;
  readonly state: StateName;
  readonly step: string | null;
  /** From now on. */
  readonly dueInMs?: number | ((ms: number) => boolean);
  readonly reason?: RegExp;
  readonly remedy?: RegExp;
  /** State of a second stream, which could start. */
  readonly other: StateName;
};

function limited(part: Partial<AgentActivity> = {}): WorkerFact {
  const detail = 'API Error: 529 Overloaded';
  return worker({ activity: activity({ status: 'limited', sinceMs: NOW_MS - 1000, detail, ...part }) });
}

const about = (wantedMs: number) => (ms: number) => Math.abs(ms - wantedMs) <= wantedMs / 8;

const CASES: readonly Case[] = [
  {
    title: 'a limit with a named end lasts until then, and holds back what could start',
    worker: limited({ untilMs: NOW_MS + 90 * MINUTE_MS, detail: "You've hit your limit" }),
    state: 'limited',
    step: null,
    dueInMs: 90 * MINUTE_MS,
    reason: /You've hit your limit/,
    remedy: /^orchestrate attach S$/,
    other: 'queued',
  },
  {
    title: 'the agent that named the end goes on by itself: it is only watched for some minutes',
    worker: limited({ untilMs: NOW_MS - 2 * MINUTE_MS, sinceMs: NOW_MS - 60 * MINUTE_MS }),
    state: 'limited',
    step: null,
    dueInMs: 2 * MINUTE_MS,
    other: 'queued',
  },
  {
    title: 'one that did not go on by itself is told to',
    worker: limited({ untilMs: NOW_MS - 5 * MINUTE_MS, sinceMs: NOW_MS - 60 * MINUTE_MS }),
    state: 'limited',
    step: 'nudge limit',
    other: 'queued',
  },
  {
    title: 'one behind a dialog does not go on by itself: the dialog is left, and it is told',
    worker: limited({ untilMs: NOW_MS - 2 * MINUTE_MS, sinceMs: NOW_MS - 60 * MINUTE_MS, dialog: 'other' }),
    state: 'limited',
    step: 'nudge limit, leaving the dialog',
    other: 'queued',
  },
  {
    title: 'without an end the first wait is short',
    worker: limited(),
    state: 'limited',
    step: null,
    dueInMs: (ms) => ms > 3_000 && ms < 5_000,
    other: 'queued',
  },
  {
    title: 'and is longer after each time the agent was told to go on',
    worker: limited({ sinceMs: NOW_MS }),
    runs: [{ continued: { count: 2, atMs: NOW_MS - 3000, rest: 0 } }],
    state: 'limited',
    step: null,
    dueInMs: about(120_000),
    other: 'queued',
  },
  {
    title: 'up to a quarter of an hour',
    worker: limited({ sinceMs: NOW_MS }),
    runs: [{ continued: { count: 30, atMs: NOW_MS - 3000, rest: 0 } }],
    state: 'limited',
    step: null,
    dueInMs: 15 * MINUTE_MS,
    other: 'queued',
  },
  {
    title: 'a limit long after the last one begins with the short wait again',
    worker: limited({ sinceMs: NOW_MS }),
    runs: [{ continued: { count: 30, atMs: NOW_MS - 61 * MINUTE_MS, rest: 0 } }],
    state: 'limited',
    step: null,
    dueInMs: about(5_000),
    other: 'queued',
  },
  {
    title: 'an agent that was just told to go on is given a moment',
    worker: limited({ sinceMs: NOW_MS - 50_000 }),
    runs: [{ continued: { count: 1, atMs: NOW_MS - 1000, rest: 1 } }],
    state: 'limited',
    step: null,
    reason: /told to go on/,
    other: 'queued',
  },
  {
    title: 'one that does not react is the user’s',
    worker: limited({ sinceMs: NOW_MS - 90_000 }),
    runs: [{ continued: { count: 1, atMs: NOW_MS - 61_000, rest: 1 } }],
    state: 'needs-input',
    step: null,
    reason: /did not react/,
    other: 'ready',
  },
  {
    title: 'nobody tells it to go on without a poller',
    worker: limited({ sinceMs: NOW_MS - 90_000 }),
    pollerAlive: false,
    state: 'limited',
    step: null,
    reason: /^orchestrate is not running; /,
    remedy: /^orchestrate start$/,
    other: 'ready',
  },
  {
    title: 'work that is complete is checked, limit or not',
    worker: limited(),
    tasksComplete: true,
    state: 'verifying',
    step: 'verify',
    other: 'ready',
  },
  {
    title: 'but what the check found wanting waits for the end of the limit',
    worker: limited({ sinceMs: NOW_MS - 2000 }),
    runs: [
      {
        verdict: {
          sha: null,
          atMs: NOW_MS - 1000,
          rest: 1,
          parents: [],
          ok: false,
          cause: 'dirty',
          message: 'uncommitted: a',
          gate: null,
        },
      },
    ],
    tasksComplete: true,
    state: 'limited',
    step: null,
    other: 'queued',
  },
  {
    title: 'an expired login calls the user, and holds back what would meet the same',
    worker: worker({
      activity: activity({
        status: 'waiting',
        account: true,
        remedy: 'type /login',
        detail: 'Please run /login',
      }),
    }),
    state: 'needs-input',
    step: null,
    reason: /run \/login \(type \/login, then tell it to go on\)$/,
    remedy: /^orchestrate attach S$/,
    other: 'queued',
  },
  {
    title: 'a question of one agent holds back nobody',
    worker: worker({
      activity: activity({ status: 'waiting', dialog: 'other', detail: 'permission: Bash rm' }),
    }),
    state: 'needs-input',
    step: null,
    other: 'ready',
  },
  {
    title: 'a headless run that a limit ended burns no attempt and waits for the named end',
    worker: gone(1, {
      lastError: { text: 'hit your limit', limit: { untilMs: NOW_MS + 9000 }, denied: null },
    }),
    state: 'limited',
    step: 'end-run limited',
    dueInMs: 9000,
    other: 'queued',
  },
  {
    title: 'without a named end its delay grows with each limit in a row',
    worker: gone(1, {
      run: 3,
      lastError: { text: 'API Error: 500', limit: { untilMs: null }, denied: null },
    }),
    runs: [
      { endedAtMs: NOW_MS - 9000, outcome: 'limited' },
      { number: 2, endedAtMs: NOW_MS - 5000, outcome: 'limited' },
      { number: 3 },
    ],
    state: 'limited',
    step: 'end-run limited',
    dueInMs: about(120_000),
    other: 'queued',
  },
  {
    title: 'a headless run that ended for want of a login calls the user and burns no attempt either',
    worker: gone(1, { lastError: { text: 'Please run /login', limit: null, denied: 'type /login' } }),
    state: 'needs-input',
    step: 'end-run denied',
    dueInMs: about(5_000),
    reason: /Please run \/login/,
    remedy: /^agent login && orchestrate retry S$/,
    other: 'queued',
  },
  {
    title:
      'an agent that the user closed at its prompt waits for them, also out of a limit, and holds back nobody',
    worker: gone(0, {
      closedByUser: true,
      lastError: { text: 'API Error: 500', limit: { untilMs: null }, denied: null },
    }),
    state: 'needs-input',
    step: 'end-run closed',
    reason: /^the agent was closed at its prompt$/,
    remedy: /^orchestrate retry S$/,
    other: 'ready',
  },
  {
    title: 'one that was closed with its work complete is checked',
    worker: gone(0, { closedByUser: true }),
    tasksComplete: true,
    state: 'verifying',
    step: 'verify',
    other: 'ready',
  },
  {
    title: 'any other error of the service is a failure',
    worker: gone(1, { lastError: { text: 'invalid request', limit: null, denied: null } }),
    state: 'ready',
    step: 'end-run failed',
    reason: /invalid request/,
    other: 'ready',
  },
  {
    title: 'work that is complete counts, whatever the last turn ended by',
    worker: gone(1, { lastError: { text: 'API Error: 500', limit: { untilMs: null }, denied: null } }),
    tasksComplete: true,
    state: 'verifying',
    step: 'verify',
    other: 'ready',
  },
];

function stepText(action: Action | undefined): string | null {
  if (action?.kind === 'end-run') return `end-run ${action.outcome}`;
  if (action?.kind !== 'nudge') return action?.kind ?? null;
  return `nudge ${action.about}${action.leaveDialog ? ', leaving the dialog' : ''}`;
}

function checkDue({ dueInMs }: Case, dueAtMs: number | null): void {
  const inMs = (dueAtMs ?? 0) - NOW_MS;
  if (typeof dueInMs === 'number') assert.equal(inMs, dueInMs);
  if (typeof dueInMs === 'function') assert.ok(dueInMs(inMs), `due in ${inMs} ms`);
}

describe('a limit', () => {
  for (const each of CASES) {
    test(each.title, () => {
      const { state, other, action } = judged({
        ...each,
        stream: each.tasksComplete === true ? complete('S') : stream('S'),
        runs: (each.runs ?? [{}]).map((part) => ({ agentKind: 'claude', ...part })),
        beside: [stream('O')],
        policy: POLICY_CLAUDE,
      });
      assert.equal(state.state, each.state, state.reason ?? '');
      assert.equal(stepText(action), each.step);
      assert.equal(other?.state, each.other, other?.reason ?? '');
      checkDue(each, state.dueAtMs);
      assert.match(state.reason ?? '', each.reason ?? /./);
      assert.match(state.remedy ?? '', each.remedy ?? /./);
      assert.equal(/^held back while S /.test(other?.reason ?? ''), each.other === 'queued');
    });
  }
});

type Ended = {
  readonly outcome: 'limited' | 'denied' | 'closed';
  readonly retryInMs: number;
  readonly cleared?: boolean;
  readonly login?: string | null;
};

describe('between two runs', () => {
  const after = (ended: Ended) => statesAfter(ended).map(({ state }) => state);
  const statesAfter = ({ outcome, retryInMs, cleared = false, login = null }: Ended) => {
    const ended = run('S', {
      endedAtMs: NOW_MS - 1000,
      outcome,
      reason: 'said so',
      retryAtMs: NOW_MS + retryInMs,
    });
    const clearedAfterRun = cleared ? 1 : 0;
    const world = snapshot({
      streams: [stream('S'), stream('O')],
      records: [record('S', { runs: [ended], base: BASE, clearedAfterRun })],
    });
    return decide(world, { ...POLICY_CLAUDE, login }).states;
  };
  test('a limit is waited out, by everyone', () =>
    assert.deepEqual(after({ outcome: 'limited', retryInMs: 9000 }), ['limited', 'queued']));
  test('a refused account is the user’s, and holds everyone', () =>
    assert.deepEqual(after({ outcome: 'denied', retryInMs: 9000 }), ['needs-input', 'queued']));
  test('for a refused account is typed what the agent logs in by, where there is such a command', () => {
    const remedies = [{}, { login: 'agent login' }].map(
      (how) => statesAfter({ outcome: 'denied', retryInMs: 9000, ...how })[0]?.remedy,
    );
    assert.deepEqual(remedies, ['orchestrate retry S', 'agent login && orchestrate retry S']);
  });
  test('both are tried again when their time has come', () => {
    assert.deepEqual(after({ outcome: 'limited', retryInMs: 0 }), ['ready', 'ready']);
    assert.deepEqual(after({ outcome: 'denied', retryInMs: 0 }), ['ready', 'ready']);
  });
  test('an agent that the user closed is waited for by its stream alone, until retry', () => {
    assert.deepEqual(after({ outcome: 'closed', retryInMs: 0 }), ['needs-input', 'ready']);
    assert.deepEqual(after({ outcome: 'closed', retryInMs: 0, cleared: true }), ['ready', 'ready']);
  });
  test('retry does not wait for it', () => {
    assert.deepEqual(after({ outcome: 'limited', retryInMs: 9000, cleared: true }), ['ready', 'ready']);
    assert.deepEqual(after({ outcome: 'denied', retryInMs: 9000, cleared: true }), ['ready', 'ready']);
  });
});
