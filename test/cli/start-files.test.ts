/** What `orchestrate start` refuses before anything is made: required files that are missing, a store without streams. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCopilotDatabase } from '../../src/task-copilot/store-schema.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';

const REQUIRED = ['orchestrate', 'check-streams', 'watch-status', 'config.json', 'worker-prompt.md'];
const own = (name: string) => `.claude/orchestrator/${name}`;

const SAMPLE = `Tasks must include stream metadata for orchestration:
  {
    "metadata": {
      "streamId": "Stream-A",
      "streamName": "Description",
      "dependencies": []
    }
  }

Run \`/orchestrate generate\` first to create PRD and tasks with stream metadata`;

/** Everything around the project by path, and whether its tmux server lives. */
function world(rig: CliRig): unknown {
  const tmux = spawnSync('tmux', ['-L', rig.socket, 'has-session'], { env: rig.env });
  return [readdirSync(rig.home, { recursive: true, encoding: 'utf8' }).sort(), tmux.status === 0];
}

/** A store with an initiative that has no streams, and these statements on top. */
function makeStore(rig: CliRig, ...statements: string[]): void {
  const db = openCopilotDatabase(join(rig.home, 'tasks/project/tasks.db'), { create: true });
  db.exec(`INSERT INTO initiatives VALUES ('i', 'I', NULL, '2025-01-01', '2025-01-01')`);
  for (const statement of statements) db.exec(statement);
  db.close();
}

test('without the required files it is exit 3 with the box naming them, and nothing is made', async () => {
  await using rig = await createCliRig();
  makeStore(rig);
  for (const args of [['start'], ['start', '--detach'], ['start', 'Stream-A'], ['start', '--dry-run']]) {
    const before = world(rig);
    const { code, stdout, stderr } = await rig.run(args);
    assert.deepEqual([code, stdout], [3, ''], args.join(' '));
    assert.match(
      stderr,
      /^orchestrate: error: required orchestrator files are missing: .*\n {2}fix: orchestrate init\n/,
    );
    assert.match(stderr, /━{59}\n❌ ERROR: Orchestrator Files Not Found\n━{59}\n/);
    for (const name of REQUIRED) assert.ok(stderr.includes(`  • ${own(name)}\n`), name);
    assert.match(
      stderr,
      /`\/orchestrate generate` first to:\n {2}1\. Create PRD and tasks in Task Copilot\n/,
    );
    assert.deepEqual(world(rig), before);
  }
  const error = JSON.parse((await rig.run(['start', '--json'])).stdout).error;
  assert.deepEqual([error.code, error.fix], ['environment', 'orchestrate init']);
});

test('each of them is required, and only what is missing is named', async () => {
  await using rig = await createCliRig();
  for (const name of REQUIRED) {
    assert.equal((await rig.run(['init'])).code, 0);
    rmSync(join(rig.root, own(name)));
    rmSync(join(rig.root, 'watch-status'));
    const before = world(rig);
    const { code, stderr } = await rig.run(['start']);
    assert.equal(code, 3, name);
    assert.deepEqual(stderr.match(/^ {2}• .*$/gm), [`  • ${own(name)}`]);
    assert.deepEqual(world(rig), before);
  }
});

test('a plan without streams is exit 7 with a sample of the metadata, and starts nothing', async () => {
  await using rig = await createCliRig();
  assert.equal((await rig.run(['init'])).code, 0);
  makeStore(
    rig,
    `INSERT INTO tasks (id, title, metadata, created_at, updated_at)
    VALUES ('TASK-1', 'No stream', '{}', '2025-01-01', '2025-01-01')`,
  );
  for (const args of [['start'], ['start', '--detach']]) {
    const { code, stderr } = await rig.run(args);
    assert.equal(code, 7);
    assert.match(
      stderr,
      /^orchestrate: error: No streams found in Task Copilot\n {2}fix: orchestrate generate\n/,
    );
    assert.ok(stderr.includes(SAMPLE), stderr);
    assert.ok(
      !existsSync(join(rig.root, '.claude/worktrees')) && !existsSync(join(rig.root, own('state.db'))),
    );
  }
});

test('a plan of archived streams only says so; a store that is not there is exit 6 naming how to make a plan', async () => {
  await using rig = await createCliRig();
  assert.equal((await rig.run(['init'])).code, 0);
  const missing = await rig.run(['start']);
  assert.equal(missing.code, 6);
  assert.match(
    missing.stderr,
    /error: No plan yet: [^\n]+ORCHESTRATION_GUIDE\.md[^\n]*\n {2}fix: orchestrate generate\n/,
  );
  const stopped = await rig.run(['stop']);
  assert.deepEqual(
    [stopped.code, stopped.stderr],
    [6, 'orchestrate: error: Nothing is running.\n  fix: orchestrate status\n'],
  );
  makeStore(
    rig,
    `INSERT INTO tasks (id, title, metadata, archived, created_at, updated_at)
    VALUES ('TASK-1', 'T', '{"streamId":"A","dependencies":[]}', 1, '2025-01-01', '2025-01-01')`,
  );
  const archived = await rig.run(['start']);
  assert.equal(archived.code, 7);
  assert.match(archived.stderr, /No streams found in Task Copilot: the one stream task there is archived/);
  assert.ok(archived.stderr.includes(SAMPLE));
});

test('a broken watch-status link is mended by start, but not by --dry-run', async () => {
  await using rig = await createCliRig();
  assert.equal((await rig.run(['init'])).code, 0);
  rmSync(join(rig.root, 'watch-status'));
  await rig.run(['start', '--dry-run']);
  assert.ok(!existsSync(join(rig.root, 'watch-status')));
  await rig.run(['start']);
  assert.ok(existsSync(join(rig.root, 'watch-status')));
});
