/** `orchestrate generate` with a stand-in for Claude Code that calls the real MCP server: what becomes the plan, and what leaves no trace. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import type { Db } from '../../src/sqlite/database.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import { openCopilotDatabase } from '../../src/task-copilot/store-schema.ts';
import { isAlive } from '../support/alive.ts';
import { type CliRig, createCliRig, type Ended } from '../support/cli-rig.ts';
import { until } from '../support/wait.ts';

const FAKE = fileURLToPath(new URL('../support/fake-claude.js', import.meta.url));

type Call = readonly [tool: string, input: Readonly<Record<string, unknown>>];
type Act = {
  readonly calls?: readonly Call[];
  readonly [key: string]: unknown;
};

type Rig = CliRig & {
  /** What the stand-in does at each launch. */
  acts(...acts: readonly Act[]): void;
  /** What it was given at each launch. */
  seen(): readonly {
    readonly argv: readonly string[];
    readonly prompt: string;
    readonly store: string;
    readonly pid: number;
    readonly env: Readonly<Record<string, string>>;
  }[];
  generate(...args: readonly string[]): Promise<Ended>;
  readonly storePath: string;
  /** Directories that attempts left in the temporary directory, which is this project's own. */
  drafts(): string[];
  /** Looks into the plan's store. */
  query(sql: string): unknown[];
};

