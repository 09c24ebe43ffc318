/** Real Claude Code that meets limits, a failing service, a refused account and a cap: seen at once, waited out, gone on with, and told in the log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusReport, StreamDetail } from '../../src/report/types.ts';
import { until } from '../support/wait.ts';
import type { Step } from './support/model-server.ts';
import { type ClaudeProject, createClaudeProject } from './support/project.ts';
import { bash, planOf, press, streamIn, untilState, work } from './support/scene.ts';

/** Claude Code's own retries are its affair: here the first answer counts. */
const env = { CLAUDE_CODE_MAX_RETRIES: '0' };
const HOUR_S = 3600;
const inHours = (hours: number): number => Math.floor(Date.now() / 1000) + hours * HOUR_S;

/** The service's answer to a subscriber whose usage is used up. */
function usedUp(resetS: number): Step {
  return {
    error: 429,
    headers: {
      'anthropic-ratelimit-unified-status': 'rejected',
      'anthropic-ratelimit-unified-reset': String(resetS),
      'anthropic-ratelimit-unified-representative-claim': 'five_hour',
    },
  };
}

const STREAMS = ['Hours', 'Days', 'Overloaded', 'Broken', 'Login', 'Costly', 'Quick', 'After'] as const;
type Name = (typeof STREAMS)[number];

/** State and reason in which each stream must be seen. */
const EXPECTED = {
  Hours: ['limited', /hit your 5-hour limit/],
  Days: ['limited', /hit your 5-hour limit/],
  Overloaded: ['limited', /529/],
  Broken: ['limited', /500/],
  Login: ['needs-input', /run \/login/],
} as const;

/** The report in which each stream was seen so. */
type Seen = Record<keyof typeof EXPECTED, StatusReport>;

/** Asks `status --json` again and again until all were seen; returns what was seen of each, which is noted in `seen`. */
async function seenOfAll(project: ClaudeProject, seen: Partial<Seen>): Promise<Seen> {
  const names = Object.keys(EXPECTED) as (keyof typeof EXPECTED)[];
  await until('all in their states', async () => {
    const report = JSON.parse(await project.run(['status', '--json'])) as StatusReport;
    for (const id of names.filter((each) => seen[each] === undefined)) {
      const { state, reason } = streamIn(report, id);
      if (state === EXPECTED[id][0] && EXPECTED[id][1].test(reason ?? '')) seen[id] = report;
    }
    return names.every((id) => seen[id] !== undefined);
  });
  return seen as Seen;
}

