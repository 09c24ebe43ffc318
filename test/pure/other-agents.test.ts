/** Codex and opencode: what they are launched with, what their permission modes mean, and when they count as at rest. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CodexArguments,
  activityOf as codexActivity,
  codexArguments,
} from '../../src/agent/codex/codex.ts';
import {
  readableOutput as codexOutput,
  readableRollout,
  readRollout,
} from '../../src/agent/codex/rollouts.ts';
import {
  activityOf,
  opencodeArguments,
  opencodePermissions,
  readableOutput,
  type SessionReport,
} from '../../src/agent/opencode/opencode.ts';
import { type Config, DEFAULT_CONFIG } from '../../src/app/config/load.ts';

const agent = (fields: Partial<Config['agent']> = {}): Config['agent'] => ({
  ...DEFAULT_CONFIG.agent,
  ...fields,
});

const codex = (fields: Partial<CodexArguments> = {}): string[] =>
  codexArguments({
    agent: agent({ kind: 'codex' }),
    command: 'codex',
    resume: null,
    mcpServer: { command: 'node', args: ['cli.js', 'mcp'] },
    variables: ['ORCHESTRATE_TOKEN'],
    notify: ['/bin/sh', '/run/report'],
    writable: ['/p/.git'],
    prompt: '-v',
    ...fields,
  });

test('codex gets every setting by -c as TOML, the names of variables and never their values, its prompt after --', () => {
  assert.deepEqual(codex(), [
    'codex',
    ...['-c', 'sandbox_mode="workspace-write"', '-c', 'approval_policy="on-request"'],
    ...['-c', 'approvals_reviewer="auto_review"', '-c', 'check_for_update_on_startup=false'],
    ...['-c', 'sandbox_workspace_write.writable_roots=["/p/.git"]'],
    ...['-c', 'notify=["/bin/sh","/run/report"]', '-c', 'mcp_servers.task-copilot.command="node"'],
    ...['-c', 'mcp_servers.task-copilot.args=["cli.js","mcp"]'],
    ...['-c', 'mcp_servers.task-copilot.env_vars=["ORCHESTRATE_TOKEN"]'],
    ...['-c', 'mcp_servers.task-copilot.default_tools_approval_mode="approve"', '--', '-v'],
  ]);
});

test('codex goes on with a session, headless too, and is bypassed only by the explicit setting', () => {
  const print = codex({ agent: agent({ mode: 'print', model: 'm' }), resume: 'id-1' });
  assert.deepEqual(
    [...print.slice(0, 4), ...print.slice(-3)],
    ['codex', 'exec', '--json', 'resume', 'id-1', '--', '-v'],
  );
  assert.ok(print.includes('model="m"'));
  const modes = (['auto', 'acceptEdits', 'dontAsk', 'plan', 'manual', 'bypass'] as const).filter(
    (permissions) => codex({ agent: agent({ permissions }) }).includes('sandbox_mode="danger-full-access"'),
  );
  assert.deepEqual(modes, ['bypass']);
});

const event = (type: string, more: object = {}): string =>
  JSON.stringify({ timestamp: '2026-11-28T20:22:31.000Z', type: 'event_msg', payload: { type, ...more } });

test('a codex session is at rest between the end of a turn and the next begin, and says what ended it', () => {
  const status = (...lines: string[]) => codexActivity(readRollout(lines)).status;
  assert.equal(status(), 'starting');
  assert.equal(status('{"type":"session_meta"}', event('task_started')), 'busy');
  assert.equal(status(event('task_started'), event('task_complete')), 'idle');
  assert.equal(status(event('task_complete'), event('task_started')), 'busy');
  assert.equal(status(event('task_started'), event('turn_aborted')), 'waiting');
  const limit = event('error', { message: 'Limit.', codex_error_info: 'usage_limit_exceeded' });
  assert.equal(status(event('task_started'), limit, event('task_complete')), 'limited');
  assert.equal(status(limit, event('task_complete'), event('task_started'), event('task_complete')), 'idle');
  assert.equal(status(event('task_started'), 'cut off {"event_msg"'), 'busy');
});

test('what codex wrote is told, and what is no record of it is left to the pane', () => {
  const item = (payload: object): string =>
    JSON.stringify({ timestamp: null, type: 'response_item', payload });
  const message = (role: string, text: string) =>
    item({ type: 'message', role, content: [{ type: 'input_text', text }] });
  const lines = [
    message('developer', 'rules'),
    message('user', '<environment_context>'),
    message('user', 'Do it'),
    item({ type: 'function_call', name: 'shell', arguments: 'ls' }),
    message('assistant', 'Done.'),
  ];
  assert.deepEqual(
    readableRollout(lines).map(({ text }) => text),
    ['> Do it', '* shell ls', 'Done.'],
  );
  const said = '{"type":"item.completed","item":{"id":"1","type":"agent_message","text":"All done."}}';
  assert.deepEqual(codexOutput(said), [{ atMs: null, text: 'All done.' }]);
  assert.equal(codexOutput('{"other":1}'), null);
});

test('opencode gets its prompt where no dash makes it a flag, and goes on with a session', () => {
  assert.deepEqual(opencodeArguments(agent(), 'opencode', null, '-v'), ['opencode', '--prompt=-v']);
  assert.deepEqual(opencodeArguments(agent({ mode: 'print', model: 't/m' }), 'opencode', 'ses_1', 'Go'), [
    ...['opencode', 'run', '--format', 'json', '--session', 'ses_1', '--model', 't/m', '--', 'Go'],
  ]);
});

test('opencode may do what the mode says: gates exactly, nothing outside, no question without the user', () => {
  const rules = opencodePermissions(agent({ permissions: 'acceptEdits' }), ['npm test', 'eslint src/*']);
  assert.ok(typeof rules === 'object');
  assert.equal(rules['external_directory'], 'deny');
  assert.equal(rules['question'], 'deny');
  const bash = rules['bash'] as Record<string, string>;
  assert.equal(Object.keys(bash)[0], '*', 'the last rule that matches decides, so the widest stands first');
  assert.equal(Object.keys(bash).at(-1), 'git *--out*');
  assert.equal(bash['npm test'], 'allow');
  assert.equal('eslint src/*' in bash, false);
  const all = (['auto', 'acceptEdits', 'dontAsk', 'plan', 'manual', 'bypass'] as const).filter(
    (permissions) => opencodePermissions(agent({ permissions }), []) === 'allow',
  );
  assert.deepEqual(all, ['bypass']);
});

test('an opencode session is what its plugin said last', () => {
  const report = (fields: Partial<SessionReport>): SessionReport => ({
    ...{ status: 'idle', sinceMs: 5, signAtMs: 6, session: 'ses_1', detail: null, error: null },
    ...fields,
  });
  const error = { text: 'Too many.', passes: true, account: false, aborted: false };
  const status = (fields: Partial<SessionReport>) => activityOf(report(fields), 1).status;
  assert.equal(activityOf(null, 1).status, 'starting');
  assert.deepEqual(
    [{}, { status: 'busy' }, { status: 'retry' }, { status: 'waiting' }, { error }, { status: 'odd' }].map(
      status,
    ),
    ['idle', 'busy', 'busy', 'waiting', 'limited', 'starting'],
  );
  assert.equal(activityOf(report({ error: { ...error, account: true } }), 1).account, true);
  assert.equal(activityOf(report({ status: 'waiting' }), 1).dialog, 'other');
});

test('lines of opencode are told, and other JSON is left to the pane', () => {
  const line = (type: string, part: object) => JSON.stringify({ type, timestamp: 7, sessionID: 's', part });
  assert.deepEqual(readableOutput(line('text', { text: 'Hi' })), [{ atMs: 7, text: 'Hi' }]);
  const call = { tool: 'bash', state: { input: { command: 'ls' } } };
  assert.deepEqual(readableOutput(line('tool_use', call)), [{ atMs: 7, text: '* bash ls' }]);
  assert.deepEqual(readableOutput(line('step_start', {})), []);
  assert.equal(readableOutput('{"type":"x"}'), null);
});
