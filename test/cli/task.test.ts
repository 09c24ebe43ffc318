/** `task list`, `show` and `update` as the user types them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashToken } from '../../src/operator/run-scope.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import { createCliRig } from '../support/cli-rig.ts';

const PLAN = {
  initiative: { id: 'i1', title: 'First' },
  streams: [
    {
      id: 'A',
      tasks: [
        { title: 'One', description: 'first line\nsecond \u001b[31mline\n\n- third', agent: 'me' },
        { title: 'Two' },
      ],
    },
    { id: 'B', dependencies: ['A'], tasks: [{ title: 'Three' }] },
  ],
};

test('a configuration that is just being edited does not stop who is told the workspace', async () => {
  await using rig = await createCliRig();
  const imported = await rig.run(['import', '-'], { input: JSON.stringify(PLAN) });
  assert.equal(imported.code, 0, imported.stderr);
  rig.write('.claude/orchestrator/config.json', '{ "maxWorkers": ');
  assert.equal((await rig.run(['task', 'list'])).code, 7);
  const told = await rig.run(['task', 'list', '--json'], { env: { ...rig.env, WORKSPACE_ID: 'project' } });
  assert.equal(told.code, 0, told.stderr);
  assert.equal(JSON.parse(told.stdout).tasks.length, 3);
});

test('tasks are listed, shown whole and updated', async () => {
  await using rig = await createCliRig();
  const run = async (code: number, ...args: string[]) => {
    const ended = await rig.run(args, { input: JSON.stringify(PLAN) });
    assert.equal(ended.code, code, ended.stderr);
    return ended;
  };
  const list = async (...args: string[]) =>
    JSON.parse((await run(0, 'task', 'list', '--json', ...args)).stdout).tasks;
  await run(0, 'import', '-');
  const tasks = await list();
  assert.deepEqual(
    tasks.map(({ title, stream }: { title: string; stream: string }) => `${stream} ${title}`),
    ['A One', 'A Two', 'B Three'],
  );
  const [{ id }] = tasks;
  const shown = (await run(0, 'task', 'show', id)).stdout;
  assert.match(shown, /\n {2}agent: me\n\nfirst line\nsecond line\n\n- third\n$/);

  const blocked = ['--status', 'blocked', '--blocked-reason', 'no key'];
  await run(0, 'task', 'update', id, '--status', 'blocked');
  await run(0, 'task', 'update', id, ...blocked);
  assert.match((await run(0, 'task', 'show', id)).stdout, /\n {2}blocked: no key\n/);
  assert.deepEqual(
    (await list('--status', 'blocked')).map((task: { id: string }) => task.id),
    [id],
  );
  const updated = await run(0, 'task', 'update', id, '--status', 'completed', '--notes', 'a\nb', '--json');
  assert.deepEqual(JSON.parse(updated.stdout).task.notes, 'a\nb');
  assert.doesNotMatch((await run(0, 'task', 'show', id)).stdout, /blocked/);
  assert.equal((await list('--stream', 'A')).length, 2);
  assert.equal((await list('--stream', 'a')).length, 2, 'a stream by a short name');
  assert.match(
    (await run(7, 'task', 'list', '--stream', 'C')).stderr,
    /no stream "C" in the plan, which has: A, B\n {2}fix: orchestrate plan\n/,
  );
  assert.match(
    (await run(0, 'task', 'show', id.slice(5, 17).toUpperCase())).stdout,
    /One/,
    'a task by the beginning of its id',
  );
  assert.match(
    (await run(7, 'task', 'show', 'task-')).stderr,
    /"task-" may be any of 3 tasks: TASK-.*\n {2}fix: orchestrate task list\n/,
  );
  await run(7, 'task', 'show', 'TASK-none');
  await run(2, 'task', 'update', id);
});

test('a task that wants proof says what it lacks, and how it gets that', async () => {
  await using rig = await createCliRig();
  const wants = (title: string, more: object) => ({
    title,
    metadata: { streamId: 'A', verificationRequired: true, ...more },
  });
  const plan = { tasks: [wants('bare', {}), wants('with criteria', { acceptanceCriteria: ['works'] })] };
  assert.equal((await rig.run(['import', '-'], { input: JSON.stringify(plan) })).code, 0);
  const { tasks } = JSON.parse((await rig.run(['task', 'list', '--json'])).stdout);
  const complete = async (at: number, notes: string) =>
    (await rig.run(['task', 'update', tasks[at].id, '--status', 'completed', '--notes', notes])).stderr;
  const long = 'ran the tests, all forty of them passed, twice in a row';
  assert.match(await complete(0, long), /lacks acceptance criteria.*\n {2}fix: give it acceptanceCriteria/);
  assert.match(await complete(1, 'done'), /lacks a proof.*\n {2}fix: say in its notes/);
  assert.equal(await complete(1, long), '');
});

test('inside a run only open tasks of its own stream and initiative are changed', async () => {
  await using rig = await createCliRig();
  const run = async (code: number, args: readonly string[], input = '') => {
    const ended = await rig.run([...args], { input, env: { ...rig.env, ORCHESTRATE_TOKEN: token } });
    assert.equal(ended.code, code, ended.stderr);
    return ended;
  };
  let token = '';
  const later = { ...PLAN, initiative: { id: 'i2', title: 'Second' } };
  await run(0, ['import', '-'], JSON.stringify(PLAN));
  const idOf = async (title: string) =>
    JSON.parse(
      (await run(0, ['task', 'list', '--json', '--stream', title === 'Three' ? 'B' : 'A'])).stdout,
    ).tasks.find((task: { title: string }) => task.title === title).id;
  const [own, other] = [await idOf('One'), await idOf('Three')];
  const state = openStateStore(join(rig.root, '.claude', 'orchestrator', 'state.db'));
  try {
    const names = { branchPrefix: 'orchestrate/', worktreeRoot: '/w', portBase: 4100 };
    const { key } = state.ensureStream('i1', 'A', names);
    state.openRun({
      ...{ key, number: 1, agentKind: 'custom', startedAtMs: 1, bootId: 'b', sessionId: null, baseSha: 'x' },
      tokenHash: hashToken('of stream A'),
    });
    token = 'of stream A';
    await run(0, ['task', 'update', own, '--status', 'completed']);
    const back = await run(5, ['task', 'update', own, '--status', 'pending']);
    assert.match(back.stderr, /is completed; an agent cannot set it back/);
    assert.match((await run(5, ['task', 'update', other, '--notes', 'x'])).stderr, /belongs to stream B/);
    assert.deepEqual(
      state.events({ key }).map(({ kind, run: number }) => [kind, number]),
      [
        ['task-refused', 1],
        ['task-refused', 1],
      ],
    );

    token = '';
    state.patchRun(key, 1, { endedAtMs: 2, outcome: 'stopped' });
    await run(0, ['import', '-'], JSON.stringify(later));
    const foreign = await idOf('Two');
    state.openRun({
      ...{ key, number: 2, agentKind: 'custom', startedAtMs: 3, bootId: 'b', sessionId: null, baseSha: 'x' },
      tokenHash: hashToken('of stream A, again'),
    });
    token = 'of stream A, again';
    const refused = await run(5, ['task', 'update', foreign, '--status', 'cancelled']);
    assert.match(refused.stderr, /belongs to stream A of initiative i2/);
    token = 'of stream A';
    assert.match((await run(5, ['task', 'update', own, '--notes', 'x'])).stderr, /run 1 .*has ended/i);
    token = '';
    assert.match((await run(0, ['task', 'show', foreign])).stdout, /pending/);
  } finally {
    state.close();
  }
});
