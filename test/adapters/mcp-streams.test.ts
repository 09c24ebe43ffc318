/** Streams and initiatives through the MCP tools: dependencies, cycles, archiving and linking. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { openDatabase } from '../../src/sqlite/database.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import { connect, type Json, type McpClient, type McpProject, mcpProject } from '../support/mcp-rig.ts';

let project: McpProject;
let server: McpClient;

/** Adds a task to a stream and returns its id. */
async function add(streamId: string, metadata: Json = {}, more: Json = {}): Promise<string> {
  const task = { title: `Work of ${streamId}`, metadata: { streamId, ...metadata }, ...more };
  return (await server.json('task_create', task)).id;
}

async function streams(args: Json = {}): Promise<Json[]> {
  return (await server.json('stream_list', args)).streams;
}

async function restart(): Promise<void> {
  await server?.close();
  project?.remove();
  project = mcpProject();
  server = await connect(project);
}

describe('streams through MCP', () => {
  let prdId = '';
  before(restart);
  after(async () => {
    await server.close();
    project.remove();
  });
  beforeEach(async () => {
    const initiativeId = `I-${Math.random()}`;
    await server.json('initiative_link', { initiativeId, title: 'One' });
    prdId = (await server.json('prd_create', { title: 'P', content: 'c' })).id;
  });

  it('lists them by phase and name, with counts, files and dependencies of either key', async () => {
    const one = await add(
      'Stream-C',
      { streamPhase: 'integration', streamDependencies: ['Stream-B'] },
      { prdId },
    );
    await add(
      'Stream-B',
      { streamName: 'Beta', dependencies: ['Stream-A'], files: ['b.ts', 'c.ts'] },
      { prdId },
    );
    await add(
      'Stream-B',
      { dependencies: ['[Stream-A] Work of Stream-A'], files: ['c.ts', 'd.ts'] },
      { prdId },
    );
    await add('Stream-A', { streamPhase: 'foundation', dependencies: [], branchName: 'br' }, { prdId });
    await add('Stray');
    const cancelled = await add('Stream-B', {}, { prdId });
    await server.json('task_update', { id: cancelled, status: 'cancelled' });
    await server.json('task_update', { id: one, status: 'in_progress' });
    const zero = { completedTasks: 0, inProgressTasks: 0, blockedTasks: 0, pendingTasks: 0 };
    assert.deepEqual(await streams(), [
      {
        ...{
          streamId: 'Stream-A',
          streamName: 'Stream-A',
          streamPhase: 'foundation',
          totalTasks: 1,
          ...zero,
        },
        ...{ pendingTasks: 1, files: [], dependencies: [], branchName: 'br' },
      },
      {
        ...{ streamId: 'Stream-B', streamName: 'Beta', streamPhase: 'parallel', totalTasks: 3, ...zero },
        ...{ pendingTasks: 2, files: ['b.ts', 'c.ts', 'd.ts'], dependencies: ['Stream-A'] },
      },
      {
        ...{
          streamId: 'Stream-C',
          streamName: 'Stream-C',
          streamPhase: 'integration',
          totalTasks: 1,
          ...zero,
        },
        ...{ inProgressTasks: 1, files: [], dependencies: ['Stream-B'] },
      },
    ]);
    assert.equal((await streams({ prdId })).length, 3);
    assert.deepEqual(await streams({ prdId: 'PRD-x' }), []);
  });

  it('lists what other writers left as values of other types, or without an id', async () => {
    const insert = project.store().prepare(
      `INSERT INTO tasks (id, prd_id, title, status, notes, metadata, created_at, updated_at)
       VALUES (@id, @prdId, x'74', 'blocked', x'6e', @metadata, '2025-01-01', '2025-01-01')`,
    );
    const metadata = JSON.stringify({ streamId: 'Odd', streamName: {}, dependencies: 5 });
    for (const id of [null, 'TASK-odd']) insert.run({ id, prdId, metadata });
    await add('Even', { dependencies: ['Odd'] }, { prdId });
    const found = await streams();
    assert.deepEqual(
      found.map(({ streamId, dependencies }) => [streamId, dependencies]),
      [
        ['Even', ['Odd']],
        ['Odd', []],
      ],
    );
    assert.equal((await server.json('stream_get', { streamId: 'Odd' })).tasks.length, 2);
  });

  it('shows one with its tasks, also those without a PRD, and derives its status', async () => {
    const first = await add('S', { streamName: 'Ess', dependencies: ['R'], worktreePath: '/w' }, { prdId });
    const second = await add('S');
    const shown = await server.json('stream_get', { streamId: 'S' });
    assert.deepEqual(
      { ...shown, tasks: shown.tasks.map((task: Json) => task.id) },
      {
        ...{ streamId: 'S', streamName: 'Ess', streamPhase: 'parallel', tasks: [first, second] },
        ...{ dependencies: ['R'], status: 'pending', worktreePath: '/w', archived: false },
      },
    );
    assert.equal(shown.tasks[0].metadata.streamName, 'Ess');
    const steps: [string, string, string][] = [
      [first, 'in_progress', 'in_progress'],
      [second, 'blocked', 'blocked'],
      [second, 'completed', 'in_progress'],
      [first, 'completed', 'completed'],
    ];
    for (const [id, status, expected] of steps) {
      await server.json('task_update', { id, status });
      assert.equal((await server.json('stream_get', { streamId: 'S' })).status, expected);
    }
  });

  it('refuses the task that closes a cycle, naming the path, and stores nothing of it', async () => {
    await add('A', { dependencies: ['C'] }, { prdId });
    await add('B', { streamDependencies: ['A'] }, { prdId });
    const closing = { title: 'T', prdId, metadata: { streamId: 'C', dependencies: ['B: anything'] } };
    const before = (await server.json('task_list', { prdId })).length;
    assert.deepEqual(await server.call('task_create', closing), {
      text: 'Error: Circular dependency detected: C -> B -> A -> C',
      isError: true,
    });
    const itself = { title: 'T', prdId, metadata: { streamId: 'D', streamDependencies: ['D'] } };
    assert.deepEqual(await server.call('task_create', itself), {
      text: 'Error: Circular dependency detected: D -> D',
      isError: true,
    });
    assert.equal((await server.json('task_list', { prdId })).length, before);
    await add('C', { dependencies: ['elsewhere'] }, { prdId });
    const { id } = await server.json('task_create', { title: 'T', prdId, metadata: { streamId: 'C' } });
    const update = await server.call('task_update', { id, metadata: { dependencies: ['B'] } });
    assert.match(update.text, /C -> B -> A -> C/);
    assert.equal((await server.json('task_get', { id })).metadata.dependencies, undefined);
  });

  it('finds files that other streams of the main checkout touch', async () => {
    const id = await add('S', { streamName: 'Ess', files: ['a.ts', 'b.ts'] }, { prdId, title: 'Do' });
    const own = await add('T', { files: ['a.ts'], worktreePath: '/w' }, { prdId });
    const check = (more: Json = {}) =>
      server.json('stream_conflict_check', { files: ['a.ts', 'z.ts'], ...more });
    assert.deepEqual(await check(), { hasConflict: false, conflicts: [] });
    await server.json('task_update', { id: own, status: 'in_progress' });
    await server.json('task_update', { id, status: 'completed' });
    assert.deepEqual(await check(), {
      hasConflict: true,
      conflicts: [
        {
          ...{ file: 'a.ts', streamId: 'S', streamName: 'Ess', taskId: id },
          ...{ taskTitle: 'Do', taskStatus: 'completed' },
        },
      ],
    });
    assert.equal((await check({ excludeStreamId: 'S' })).hasConflict, false);
    assert.equal((await check({ initiativeId: 'other' })).hasConflict, false);
  });

  it('archives every stream of a PRD, and brings one back', async () => {
    const refused = await server.call('stream_archive_all', {});
    assert.deepEqual(refused, { text: 'Error: Must set confirm=true to archive all streams', isError: true });
    const id = await add('Put away', {}, { prdId });
    await add('Put away', {}, { prdId });
    const answer = await server.json('stream_archive_all', { confirm: true, prdId });
    assert.deepEqual(Object.keys(answer), ['streamsArchived', 'tasksArchived', 'archivedAt']);
    assert.deepEqual([answer.streamsArchived, answer.tasksArchived], [1, 2]);
    assert.deepEqual(await streams(), []);
    assert.equal((await server.call('stream_get', { streamId: 'Put away' })).text, 'Stream not found');
    const archived = await server.json('stream_get', { streamId: 'Put away', includeArchived: true });
    assert.equal(archived.archived, true);
    assert.equal(archived.archivedAt, answer.archivedAt);
    const update = await server.call('task_update', { id, status: 'completed' });
    assert.match(
      update.text,
      /^Error: Cannot update archived task TASK-.* This task belongs to stream "Put away" which was archived when switching to initiative I-.*\. Use stream_unarchive to restore the stream first\.$/,
    );
    const back = await server.json('stream_unarchive', { streamId: 'Put away' });
    assert.deepEqual(Object.keys(back), ['streamId', 'tasksUnarchived', 'newInitiativeId']);
    assert.equal(back.tasksUnarchived, 2);
    assert.equal((await streams())[0].totalTasks, 2);
    const none = await server.call('stream_unarchive', { streamId: 'Put away' });
    assert.deepEqual(none, { text: 'Error: No archived tasks found for stream: Put away', isError: true });
  });

  it('brings a stream of an earlier initiative back into the current one', async () => {
    const id = await add('Old', {}, { prdId });
    await server.json('initiative_link', { initiativeId: `next-${prdId}`, title: 'Next' });
    assert.deepEqual(await streams(), []);
    assert.deepEqual(await server.json('task_list', { streamId: 'Old' }), []);
    const withArchived = await server.json('task_list', { streamId: 'Old', includeArchived: true });
    assert.equal(withArchived[0].id, id);
    const back = await server.json('stream_unarchive', { streamId: 'Old' });
    assert.equal(back.newInitiativeId, `next-${prdId}`);
    assert.equal((await streams())[0].streamId, 'Old');
    assert.equal((await server.json('task_update', { id, status: 'completed' })).status, 'completed');
  });
});

