/** The environment of a worker: everything of the starter's but what belongs to the starter's own surroundings. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { inheritedEnvironment } from '../../src/core/inherited-environment.ts';
import { workerEnvironment } from '../../src/worker/environment.ts';

/** The variables that, says git, belong to one repository. */
function repositoryVariables(): string[] {
  const result = spawnSync('git', ['rev-parse', '--local-env-vars'], { encoding: 'utf8' });
  return result.stdout.trim().split('\n');
}

test("a worker's environment is the starter's without what belongs to its surroundings", () => {
  const kept = {
    HOME: '/h',
    NODE_OPTIONS: '--x',
    LANG: 'C',
    ANTHROPIC_API_KEY: 'k',
    CLAUDE_CONFIG_DIR: '/c',
    EMPTY: '',
    GIT_AUTHOR_NAME: 'Ann',
    TMUX_TMPDIR: '/run/t',
    GIT_COMMITTER_EMAIL: 'ann@example.org',
    GIT_CONFIG_GLOBAL: '/c/gitconfig',
    GIT_SSH_COMMAND: 'ssh -i k',
    GIT_SSH: '/bin/ssh',
    SSH_AUTH_SOCK: '/run/agent',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
    GIT_CONFIG_PARAMETERS: "'user.name'='An'\\''n' 'url.x=y'",
    GIT_SSL_CAINFO: '/c/ca.pem',
    NODE_EXTRA_CA_CERTS: '/c/ca.pem',
    https_proxy: 'http://proxy',
    NO_PROXY: 'localhost',
    npm_config_registry: 'http://r/',
    npm_config_userconfig: '/c/npmrc',
    NPM_CONFIG_CAFILE: '/c/ca.pem',
    NPM_TOKEN: 't',
    npm_old: 'x',
  };
  const ours = new Set(Object.keys(kept));
  const dropped = {
    ...Object.fromEntries(
      repositoryVariables().flatMap((name) => (ours.has(name) ? [] : [[name, '/x'] as const])),
    ),
    GIT_QUARANTINE_PATH: '/x',
    GIT_EDITOR: 'vi',
    TMUX: '/s,1,0',
    TMUX_PANE: '%1',
    TMUX_PLUGIN_MANAGER_PATH: '/x',
    ORCHESTRATE_KEY: 'other',
    npm_lifecycle_event: 'test',
    npm_package_json: '/x/package.json',
    npm_execpath: '/x/npm-cli.js',
    npm_config_local_prefix: '/x',
    INIT_CWD: '/x',
    CLAUDECODE: '1',
    CLAUDE_CODE_CHILD_SESSION: '1',
    CLAUDE_CODE_SESSION_ID: 'x',
    CLAUDE_CODE_ENTRYPOINT: 'cli',
    AI_AGENT: 'x',
    TERM: 'xterm',
    PWD: '/x',
    SHLVL: '3',
    'BASH_FUNC_f%%': '() { :; }',
  };
  assert.deepEqual(workerEnvironment({ ...kept, ...dropped, GONE: undefined }, { ORCHESTRATE_KEY: 'mine' }), {
    ...kept,
    ORCHESTRATE_KEY: 'mine',
  });
});

test('settings that would move the repository are taken out of those that the environment gives git', () => {
  const { GIT_CONFIG_PARAMETERS, ...counted } = inheritedEnvironment({
    GIT_CONFIG_COUNT: '3',
    GIT_CONFIG_KEY_0: 'a.b',
    GIT_CONFIG_VALUE_0: '0',
    GIT_CONFIG_KEY_1: 'core.Bare',
    GIT_CONFIG_VALUE_1: 'true',
    GIT_CONFIG_KEY_2: 'c.d',
    GIT_CONFIG_VALUE_2: '2',
    GIT_CONFIG_PARAMETERS: "'core.worktree'='/x'\\''y' 'a.b'='it'\\''s' 'core.bare=true' 'core.bare'",
  });
  assert.deepEqual(counted, {
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'a.b',
    GIT_CONFIG_VALUE_0: '0',
    GIT_CONFIG_KEY_1: 'c.d',
    GIT_CONFIG_VALUE_1: '2',
  });
  assert.equal(GIT_CONFIG_PARAMETERS, "'a.b'='it'\\''s'");
  const broken = { GIT_CONFIG_COUNT: 'many', GIT_CONFIG_KEY_0: 'core.bare' };
  assert.deepEqual(inheritedEnvironment(broken), broken, 'git itself says what is wrong with it');
});

test("GIT_EDITOR is the user's, unless Claude Code set it for its own commits", () => {
  assert.deepEqual(workerEnvironment({ GIT_EDITOR: 'vi' }, {}), { GIT_EDITOR: 'vi' });
});
