/** What Claude Code is launched with: arguments, permission rules and settings follow the configuration. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allowRules,
  type ClaudeArguments,
  claudeArguments,
  claudeSettings,
} from '../../src/agent/claude/settings.ts';
import { mcpConfig } from '../../src/agent/run-files.ts';
import { type Config, DEFAULT_CONFIG } from '../../src/app/config/load.ts';

const agent = (fields: Partial<Config['agent']> = {}): Config['agent'] => ({
  ...DEFAULT_CONFIG.agent,
  ...fields,
});

function argumentsFor(fields: Partial<ClaudeArguments> = {}): string[] {
  return claudeArguments({
    agent: agent(),
    command: 'claude',
    name: 'stream-a',
    remoteName: 'my-app Stream-A',
    sessionId: 'id-1',
    resume: null,
    settingsFile: '/run/settings.json',
    mcpFile: '/run/mcp.json',
    budgetUsd: null,
    prompt: 'Do it.',
    ...fields,
  });
}

test('a new interactive run has its own id, an explicit mode, our files, and the prompt after --', () => {
  assert.deepEqual(argumentsFor(), [
    'claude',
    ...['--session-id', 'id-1', '--permission-mode', 'auto'],
    ...['--settings', '/run/settings.json', '--mcp-config', '/run/mcp.json', '--strict-mcp-config'],
    ...[
      '--disallowedTools',
      'AskUserQuestion',
      'EnterPlanMode',
      'EnterWorktree',
      '-n',
      'stream-a',
      '--',
      'Do it.',
    ],
  ]);
});

test('a resumed run names its conversation and no new id', () => {
  const words = argumentsFor({ resume: 'id-0' });
  assert.deepEqual(words.slice(1, 3), ['--resume', 'id-0']);
  assert.equal(words.includes('--session-id'), false);
});

test('print mode, model, attended, other servers and own arguments are passed on', () => {
  const settings = agent({
    mode: 'print',
    model: 'opus',
    attended: true,
    mcp: 'all',
    args: ['--add-dir', '/x'],
  });
  const words = argumentsFor({ agent: settings });
  assert.ok(words.join(' ').includes('-p --output-format stream-json --verbose'));
  assert.ok(words.join(' ').includes('--model opus -n stream-a --add-dir /x -- Do it.'));
  for (const absent of ['--disallowedTools', '--strict-mcp-config'])
    assert.equal(words.includes(absent), false);
});

test('remote control is asked for by name, in a terminal alone', () => {
  const remote = agent({ remoteControl: true });
  assert.ok(argumentsFor({ agent: remote }).join('|').includes('|--remote-control|my-app Stream-A|-n|'));
  for (const settings of [agent(), agent({ mode: 'print', remoteControl: true })])
    assert.equal(argumentsFor({ agent: settings }).includes('--remote-control'), false);
});

test('bypass is passed as such only by its explicit setting, and then its warning is answered by settings', () => {
  const request = { commands: [], worktree: '/w', readable: [], hooks: null, statusLine: null };
  const bypass = agent({ permissions: 'bypass' });
  assert.ok(argumentsFor({ agent: bypass }).join(' ').includes('--permission-mode bypassPermissions'));
  assert.equal(claudeSettings({ ...request, agent: bypass })['skipDangerousModePermissionPrompt'], true);
  const key = 'skipDangerousModePermissionPrompt';
  assert.equal(key in claudeSettings({ ...request, agent: agent() }), false);
});

test('the allow list covers git, whole gates and reporting; a list from the configuration replaces all but reporting', () => {
  const rules = allowRules(agent(), [' cd web && npm test ', 'make'], '/w');
  assert.deepEqual(rules, [
    'Bash(git add:*)',
    'Bash(git commit:*)',
    'Bash(cd web && npm test)',
    'Bash(make)',
    'Bash(orchestrate task:*)',
    'mcp__task-copilot',
  ]);
  assert.deepEqual(allowRules(agent({ allow: ['Edit'] }), ['make'], '/w'), [
    'Edit',
    'Bash(orchestrate task:*)',
    'mcp__task-copilot',
  ]);
  assert.ok(allowRules(agent({ permissions: 'dontAsk' }), [], '/w/x').includes('Edit(//w/x/**)'));
});

test('no rule is wider than the gate it comes from: no part of it, no more arguments, no wildcard', () => {
  const gates = ['rm -rf build && npm run build', 'a | b; c', 'node --test test/*.test.ts', 'x:*', '\n'];
  const rules = allowRules(agent(), gates, '/w').filter((rule) => !/git|orchestrate|mcp/.test(rule));
  assert.deepEqual(rules, ['Bash(rm -rf build && npm run build)', 'Bash(a | b; c)']);
});

test('no rule lets a look at the history write a file', () => {
  const rules = allowRules(agent(), [], '/w').join(' ');
  for (const verb of ['diff', 'log', 'show', 'status'])
    assert.equal(rules.includes(`git ${verb}`), false, verb);
});

test('hooks go into the settings as they are, and the secret goes to our server alone', () => {
  const hooks = { Stop: [{ hooks: [{ type: 'command', command: 'x' }] }] };
  const settings = claudeSettings({
    agent: agent(),
    commands: [],
    worktree: '/w',
    readable: ['/run/p.md'],
    hooks,
    statusLine: null,
  });
  assert.equal(settings['hooks'], hooks);
  assert.ok(JSON.stringify(settings['permissions']).includes('Read(//run/p.md)'));
  const server = { command: 'orchestrate', args: ['mcp'] };
  assert.deepEqual(mcpConfig(server, { ORCHESTRATE_TOKEN: 't' }), {
    mcpServers: { 'task-copilot': { ...server, env: { ORCHESTRATE_TOKEN: 't' } } },
  });
  assert.deepEqual(mcpConfig(null, { ORCHESTRATE_TOKEN: 't' }), { mcpServers: {} });
});

test('a cap on costs ends a headless session by itself, and makes an interactive one tell its costs', () => {
  const print = argumentsFor({ agent: agent({ mode: 'print' }), budgetUsd: 1.5 });
  assert.ok(print.join(' ').includes('--max-budget-usd 1.5000'));
  assert.equal(argumentsFor({ budgetUsd: 1.5 }).includes('--max-budget-usd'), false);
  const request = { agent: agent(), commands: [], worktree: '/w', readable: [], hooks: null };
  const statusLine = { type: 'command', command: 'x' };
  assert.equal(claudeSettings({ ...request, statusLine })['statusLine'], statusLine);
  assert.equal(
    'statusLine' in claudeSettings({ ...request, statusLine: null }),
    false,
    'else it is the own one',
  );
});
