/** The tools' inputs and answers, as clients of Task Copilot know them, through the SDK's own client. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, type McpClient, type McpProject, mcpProject } from '../support/mcp-rig.ts';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';

const NAMES = [
  'initiative_link',
  'initiative_get',
  'prd_create',
  'prd_get',
  'prd_list',
  'task_create',
  'task_get',
  'task_list',
  'task_update',
  'stream_list',
  'stream_get',
  'stream_conflict_check',
  'stream_unarchive',
  'stream_archive_all',
  'work_product_store',
  'work_product_get',
  'work_product_list',
  'progress_summary',
];

/** Runs `body` against a server with a store of its own. */
function withServer(title: string, body: (get: () => McpClient, project: () => McpProject) => void): void {
  describe(title, () => {
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
    body(
      () => server,
      () => project,
    );
  });
}

withServer('tool list and errors', (server) => {
  it('offers tools only, under the name that clients know', () => {
    assert.deepEqual(server().client.getServerCapabilities(), { tools: {} });
    assert.equal(server().client.getServerVersion()?.name, 'task-copilot');
  });

  it('lists every tool with a schema that names required fields', async () => {
    const { tools } = await server().client.listTools();
    assert.deepEqual(
      tools.map(({ name }) => name),
      NAMES,
    );
    const required = Object.fromEntries(tools.map(({ name, inputSchema }) => [name, inputSchema.required]));
    assert.deepEqual(required, {
      initiative_link: ['initiativeId', 'title'],
      initiative_get: [],
      prd_create: ['title', 'content'],
      prd_get: ['id'],
      prd_list: [],
      task_create: ['title'],
      task_get: ['id'],
      task_list: [],
      task_update: ['id'],
      stream_list: [],
      stream_get: ['streamId'],
      stream_conflict_check: ['files'],
      stream_unarchive: ['streamId'],
      stream_archive_all: [],
      work_product_store: ['taskId', 'type', 'title', 'content'],
      work_product_get: ['id'],
      work_product_list: ['taskId'],
      progress_summary: [],
    });
    for (const tool of tools) {
      assert.equal(tool.inputSchema.type, 'object');
      assert.ok((tool.description ?? '').length > 10, tool.name);
      assert.notEqual(tool.inputSchema['additionalProperties'], false, tool.name);
    }
  });

  it('answers an unknown tool and an unknown method in their known forms', async () => {
    assert.deepEqual(await server().call('task_delete'), {
      text: 'Unknown tool: task_delete',
      isError: true,
    });
    const unknown = server().client.request({ method: 'server/discover' }, {
      parse: (v: unknown) => v,
    } as never);
    await assert.rejects(unknown, { code: -32601 });
  });

  it('answers with a plain sentence, which is no error, when something is not found', async () => {
    const sentences: [string, Record<string, unknown>, string][] = [
      ['prd_get', { id: 'PRD-x' }, 'PRD not found'],
      ['task_get', { id: 'TASK-x' }, 'Task not found'],
      ['task_update', { id: 'TASK-x', status: 'completed' }, 'Task not found'],
      ['stream_get', { streamId: 'Stream-X' }, 'Stream not found'],
      ['work_product_get', { id: 'WP-x' }, 'Work product not found'],
      ['initiative_get', {}, 'No initiative found'],
      ['initiative_get', { initiativeId: 'I' }, 'Initiative not found'],
    ];
    for (const [name, args, text] of sentences) {
      assert.deepEqual(await server().call(name, args), { text, isError: false }, name);
    }
    assert.deepEqual(await server().call('progress_summary'), {
      text: 'Error: No initiative found',
      isError: true,
    });
    assert.deepEqual(await server().json('stream_list'), { streams: [] });
    assert.deepEqual(await server().json('prd_list'), []);
    assert.deepEqual(await server().json('task_list'), []);
  });

  it('ignores arguments it does not know and nulls for what may be left out', async () => {
    assert.deepEqual(await server().json('task_list', { colour: 'red', status: null, prdId: null }), []);
  });
});

