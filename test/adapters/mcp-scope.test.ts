/** What a worker's server refuses: other streams, the past, and everything once its run has ended. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { hashToken } from '../../src/operator/run-scope.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import type { StateStore } from '../../src/state/types.ts';
import { connect, type Json, type McpClient, type McpProject, mcpProject } from '../support/mcp-rig.ts';

const TOKEN = 'a launch token';

describe('a worker-scoped MCP server', () => {
  let project: McpProject;
  let person: McpClient;
  let worker: McpClient;
  let state: StateStore;
  let key = '';
  let prdId = '';
  let own = '';
  let other = '';

  const add = async (streamId: string, more: Json = {}): Promise<string> =>
    (await person.json('task_create', { title: `of ${streamId}`, prdId, metadata: { streamId }, ...more }))
      .id;
  const status = async (id: string) => (await person.json('task_get', { id })).status;
  const refusals = () => state.events({ key }).filter((event) => event.kind === 'mcp-refused');

  /** Calls as the worker, expecting a refusal that is logged with the run. */
  const refused = async (name: string, args: Json, expected: RegExp): Promise<void> => {
    const before = refusals().length;
    const answer = await worker.call(name, args);
    assert.equal(answer.isError, true, `${name} was allowed: ${answer.text}`);
    assert.match(answer.text, /^Error: /);
    assert.match(answer.text, expected);
    const events = refusals();
    assert.equal(events.length, before + 1, `${name} was not logged`);
    assert.equal(events.at(-1)?.run, 1);
    assert.match(events.at(-1)?.message ?? '', new RegExp(`^${name}: `));
  };

  before(async () => {
    project = mcpProject();
    person = await connect(project);
    await person.json('initiative_link', { initiativeId: 'One', title: 'First' });
    prdId = (await person.json('prd_create', { title: 'P', content: 'c' })).id;
    own = await add('Mine');
    other = await add('Theirs');
    state = openStateStore(project.stateDbPath);
    const names = { branchPrefix: 'orchestrate/', worktreeRoot: '/w', portBase: 4100 };
    key = state.ensureStream('One', 'Mine', names).key;
    state.openRun({
      ...{ key, number: 1, agentKind: 'claude', startedAtMs: 1, bootId: 'b', sessionId: null, baseSha: 'x' },
      tokenHash: hashToken(TOKEN),
    });
    // The arguments and the environment lie about the stream: only the token counts.
    worker = await connect(project, { ORCHESTRATE_TOKEN: TOKEN, ORCHESTRATE_STREAM: 'Theirs' });
  });
  after(async () => {
    await worker.close();
    await person.close();
    state.close();
    project.remove();
  });

  it('lets it report on its own tasks and read everything', async () => {
    await worker.json('task_update', { id: own, status: 'in_progress' });
    await worker.json('task_update', { id: own, status: 'blocked', blockedReason: 'why' });
    await worker.json('task_update', { id: own, status: 'completed', notes: 'done' });
    await worker.json('task_update', { id: own, status: 'completed' });
    await worker.json('work_product_store', { taskId: own, type: 'other', title: 't', content: 'c' });
    assert.equal((await worker.json('task_get', { id: other })).title, 'of Theirs');
    assert.equal((await worker.json('stream_list')).streams.length, 2);
    assert.equal((await worker.json('task_list', {})).length, 2);
  });

  it('refuses to touch the tasks of other streams', async () => {
    const stray = await add('x', { metadata: {} });
    await refused('task_update', { id: other, status: 'completed' }, /belongs to stream Theirs/);
    await refused('task_update', { id: stray, notes: 'x' }, /belongs to no stream/);
    const product = { taskId: other, type: 'other', title: 't', content: 'c' };
    await refused('work_product_store', product, /belongs to stream Theirs/);
    assert.equal(await status(other), 'pending');
    assert.deepEqual(await person.json('work_product_list', { taskId: other }), []);
  });

  it('refuses to set a completed task back to pending', async () => {
    await refused('task_update', { id: own, status: 'pending' }, /is completed/);
    assert.equal(await status(own), 'completed');
  });

  it('refuses to cancel a task: it would be left undone and the stream done', async () => {
    const task = await add('Mine');
    await refused('task_update', { id: task, status: 'cancelled' }, /only a user cancels: complete it/);
    assert.equal(await status(task), 'pending');
    await person.json('task_update', { id: task, status: 'cancelled' });
    await worker.json('task_update', { id: task, status: 'cancelled', notes: 'so be it' });
  });

  it('refuses to move a task to another stream', async () => {
    await refused('task_update', { id: own, metadata: { streamId: 'Theirs' } }, /works on stream Mine/);
    await refused('task_update', { id: own, metadata: { streamId: null } }, /works on stream Mine/);
    assert.equal((await person.json('task_get', { id: own })).metadata.streamId, 'Mine');
  });

  it('creates tasks in its own stream and PRD only', async () => {
    const made = await worker.json('task_create', { title: 'found on the way' });
    assert.equal(made.prdId, prdId);
    assert.equal((await person.json('task_get', { id: made.id })).metadata.streamId, 'Mine');
    const part = await worker.json('task_create', { title: 'part', parentId: made.id });
    assert.equal(part.parentId, made.id);
    const count = (await person.json('task_list', {})).length;
    const elsewhere = await person.json('prd_create', { title: 'Q', content: 'c' });
    await refused('task_create', { title: 't', metadata: { streamId: 'Theirs' } }, /works on stream Mine/);
    await refused('task_create', { title: 't', metadata: { streamId: null } }, /works on stream Mine/);
    await refused('task_create', { title: 't', parentId: other }, /belongs to stream Theirs/);
    await refused('task_create', { title: 't', prdId: elsewhere.id }, /PRD of its stream/);
    assert.equal((await person.json('task_list', {})).length, count);
  });

  it('refuses to change what the plan is made of, on its own tasks and by new ones', async () => {
    const before = JSON.stringify(await person.json('stream_list'));
    const plan: [string, unknown][] = [
      ['dependencies', ['Nowhere']],
      ['streamDependencies', ['Theirs']],
      ['streamName', 'Other'],
      ['streamPhase', 'integration'],
      ['phase', 'foundation'],
      ['files', ['src/**']],
      ['worktreePath', '/elsewhere'],
    ];
    for (const [name, value] of plan) {
      const metadata = { [name]: value };
      await refused('task_update', { id: own, metadata }, /part of the plan, which a run cannot change/);
      await refused('task_create', { title: 't', metadata }, /part of the plan, which a run cannot change/);
    }
    assert.equal(JSON.stringify(await person.json('stream_list')), before);
    const same = { streamId: 'Mine', complexity: 'Low', acceptanceCriteria: ['it works'] };
    await worker.json('task_update', { id: own, metadata: same });
    assert.equal((await person.json('task_get', { id: own })).metadata.complexity, 'Low');
  });

  it('refuses to change what its work is judged by', async () => {
    const added = { acceptanceCriteria: ['it works'], verificationRequired: true };
    const task = await add('Mine', { metadata: { streamId: 'Mine', dependencies: [], ...added } });
    for (const metadata of [
      { acceptanceCriteria: [] },
      { acceptanceCriteria: ['it is there'] },
      { verificationRequired: false },
    ])
      await refused('task_update', { id: task, metadata }, /judged by, which a run cannot change/);
    await worker.json('task_update', { id: task, metadata: { ...added, complexity: 'Low' } });
    await person.json('task_update', { id: task, metadata: { acceptanceCriteria: ['it is fast'] } });
  });

  it('refuses a new task whose title other streams would trip over', async () => {
    const metadata = { streamId: 'Theirs', dependencies: ['of Base'] };
    await add('Base');
    await person.json('task_update', { id: other, metadata });
    const before = JSON.stringify(await person.json('stream_get', { streamId: 'Theirs' }));
    await refused('task_create', { title: 'of Base' }, /would change the plan/);
    assert.equal(JSON.stringify(await person.json('stream_get', { streamId: 'Theirs' })), before);
  });

  it('refuses every tool that changes the plan as a whole', async () => {
    await refused('initiative_link', { initiativeId: 'Two', title: 'T' }, /whole plan/);
    await refused('prd_create', { title: 'T', content: 'c' }, /whole plan/);
    await refused('stream_archive_all', { confirm: true }, /whole plan/);
    await refused('stream_unarchive', { streamId: 'Mine' }, /whole plan/);
    assert.equal((await person.json('initiative_get')).id, 'One');
  });

  it('refuses an unknown token', async () => {
    const stranger = await connect(project, { ORCHESTRATE_TOKEN: 'made up' });
    const answer = await stranger.call('task_update', { id: own, status: 'completed' });
    assert.deepEqual(answer, { text: 'Error: This launch token belongs to no run.', isError: true });
    await stranger.close();
  });

  it('does not take a task of the same stream id in another initiative for its own', async () => {
    const store = project.store();
    store.exec(`INSERT INTO initiatives VALUES ('Old', 'Old', NULL, '2020-01-01', '2020-01-01');
      INSERT INTO prds VALUES ('P-old', 'Old', 't', NULL, 'c', '{}', 'active', '2020-01-01', '2020-01-01');
      INSERT INTO tasks (id, prd_id, title, metadata, created_at, updated_at)
        VALUES ('T-old', 'P-old', 't', '{"streamId":"Mine"}', '2020-01-01', '2020-01-01')`);
    await refused('task_update', { id: 'T-old', status: 'completed' }, /may only change/);
    assert.equal(await status('T-old'), 'pending');
  });

  it('refuses everything once the run has ended', async () => {
    state.patchRun(key, 1, { endedAtMs: Date.now(), outcome: 'stopped' });
    await refused('task_update', { id: own, notes: 'late' }, /has ended; its access is revoked/);
    await refused('task_create', { title: 'late' }, /has ended/);
    await refused('task_list', {}, /has ended/);
    assert.equal((await person.json('task_get', { id: own })).notes, 'done');
  });
});