describe('initiatives through MCP', () => {
  beforeEach(restart);
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it('links one, and archives the streams of the former and those without a PRD', async () => {
    assert.deepEqual(await server.json('initiative_link', { initiativeId: 'One', title: 'First' }), {
      ...{ initiativeId: 'One', workspaceCreated: true, dbPath: 'my-app', archivedStreamsCount: 0 },
    });
    const { id: prdId } = await server.json('prd_create', { title: 'P', content: 'c' });
    await add('S', {}, { prdId });
    await add('S', {}, { prdId });
    await add('Stray');
    await server.json('task_create', { title: 'no stream', prdId });
    const again = await server.json('initiative_link', { initiativeId: 'One', title: 'Renamed' });
    assert.deepEqual(again, {
      ...{ initiativeId: 'One', workspaceCreated: false, dbPath: 'my-app', archivedStreamsCount: 0 },
    });
    assert.equal((await server.json('initiative_get')).title, 'Renamed');
    const next = await server.json('initiative_link', {
      initiativeId: 'Two',
      title: 'Second',
      description: 'd',
    });
    assert.equal(next.archivedStreamsCount, 3);
    const shown = await server.json('initiative_get', { initiativeId: 'Two' });
    assert.deepEqual(
      { ...shown, createdAt: '', updatedAt: '' },
      {
        ...{ id: 'Two', title: 'Second', description: 'd', isCurrent: true },
        ...{ prdCount: 0, taskCount: 0, completedTasks: null, createdAt: '', updatedAt: '' },
      },
    );
    await server.json('initiative_link', { initiativeId: 'One', title: 'First' });
    assert.deepEqual(await streams(), [], 'linking the former one does not unarchive');
    assert.equal((await server.json('initiative_get', { id: 'Two' })).isCurrent, false);
    const { id: own } = await server.json('prd_create', { title: 'P', content: 'c' });
    await add('Own', {}, { prdId: own });
    await add('Loose', {});
    const relinked = await server.json('initiative_link', { initiativeId: 'One', title: 'First, again' });
    assert.equal(relinked.archivedStreamsCount, 0, 'linking it again archives nothing of its own');
    assert.equal((await streams()).length, 1);
  });

  it('archives nothing when the link is not valid', async () => {
    await server.json('initiative_link', { initiativeId: 'One', title: 'First' });
    const { id: prdId } = await server.json('prd_create', { title: 'P', content: 'c' });
    await add('S', {}, { prdId });
    const wrong: [Json, RegExp][] = [
      [{ initiativeId: 'Two' }, /title: is required/],
      [{ title: 'Second' }, /initiativeId: is required/],
      [{ initiativeId: 'Two', title: ' ' }, /title: must not be blank/],
      [{ initiativeId: null, title: 'x' }, /initiativeId: is required/],
    ];
    for (const [args, expected] of wrong) {
      const answer = await server.call('initiative_link', args);
      assert.equal(answer.isError, true);
      assert.match(answer.text, expected);
    }
    assert.equal((await streams()).length, 1);
    assert.equal((await server.json('initiative_get')).id, 'One');
  });

  it('knows only initiatives of Memory Copilot where that has a database', async () => {
    mkdirSync(dirname(project.memoryDbPath), { recursive: true });
    const memory = openDatabase(project.memoryDbPath, {
      ...{ create: true, label: 'memory', missingFix: '', inspect: () => undefined },
    });
    memory.exec('CREATE TABLE initiatives (id TEXT PRIMARY KEY, name TEXT, status TEXT)');
    memory.exec(`INSERT INTO initiatives VALUES ('known', 'Known', 'IN PROGRESS')`);
    const refused = await server.call('initiative_link', { initiativeId: 'unknown', title: 'T' });
    assert.equal(refused.isError, true);
    assert.match(refused.text, /Initiative not found in Memory Copilot: unknown\. Start it there first/);
    assert.equal((await server.call('initiative_get')).text, 'No initiative found');
    const linked = await server.json('initiative_link', { initiativeId: 'known', title: 'T' });
    assert.equal(linked.workspaceCreated, true);
    memory.close();
  });

  /** The state with a worker at work on a stream of the initiative. */
  function stateWithWorker(initiativeId: string) {
    const state = openStateStore(project.stateDbPath);
    const names = { branchPrefix: 'orchestrate/', worktreeRoot: '/w', portBase: 4100 };
    const { key } = state.ensureStream(initiativeId, 'S', names);
    state.openRun({
      ...{ key, number: 1, agentKind: 'custom', startedAtMs: 1, bootId: 'b', sessionId: null, baseSha: 'x' },
      tokenHash: 'h',
    });
    return { state, key };
  }

  it('refuses the first one while workers of streams live that belong to none', async () => {
    await server.json('task_create', { title: 'T', metadata: { streamId: 'S', dependencies: [] } });
    const { state, key } = stateWithWorker('');
    for (const [tool, input] of [
      ['initiative_link', { initiativeId: 'One', title: 'First' }],
      ['prd_create', { title: 'P', content: 'c' }],
    ] as const)
      assert.match((await server.call(tool, input)).text, /agents .*still at work/, tool);
    assert.equal((await server.call('initiative_get')).text, 'No initiative found');
    state.patchRun(key, 1, { endedAtMs: 2, outcome: 'stopped' });
    await server.json('prd_create', { title: 'P', content: 'c' });
    state.close();
  });

  it('refuses another one while workers live', async () => {
    await server.json('initiative_link', { initiativeId: 'One', title: 'First' });
    const { state, key } = stateWithWorker('One');
    const refused = await server.call('initiative_link', { initiativeId: 'Two', title: 'Second' });
    assert.equal(refused.isError, true);
    assert.match(refused.text, /agents of another initiative are still at work \(orchestrate stop\)$/);
    assert.equal((await server.json('initiative_get')).id, 'One');
    await server.json('initiative_link', { initiativeId: 'One', title: 'Again' });
    const archived = await server.call('stream_archive_all', { confirm: true });
    assert.match(archived.text, /^Error: agents are still at work \(orchestrate stop\)$/);
    state.patchRun(key, 1, { endedAtMs: 2, outcome: 'stopped' });
    await server.json('initiative_link', { initiativeId: 'Two', title: 'Second' });
    state.close();
  });

  it('goes on with a store that another one has taken the place of', async () => {
    await server.json('initiative_link', { initiativeId: 'One', title: 'First' });
    renameSync(dirname(project.planDbPath), `${dirname(project.planDbPath)}.away`);
    await server.json('initiative_link', { initiativeId: 'Two', title: 'Second' });
    const row = project.store().prepare('SELECT id FROM initiatives').pluck().all();
    assert.deepEqual(row, ['Two']);
  });
});
