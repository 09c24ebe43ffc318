/** Agents on a real file system: checks, run files, custom commands, transcripts and registry entries as the program leaves them. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { holdersOf } from '../../src/agent/claude/registry.ts';
import { createTranscripts } from '../../src/agent/claude/transcript.ts';
import { type AgentOptions, createAgent } from '../../src/agent/create-agent.ts';
import type { AgentCheck, LaunchRequest } from '../../src/agent/port.ts';
import { type Config, DEFAULT_CONFIG } from '../../src/app/config/load.ts';
import type { ProcessIdentity, Run, StreamRecord } from '../../src/core/types.ts';

const ID = '11111111-2222-4333-8444-555555555555';
let root = '';
let bin = '';

describe('agent files', () => {
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'orchestrate-agent-'));
    bin = path.join(root, 'bin');
    mkdirSync(bin);
    mkdirSync(path.join(root, '.claude'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function program(name: string, body: string): string {
    const file = path.join(bin, name);
    writeFileSync(file, `#!/bin/sh\n${body}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  function agentWith(fields: Partial<Config['agent']>, options: Partial<AgentOptions> = {}) {
    const env = { HOME: root, PATH: `${bin}:/usr/bin:/bin` };
    return createAgent(
      { ...DEFAULT_CONFIG.agent, ...fields },
      { projectRoot: root, env, commands: [], isRoot: false, ...options },
    );
  }

  function account(value: unknown): void {
    writeFileSync(path.join(root, '.claude.json'), typeof value === 'string' ? value : JSON.stringify(value));
  }

  const failures = (checks: readonly AgentCheck[]): string[] =>
    checks.filter(({ level }) => level === 'fail').map(({ name, message }) => `${name}: ${message}`);

  const REQUEST = {
    run: 1,
    prompt: 'Do it now.',
    resume: null,
    sessionId: ID,
    token: 'secret',
    env: { ORCHESTRATE_STREAM: 'x', PATH: '/bin' },
  };
  const request = (streamId: string): LaunchRequest => ({
    ...REQUEST,
    runDir: path.join(root, 'runs', 'r-1'),
    record: { key: 'r', streamId, worktree: path.join(root, 'w') } as StreamRecord,
  });

  test('a custom command gets its placeholders filled inside arguments, once, with no shell', async () => {
    const agent = agentWith({
      kind: 'custom',
      command: './tools/work.sh',
      args: ['--prompt={prompt_file}', '{stream}', '{mcp_config}{unknown}', '$(id)'],
    });
    const launch = await agent.prepare(request('{mcp_config}; $(touch x)'));
    const file = (name: string): string => path.join(root, 'runs', 'r-1', name);
    assert.deepEqual(launch.argv, [
      path.join(root, 'tools/work.sh'),
      `--prompt=${file('prompt.md')}`,
      '{mcp_config}; $(touch x)',
      `${file('mcp.json')}{unknown}`,
      '$(id)',
    ]);
    assert.equal(readFileSync(file('prompt.md'), 'utf8'), 'Do it now.');
    assert.equal(launch.env['ORCHESTRATE_TOKEN'], 'secret');
    assert.equal(launch.env['ORCHESTRATE_STREAM'], 'x');
  });

  test("codex's sandbox lets commits through to the repository, also where that is not below the project", async () => {
    const commonDir = '/super/.git/modules/sub';
    const { argv } = await agentWith({ kind: 'codex' }, { commonDir }).prepare(request('x'));
    assert.ok(argv.includes(`sandbox_workspace_write.writable_roots=["${commonDir}"]`), argv.join(' '));
  });

  test('files of a run are private whatever the umask says', async () => {
    const before = process.umask(0);
    try {
      await agentWith({}, { mcpServer: { command: 'orchestrate', args: ['mcp'] } }).prepare(request('x'));
    } finally {
      process.umask(before);
    }
    const runDir = path.join(root, 'runs', 'r-1');
    assert.equal(statSync(runDir).mode & 0o777, 0o700);
    for (const name of ['prompt.md', 'settings.json', 'mcp.json']) {
      assert.equal(statSync(path.join(runDir, name)).mode & 0o777, 0o600, name);
    }
  });

  test('the secret of a run is in no argument', async () => {
    const launch = await agentWith({}, { mcpServer: { command: 'orchestrate', args: ['mcp'] } }).prepare(
      request('x'),
    );
    assert.doesNotMatch(launch.argv.join('\n'), /secret/);
    assert.equal(launch.sessionId, ID);
  });

  test('the name for remote control is one argument that is never an option, and without a login doctor says so', async () => {
    const agent = agentWith({ remoteControl: true });
    const named = async (streamId: string, workspace: string): Promise<string | undefined> => {
      const asked = { ...request(streamId), env: { ...REQUEST.env, WORKSPACE_ID: workspace } };
      const { argv } = await agent.prepare(asked);
      return argv[argv.indexOf('--remote-control') + 1];
    };
    assert.equal(await named('Stream-B', 'my-app'), 'my-app Stream-B');
    assert.equal(await named('--continue\u001b[31m\n$(id)', '-x'), 'x --continue $(id)');
    assert.equal(await named('-', '--'), 'orchestrate');
    program('claude', 'echo "2.1.331 (Claude Code)"');
    const said = async (fields: Partial<Config['agent']>, env: object = {}): Promise<string | undefined> => {
      const options = { env: { HOME: root, PATH: `${bin}:/usr/bin:/bin`, ...env } };
      const checks = await agentWith(fields, options).check();
      return checks.find(({ name }) => name === 'remote control')?.level;
    };
    const remote = { remoteControl: true };
    assert.equal(await said(remote), 'warn');
    account({ oauthAccount: {} });
    assert.deepEqual([await said({}), await said(remote)], [undefined, 'ok']);
    assert.equal(await said(remote, { ANTHROPIC_API_KEY: 'k' }), 'warn');
    assert.equal(await said({ ...remote, mode: 'print' }), 'warn');
  });

  test('a command that is not there fails the check with what to do; one on PATH or beside the project passes', async () => {
    program('worker', 'exit 0');
    writeFileSync(path.join(root, 'plain.sh'), 'exit 0');
    const checks = await Promise.all(
      ['worker', './bin/worker', path.join(bin, 'worker'), 'no-such-command', './plain.sh', './bin'].map(
        async (command) => failures(await agentWith({ kind: 'custom', command }).check()),
      ),
    );
    assert.deepEqual(
      checks.map((found) => found.length),
      [0, 0, 0, 1, 1, 1],
    );
    assert.match(checks[3]?.[0] ?? '', /command not found: no-such-command/);
  });

  test('claude passes when it is there, set up, trusting the project and logged in', async () => {
    program('claude', 'echo "2.1.331 (Claude Code)"');
    account({
      hasCompletedOnboarding: true,
      oauthAccount: {},
      projects: { [root]: { hasTrustDialogAccepted: true } },
    });
    const checks = await agentWith({}).check();
    assert.deepEqual(new Set(checks.map(({ level }) => level)), new Set(['ok']), JSON.stringify(checks));
  });

  test('what is wrong with claude is named: missing, too old, broken, untrusted, never set up, a corrupt account', async () => {
    assert.deepEqual(failures(await agentWith({}).check()), ['agent: command not found: claude']);
    program('claude', 'echo "1.0.98 (Claude Code)"');
    account({ hasCompletedOnboarding: true });
    const old = failures(await agentWith({}).check()).join('\n');
    assert.match(old, /1\.0\.98 is older/);
    assert.match(old, /trust: /);
    program('claude', 'echo oops; exit 3');
    account('{"projects":');
    const broken = failures(await agentWith({}).check()).join('\n');
    assert.match(broken, /--version failed/);
    assert.match(broken, /\.claude\.json cannot be read as JSON/);
    account({});
    assert.match(failures(await agentWith({}).check()).join('\n'), /agent set-up: /);
  });

  test('headless, trust is only a warning; sandboxed, it is taken as given', async () => {
    program('claude', 'echo "2.1.331 (Claude Code)"');
    account({ hasCompletedOnboarding: true });
    assert.deepEqual(failures(await agentWith({ mode: 'print' }).check()), []);
    const env = { HOME: root, PATH: bin, CLAUDE_CODE_SANDBOXED: '1' };
    assert.deepEqual(failures(await agentWith({}, { env: { ...env, PATH: `${bin}:/bin` } }).check()), []);
  });

  test('bypassing permissions is refused as root outside a sandbox, and loud elsewhere', async () => {
    program('claude', 'echo "2.1.331 (Claude Code)"');
    account({ hasCompletedOnboarding: true, projects: { [root]: { hasTrustDialogAccepted: true } } });
    const level = async (isRoot: boolean, sandbox: object): Promise<string | undefined> => {
      const env = { HOME: root, PATH: `${bin}:/bin`, ...sandbox };
      const checks = await agentWith({ permissions: 'bypass' }, { isRoot, env }).check();
      return checks.find(({ name }) => name === 'permissions')?.level;
    };
    assert.equal(await level(true, {}), 'fail');
    assert.equal(await level(true, { IS_SANDBOX: '1' }), 'warn');
    assert.equal(await level(false, {}), 'warn');
  });

  test('CLAUDE_CONFIG_DIR moves the account, the registry and the transcripts', async () => {
    program('claude', 'echo "2.1.331 (Claude Code)"');
    const moved = path.join(root, 'elsewhere');
    mkdirSync(moved);
    const done = { hasCompletedOnboarding: true, projects: { [root]: { hasTrustDialogAccepted: true } } };
    writeFileSync(path.join(moved, '.claude.json'), JSON.stringify(done));
    const agent = agentWith({}, { env: { HOME: root, PATH: `${bin}:/bin`, CLAUDE_CONFIG_DIR: moved } });
    assert.deepEqual(failures(await agent.check()), []);
    assert.deepEqual(agent.watchPaths(), [path.join(moved, 'sessions')]);
  });

  function transcript(id: string, lines: readonly object[], directory = '-project-w'): string {
    const folder = path.join(root, '.claude', 'projects', directory);
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, `${id}.jsonl`);
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return file;
  }
  const toolUse = (id: string, input: object): object => ({
    type: 'assistant',
    timestamp: new Date().toISOString(),
    message: { role: 'assistant', content: [{ type: 'tool_use', id, name: 'Bash', input }] },
  });

  test('the end of a transcript is found behind long bookkeeping and inside long lines, and read again when it changed', () => {
    const transcripts = createTranscripts(path.join(root, '.claude', 'projects'));
    assert.equal(transcripts.tail(ID), null);
    const noise = { type: 'api-request-blob', data: 'x'.repeat(50_000) };
    const file = transcript(ID, [toolUse('t1', { command: 'npm test' }), noise, noise]);
    assert.equal(transcripts.tail(ID)?.openCall?.text, 'Bash npm test');
    const write = toolUse('t2', { content: 'y'.repeat(200_000), command: 'make' });
    writeFileSync(file, `${JSON.stringify(write)}\n`, { flag: 'a' });
    assert.equal(transcripts.tail(ID)?.openCall?.text, 'Bash make');
    assert.equal(transcripts.find('../../etc/passwd'), null);
  });

  test('the conversation to resume is the newest that went on under the same name in the same place', () => {
    const agent = agentWith({});
    const run = { key: 'stream-a', sessionId: ID } as Run;
    assert.equal(agent.findConversation(run), null);
    assert.equal(agent.findConversation({ ...run, sessionId: null }), null);
    const named = (name: string): object[] => [{ type: 'agent-name', agentName: name }, { type: 'user' }];
    const old = transcript(ID, named('stream-a'));
    assert.equal(agent.findConversation(run), ID);
    const later = (file: string, seconds: number): void =>
      utimesSync(file, Date.now() / 1000 + seconds, Date.now() / 1000 + seconds);
    later(old, 0);
    later(transcript('cleared', named('stream-a')), 10);
    later(transcript('by-hand', named('my own session')), 20);
    later(transcript('other-place', named('stream-a'), '-project-v'), 30);
    assert.equal(agent.findConversation(run), 'cleared');
    later(transcript('unsaid', [{ type: 'agent-name', agentName: 'stream-a', text: '{"type":"user"}' }]), 40);
    assert.equal(agent.findConversation(run), null, 'nothing was said in it');
  });

  test('a conversation that ended before its turn is not gone on with again', () => {
    const agent = agentWith({});
    const run = { key: 'stream-a', number: 2, sessionId: ID, startedAtMs: Date.now() + 60_000 } as Run;
    transcript(ID, [{ type: 'user' }]);
    const found = (part: Partial<Run>): string | null => agent.findConversation({ ...run, ...part });
    assert.equal(found({ outcome: 'failed', exitCode: 1 }), null);
    assert.equal(found({ outcome: 'failed', exitCode: 137 }), ID, 'killed');
    assert.equal(found({ outcome: 'failed', exitCode: 127 }), ID, 'there was no program');
    assert.equal(found({ outcome: 'stopped', exitCode: 1 }), ID);
    assert.equal(found({ outcome: 'failed', exitCode: 1, startedAtMs: 0 }), ID, 'something was said in it');
  });

  test('an entry that an earlier process with the same pid left behind is not believed', async () => {
    const agent = agentWith({});
    const sessions = path.join(root, '.claude', 'sessions');
    mkdirSync(sessions);
    const worker: ProcessIdentity = { pid: 4242, start: '777' };
    const run = { key: 'a', number: 1, startedAtMs: 5_000, claimedAtMs: 5_000, sessionId: ID } as Run;
    const status = async (entry: object): Promise<string> => {
      writeFileSync(
        path.join(sessions, '4242.json'),
        JSON.stringify({ pid: 4242, status: 'busy', ...entry }),
      );
      return (await agent.activity(run, worker, async () => '')).status;
    };
    assert.equal(await status({ sessionId: 'other', procStart: '111', startedAt: 1_000 }), 'starting');
    assert.equal(await status({ sessionId: 'other', procStart: '777', startedAt: 1_000 }), 'busy');
    assert.equal(await status({ sessionId: ID, procStart: '111', startedAt: 1_000 }), 'busy');
    assert.equal(await status({ sessionId: 'other', startedAt: 9_000 }), 'busy');
  });

  test('a registry that cannot be read is an error, not an agent that is unknown or a conversation that nobody holds', async () => {
    const agent = agentWith({});
    const sessions = path.join(root, '.claude', 'sessions');
    rmSync(sessions, { recursive: true, force: true });
    mkdirSync(path.join(sessions, '4244.json'), { recursive: true });
    const worker: ProcessIdentity = { pid: 4244, start: '1' };
    const run = { key: 'a', number: 1, startedAtMs: 1, claimedAtMs: 1, sessionId: ID } as Run;
    await assert.rejects(
      agent.activity(run, worker, async () => ''),
      { code: 'EISDIR' },
    );
    assert.throws(() => holdersOf(sessions, ID), { code: 'EISDIR' });
    rmSync(sessions, { recursive: true });
    assert.deepEqual(holdersOf(sessions, ID), []);
  });

  test('a pane is read at most once a second for a run, and one that cannot be read says nothing', async () => {
    let nowMs = 1_000_000;
    const agent = agentWith({}, { nowMs: () => nowMs });
    const worker: ProcessIdentity = { pid: 4243, start: '1' };
    const run = { key: 'a', number: 1, startedAtMs: nowMs, claimedAtMs: nowMs, sessionId: ID } as Run;
    let reads = 0;
    const screen = async (): Promise<string> => {
      reads += 1;
      if (reads === 2) throw new Error('no such pane');
      return 'Yes, I trust this folder';
    };
    const status = async (): Promise<string> => (await agent.activity(run, worker, screen)).status;
    assert.deepEqual([await status(), await status(), reads], ['waiting', 'waiting', 1]);
    nowMs += 1_001;
    assert.deepEqual([await status(), reads], ['starting', 2]);
  });
});
