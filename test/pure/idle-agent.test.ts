/** An interactive agent whose turn is over, or that waits, or outlived its window: checked, told what is missing, or left to the user. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { restAfter } from '../../src/core/pause.ts';
import type { StateName } from '../../src/core/states.ts';
import type { AgentActivity, PlanStream, Run, Verdict, WorkerFact } from '../../src/core/types.ts';
import { activity, complete, counts, judged, NOW_MS, stream, worker } from '../support/snapshots.ts';

type Row = {
  readonly title: string;
  readonly stream?: PlanStream;
  readonly run?: Partial<Run>;
  readonly activity?: Partial<AgentActivity>;
  readonly worker?: Partial<WorkerFact>;
  readonly pollerAlive?: boolean;
  readonly state: StateName;
  readonly step?: string;
  readonly reason?: RegExp;
  /** What is typed to the agent. */
  readonly text?: RegExp;
  /** When to look again, after now. */
  readonly dueMs?: number;
};

/** A first rest is the one it is in now. */
const verdict = (cause: Verdict['cause'], rest = 1): Verdict => ({
  sha: 'x',
  atMs: NOW_MS - 100,
  rest,
  ok: cause === null,
  cause,
  message: `found: ${cause}`,
  parents: [],
  gate: cause === 'gate' ? { name: 'test', log: '/l', times: 2 } : null,
});
const gaveUp = {
  refusals: 2,
  inARow: 1,
  signature: 's',
  atMs: NOW_MS - 100,
  gaveUp: 'asks: "Which?" (no commit yet)',
};
const refusing = { ...gaveUp, gaveUp: null };
const blocked = stream('S', [], {
  tasks: counts({ blocked: 1, completed: 1 }),
  blockedTask: { id: 'TASK-9', reason: 'no key' },
});

const ROWS: readonly Row[] = [
  {
    title: 'open tasks are told to the agent, by id',
    state: 'running',
    step: 'nudge',
    text: /not done yet: 2 of 2 tasks open: TASK-1, TASK-2\. Please finish/,
  },
  {
    title: 'just come to rest: a moment is left for the next turn to begin',
    activity: { sinceMs: NOW_MS - 400 },
    state: 'running',
    dueMs: 1_100,
  },
  {
    title: 'complete work is checked at once, without that moment',
    stream: complete('S'),
    activity: { sinceMs: NOW_MS - 400 },
    state: 'verifying',
    step: 'verify',
  },
  {
    title: 'a stop gate that gave up calls the user with its whole reason, and nothing is typed',
    run: { stopGate: gaveUp },
    state: 'needs-input',
    reason: /^asks: "Which\?" \(no commit yet\)$/,
  },
  {
    title: 'while it mends a red gate, that is what is said of it',
    activity: { status: 'busy', sinceMs: NOW_MS - 400 },
    run: { verdict: { ...verdict('gate'), sha: 'an earlier head' } },
    state: 'running',
    reason: /^gate "test" failed 2×$/,
  },
  {
    title: 'a stop gate that gave up has settled it: no moment is waited',
    activity: { sinceMs: NOW_MS - 10 },
    run: { stopGate: gaveUp },
    state: 'needs-input',
  },
  {
    title: 'a stop gate that only refused does not: the agent is told',
    run: { stopGate: refusing },
    state: 'running',
    step: 'nudge',
  },
  {
    title: 'given up over uncommitted files: not told again what it was told',
    stream: complete('S'),
    run: { stopGate: gaveUp, verdict: verdict('dirty') },
    state: 'needs-input',
    reason: /^asks: "Which\?" \(no commit yet\)$/,
  },
  ...(['gate', 'gate-void', 'missing-parents'] as const).map(
    (cause): Row => ({
      title: `${cause} is beyond the stop gate: it goes back to the agent all the same`,
      stream: complete('S'),
      run: { stopGate: gaveUp, verdict: verdict(cause) },
      state: 'running',
      step: 'nudge',
      text: new RegExp(`not done yet: found: ${cause}\\.`),
    }),
  ),
  {
    title: 'a verdict from before this rest says nothing of it, whatever its time says',
    stream: complete('S'),
    run: { rest: { number: 1, sinceMs: NOW_MS - 90_000, isOver: true }, verdict: verdict('gate') },
    state: 'verifying',
    step: 'verify',
  },
  {
    title: 'a verdict of this rest counts, though the clock was set forward since',
    stream: complete('S'),
    activity: { sinceMs: NOW_MS + 3_600_000 },
    run: { rest: { number: 1, sinceMs: NOW_MS + 3_600_000, isOver: false }, verdict: verdict('gate') },
    state: 'running',
    step: 'nudge',
  },
  {
    title: 'hooks that cannot be relied on are said where there is nothing else to say',
    activity: { status: 'busy', hookTrouble: 'its stop gate could not run' },
    state: 'running',
    reason: /^its stop gate could not run$/,
  },
  {
    title: 'and stand back behind what is missing',
    activity: { hookTrouble: 'its stop gate could not run' },
    state: 'running',
    step: 'nudge',
    reason: /^stopped with 2 of 2 tasks open$/,
  },
  {
    title: 'told, and given a while to react',
    run: { nudges: 1, lastNudgeAtMs: NOW_MS - 1_000, lastNudgeRest: 1 },
    state: 'running',
    reason: /^stopped with 2 of 2 tasks open; the agent was told/,
    dueMs: 59_000,
  },
  {
    title: 'told, and it did not react: the user is called',
    activity: { sinceMs: NOW_MS - 90_000 },
    run: { nudges: 1, lastNudgeAtMs: NOW_MS - 61_000, lastNudgeRest: 1 },
    state: 'needs-input',
    reason: /^stopped with 2 of 2 tasks open$/,
  },
  {
    title: 'told at an earlier rest: told again at this one',
    run: {
      nudges: 2,
      lastNudgeAtMs: NOW_MS - 1_000,
      lastNudgeRest: 1,
      rest: { number: 1, sinceMs: NOW_MS - 90_000, isOver: false },
    },
    state: 'running',
    step: 'nudge',
  },
  {
    title: 'told as often as makes sense',
    run: { nudges: 3 },
    state: 'needs-input',
    reason: /^stopped with /,
  },
  {
    title: 'without a poller nobody tells it',
    pollerAlive: false,
    state: 'needs-input',
    reason: /^stopped with /,
  },
  { title: 'a blocked task is named', stream: blocked, state: 'blocked', reason: /task blocked: no key/ },
  {
    title: 'a question is never done, even when every task is',
    stream: complete('S'),
    activity: { status: 'waiting', detail: 'the agent asks: Which colour?' },
    state: 'needs-input',
    reason: /Which colour/,
  },
  {
    title: 'what was read off the screen is called so',
    activity: { status: 'waiting', detail: 'trust', inferred: true },
    state: 'needs-input',
    reason: /^trust \(read off its screen\)$/,
  },
  {
    title: 'work in the background is not rest, even when every task is complete',
    stream: complete('S'),
    activity: { status: 'busy', doing: 'in the background: subagent' },
    state: 'running',
  },
  {
    title: 'silence names what was last seen, and nothing is done about it',
    activity: { status: 'busy', doing: 'Bash npm test', lastSignAtMs: NOW_MS - 12 * 60_000 },
    state: 'stalled',
    reason: /^no sign of life for 12 min; last seen: Bash npm test$/,
  },
  {
    title: 'an agent whose tmux server is gone is ended; its conversation goes on, no attempt is burnt',
    worker: { pane: null, serverGone: true },
    state: 'running',
    step: 'end-run:interrupted',
    reason: /tmux server is gone/,
  },
  {
    title: 'an agent whose window was closed is ended, and that counts, living on or not',
    worker: { pane: null },
    state: 'running',
    step: 'end-run:failed',
    reason: /window was closed/,
  },
  {
    title: 'without a poller such an agent is only told of',
    worker: { pane: null },
    pollerAlive: false,
    state: 'running',
    reason: /window was closed/,
  },
];

