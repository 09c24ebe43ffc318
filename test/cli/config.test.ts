/** The configuration and the workspace: precedence, what is refused and how it is named, and the published schema. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { publishedSchema } from '../../src/app/config/config-schema.ts';
import { configFileHash, DEFAULT_CONFIG, loadConfig, loadWhatHolds } from '../../src/app/config/load.ts';
import { configVariables, SCALAR_KEYS } from '../../src/app/config/variables.ts';
import { templatePath } from '../../src/app/package-root.ts';
import { resolveWorkspace } from '../../src/app/paths.ts';
import { OrchestrateError } from '../../src/core/errors.ts';

let dir = '';
describe('config', () => {
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'orchestrate-config-'));
  });
  after(() => rmSync(dir, { recursive: true }));

  const file = () => join(dir, 'config.json');

  function load(text: string, env: Record<string, string> = {}, flags = {}) {
    writeFileSync(file(), text);
    return loadConfig(file(), env, flags);
  }

  function refused(work: () => unknown): OrchestrateError {
    try {
      work();
    } catch (error) {
      assert.ok(error instanceof OrchestrateError, String(error));
      return error;
    }
    assert.fail('nothing was refused');
  }

  test('a missing file and an empty object both mean the defaults', () => {
    assert.deepEqual(loadConfig(join(dir, 'none.json'), {}), DEFAULT_CONFIG);
    assert.deepEqual(load('{}'), DEFAULT_CONFIG);
  });

  test('a flag goes before the environment, that before the file, that before the default', () => {
    const text = '{"maxWorkers": 2, "pollSeconds": 7, "staggerMs": 9}';
    const config = load(
      text,
      { ORCHESTRATE_MAX_WORKERS: '3', ORCHESTRATE_POLL_SECONDS: '8' },
      { maxWorkers: 4 },
    );
    assert.deepEqual([config.maxWorkers, config.pollSeconds, config.staggerMs], [4, 8, 9]);
    assert.equal(config.gateConcurrency, DEFAULT_CONFIG.gateConcurrency);
  });

  test('every scalar key has a variable, and the variable sets that key', () => {
    const scalars = (tree: object, prefix = ''): string[] =>
      Object.entries(tree).flatMap(([name, value]: [string, unknown]) => {
        if (Array.isArray(value)) return [];
        return typeof value === 'object' && value !== null
          ? scalars(value, `${prefix}${name}.`)
          : [prefix + name];
      });
    const others = ['workspace', 'agent.allow', 'worktree.setupInputs'];
    const expected = scalars(DEFAULT_CONFIG).filter((path) => !others.includes(path));
    assert.deepEqual(SCALAR_KEYS.map(({ path }) => path).sort(), expected.sort());
    const samples: Record<string, string> = {
      'agent.kind': 'codex',
      'agent.mode': 'print',
      'agent.permissions': 'plan',
      'agent.mcp': 'all',
      'agent.wall': 'none',
      leftovers: 'commit',
      finishedWindows: 'keep',
      'worktree.portBase': '5000',
      branchPrefix: 'wip/',
      'landing.strategy': 'squash',
      'notify.preset': 'ntfy',
      sync: 'ask',
    };
    for (const { path, variable, kind } of SCALAR_KEYS) {
      const value = samples[path] ?? { text: 'word', number: '33', boolean: 'true' }[kind];
      const config: unknown = loadConfig(join(dir, 'none.json'), { [variable]: value });
      const found = path
        .split('.')
        .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], config);
      assert.equal(String(found), value, variable);
    }
  });

  test('only the variables of the configuration travel to what we start elsewhere', () => {
    const env = {
      ORCHESTRATE_TMUX_SOCKET: 's',
      ORCHESTRATE_STREAM: 'A',
      HOME: '/home/me',
      ORCHESTRATE_MAX_WORKERS: '',
    };
    assert.deepEqual(configVariables(env), { ORCHESTRATE_TMUX_SOCKET: 's', ORCHESTRATE_MAX_WORKERS: '' });
  });

  test('an empty variable counts as not set', () => {
    assert.equal(
      load('{"agent": {"command": "mine"}}', { ORCHESTRATE_AGENT_COMMAND: '' }).agent.command,
      'mine',
    );
  });

  const REFUSED: readonly (readonly [string, RegExp])[] = [
    ['{"maxWorker": 3}', /unknown key "maxWorker" \(did you mean "maxWorkers"\?\)/],
    ['{"agent": {"comand": "x"}}', /unknown key "agent\.comand" \(did you mean "agent\.command"\?\)/],
    ['{"zzz": 3, "yyy": 4}', /unknown key "zzz", unknown key "yyy"$/],
    ['{"maxWorkers": "3"}', /"maxWorkers": must be a number, not a string$/],
    ['{"maxWorkers": 0}', /"maxWorkers": must be at least 1$/],
    ['{"restart": {"maxAttempts": 1.5}}', /"restart\.maxAttempts": must be a whole number, not a fraction$/],
    ['{"gates": "npm test"}', /"gates": must be a list, not a string$/],
    ['{"agent": 3}', /"agent": must be an object, not a number$/],
    ['{"agent": {"kind": "custom"}}', /"agent\.command": must not be empty$/],
    ['{"agent": {"permissions": "yolo"}}', /"agent\.permissions": must be one of auto, acceptEdits, /],
    ['{"gates": [{"name": "a"}]}', /"gates": must each have a "command", or "agent": true$/],
    ['{"gates": [{"name": "a", "command": null, "agent": false}]}', /"gates": must each have a "command"/],
    [
      '{"gates": [{"name": "a", "command": "x"}, {"name": "a", "command": "y"}]}',
      /"gates": must have distinct names/,
    ],
    ['{"gates": [{"name": "a", "command": "x", "cwd": "../up"}]}', /"gates\[0\]\.cwd"/],
    ['{"worktree": {"root": "."}}', /"worktree\.root"/],
    ['{"worktree": {"root": ".git/trees"}}', /"worktree\.root": must not be inside \.git/],
    ['{"worktree": {"root": "~/trees"}}', /"worktree\.root": must not begin with ~/],
    ['{"worktree": {"symlink": ["/etc"]}}', /"worktree\.symlink\[0\]"/],
    ['{"branchPrefix": "-x/"}', /"branchPrefix"/],
    ['{"branchPrefix": "a..b/"}', /"branchPrefix"/],
    ['{"branchPrefix": "a//"}', /"branchPrefix"/],
    ['{"branchPrefix": "x.lock/"}', /"branchPrefix"/],
    ['{"branchPrefix": ""}', /"branchPrefix"/],
    ['{"tmux": {"socket": "a/b"}}', /"tmux\.socket"/],
    ['{"tmux": {"socket": "-L"}}', /"tmux\.socket"/],
    ['{"workspace": "a\\u0000b"}', /"workspace"/],
    ['{"restart": {"delaysSeconds": []}}', /"restart\.delaysSeconds": must not be empty$/],
    ['{"restart": {"delaysSeconds": [1,1,1,1,1,1,1,1,1,1,1]}}', /must have at most 10 entries$/],
    [`{"branchPrefix": "${'x'.repeat(101)}"}`, /"branchPrefix": must have at most 100 characters$/],
    ['{"agent": {"command": ""}}', /"agent\.command": must not be empty$/],
    ['{"agent": {"wall": "moat"}}', /"agent\.wall": must be one of none, fence$/],
    ['{"stallMinutes": 0}', /"stallMinutes": must be more than 0$/],
    ['{"gates": [{"name": "a", "command": "x", "comand": "y"}]}', /did you mean "gates\[0\]\.command"/],
    ['{"__proto__": {"maxWorkers": 9}}', /unknown key "__proto__"/],
    ['[]', /must hold one JSON object/],
    ['{"a": ', /is not valid JSON/],
  ];

  test('a wrong key or value is exit 7 and names the file and the key', async (t) => {
    for (const [text, message] of REFUSED) {
      await t.test(text, () => {
        const error = refused(() => load(text));
        assert.equal(error.exitCode, 7);
        assert.match(error.message, message);
        assert.ok(error.message.includes(file()), error.message);
        assert.ok(!error.message.includes('\n'));
      });
    }
  });

  test('what has to work with a wrong configuration gets what holds of it, and is told what is wrong', () => {
    const holds = (text: string, env = {}) => {
      writeFileSync(file(), text);
      return loadWhatHolds(file(), env);
    };
    const right = '"workspace": "w", "tmux": {"socket": "s"}';
    const wanted = { ...DEFAULT_CONFIG, workspace: 'w', tmux: { socket: 's' } };
    const wrong = '"zzz": 1, "maxWorkers": "x", "gates": [{"name": 1}], "agent": {"kind": "no"}';
    const { config, trouble } = holds(`{${right}, ${wrong}}`);
    assert.deepEqual(config, wanted);
    assert.equal(trouble?.exitCode, 7);
    assert.deepEqual(holds(`{${right}}`), { config: wanted, trouble: null });
    assert.deepEqual(holds(`{${right}}`, { ORCHESTRATE_MAX_WORKERS: 'x' }).config, wanted);
    for (const text of ['{"tmux": ', '[]', '3']) {
      assert.deepEqual(holds(text, { ORCHESTRATE_WORKSPACE: '' }).config, DEFAULT_CONFIG);
      assert.match(holds(text).trouble?.fix ?? '', /^correct \//);
    }
  });

  test('a wrong value from the environment names the variable instead of the file', () => {
    const error = refused(() => load('{}', { ORCHESTRATE_MAX_WORKERS: 'many' }));
    assert.equal(error.exitCode, 7);
    assert.match(error.message, /^ORCHESTRATE_MAX_WORKERS: "maxWorkers"/);
  });

  test('an absolute worktree root, a byte order mark and $schema are fine', () => {
    const config = load('\uFEFF{"$schema": "./config.schema.json", "worktree": {"root": "/tmp/trees"}}');
    assert.equal(config.worktree.root, '/tmp/trees');
    assert.ok(!('$schema' in config));
  });

  test('the hash follows the file', () => {
    load('{}');
    const before = configFileHash(file());
    load('{"maxWorkers": 2}');
    assert.notEqual(configFileHash(file()), before);
    assert.equal(configFileHash(join(dir, 'none.json')), 'none');
  });

  test('the published schema is the one the code checks with', () => {
    assert.equal(
      readFileSync(templatePath('config.schema.json'), 'utf8'),
      publishedSchema(),
      'run: npm run schema',
    );
  });

  function workspace(
    entry: Record<string, unknown> | null,
    env: Record<string, string>,
    configured: string | null,
  ) {
    const path = join(dir, '.mcp.json');
    rmSync(path, { force: true });
    if (entry !== null) {
      writeFileSync(path, JSON.stringify({ mcpServers: { 'task-copilot': { command: 'x', env: entry } } }));
    }
    return resolveWorkspace({ root: dir, env: { HOME: '/home/me', ...env }, configured: () => configured });
  }

  test('the workspace is WORKSPACE_ID, else the one of .mcp.json, else the configured one, else the directory name', () => {
    const entry = { WORKSPACE_ID: 'theirs' };
    assert.equal(workspace(entry, { WORKSPACE_ID: ' mine ' }, 'conf').id, 'mine');
    assert.equal(workspace(entry, { WORKSPACE_ID: '  ' }, 'conf').id, 'theirs');
    assert.equal(workspace({}, {}, 'conf').id, 'conf');
    const last = workspace(null, {}, null);
    assert.equal(last.id, dir.split('/').at(-1));
    assert.equal(last.storePath, join('/home/me/.claude/tasks', last.id, 'tasks.db'));
  });

  test('the store follows TASK_DB_PATH, else the one of .mcp.json, with ~ and variables as Claude Code reads them', () => {
    const entry = { TASK_DB_PATH: '~/own', WORKSPACE_ID: '${' + 'WS:-fallback}' };
    assert.equal(workspace(entry, {}, null).storePath, '/home/me/own/fallback/tasks.db');
    assert.equal(workspace(entry, { WS: 'set' }, null).storePath, '/home/me/own/set/tasks.db');
    assert.equal(
      workspace(entry, { TASK_DB_PATH: '/elsewhere' }, null).storePath,
      '/elsewhere/fallback/tasks.db',
    );
    assert.equal(workspace({ TASK_DB_PATH: 'inside' }, {}, 'w').storePath, join(dir, 'inside/w/tasks.db'));
  });

  test('an id or a base directory that leads out of its place is exit 7', async (t) => {
    const ids = ['../x', '..', '.', '/etc', 'a/b', 'a\\b', 'nul\0byte', 'x'.repeat(300)];
    for (const id of ids) {
      await t.test(JSON.stringify(id.slice(0, 20)), () => {
        assert.equal(refused(() => workspace({ WORKSPACE_ID: id }, {}, null)).exitCode, 7);
        assert.equal(refused(() => workspace(null, { WORKSPACE_ID: id }, null)).exitCode, 7);
        assert.equal(refused(() => workspace(null, {}, id)).exitCode, 7);
      });
    }
    for (const base of ['../x', 'a/../../b', '/tmp/\0x']) {
      await t.test(`base ${JSON.stringify(base)}`, () => {
        assert.equal(refused(() => workspace({ TASK_DB_PATH: base }, {}, 'w')).exitCode, 7);
      });
    }
  });

  test('a broken .mcp.json is named, not ignored', () => {
    writeFileSync(join(dir, '.mcp.json'), '{');
    const error = refused(() => resolveWorkspace({ root: dir, env: {}, configured: () => null }));
    rmSync(join(dir, '.mcp.json'));
    assert.equal(error.exitCode, 7);
    assert.match(error.message, /\.mcp\.json is not valid JSON/);
  });
});
