/** What `start` refuses: bad rows of other writers, missing and old tools, stores that cannot be used; nothing is made then. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { openCopilotDatabase } from '../../src/task-copilot/store-schema.ts';
import { foreignRows, foreignStore } from '../support/foreign-store.ts';
import { createProjectRig, type ProjectRig } from '../support/worker-rig.ts';

/** Everything that a start makes: branches, refs, worktrees, a session, workers. */
function assertNothingMade(rig: ProjectRig): void {
  assert.equal(rig.cli.git('for-each-ref', '--format=%(refname)'), 'refs/heads/main');
  assert.ok(!existsSync(join(rig.root, '.claude', 'worktrees')));
  const look = spawnSync('tmux', ['-L', rig.cli.socket, 'list-sessions'], {
    env: rig.cli.env,
    stdio: 'ignore',
  });
  assert.notEqual(look.status, 0, 'no tmux server');
  assert.equal(rig.desk.starts().length, 0);
}

async function refused(rig: ProjectRig, code: number, env: Record<string, string> = {}): Promise<string> {
  const { stderr } = await rig.run(['start'], code, { env });
  assert.match(stderr, /^orchestrate: error: [^\n]+\n {2}fix: [^\n]+\n/m);
  assert.doesNotMatch(stderr.replaceAll('\n', ''), /\p{Cc}/u);
  return stderr;
}

test('rows that no plan can be made of are exit 7, named, and no row is changed', async () => {
  await using rig = await createProjectRig();
  const db = openCopilotDatabase(rig.store.path, { create: false });
  const { prd_id } = db.prepare('SELECT prd_id FROM tasks').get() as { prd_id: string };
  const rows = foreignRows(db);
  const dump = () => JSON.stringify(db.prepare('SELECT * FROM tasks ORDER BY id').all());
  const cases: [RegExp, ...(Record<string, unknown> | string)[]][] = [
    [/line break/, { streamId: 'a\nb' }],
    [/NUL/, { streamId: 'a\0b' }],
    [/control character/, { streamId: 'a\u001b[2Jb' }],
    [/longer than 200/, { streamId: 'x'.repeat(201) }],
    [/is empty|no stream/, { streamId: '' }],
    [/B.*itself/, { streamId: 'B', dependencies: ['A', 'B'] }],
    [/B.*Nope/, { streamId: 'B', dependencies: ['Nope'] }],
    [
      /B → C → B|C → B → C/,
      { streamId: 'B', dependencies: ['C'] },
      { streamId: 'C', streamDependencies: ['B'] },
    ],
    [/not an array|must be an array|a list/, { streamId: 'B', dependencies: 'A' }],
    [/TASK-\d+/, '{'],
    [/TASK-\d+/, `{"streamId": "B", "dependencies": [${'"A",'.repeat(250_000)}`],
  ];
  for (const [words, ...metadata] of cases) {
    const added = metadata.map((each) => rows.task(each, { prd_id }));
    const before = dump();
    assert.match(await refused(rig, 7), words);
    assert.equal(dump(), before);
    for (const id of added) db.prepare('DELETE FROM tasks WHERE id = ?').run(id);
  }
  db.close();
  assertNothingMade(rig);
});