withServer('PRDs', (server) => {
  let id = '';

  it('creates one, in an initiative of its own where none is linked', async () => {
    const content = 'x'.repeat(250);
    const made = await server().json('prd_create', {
      title: 'Add login',
      description: 'OAuth',
      content,
      metadata: { priority: 'high', tags: ['auth'] },
    });
    assert.deepEqual(Object.keys(made), ['id', 'initiativeId', 'createdAt', 'summary']);
    assert.match(made.id, new RegExp(`^PRD-${UUID}$`));
    assert.match(made.initiativeId, new RegExp(`^INIT-${UUID}$`));
    assert.match(made.createdAt, ISO);
    assert.equal(made.summary, `${'x'.repeat(200)}...`);
    id = made.id;
    const initiative = await server().json('initiative_get');
    assert.equal(initiative.id, made.initiativeId);
    assert.equal(initiative.title, 'Default Initiative');
    assert.equal(initiative.prdCount, 1);
  });

  it('shows it, with its content only when asked', async () => {
    const shown = await server().json('prd_get', { id });
    assert.deepEqual(Object.keys(shown), [
      'id',
      'initiativeId',
      'title',
      'description',
      'metadata',
      'taskCount',
      'completedTasks',
      'createdAt',
      'updatedAt',
    ]);
    assert.equal(shown.taskCount, 0);
    assert.equal(shown.completedTasks, null);
    assert.deepEqual(shown.metadata, {
      prdType: 'FEATURE',
      scopeLocked: true,
      priority: 'high',
      tags: ['auth'],
    });
    const full = await server().json('prd_get', { id, includeContent: true });
    assert.equal(full.content.length, 250);
  });

  it('lists them newest first, with progress', async () => {
    const second = await server().json('prd_create', { title: 'Fix a crash', content: 'c' });
    assert.equal(second.summary, 'c');
    const task = await server().json('task_create', { title: 'T', prdId: id, assignedAgent: 'ta' });
    await server().json('task_create', { title: 'T2', prdId: id, assignedAgent: 'ta' });
    await server().json('task_create', { title: 'T3', prdId: id, assignedAgent: 'ta' });
    await server().json('task_update', { id: task.id, status: 'completed' });
    assert.deepEqual(await server().json('prd_list', {}), [
      { id: second.id, title: 'Fix a crash', taskCount: 0, completedTasks: null, progress: '0/0' },
      {
        id,
        title: 'Add login',
        description: 'OAuth',
        taskCount: 3,
        completedTasks: 1,
        progress: '1/3 (33%)',
      },
    ]);
    assert.deepEqual(await server().json('prd_list', { status: 'archived' }), []);
    assert.deepEqual(await server().json('prd_list', { initiativeId: 'other' }), []);
    assert.equal((await server().json('prd_get', { id: second.id })).metadata.prdType, 'DEFECT');
  });

  it('lets only the planner add tasks where the scope was locked', async () => {
    const locked = await server().json('prd_create', {
      title: 'Locked',
      content: 'c',
      metadata: { scopeLocked: true },
    });
    const refused = await server().call('task_create', { title: 'T', prdId: locked.id, assignedAgent: 'me' });
    assert.deepEqual(refused, {
      text: `Error: Scope is locked for PRD ${locked.id}. Only @agent-ta can create tasks. Use scope_change_request to request scope changes.`,
      isError: true,
    });
    const made = await server().json('task_create', { title: 'T', prdId: locked.id, assignedAgent: 'ta' });
    assert.equal(made.status, 'pending');
  });
});

