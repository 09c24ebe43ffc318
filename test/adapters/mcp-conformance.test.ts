/** What holds for every tool: the form of its answers, all of a call or nothing of it, and that nothing stored is ever run. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect, type Json, type McpClient, type McpProject, mcpProject } from '../support/mcp-rig.ts';

/** Adds a plan to a fresh store: initiative, PRD, a task with a work product, and a stream that is archived. */
async function furnish(server: McpClient): Promise<{ prdId: string; taskId: string; productId: string }> {
  await server.json('initiative_link', { initiativeId: 'I', title: 'Initiative' });
  const prdId = (await server.json('prd_create', { title: 'P', content: 'c' })).id;
  await server.json('task_create', { title: 'away', prdId, metadata: { streamId: 'Away', files: ['a.ts'] } });
  await server.json('stream_archive_all', { confirm: true });
  const task = { title: 'T', prdId, assignedAgent: 'me', metadata: { streamId: 'S', dependencies: [] } };
  const taskId = (await server.json('task_create', task)).id;
  const product = { taskId, type: 'other', title: 'W', content: 'c' };
  return { prdId, taskId, productId: (await server.json('work_product_store', product)).id };
}

/** A call of every tool that succeeds on a furnished store, and one that fails with an error. */
function calls(ids: { prdId: string; taskId: string; productId: string }): [string, Json, Json][] {
  const { prdId, taskId, productId } = ids;
  return [
    ['initiative_get', {}, { initiativeId: 5 }],
    ['prd_create', { title: 'P2', content: 'c' }, { title: 'P2' }],
    ['prd_get', { id: prdId }, {}],
    ['prd_list', {}, { status: 'x' }],
    ['task_create', { title: 'T2', prdId }, { title: 'T2', prdId: 'PRD-none' }],
    ['task_get', { id: taskId }, {}],
    ['task_list', { streamId: 'S' }, { status: 'x' }],
    ['task_update', { id: taskId, status: 'in_progress' }, { id: taskId, status: 'x' }],
    ['stream_list', {}, { initiativeId: [] }],
    ['stream_get', { streamId: 'S' }, {}],
    ['stream_conflict_check', { files: ['a.ts'] }, {}],
    ['stream_unarchive', { streamId: 'Away' }, { streamId: 'None' }],
    ['work_product_store', { taskId, type: 'other', title: 'W', content: 'c' }, { taskId }],
    ['work_product_get', { id: productId }, {}],
    ['work_product_list', { taskId }, {}],
    ['progress_summary', {}, { minConfidence: 'x' }],
    ['stream_archive_all', { confirm: true }, {}],
    ['initiative_link', { initiativeId: 'J', title: 'Next' }, { initiativeId: 'J' }],
  ];
}

describe('every tool', () => {
  let project: McpProject;
  let server: McpClient;
  before(async () => {
    project = mcpProject();
    server = await connect(project);
  });
  after(async () => {
    await server.close();
    project.remove();
  });

  it('answers with one text of compact JSON, and a failure with an "Error: " text and isError', async () => {
    const listed = calls(await furnish(server));
    const { tools } = await server.client.listTools();
    assert.deepEqual(listed.map(([name]) => name).sort(), tools.map(({ name }) => name).sort());
    for (const [name, good, bad] of listed) {
      const failed = await server.client.callTool({ name, arguments: bad });
      const [problem] = failed.content as Json[];
      assert.deepEqual(failed, { content: [{ type: 'text', text: problem.text }], isError: true }, name);
      assert.match(problem.text, /^Error: \S[^\n]*$/, name);
      const answer = await server.client.callTool({ name, arguments: good });
      const [{ text }] = answer.content as Json[];
      assert.deepEqual(answer, { content: [{ type: 'text', text }] }, name);
      assert.equal(JSON.stringify(JSON.parse(text)), text, name);
    }
  });
});

