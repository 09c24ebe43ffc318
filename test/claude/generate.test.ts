/** Real Claude Code plans: `orchestrate generate` from a shell, and `/orchestrate` headless and typed into a session; the model is scripted. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/wait.ts';
import { type Step, textOf } from './support/model-server.ts';
import { enter, shows } from './support/pane.ts';
import { adviceOfTheGuide, createPlanningRig, type PlanningRig } from './support/planning.ts';

type Call = (tool: string, input?: object) => Step;

const INITIATIVE = { initiativeId: 'init-greeting-20250131-1405', title: 'Greeting', description: 'Greet' };

const bash = (words: string): Step => ({
  tool: 'Bash',
  input: { command: `.claude/orchestrator/orchestrate ${words}`, description: words },
});

/** A PRD and a diamond of four streams. */
function plan(call: Call): Step[] {
  const task = (streamId: string, dependencies: string[]): Step =>
    call('task_create', {
      title: `Work of ${streamId}`,
      prdId: '$prd',
      assignedAgent: 'me',
      metadata: { streamId, streamName: streamId, dependencies, acceptanceCriteria: ['it works'] },
    });
  return [
    call('prd_create', { title: 'Greeting', content: '# In full', metadata: { scopeLocked: false } }),
    task('Stream-A', []),
    task('Stream-B', ['Stream-A']),
    task('Stream-C', ['Stream-A']),
    task('Stream-Z', ['Stream-B', 'Stream-C']),
    { text: 'Four streams.' },
  ];
}

const SAYS: Step = { text: '# The plan\n\nI created PRD-1 and four tasks in four streams.' };

/** What the tools read in step 4 of the command. */
const verify = (call: Call): Step[] => [
  call('prd_list', { initiativeId: INITIATIVE.initiativeId }),
  call('stream_list'),
];

const agent = (words: string): Step => ({
  tool: 'Agent',
  input: { description: 'Plan', subagent_type: 'ta', prompt: words, run_in_background: false },
});

const titles = (rig: PlanningRig): unknown[] =>
  rig.query(`SELECT title FROM tasks WHERE archived = 0 AND status = 'pending' ORDER BY rowid`);

const FOUR = ['A', 'B', 'C', 'Z'].map((id) => ({ title: `Work of Stream-${id}` }));

test('generate: a model that only says it made a plan is caught, and the stricter prompt gets one', async () => {
  await using rig = await createPlanningRig((call) => [
    { match: /^Plan this feature/m, steps: [SAYS] },
    { match: /(?<=^CRITICAL: [\s\S]*)<\/feature>/m, steps: plan(call) },
  ]);
  const refused = await rig.cli.run(['generate', '--no-retry', 'Greet people'], { env: rig.env });
  assert.equal(refused.code, 1, refused.stderr);
  assert.match(refused.stderr, /❌ ERROR: Verification Failed[\s\S]*• PRDs found: 0\n {2}• Streams found: 0/);
  assert.deepEqual(rig.query('SELECT * FROM prds'), []);

  const { code, stdout, stderr } = await rig.cli.run(['generate', '--retry', 'Greet people'], {
    env: rig.env,
  });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /❌ ERROR: Verification Failed/);
  assert.match(stdout, /^ {2}✓ PRD: Greeting\n {2}✓ Stream-A: Work of Stream-A$/m);
  assert.match(stdout, /^Tasks Created: 4 tasks across 4 streams$/m);
  assert.match(stdout, /^ {4}• Stream-Z → depends on: Stream-B, Stream-C$/m);
  assert.deepEqual(titles(rig), FOUR);
  const [first] = rig.server.requests;
  assert.match(first?.system ?? '', /You plan software work that several agents do in parallel/);
  assert.match(first?.messages.map(textOf).join('\n') ?? '', /<feature>\nGreet people\n<\/feature>/);
});