function check(row: Row): void {
  const { state, action } = judged({
    ...row,
    runs: [{ agentKind: 'claude', ...row.run }],
    worker: worker({ activity: activity({ status: 'idle', ...row.activity }), ...row.worker }),
  });
  assert.equal(state.state, row.state, state.reason ?? '');
  assert.equal(action?.kind === 'end-run' ? `end-run:${action.outcome}` : action?.kind, row.step);
  if (row.reason !== undefined) assert.match(state.reason ?? '', row.reason);
  if (row.text !== undefined) assert.match(action?.kind === 'nudge' ? action.text : '', row.text);
  if (row.dueMs !== undefined) assert.equal((state.dueAtMs ?? 0) - NOW_MS, row.dueMs);
  if (row.state === 'needs-input') assert.equal(state.remedy, 'orchestrate attach S');
}

describe('an agent that is at rest, or not', () => {
  for (const row of ROWS) test(row.title, () => check(row));
});

test('rests are counted: by another stamp, or after work, whatever the stamp', () => {
  const looks: readonly (readonly [AgentActivity['status'], number | null])[] = [
    ['busy', 1],
    ['idle', 5],
    ['idle', 5],
    ['waiting', 6],
    ['idle', 5],
    ['limited', 3],
    ['busy', 2],
    ['unknown', null],
    ['idle', 3],
    ['busy', 4],
    ['idle', null],
    ['idle', null],
  ];
  let rest: Run['rest'] = null;
  const seen = looks.map(([status, sinceMs]) => {
    rest = restAfter({ rest }, { status, sinceMs });
    return rest === null ? null : `${rest.number}${rest.isOver ? ' over' : ''}`;
  });
  assert.deepEqual(seen, [null, '1', '1', '1', '1', '2', '2 over', '2 over', '3', '3 over', '4', '4']);
});