describe('a tool that fails on its last step', () => {
  const LAST: [tool: string, table: string][] = [
    ['prd_create', 'activity_log'],
    ['task_create', 'activity_log'],
    ['task_update', 'agent_activity'],
    ['task_update', 'checkpoints'],
    ['stream_unarchive', 'activity_log'],
    ['work_product_store', 'activity_log'],
    ['stream_archive_all', 'activity_log'],
    ['initiative_link', 'activity_log'],
  ];
  for (const [tool, table] of LAST) {
    it(`leaves nothing behind: ${tool}, ${table}`, async () => {
      const project = mcpProject();
      const server = await connect(project);
      const ids = await furnish(server);
      const db = project.store();
      db.exec(
        `CREATE TRIGGER broken BEFORE INSERT ON ${table} BEGIN SELECT raise(ABORT, 'disk on fire'); END`,
      );
      const dump = () =>
        [
          'initiatives',
          'prds',
          'tasks',
          'work_products',
          'activity_log',
          'agent_activity',
          'checkpoints',
        ].map((name) => db.prepare(`SELECT * FROM ${name} ORDER BY rowid`).all());
      const whole = dump();
      const input = calls(ids).find(([name]) => name === tool)?.[1];
      const answer = await server.call(tool, input);
      assert.equal(answer.isError, true, `${tool} does not write to ${table}`);
      assert.match(answer.text, /^Error: .*disk on fire/);
      assert.deepEqual(dump(), whole);
      db.exec('DROP TRIGGER broken');
      assert.equal((await server.call(tool, input)).isError, false, 'and works afterwards');
      await server.close();
      project.remove();
    });
  }
});

describe('what a task asks to be run', () => {
  it('is stored and never run: quality gates, isolated worktree, commit on completion', async () => {
    const project = mcpProject();
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', project.root, ...args], { encoding: 'utf8' }).trim();
    git(
      '-c',
      'user.name=t',
      '-c',
      'user.email=t@example.com',
      'commit',
      '-q',
      '--allow-empty',
      '-m',
      'Start',
    );
    const before = git('rev-parse', 'HEAD');
    mkdirSync(join(project.root, '.claude'));
    const gates = { version: '1.0', gates: { evil: { command: 'touch gate-ran', description: 'd' } } };
    writeFileSync(join(project.root, '.claude', 'quality-gates.json'), JSON.stringify(gates));
    const server = await connect(project);
    const metadata = {
      streamId: 'S',
      qualityGates: ['evil'],
      isolatedWorktree: true,
      autoCommitOnComplete: true,
    };
    const { id } = await server.json('task_create', { title: '$(touch title-ran)', metadata });
    await server.json('task_update', { id, status: 'in_progress' });
    assert.equal((await server.json('task_update', { id, status: 'completed' })).status, 'completed');
    const shown = (await server.json('task_get', { id })).metadata;
    assert.deepEqual([shown.qualityGates, shown.isolatedWorktree], [['evil'], true]);
    for (const name of ['gate-ran', 'title-ran', '.worktrees']) {
      assert.ok(!existsSync(join(project.root, name)), name);
    }
    assert.deepEqual([git('rev-parse', 'HEAD'), git('branch', '--list', 'task/*')], [before, '']);
    assert.equal(git('worktree', 'list').split('\n').length, 1);
    await server.close();
    project.remove();
  });
});

describe('archived streams', () => {
  it('are listed, shown and brought back where that is asked for', async () => {
    const project = mcpProject();
    const server = await connect(project);
    const { prdId } = await furnish(server);
    const names = async (args: Json) =>
      (await server.json('stream_list', args)).streams.map(({ streamId }: Json) => streamId);
    assert.deepEqual(await names({}), ['S']);
    assert.deepEqual(await names({ includeArchived: true }), ['Away', 'S']);
    assert.deepEqual(await names({ initiativeId: 'I', includeArchived: true }), ['Away', 'S']);
    assert.deepEqual(await names({ initiativeId: 'other' }), []);
    const away = await server.json('stream_get', {
      streamId: 'Away',
      initiativeId: 'I',
      includeArchived: true,
    });
    assert.deepEqual([away.archived, away.archivedByInitiativeId], [true, 'I']);
    assert.equal(
      (await server.call('stream_get', { streamId: 'S', initiativeId: 'other' })).text,
      'Stream not found',
    );
    const noPrd = await server.call('stream_unarchive', { streamId: 'Away', prdId: 'PRD-none' });
    const said = 'Error: No archived tasks found for stream: Away for PRD PRD-none';
    assert.deepEqual(noPrd, { text: said, isError: true });
    const wrong = await server.call('stream_unarchive', { streamId: 'Away', initiativeId: 'none' });
    assert.deepEqual(wrong, { text: 'Error: initiativeId: there is no initiative none', isError: true });
    await server.json('initiative_link', { initiativeId: 'J', title: 'Next' });
    const target = (await server.json('prd_create', { title: 'Q', content: 'c' })).id;
    const back = await server.json('stream_unarchive', {
      streamId: 'Away',
      initiativeId: 'J',
      prdId: target,
    });
    assert.deepEqual(back, { streamId: 'Away', tasksUnarchived: 1, newInitiativeId: 'J' });
    assert.deepEqual(await names({ prdId: target }), ['Away']);
    assert.deepEqual(await names({ prdId, includeArchived: true }), ['S']);
    await server.close();
    project.remove();
  });
});