test('limits, a failing service, a refused account and a cap, in one project of a subscriber', async () => {
  const hours = inHours(2);
  const days = inHours(72);
  const noted: Partial<Seen> = {};
  await using project = await createClaudeProject({
    subscriber: true,
    env,
    plan: planOf('limits', STREAMS, { After: ['Quick'] }),
    config: {
      maxWorkers: STREAMS.length,
      pollSeconds: 1,
      limits: { maxCostUsd: 0.001 },
      restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [12] },
    },
    rules: (taskOf) => {
      const done = (id: Name): Step[] => [work(id, taskOf(`Task of ${id}`).id), { text: `${id} is done.` }];
      const begin = (id: Name, steps: readonly Step[]) => ({ match: `the stream \`${id}\``, steps });
      // The service fails on for as long as nobody has seen it fail.
      const onceSeen = (id: 'Overloaded' | 'Broken', failure: Step) => () =>
        noted[id] === undefined ? [failure] : done(id);
      const overloaded = { error: 529, message: 'Overloaded' };
      const broken = { error: 500, message: 'Internal server error' };
      const costly = Array.from({ length: 12 }, (_, i) => bash(`echo ${i}`));
      return [
        begin('Hours', [usedUp(hours)]),
        begin('Days', [usedUp(days)]),
        begin('Overloaded', [overloaded]),
        begin('Broken', [broken]),
        begin('Login', [{ error: 401, message: 'OAuth token has expired' }]),
        begin('Costly', [...costly, { hold: 'never', answer: { text: 'Still here.' } }]),
        begin('Quick', [{ hold: 'quick', answer: done('Quick')[0] as Step }, { text: 'Quick is done.' }]),
        begin('After', done('After')),
        { match: 'go on with Hours', steps: done('Hours') },
        { match: 'go on with Days', steps: done('Days') },
        { match: 'go on with Login', steps: done('Login') },
        // Which of the two it is follows from the conversation.
        {
          match: /Overloaded[\s\S]*trouble of the service may be over/,
          steps: onceSeen('Overloaded', overloaded),
        },
        { match: /Broken[\s\S]*trouble of the service may be over/, steps: onceSeen('Broken', broken) },
      ];
    },
  });
  const poller = project.start();
  const seen = await seenOfAll(project, noted);
  const due = (id: 'Hours' | 'Days'): number => Date.parse(streamIn(seen[id], id).dueAt ?? '') / 1000;
  assert.equal(due('Hours'), hours - (hours % 60), 'the named minute');
  assert.equal(due('Days'), days - (days % 60), 'the named day and minute, also behind its dialog');
  const { reason, remedy } = streamIn(seen.Login, 'Login');
  assert.match(reason ?? '', /\(type \/login, then tell it to go on\)$/);
  assert.equal(remedy, 'orchestrate attach Login');

  project.server.release('quick');
  const held = await untilState(project, 'After', 'queued', /^held back while (Hours|Days|Login) /);
  assert.ok(held.remedy, 'a remedy');
  for (const id of ['Overloaded', 'Broken']) await untilState(project, id, 'done');
  assert.match(
    await project.run(['send', 'Hours', 'Please', 'go', 'on', 'with', 'Hours']),
    /^Sent to Hours\n/,
  );
  await press(project, 'Login', 'w', 'a', 'i');
  await project.until('the draft to be shown', () => /❯\s*wai/.test(screenOf(project, 'login')));
  const beside = await project.cli.run(['send', 'Login', 'go on with Login'], { env: project.env });
  assert.equal(beside.code, 5);
  assert.match(beside.stderr, /someone has begun to type/);
  await press(project, 'Login', 'C-u');
  await project.until('the draft to be gone', () => !/❯\s*wai/.test(screenOf(project, 'login')));
  await project.run(['send', 'Login', 'Please\ngo on with Login']);
  const refused = await project.cli.run(['send', 'Days', 'go on with Days'], { env: project.env });
  assert.equal(refused.code, 5);
  assert.match(refused.stderr, /is showing a dialog/);
  await press(project, 'Days', 'Escape');
  await project.until('the dialog to be gone', () => !/Stop and wait/.test(screenOf(project, 'days')));
  await project.run(['send', 'Days', '/clear and go on with Days']);
  for (const id of ['Hours', 'Login', 'Days', 'After']) await untilState(project, id, 'done');

  const parked = await untilState(project, 'Costly', 'parked', /^cost \$0\.00\d\d, the cap is \$0\.0010 /);
  assert.ok((parked.costUsd ?? 0) >= 0.001, `$${parked.costUsd}`);
  assert.equal(await poller.ended, 1, poller.output());

  const report = await project.look();
  const runs = report.streams.map(({ id, run }) => [id, run]);
  assert.deepEqual(
    runs,
    STREAMS.map((id) => [id, 1]),
    'nothing was started twice',
  );
  const tokens = report.streams.map((stream) => stream.tokens ?? 0);
  assert.ok(
    tokens.every((count) => count > 0 && count % 20 === 0),
    String(tokens),
  );
  assert.equal(
    report.summary.tokens,
    tokens.reduce((sum, count) => sum + count, 0),
  );
  const shown = await project.run(['status']);
  assert.match(shown, /elapsed {2}\$0\.0\d+$/m);
  assert.match(shown, / \d+ tokens$/m);
  const used = report.streams.find(({ id }) => id === 'Costly')?.tokens;
  assert.match(await project.run(['status', 'Costly']), new RegExp(`^Used +${used} tokens`, 'm'));

  const waited = JSON.parse(await project.run(['status', 'Days', '--json'])) as StreamDetail;
  assert.ok((waited.record?.runs[0]?.paused?.totalMs ?? 0) > 1_000, 'a limit is no working time');

  const log = await project.run(['logs', 'Days']);
  // Claude Code writes its conversation beside its hooks: which of the two tells first is not ours to say.
  assertInOrder(log, [
    /-- started \(run 1\)/,
    /! You've hit your 5-hour limit/,
    /> Message: \/clear and go on with Days/,
    /\$ echo Days > Days\.txt/,
    /Days is done\./,
  ]);
  assertInOrder(log, [
    /-- started \(run 1\)/,
    /-- limited: You've hit your 5-hour limit/,
    /-- you wrote: Message: \/clear and go on with Days/,
    /-- done: checked, without gates/,
  ]);
  const kept = lastOf(project.cli.read('.claude/orchestrator/logs/days.log'));
  assert.equal(kept?.replace(/^[\d-]+ /, ''), lastOf(log), 'the file has the day on each line');
});