/** A PATH with some of the usual tools and some scripts in place of them. */
function toolbox(rig: ProjectRig, name: string, scripts: Readonly<Record<string, string | null>>): string {
  const folder = join(rig.cli.home, name);
  mkdirSync(folder);
  for (const tool of ['git', 'tmux', 'sh', 'setsid', 'cat']) {
    const script = scripts[tool];
    if (script === null) continue;
    const path = join(folder, tool);
    const real = execFileSync('/bin/sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
    if (script === undefined) symlinkSync(real, path);
    else {
      writeFileSync(path, `#!/bin/sh\n${script}\n`);
      chmodSync(path, 0o755);
    }
  }
  return folder;
}

test('tools that are missing or too old are exit 3, each with its remedy', async () => {
  await using rig = await createProjectRig();
  const cases: [RegExp, Readonly<Record<string, string | null>>][] = [
    [/git was not found.*install git/s, { git: null }],
    [/tmux is not installed.*install tmux/s, { tmux: null }],
    [/git 2\.37\.1 is too old/, { git: 'echo git version 2.37.1' }],
    [/2\.9.* too old/, { tmux: 'echo tmux 2.9' }],
    [/garbage/, { tmux: 'echo garbage' }],
  ];
  for (const [at, [words, scripts]] of cases.entries()) {
    assert.match(await refused(rig, 3, { PATH: toolbox(rig, `tools-${at}`, scripts) }), words);
  }
  rig.configure({ agent: { kind: 'custom', command: 'no-such-agent' } });
  assert.match(await refused(rig, 3), /no-such-agent/);
  rig.configure({ agent: { kind: 'claude', command: 'no-such-claude' } });
  assert.match(await refused(rig, 3), /no-such-claude/);
  assertNothingMade(rig);
});

test('a store that is missing, garbage, cut short or newer is exit 6 and stays as it was; so does our own state', async () => {
  await using rig = await createProjectRig();
  const store = (name: string) => {
    const folder = join(rig.cli.home, name, 'project');
    mkdirSync(folder, { recursive: true });
    return { env: { TASK_DB_PATH: dirname(folder) }, path: join(folder, 'tasks.db'), folder };
  };
  assert.match(await refused(rig, 6, store('missing').env), /orchestrate (import|init|generate)/);
  const make: Record<string, (at: ReturnType<typeof store>) => void> = {
    garbage: ({ path }) =>
      writeFileSync(path, 'not a database, but long enough to be read as one\n'.repeat(50)),
    cut: ({ path, folder }) => {
      foreignStore(folder, () => undefined);
      writeFileSync(path, readFileSync(path).subarray(0, 5_000));
    },
    newer: ({ folder }) => {
      foreignStore(folder, ({ db }) => db.pragma('user_version = 11'));
    },
  };
  for (const [name, prepare] of Object.entries(make)) {
    const at = store(name);
    prepare(at);
    const before = readFileSync(at.path);
    await refused(rig, 6, at.env);
    await rig.run(['status'], 6, { env: at.env });
    await rig.run(['task', 'list'], 6, { env: at.env });
    assert.ok(readFileSync(at.path).equals(before), name);
  }
  const state = join(rig.root, '.claude', 'orchestrator', 'state.db');
  writeFileSync(state, 'this is no database either\n'.repeat(200));
  const before = readFileSync(state);
  await refused(rig, 6);
  assert.ok(readFileSync(state).equals(before));
  assertNothingMade(rig);
});

test('a store that another program keeps locked is waited for in bounds, then exit 4', async () => {
  await using rig = await createProjectRig();
  const db = openCopilotDatabase(rig.store.path, { create: false });
  const { id } = db.prepare('SELECT id FROM tasks').get() as { id: string };
  db.exec('BEGIN EXCLUSIVE');
  await rig.run(['task', 'update', id, '--status', 'completed'], 4);
  // Readers are not held up by a writer: a look and a start go on meanwhile.
  assert.equal((await rig.status()).summary.tasks.completed, 0);
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  db.exec('ROLLBACK');
  db.close();
  await worker.commit('a.txt');
  rig.setTasks('A', 'completed');
  worker.exit(0);
  assert.equal((await poller.end()).code, 0);
});

test('a machine that gives no more files, or no room to write, is exit 3 in one line, and the next start goes on', async () => {
  await using rig = await createProjectRig();
  const start = `exec '${process.execPath}' '${CLI_ENTRY}' start`;
  for (const [script, fix] of [
    [`ulimit -n 30; ${start}`, /ulimit -n/],
    [`${start} > /dev/full`, /free some disk space/],
  ] as const) {
    const { status, stderr } = spawnSync('/bin/sh', ['-c', script], {
      cwd: rig.root,
      env: rig.cli.env,
      encoding: 'utf8',
    });
    assert.equal(status, 3, stderr);
    assert.match(stderr, fix);
    assert.doesNotMatch(stderr, /unexpected|\n {4}at /);
    assert.deepEqual([rig.marked(), rig.desk.starts()], [[], []], 'nothing was left running');
  }
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  await worker.commit('a.txt');
  rig.setTasks('A', 'completed');
  worker.exit(0);
  assert.equal((await poller.end()).code, 0);
});

test('what was never made is named again after the remedy; set-up and agents run in their directories, beside the project', async () => {
  await using rig = await createProjectRig({
    plan: { A: [] },
    config: { restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [0.1] } },
  });
  rig.cli.git('branch', 'orchestrate');
  rig.cli.write('packages/web/keep.txt', 'kept');
  rig.cli.git('add', 'packages');
  rig.cli.git('commit', '--quiet', '--message=A package');
  assert.equal((await rig.start().end()).code, 1);
  await rig.untilState('A', 'failed');
  const agent = JSON.parse(rig.cli.read('.claude/orchestrator/config.json')).agent;
  rig.configure({
    branchPrefix: 'other/',
    agent: { ...agent, cwd: 'packages/web' },
    worktree: {
      root: '../trees',
      setup: ['pwd > top.log', { command: 'pwd > web.log', cwd: 'packages/web' }],
    },
  });
  await rig.run(['retry', 'A']);
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  const worktree = join(rig.root, '../trees/a');
  assert.equal(worker.cwd, join(worktree, 'packages/web'));
  assert.equal(
    await worker.sh('cat ../../top.log web.log; rm ../../top.log web.log'),
    `${worktree}\n${worktree}/packages/web`,
  );
  await worker.commit('a.txt');
  rig.setTasks('A', 'completed');
  worker.exit(0);
  assert.equal((await poller.end()).code, 0, poller.output());
  assert.equal(rig.cli.git('show', 'other/a:packages/web/a.txt'), 'by A, run 2');
});
