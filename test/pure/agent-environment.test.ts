/** The environment of a worker: everything of the starter's but what belongs to the starter's own surroundings. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
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
  };
  const dropped = {
    ...Object.fromEntries(repositoryVariables().map((name) => [name, '/x'])),
    GIT_CONFIG_KEY_0: 'core.bare',
    GIT_CONFIG_VALUE_0: 'true',
    GIT_QUARANTINE_PATH: '/x',
    GIT_EDITOR: 'vi',
    TMUX: '/s,1,0',
    TMUX_PANE: '%1',
    TMUX_PLUGIN_MANAGER_PATH: '/x',
    ORCHESTRATE_KEY: 'other',
    npm_lifecycle_event: 'test',
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