test('generate: a model that cannot be reached is told as it is, and changes nothing', async () => {
  await using rig = await createPlanningRig(() => [
    { match: /^Plan this feature/m, steps: [{ error: 500, message: 'out of order' }] },
  ]);
  const env = { ...rig.env, CLAUDE_CODE_MAX_RETRIES: '1' };
  const { code, stdout, stderr } = await rig.cli.run(['generate', '--retry', 'Greet people'], { env });
  assert.equal(code, 1);
  assert.match(stdout, /^ {2}… the model cannot be reached \(500.*\), attempt 1$/m);
  assert.match(stderr, /^orchestrate: error: Claude Code could not plan: .*500.*; nothing was changed$/m);
  assert.doesNotMatch(stderr, /Verification Failed/);
  assert.deepEqual(rig.query('SELECT * FROM initiatives'), []);
});

test('/orchestrate generate --retry, headless and in manual mode: the box, the retry and the set-up need no permission', async () => {
  await using rig = await createPlanningRig((call) => [
    {
      match: 'typed after `/orchestrate`',
      steps: [
        call('initiative_link', INITIATIVE),
        ...verify(call),
        agent('(first try)'),
        ...verify(call),
        { ...agent('CRITICAL: (second try)'), text: '❌ ERROR: Verification Failed' },
        ...verify(call),
        bash('plan'),
        bash('init'),
        { text: 'Tasks Created: 4 tasks across 4 streams' },
      ],
    },
    { match: '(first try)', steps: [SAYS] },
    { match: '(second try)', steps: plan(call) },
  ]);
  const said = await rig.headless('/orchestrate generate --retry Greet people');
  assert.match(said, /^Tasks Created: 4 tasks across 4 streams$/m);
  const answers = rig.answers();
  assert.doesNotMatch(answers.join('\n'), /permission|requires approval/);
  const lists = answers.filter((answer) => answer === '[]' || answer === '{"streams":[]}');
  assert.equal(lists.length, 4, 'before and after the first try nothing is there');
  assert.match(
    answers.join('\n'),
    /"taskCount":4[\s\S]*"streamId":"Stream-Z"[\s\S]*Stream Dependency Structure/,
  );
  assert.match(
    answers.at(-1) ?? '',
    /✓ Orchestrator files created in .*\n✓ Symlink created: \.\/watch-status/,
  );
  assert.deepEqual(titles(rig), FOUR);
  const typed = textOfFirst(rig);
  assert.match(typed, /<arguments>\ngenerate --retry Greet people\n<\/arguments>/);
  for (const told of ['`run_in_background: false`', '• PRDs found: {count}', 'CRITICAL: Previous attempt']) {
    assert.ok(typed.includes(told), `the command says: ${told}`);
  }
});

test('/orchestrate start, status and stop, headless: their commands may run, and what was typed never does', async () => {
  await using rig = await createPlanningRig(() => [
    { match: /^start$/m, steps: [bash('start --detach'), bash('status'), { text: 'Started.' }] },
    { match: /^stop$/m, steps: [bash('stop'), { text: 'Stopped.' }] },
    { match: /^dance/m, steps: [{ text: 'Usage: /orchestrate generate' }] },
  ]);
  rig.cli.write(
    '.claude/orchestrator/config.json',
    JSON.stringify({ agent: { kind: 'custom', command: 'sleep', args: ['300'] } }),
  );
  const hostile = 'dance; touch typed-1 `touch typed-2` $(touch typed-3)';
  const said = await rig.headless(`/orchestrate ${hostile} !\`touch typed-4\``, 'bypassPermissions');
  assert.match(said, /^Usage/);
  assert.ok(textOfFirst(rig).includes(`<arguments>\n${hostile}`));
  for (const number of [1, 2, 3, 4]) assert.ok(!existsSync(path.join(rig.cli.root, `typed-${number}`)));

  rig.cli.write(
    '../plan.json',
    JSON.stringify({
      initiative: { id: 'one', title: 'One' },
      prd: { title: 'One' },
      streams: [{ id: 'Stream-A', name: 'A', dependencies: [], tasks: [{ title: 'Work' }] }],
    }),
  );
  assert.equal((await rig.cli.run(['import', '../plan.json'], { env: rig.env })).code, 0);
  const before = rig.answers().length;
  await rig.headless('/orchestrate start');
  const [started = '', looked = ''] = rig.answers().slice(before);
  assert.match(started, /tmux .*attach/);
  assert.match(looked, /Stream-A/);
  await rig.headless('/orchestrate stop');
  const status = JSON.parse((await rig.cli.run(['status', '--json'], { env: rig.env })).stdout);
  assert.deepEqual([status.poller.alive, status.streams[0].state], [false, 'stopped']);
});