test('headless, a limit or an expired login ends the run without burning an attempt; the next goes on, and nothing counts twice', async () => {
  let over = false;
  await using project = await createClaudeProject({
    env,
    plan: planOf('headless', ['Head', 'Out']),
    agent: { mode: 'print' },
    config: { pollSeconds: 1, restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [6] } },
    rules: (taskOf) => {
      const done = (id: string): Step[] => [work(id, taskOf(`Task of ${id}`).id), { text: `${id} is done.` }];
      const limited: Step[] = [bash('echo one > one.txt'), { error: 529, message: 'Overloaded' }];
      const goingOn: Step[] = [bash('git add one.txt'), ...done('Head')];
      return [
        { match: 'the stream `Head`', steps: () => (over ? goingOn : limited) },
        { match: 'the stream `Out`', steps: () => (over ? done('Out') : [{ error: 401 }]) },
      ];
    },
  });
  const poller = project.start();
  const [limited, denied] = await Promise.all([
    untilState(project, 'Head', 'limited', /529/),
    untilState(project, 'Out', 'needs-input', /401/),
  ]);
  over = true;
  assert.match(limited.remedy ?? '', /^orchestrate retry Head$/);
  assert.equal(denied.remedy, 'claude auth login && orchestrate retry Out');
  assert.ok(limited.dueAt !== null && denied.dueAt !== null, 'they go on at a time');
  assert.equal(await poller.ended, 0, poller.output());
  const { stream, record } = JSON.parse(await project.run(['status', 'Head', '--json'])) as StreamDetail;
  const runs = record?.runs ?? [];
  // On a busy machine the limit is met once more before it is over here.
  const limits = runs.slice(0, -1);
  assert.ok(limits.length > 0);
  for (const { outcome, usage } of limits) assert.deepEqual([outcome, usage?.tokens], ['limited', 20]);
  assert.deepEqual([runs.at(-1)?.outcome, runs.at(-1)?.usage?.tokens], ['done', 60]);
  assert.equal(new Set(runs.map(({ sessionId }) => sessionId)).size, 1, 'one conversation');
  assert.equal(stream.tokens, 20 * limits.length + 60);
  assert.ok(stream.costUsd !== null && stream.costUsd > 0);
  const out = JSON.parse(await project.run(['status', 'Out', '--json'])) as StreamDetail;
  const outcomes = (out.record?.runs ?? []).map(({ outcome }) => outcome);
  assert.deepEqual([...new Set(outcomes)], ['denied', 'done']);
  assert.equal(outcomes.indexOf('done'), outcomes.length - 1);
  const [first, last] = await Promise.all(
    [1, runs.length].map((run) => project.run(['logs', 'Head', '--run', String(run)])),
  );
  assert.match(first ?? '', /echo one > one\.txt/);
  assert.match(last ?? '', /Head is done\./);
  assert.doesNotMatch(last ?? '', /echo one > one\.txt/);
});

function assertInOrder(log: string, told: readonly RegExp[]): void {
  let from = 0;
  for (const line of told) {
    const at = log.slice(from).search(line);
    assert.ok(at >= 0, `${line} is missing (or out of order) in\n${log}`);
    from += at;
  }
}

const lastOf = (text: string): string | undefined => text.trimEnd().split('\n').at(-1);

function screenOf(project: ClaudeProject, window: string): string {
  const panes = project.tmux('list-panes', '-a', '-F', '#{window_name} #{pane_id}').split('\n');
  const pane = panes.find((line) => line.startsWith(`${window} `))?.split(' ')[1];
  return pane === undefined ? '' : project.tmux('capture-pane', '-p', '-t', pane);
}