/** A project whose PATH begins with the stand-in. */
async function createRig(): Promise<Rig> {
  const rig = await createCliRig();
  const bin = join(rig.home, 'bin');
  const temporary = join(rig.home, 'temporary');
  mkdirSync(bin);
  mkdirSync(temporary);
  copyFileSync(FAKE, join(bin, 'claude'));
  writeFileSync(join(bin, 'package.json'), '{"type": "module"}');
  chmodSync(join(bin, 'claude'), 0o755);
  const env = { PATH: `${bin}:${rig.env['PATH']}`, TMPDIR: temporary };
  const storePath = join(rig.home, 'tasks', 'project', 'tasks.db');
  const seenPath = join(rig.home, 'claude-seen.jsonl');
  return {
    ...rig,
    storePath,
    acts: (...acts) => writeFileSync(join(rig.home, 'claude-acts.json'), JSON.stringify(acts)),
    seen: () =>
      existsSync(seenPath)
        ? readFileSync(seenPath, 'utf8')
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line))
        : [],
    start: (args, how = {}) => rig.start(args, { ...how, env: { ...env, ...how.env } }),
    run: (args, how = {}) => rig.run(args, { ...how, env: { ...env, ...how.env } }),
    generate: (...args) => rig.run(['generate', ...args], { env }),
    drafts: () => readdirSync(temporary).filter((name) => name.startsWith('orchestrate-draft-')),
    query: (sql) => {
      const db: Db = openCopilotDatabase(storePath, { create: false });
      try {
        return db.prepare(sql).all();
      } finally {
        db.close();
      }
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

const PRD: Call = ['prd_create', { title: 'OAuth', description: 'Login', content: '# OAuth\n\nIn full.' }];

function task(title: string, streamId: string, dependencies: readonly string[], more: object = {}): Call {
  const metadata = { streamId, streamName: `Name of ${streamId}`, dependencies, ...more };
  return ['task_create', { title, prdId: '$prd', assignedAgent: 'me', metadata }];
}

const GOOD: Act = {
  calls: [
    PRD,
    task('Create tables', 'Stream-A', [], {
      files: ['src/db/**'],
      acceptanceCriteria: ['tables exist'],
      odd: 7,
    }),
    task('Define types', 'Stream-A', []),
    task('Write the API', 'Stream-B', ['Stream-A'], { streamPhase: 'parallel' }),
    task('Write the screens', 'Stream-C', ['Stream-A']),
    task('Put it together', 'Stream-Z', ['Stream-B', 'Stream-C'], { streamPhase: 'integration' }),
  ],
};
const EMPTY: Act = { calls: [], text: '# The plan\n\n1. Create tables' };

test('a plan that passes becomes the plan: rows, set-up files, summary', async () => {
  await using rig = await createRig();
  const read = { type: 'tool_use', id: 'r', name: 'Read', input: { file_path: join(rig.root, 'src/db.ts') } };
  rig.acts({ ...GOOD, messages: [{ type: 'assistant', message: { content: [read] } }] });
  rig.write('package.json', '{"scripts": {"test": "node --test"}}');
  const { code, stdout, stderr } = await rig.generate('Implement', 'OAuth', 'login');
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(
    stdout,
    /^ {2}· reading src\/db\.ts \(\d+s\)\n {2}✓ PRD: OAuth\n {2}✓ Stream-A: Create tables$/m,
  );
  const [prd] = rig.query(
    'SELECT p.*, i.title AS initiative FROM prds p JOIN initiatives i ON i.id = p.initiative_id',
  ) as {
    id: string;
    initiative: string;
    content: string;
    metadata: string;
  }[];
  assert.equal(prd?.initiative, 'Implement OAuth login');
  assert.equal(prd?.content, '# OAuth\n\nIn full.');
  assert.equal(JSON.parse(prd?.metadata ?? '').scopeLocked, false);
  const tasks = rig.query('SELECT * FROM tasks ORDER BY rowid') as {
    prd_id: string;
    status: string;
    metadata: string;
  }[];
  assert.deepEqual(
    new Set(tasks.map((row) => `${row.prd_id} ${row.status}`)),
    new Set([`${prd?.id} pending`]),
  );
  const metadata = tasks.map((row) => JSON.parse(row.metadata));
  assert.equal(metadata[0].odd, 7);
  assert.deepEqual(metadata[0].acceptanceCriteria, ['tables exist']);
  assert.deepEqual(metadata[4].dependencies, ['Stream-B', 'Stream-C']);
  assert.deepEqual(metadata[4].streamDependencies, ['Stream-B', 'Stream-C']);

  assert.match(stdout, /^ {2}✓ PRD: OAuth\n {2}✓ Stream-A: Create tables\n {2}✓ Stream-A: Define types$/m);
  assert.match(
    stdout,
    /^✓ Orchestrator files created in \.claude\/orchestrator\/\n✓ Symlink created: \.\/watch-status$/m,
  );
  assert.match(stdout, new RegExp(`^PRD Created: ${prd?.id}\nTasks Created: 5 tasks across 4 streams$`, 'm'));
  assert.match(
    stdout,
    /^ {2}Stream-A \(Name of Stream-A\): 2 tasks\n {2}Stream-B \(Name of Stream-B\): 1 task, depends on Stream-A$/m,
  );
  assert.match(stdout, /^ {2}Depth 0 \(Independent\):\n {4}• Stream-A \(Name of Stream-A\)$/m);
  assert.match(stdout, /^Next: orchestrate start/m);
  assert.match(stdout, /^• proposed, not taken \(orchestrate init --yes takes it\): npm test$/m);
  assert.ok(existsSync(join(rig.root, '.claude/orchestrator/config.json')));
  assert.equal((await rig.run(['plan'])).code, 0);
});

test('Claude Code may only read and use our tools, on an empty store of its own, told by stdin', async () => {
  await using rig = await createRig();
  rig.acts(GOOD);
  rig.write('.claude/agents/ta.md', '---\nname: ta\ntools: Read\n---\n\nPlan as our team does.\n');
  rig.write(
    '.claude/orchestrator/config.json',
    '{"agent": {"model": "haiku", "args": ["--settings", "/my settings.json"]}}',
  );
  const feature = '--not-a-flag $(touch pwned) `x` {{problems}} "quotes"';
  const { code } = await rig.run(['generate', '--', feature], {
    env: { GIT_DIR: '/nowhere', CLAUDECODE: '1' },
  });
  assert.equal(code, 0);
  const [{ argv, prompt, store, env } = assert.fail('not launched')] = rig.seen();
  assert.match(store, /\/orchestrate-draft-/, 'the store is a draft');
  assert.ok(!existsSync(store), 'and is gone afterwards');
  assert.match(prompt, new RegExp(`<feature>\n${feature.replace(/[$(){}`]/g, '\\$&')}\n</feature>`));
  assert.ok(!argv.some((argument) => argument.includes('not-a-flag')));
  const argumentOf = (flag: string) => argv[argv.indexOf(flag) + 1];
  assert.ok(argv.includes('--strict-mcp-config') && argv.includes('-p') && argv.includes('--verbose'));
  assert.equal(argumentOf('--output-format'), 'stream-json');
  assert.equal(argumentOf('--permission-mode'), 'dontAsk');
  assert.equal(argumentOf('--model'), 'haiku');
  assert.deepEqual(
    argv.slice(0, 3),
    ['--settings', '/my settings.json', '-p'],
    "the user's own arguments first",
  );
  assert.equal(argumentOf('--append-system-prompt'), 'Plan as our team does.');
  for (const rule of argumentOf('--allowedTools')?.split(',') ?? []) {
    assert.match(rule, /^(Read|Glob|Grep|mcp__task-copilot__(prd|task|stream|progress|initiative_get)\w*)$/);
  }
  assert.deepEqual([env['GIT_DIR'], env['CLAUDECODE']], [undefined, undefined]);
  assert.equal(
    rig.read('.claude/agents/ta.md'),
    '---\nname: ta\ntools: Read\n---\n\nPlan as our team does.\n',
  );
});

test('a planner that only says it created tasks is caught: box with counts, exit 1, the store as it was', async () => {
  await using rig = await createRig();
  rig.acts(EMPTY);
  const { code, stderr } = await rig.generate('OAuth');
  assert.equal(code, 1);
  assert.match(stderr, /❌ ERROR: Verification Failed\n━+\n[\s\S]*• PRDs found: 0\n {2}• Streams found: 0\n/);
  assert.match(stderr, /^orchestrate: error: no plan was made \(PRDs found: 0, streams found: 0\)/m);
  assert.match(stderr, /^ {2}fix: orchestrate generate --retry -- OAuth$/m);
  assert.doesNotMatch(stderr, /\[y\/n\]/);
  assert.ok(!existsSync(rig.storePath), 'no store is made');
  assert.ok(!existsSync(join(rig.root, '.claude')), 'nothing is set up');
  assert.deepEqual(rig.drafts(), [], 'no draft is left');
  assert.equal(rig.seen().length, 1);
});

const BAD: readonly (readonly [string, readonly Call[], RegExp])[] = [
  ['a PRD without tasks', [PRD], /no task was created/],
  [
    'tasks without a PRD',
    [['task_create', { title: 'T', metadata: { streamId: 'A', dependencies: [] } }]],
    /no PRD was created/,
  ],
  ['tasks outside streams', [PRD, ['task_create', { title: 'T', prdId: '$prd' }]], /no task names a stream/],
  [
    'one task without a stream',
    [PRD, task('T', 'A', []), ['task_create', { title: 'Lost', prdId: '$prd' }]],
    /task "Lost" has no streamId/,
  ],
  [
    'a task without dependencies',
    [
      PRD,
      task('T', 'A', []),
      ['task_create', { title: 'Loose', prdId: '$prd', metadata: { streamId: 'B' } }],
    ],
    /task "Loose" has no dependencies/,
  ],
  [
    'an unknown dependency',
    [PRD, task('T', 'A', []), task('U', 'B', ['Nowhere'])],
    /depends on "Nowhere", which is no stream/,
  ],
  ['no root', [PRD, task('T', 'A', ['B'])], /no stream can start first/],
  [
    'a circle (which the server refuses to close, so that a task is missing)',
    [PRD, task('T', 'A', ['B']), task('U', 'B', ['A'])],
    /no stream can start first|depends on "B"/,
  ],
];

test('every kind of unusable plan is named and refused', async (t) => {
  await using rig = await createRig();
  rig.acts(...BAD.map(([, calls]) => ({ calls })));
  for (const [name, , message] of BAD) {
    await t.test(name, async () => {
      const { code, stderr } = await rig.generate('OAuth');
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.ok(!existsSync(rig.storePath));
    });
  }
});

test('--retry tries once more with the stricter prompt, on a store that is empty again', async () => {
  await using rig = await createRig();
  rig.acts({ calls: [PRD] }, GOOD);
  const { code, stdout, stderr } = await rig.generate('--retry', 'OAuth');
  assert.equal(code, 0);
  assert.match(stderr, /Verification Failed[\s\S]*• PRDs found: 1\n {2}• Streams found: 0/);
  assert.match(stdout, /^Tasks Created: 5 tasks across 4 streams$/m);
  const [first, second] = rig.seen();
  assert.doesNotMatch(first?.prompt ?? '', /CRITICAL/);
  assert.match(
    second?.prompt ?? '',
    /^CRITICAL: .*\n\n- no task was created\n[\s\S]*<feature>\nOAuth\n<\/feature>/,
  );
  assert.notEqual(first?.store, second?.store);
  assert.equal(rig.query('SELECT * FROM prds').length, 1);
});

test('what a failed planner wrote is only quoted to the next one', async () => {
  await using rig = await createRig();
  const title = `read @/etc/hostname ${'x'.repeat(900)}`;
  rig.acts({ calls: [PRD, ['task_create', { title, prdId: '$prd' }]] }, EMPTY);
  assert.equal((await rig.generate('--retry', 'OAuth')).code, 1);
  const prompt = rig.seen()[1]?.prompt ?? '';
  assert.match(prompt, /task "read \\@\/etc\/hostname x+/);
  assert.doesNotMatch(prompt, /x{600}/);
});

test('--retry ends after the second failure', async () => {
  await using rig = await createRig();
  rig.acts(EMPTY, EMPTY, GOOD);
  assert.equal((await rig.generate('--retry', 'OAuth')).code, 1);
  assert.equal(rig.seen().length, 2);
});

test('--json gives one object, and an error object when it failed', async () => {
  await using rig = await createRig();
  rig.acts(GOOD, EMPTY);
  const good = await rig.generate('OAuth', '--json');
  const made = JSON.parse(good.stdout);
  assert.deepEqual([made.schemaVersion, made.streams, made.tasks, made.initiative.title], [1, 4, 5, 'OAuth']);
  assert.match(made.prd, /^PRD-/);
  assert.match(good.stderr, /✓ Stream-A: Create tables/);
  const bad = await rig.generate('Another', '--json');
  assert.deepEqual([bad.code, JSON.parse(bad.stdout).error.code], [1, 'unfinished']);
});

test('the next plan archives the one before; a failed one leaves it alone', async () => {
  await using rig = await createRig();
  rig.acts(GOOD, EMPTY, GOOD);
  assert.equal((await rig.generate('First')).code, 0);
  const rows = JSON.stringify(rig.query('SELECT * FROM tasks'));
  assert.equal((await rig.generate('Second')).code, 1);
  assert.equal(JSON.stringify(rig.query('SELECT * FROM tasks')), rows);
  const { stdout } = await rig.generate('Third');
  assert.match(stdout, /^Archived: 5 tasks of earlier initiatives$/m);
  assert.deepEqual(rig.query('SELECT count(*) AS n, archived FROM tasks GROUP BY archived'), [
    { n: 5, archived: 0 },
    { n: 5, archived: 1 },
  ]);
});

test('streams that belong to no initiative are no part of a new plan: said before Claude is asked', async () => {
  await using rig = await createRig();
  rig.acts(GOOD);
  mkdirSync(join(rig.home, 'tasks/project'), { recursive: true });
  const db = openCopilotDatabase(rig.storePath, { create: true });
  db.exec(`INSERT INTO tasks (id, title, metadata, created_at, updated_at)
    VALUES ('T', 'T', '{"streamId":"S","dependencies":[]}', '2025-01-01', '2025-01-01')`);
  db.close();
  const { code, stderr } = await rig.generate('First');
  assert.equal(code, 7);
  assert.match(stderr, /has a plan already \(1 stream\)/);
  assert.deepEqual(rig.seen(), []);
});

test('it is refused while workers live, before Claude is asked', async () => {
  await using rig = await createRig();
  rig.acts(GOOD, GOOD);
  assert.equal((await rig.generate('First')).code, 0);
  const state = openStateStore(join(rig.root, '.claude/orchestrator/state.db'));
  state.ensureStream('i', 'A', { branchPrefix: 'orchestrate/', worktreeRoot: '/tmp/x', portBase: 4100 });
  const run = {
    key: 'a',
    number: 1,
    agentKind: 'custom',
    startedAtMs: 1,
    bootId: 'b',
    sessionId: null,
  } as const;
  state.openRun({ ...run, baseSha: '0'.repeat(40), tokenHash: 'h' });
  state.close();
  const { code, stderr } = await rig.generate('Second');
  assert.equal(code, 5);
  assert.match(stderr, /still at work\n {2}fix: orchestrate stop && orchestrate generate/);
  assert.equal(rig.seen().length, 1);
});

test('a worker may not plan', async () => {
  await using rig = await createRig();
  const { code, stderr } = await rig.run(['generate', 'OAuth'], { env: { ORCHESTRATE_TOKEN: 'of a run' } });
  assert.equal(code, 5);
  assert.match(stderr, /orchestrate generate changes the plan, which an agent may not do/);
  assert.equal(rig.seen().length, 0);
});

test('without Claude Code it is exit 3 with the remedy', async () => {
  await using rig = await createRig();
  const { code, stderr } = await rig.run(['generate', 'OAuth'], {
    env: { ORCHESTRATE_AGENT_COMMAND: 'no-such-claude' },
  });
  assert.equal(code, 3);
  assert.match(stderr, /the command no-such-claude was not found\n {2}fix: install Claude Code/);
});

test('a planner that fails is told with its own words, and nothing changes', async (t) => {
  await using rig = await createRig();
  const cases: readonly (readonly [string, Act, RegExp])[] = [
    [
      'an error as its result',
      { ...GOOD, result: { is_error: true, result: 'API Error: 401 Invalid key' }, exitCode: 1 },
      /could not plan: API Error: 401 Invalid key; nothing was changed/,
    ],
    [
      'no result',
      { ...GOOD, result: null, exitCode: 1, stderr: "error: unknown option '--tools'" },
      /it ended with exit code 1: error: unknown option '--tools'/,
    ],
    ['no result, though exit code 0', { ...GOOD, result: null }, /it ended with exit code 0/],
    ['a server that did not start', { server: 'failed', hang: true }, /could not start the MCP server/],
  ];
  rig.acts(...cases.map(([, act]) => act));
  for (const [name, , message] of cases) {
    await t.test(name, async () => {
      const { code, stderr } = await rig.generate('OAuth', '--retry');
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.ok(!existsSync(rig.storePath));
    });
  }
  assert.equal(rig.seen().length, cases.length, 'none of them is retried');
});

test('a signal ends the planner and its server, and leaves nothing behind', async () => {
  await using rig = await createRig();
  rig.acts({ ...GOOD, hang: true });
  const child = rig.start(['generate', 'OAuth']);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const hangs = join(rig.home, 'claude-hangs');
  await until('the agent hangs', () => existsSync(hangs) && readFileSync(hangs, 'utf8') !== '');
  const pids = [rig.seen()[0]?.pid ?? 0, Number(readFileSync(hangs, 'utf8'))];
  assert.ok(pids.every(isAlive));
  child.kill('SIGINT');
  assert.equal(await ended, 130);
  assert.deepEqual(pids.filter(isAlive), []);
  assert.deepEqual(rig.drafts(), []);
  assert.ok(!existsSync(rig.storePath) && !existsSync(join(rig.root, '.claude')));
});

test('without a feature and without a terminal it is exit 2; contradicting flags too', async () => {
  await using rig = await createRig();
  for (const args of [[], ['  '], ['-'], ['x', '--retry', '--no-retry']]) {
    const { code, stderr } = await rig.run(['generate', ...args]);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, /needs a feature|exclude each other/);
  }
  assert.equal(rig.seen().length, 0);
});

test('a feature can come from stdin, and an initiative that has no plan yet is used', async () => {
  await using rig = await createRig();
  rig.acts(GOOD, GOOD);
  mkdirSync(join(rig.home, 'tasks/project'), { recursive: true });
  const db = openCopilotDatabase(rig.storePath, { create: true });
  db.exec(`INSERT INTO initiatives VALUES ('linked', 'Linked before', NULL, '2025-01-01', '2025-01-01')`);
  db.close();
  const { code } = await rig.run(['generate', '-'], { input: 'Line one\nLine two\n' });
  assert.equal(code, 0);
  assert.match(rig.seen()[0]?.prompt ?? '', /<feature>\nLine one\nLine two\n<\/feature>/);
  assert.deepEqual(rig.query('SELECT id, title FROM initiatives'), [
    { id: 'linked', title: 'Linked before' },
  ]);
});

test("Memory Copilot's active initiative is linked; without an active one nothing is begun", async () => {
  await using rig = await createRig();
  rig.acts(GOOD, GOOD);
  const memory = join(rig.home, '.claude/memory/project/memory.db');
  mkdirSync(join(memory, '..'), { recursive: true });
  const db = new Database(memory);
  db.exec('CREATE TABLE initiatives (id, project_id, name, goal, status, created_at)');
  const none = await rig.generate('OAuth');
  assert.equal(none.code, 7);
  assert.match(
    none.stderr,
    /Memory Copilot has no active initiative[\s\S]*fix: start the initiative in Memory Copilot/,
  );
  db.exec(`INSERT INTO initiatives VALUES ('old', 'p', 'Old', 'G', 'COMPLETE', '2025-03-01'),
    ('new', 'p', 'Newer', 'G', 'NOT STARTED', '2025-02-01'), ('now', 'p', 'Under way', 'G', 'IN PROGRESS', '2025-01-01')`);
  db.close();
  assert.equal((await rig.generate('OAuth')).code, 0);
  assert.deepEqual(rig.query('SELECT id, title FROM initiatives'), [{ id: 'now', title: 'Under way' }]);
  const again = await rig.generate('OAuth');
  assert.equal(again.code, 7);
  assert.match(again.stderr, /initiative now has a plan already \(4 streams\)/);
  assert.equal(rig.seen().length, 1);
});