test('/orchestrate generate typed into a session: box, the answer y, the retry, the summary', async () => {
  await using rig = await createPlanningRig((call) => [
    {
      match: 'typed after `/orchestrate`',
      steps: [
        call('initiative_link', INITIATIVE),
        ...verify(call),
        agent('(first try)'),
        { text: 'The planner is at work.' },
        ...verify(call),
        { text: '❌ ERROR: Verification Failed\n\n• PRDs found: 0' },
      ],
    },
    { match: '(first try)', steps: [SAYS] },
    {
      match: /^y$/m,
      steps: [
        agent('CRITICAL: (second try)'),
        { text: 'The planner is at work again.' },
        ...verify(call),
        bash('plan'),
        bash('init'),
        { text: 'Next: Run /orchestrate start to begin execution' },
      ],
    },
    { match: '(second try)', steps: plan(call) },
  ]);
  rig.cli.write(
    '.claude/settings.local.json',
    JSON.stringify({ ...adviceOfTheGuide(), enabledMcpjsonServers: ['task-copilot'] }),
  );
  const pane = await rig.session();
  await shows(pane, 'manual mode on');
  await enter(pane, '/orchestrate generate Greet people');
  await shows(pane, 'ERROR: Verification Failed');
  assert.deepEqual(titles(rig), []);
  await enter(pane, 'y');
  await shows(pane, 'Next: Run /orchestrate start');
  assert.deepEqual(titles(rig), FOUR);
  const answers = rig.answers().join('\n');
  assert.match(answers, /Stream Dependency Structure[\s\S]*✓ Symlink created/);
  assert.doesNotMatch(answers, /permission|requires approval|No such tool/);
});

test('/orchestrate generate in a session that was allowed nothing: the user is asked after the planner, and it goes on', async () => {
  await using rig = await createPlanningRig((call) => [
    {
      match: 'typed after `/orchestrate`',
      steps: [
        call('initiative_link', INITIATIVE),
        agent('(first try)'),
        { text: 'The planner is at work.' },
        ...verify(call),
        bash('plan'),
        { text: 'Next: Run /orchestrate start to begin execution' },
      ],
    },
    { match: '(first try)', steps: plan(call) },
  ]);
  const pane = await rig.session();
  await shows(pane, 'manual mode on');
  await enter(pane, '/orchestrate generate Greet people');
  for (const subject of ['Prd List', 'Stream List', 'orchestrate plan']) {
    await shows(pane, 'Do you want to proceed?', subject);
    const answered = rig.answers().length;
    await until(`the answer of ${subject}`, async () => {
      if (rig.answers().length > answered) return true;
      // A dialog that has only just come up drops the key.
      if ((await pane.screen()).includes('Do you want to proceed?')) await pane.type('1');
      await sleep(500);
      return false;
    });
  }
  await shows(pane, 'Next: Run /orchestrate start');
  assert.match(rig.answers().at(-1) ?? '', /Stream Dependency Structure/);
  assert.deepEqual(titles(rig), FOUR);
});

/** What the first request of a conversation says. */
function textOfFirst(rig: PlanningRig): string {
  return rig.server.requests[0]?.messages.map(textOf).join('\n') ?? '';
}