withServer('tasks', (server, project) => {
  let prdId = '';
  before(async () => {
    prdId = (await server().json('prd_create', { title: 'P', content: 'c' })).id;
  });

  it('creates and shows one, metadata as given and then completed', async () => {
    const metadata = {
      zeta: { deep: [1, null, 'ü'] },
      streamId: 'Stream-A',
      complexity: 'High',
      dependencies: [],
      qualityGates: ['rm -rf /'],
      isolatedWorktree: true,
    };
    const made = await server().json('task_create', {
      title: 'Analyze, then be quick',
      description: 'do it',
      prdId,
      assignedAgent: 'me',
      metadata,
    });
    assert.deepEqual(Object.keys(made), ['id', 'prdId', 'status', 'createdAt']);
    assert.match(made.id, new RegExp(`^TASK-${UUID}$`));
    assert.equal(made.status, 'pending');
    const task = await server().json('task_get', { id: made.id });
    assert.deepEqual(task, {
      id: made.id,
      prdId,
      title: 'Analyze, then be quick',
      description: 'do it',
      assignedAgent: 'me',
      status: 'pending',
      metadata: { ...metadata, streamDependencies: [], activationMode: 'quick', verificationRequired: true },
      createdAt: made.createdAt,
      updatedAt: made.createdAt,
    });
    assert.deepEqual(Object.keys(task.metadata).slice(0, 3), ['zeta', 'streamId', 'complexity']);
  });

  it('shows subtasks and work products when asked', async () => {
    const parent = await server().json('task_create', { title: 'Parent' });
    const child = await server().json('task_create', {
      title: 'Child',
      parentId: parent.id,
      assignedAgent: 'qa',
    });
    assert.deepEqual(Object.keys(child), ['id', 'parentId', 'status', 'createdAt']);
    const product = await server().json('work_product_store', {
      taskId: parent.id,
      type: 'other',
      title: 'W',
      content: 'c',
    });
    const plain = await server().json('task_get', { id: parent.id });
    assert.equal(plain.subtasks, undefined);
    assert.equal(plain.workProducts, undefined);
    const full = await server().json('task_get', {
      id: parent.id,
      includeSubtasks: true,
      includeWorkProducts: true,
    });
    assert.deepEqual(full.subtasks, [
      { id: child.id, title: 'Child', status: 'pending', assignedAgent: 'qa' },
    ]);
    assert.deepEqual(full.workProducts, [
      { id: product.id, type: 'other', title: 'W', createdAt: product.createdAt },
    ]);
    const rows = await server().json('task_list', { parentId: null });
    const row = rows.find((one: { id: string }) => one.id === parent.id);
    assert.deepEqual(row, {
      id: parent.id,
      title: 'Parent',
      status: 'pending',
      subtaskCount: 1,
      completedSubtasks: 0,
      hasWorkProducts: true,
    });
    assert.ok(!rows.some((one: { id: string }) => one.id === child.id));
    const parts = await server().json('task_list', { parentId: parent.id });
    assert.deepEqual(
      parts.map((one: { id: string; completedSubtasks: unknown }) => [one.id, one.completedSubtasks]),
      [[child.id, null]],
    );
  });

  it('lists the tasks of a stream by each spelling of the filter, and returns the stream', async () => {
    const made = await server().json('task_create', {
      title: 'In B',
      prdId,
      assignedAgent: 'qa',
      metadata: { streamId: 'Stream B' },
    });
    const spellings = [
      { streamId: 'Stream B' },
      { 'metadata.streamId': 'Stream B' },
      { metadata: { streamId: 'Stream B' } },
      { streamId: 'Stream B', assignedAgent: 'qa', status: 'pending', prdId },
    ];
    for (const filter of spellings) {
      const rows = await server().json('task_list', filter);
      assert.deepEqual(
        rows,
        [
          {
            id: made.id,
            title: 'In B',
            status: 'pending',
            assignedAgent: 'qa',
            streamId: 'Stream B',
            subtaskCount: 0,
            completedSubtasks: null,
            hasWorkProducts: false,
          },
        ],
        JSON.stringify(filter),
      );
    }
    assert.deepEqual(await server().json('task_list', { streamId: 'Stream B', status: 'completed' }), []);
  });

  it('updates status, notes and metadata, and records what follows from it', async () => {
    const { id } = await server().json('task_create', {
      title: 'Work',
      prdId,
      assignedAgent: 'me',
      metadata: { streamId: 'S', keep: 1, change: 1 },
    });
    const started = await server().json('task_update', { id, status: 'in_progress' });
    assert.deepEqual(Object.keys(started), ['id', 'status', 'updatedAt']);
    assert.equal(started.status, 'in_progress');
    await server().json('task_update', { id, notes: 'first', metadata: { change: 2, add: { a: 1 } } });
    await server().json('task_update', { id, status: 'blocked', blockedReason: 'no key', notes: 'second' });
    const task = await server().json('task_get', { id });
    assert.equal(task.status, 'blocked');
    assert.equal(task.notes, 'second');
    assert.equal(task.blockedReason, 'no key');
    assert.deepEqual(
      { keep: task.metadata.keep, change: task.metadata.change, add: task.metadata.add },
      { keep: 1, change: 2, add: { a: 1 } },
    );
    const count = (table: string) =>
      project().store().prepare(`SELECT count(*) FROM ${table} WHERE task_id = ?`).pluck().get(id);
    assert.equal(count('checkpoints'), 2);
    assert.equal(count('agent_activity'), 1);
    assert.equal(count('agent_performance'), 1);
  });

  it('completes twice without harm, and asks for a commit where the task wants one', async () => {
    const { id } = await server().json('task_create', {
      title: 'Twice',
      prdId,
      assignedAgent: 'me',
      metadata: { autoCommitOnComplete: true },
    });
    const first = await server().json('task_update', { id, status: 'completed', notes: 'done' });
    assert.equal(first.autoCommitRequested, true);
    assert.match(first.suggestedCommitMessage, /^Twice/);
    const rows = () =>
      ['agent_performance', 'activity_log'].map((table) =>
        project().store().prepare(`SELECT count(*) FROM ${table}`).pluck().get(),
      );
    const before = rows();
    const second = await server().json('task_update', { id, status: 'completed' });
    assert.equal(second.status, 'completed');
    assert.equal(second.autoCommitRequested, undefined);
    assert.deepEqual(rows(), before);
    assert.equal((await server().json('task_get', { id })).notes, 'done');
  });

  it('asks for criteria and proof before a task that wants them counts as completed', async () => {
    const { id } = await server().json('task_create', {
      title: 'Proof',
      metadata: { verificationRequired: true },
    });
    const refused = await server().call('task_update', { id, status: 'completed' });
    assert.equal(refused.isError, true);
    assert.match(refused.text, /^Error: Verification failed - task cannot be completed:/);
    assert.equal((await server().json('task_get', { id })).status, 'pending');
    const notes = 'ran the tests, all forty of them passed, twice in a row';
    const done = { id, status: 'completed', notes, metadata: { acceptanceCriteria: ['works'] } };
    assert.equal((await server().json('task_update', done)).status, 'completed');
  });
});

withServer('work products and progress', (server, project) => {
  it('stores, shows and lists work products, newest first', async () => {
    const task = await server().json('task_create', { title: 'T' });
    const content = `${'word '.repeat(100)}end`;
    const made = await server().json('work_product_store', {
      taskId: task.id,
      type: 'technical_design',
      title: 'Design',
      content,
      metadata: { a: 1 },
      confidence: 0.9,
    });
    assert.deepEqual(Object.keys(made), ['id', 'taskId', 'summary', 'wordCount', 'createdAt']);
    assert.match(made.id, new RegExp(`^WP-${UUID}$`));
    assert.equal(made.wordCount, 101);
    assert.equal(made.summary, `${content.slice(0, 300)}...`);
    assert.deepEqual(await server().json('work_product_get', { id: made.id }), {
      id: made.id,
      taskId: task.id,
      type: 'technical_design',
      title: 'Design',
      content,
      metadata: { a: 1 },
      createdAt: made.createdAt,
      confidence: 0.9,
    });
    const second = await server().json('work_product_store', {
      taskId: task.id,
      type: 'other',
      title: 'Second',
      content: 'short',
    });
    const list = await server().json('work_product_list', { taskId: task.id });
    assert.deepEqual(
      list.map((one: { id: string }) => one.id),
      [second.id, made.id],
    );
    assert.deepEqual(list[0], {
      id: second.id,
      type: 'other',
      title: 'Second',
      summary: 'short',
      wordCount: 1,
      createdAt: second.createdAt,
      confidence: null,
    });
    const wrong = await server().call('work_product_store', {
      taskId: task.id,
      type: 'other',
      title: 'x',
      content: 'x',
      confidence: 1.5,
    });
    assert.deepEqual(wrong, { text: 'Error: Confidence must be between 0 and 1', isError: true });
  });

  it('sums up an initiative', async () => {
    await server().json('initiative_link', { initiativeId: 'I', title: 'Initiative' });
    const milestones = [{ id: 'M', name: 'First', taskIds: [] as string[] }];
    const prd = await server().json('prd_create', { title: 'P', content: 'c' });
    const first = await server().json('task_create', { title: 'a', prdId: prd.id });
    await server().json('task_create', { title: 'b', prdId: prd.id });
    milestones[0]!.taskIds = [first.id];
    const begun = await server().json('progress_summary');
    assert.match(begun.tasks.progressBar, /^\[░{20}\] 0% \(0\/3\)$/);
    await server().json('prd_create', { title: 'Q', content: 'c', metadata: { milestones } });
    await server().json('task_update', { id: first.id, status: 'completed' });
    const products = [
      ['other', 0.9],
      ['other', 0.2],
      ['test_plan', undefined],
    ] as const;
    for (const [type, confidence] of products) {
      await server().json('work_product_store', {
        taskId: first.id,
        type,
        title: 't',
        content: 'c',
        confidence,
      });
    }
    const summary = await server().json('progress_summary');
    assert.equal(summary.initiativeId, 'I');
    assert.equal(summary.title, 'Initiative');
    assert.deepEqual(summary.prds, { total: 2, active: 2, completed: 0 });
    const { progressBar, ...tasks } = summary.tasks;
    // The task of the test before belongs to no PRD, so it counts wherever one looks.
    assert.deepEqual(tasks, { total: 3, pending: 2, inProgress: 0, completed: 1, blocked: 0 });
    assert.match(progressBar, /^\[█{6}░{14}\] 33% \(1\/3\)$/);
    assert.deepEqual(summary.milestones, [
      { id: 'M', name: 'First', totalTasks: 1, completedTasks: 1, percentComplete: 100, isComplete: true },
    ]);
    assert.deepEqual(
      summary.velocity.map((one: Record<string, unknown>) => [one['period'], one['tasksCompleted']]),
      [
        ['7d', 1],
        ['14d', 1],
        ['30d', 1],
      ],
    );
    assert.equal(summary.recentActivity.length, 5);
    assert.deepEqual(Object.keys(summary.recentActivity[0]), ['timestamp', 'type', 'summary']);
    project().store().prepare(`UPDATE prds SET status = 'archived' WHERE id = ?`).run(prd.id);
    const archived = await server().json('progress_summary');
    assert.deepEqual(archived.prds, { total: 2, active: 1, completed: 1 });
    project().store().prepare(`UPDATE prds SET status = 'active' WHERE id = ?`).run(prd.id);
    const sure = await server().json('progress_summary', { minConfidence: 0.5 });
    assert.equal(sure.workProducts.total, 2);
    assert.deepEqual(sure.workProducts.byType, { technical_design: 1, other: 1 });
    assert.equal(sure.workProducts.confidenceStats.highConfidence, 2);
  });
});
