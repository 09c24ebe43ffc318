/** Real Claude Code, launched by our arguments: works, is seen working and at rest, ends on a signal, and can be resumed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readableTranscript } from '../../src/agent/claude/conversation.ts';
import { plainText } from '../../src/agent/plain-text.ts';
import { until } from '../support/wait.ts';
import { textOf } from './support/model-server.ts';
import { createTrial, KEY } from './support/trial.ts';

const COMMIT = 'git add work.txt && git commit -q -m "Do the work"';

test('a worker commits by an allowed tool call, is seen busy then idle, ends on SIGINT, and is resumed in its conversation', async () => {
  await using trial = await createTrial({
    rules: [
      {
        match: 'Do the work now',
        steps: [
          { text: 'I begin.', tool: 'Write', input: { file_path: 'work.txt', content: 'done\n' } },
          { tool: 'Bash', input: { command: COMMIT, description: 'commit' } },
          { tool: 'Bash', input: { command: 'sh check.sh', description: 'run the gate' } },
          { hold: 'rest', answer: { text: 'All is committed.' } },
        ],
      },
      { match: 'Go on with it', steps: [{ text: 'Going on.' }] },
    ],
    options: { commands: ['sh check.sh'] },
  });
  const { agent, server, repo } = trial;
  const session = await trial.launch('Do the work now, please.');

  const busy = await until('busy', async () => {
    const seen = await session.activity();
    return seen.status === 'busy' && seen.doing === null && server.requests.length >= 4 && seen;
  });
  assert.equal(busy.sessionId, session.run.sessionId);
  assert.ok((busy.lastSignAtMs ?? 0) >= session.run.startedAtMs, 'a sign of life since the launch');
  const results = server.requests
    .at(-1)
    ?.messages.map(({ content }) => JSON.stringify(content))
    .slice(1)
    .join('\n');
  assert.equal(
    git(repo, 'log', '-1', '--format=%s'),
    'Do the work',
    `the allow list let the commit through: ${results}`,
  );
  const gate = server.requests[3]?.messages.at(-1);
  assert.match(JSON.stringify(gate), /check\.sh/, 'the gate command ran (and failed, for want of the file)');
  assert.doesNotMatch(JSON.stringify(gate), /permission/i, 'the gate command was not refused');

  server.release('rest');
  const idle = await until('idle', async () => {
    const seen = await session.activity();
    return seen.status === 'idle' && seen;
  });
  assert.ok((idle.sinceMs ?? 0) >= (busy.sinceMs ?? 0));

  process.kill(session.worker.pid, agent.endSignal);
  const ended = await until('its end', async () => {
    const code = await session.pane.exitCode();
    return code === null ? null : { code };
  });
  assert.equal(ended.code, 0);

  const conversation = agent.findConversation(session.run);
  assert.equal(conversation, session.run.sessionId, 'the transcript is kept');
  const log = readableTranscript(transcript(trial.home.projects, conversation ?? '').split('\n')).map(
    ({ text }) => text,
  );
  assert.ok(
    log.includes('I begin.') && log.includes(`$ ${COMMIT}`) && log.includes('All is committed.'),
    log.join('\n'),
  );

  const before = server.requests.length;
  const again = await trial.launch('Go on with it, please.', { resume: conversation ?? '', number: 2 });
  await until('the resumed request', () => server.requests.length > before);
  const messages = server.requests.at(-1)?.messages.map(textOf) ?? [];
  assert.ok(
    messages.some((text) => text.includes('All is committed.')),
    'the conversation goes on',
  );
  await until('idle again', async () => (await again.activity()).status === 'idle');

  await again.pane.type('/clear');
  await until('the command on the screen', async () => (await again.pane.screen()).includes('/clear'));
  await again.pane.key('Enter');
  const fresh = await until('the new conversation id', async () => {
    const { sessionId } = await again.activity();
    return sessionId !== conversation && sessionId;
  });
  await again.pane.type('Go on with it, afresh.');
  await until('the prompt on the screen', async () => (await again.pane.screen()).includes('afresh'));
  await again.pane.key('Enter');
  await until('the new conversation on disk', () => agent.findConversation(session.run) === fresh);
  assert.equal(again.run.key, KEY);
});

test("an @path in the text of a plan attaches no file, and the user's /exit is known for theirs", async () => {
  const spool = mkdtempSync(join(tmpdir(), 'orchestrate-spool-'));
  await using trial = await createTrial({
    rules: [{ match: 'Look at', steps: [{ text: 'Seen.' }] }],
    options: { reports: { spool, isTokenOf: (token) => token === 'secret-of-the-run' } },
  });
  const forms = [
    '',
    ' ',
    '\t',
    '\u00a0',
    '\u3000',
    '\u200b',
    '\u2060',
    '\u200d',
    '\ufe0f',
    '字',
    'é',
    '- ',
    '* ',
    '> ',
  ];
  const visible = [
    "'",
    '"',
    '`',
    '(',
    '[',
    '{',
    '<',
    ',',
    '.',
    ':',
    ';',
    '/',
    '\\',
    '=',
    '+',
    '-',
    '_',
    '|',
    '*',
    '#',
    '~',
    '!',
    '@',
    'x',
    '7',
  ];
  const mentions = [...forms, ...visible].flatMap((before, index) => {
    const name = `secret${index}.txt`;
    writeFileSync(`${trial.repo}/${name}`, `CANARY ${name}`);
    return [`${before}@${name}`, `${before}@"${name}"`];
  });
  writeFileSync(`${trial.repo}/control.txt`, 'CANARY control');
  const session = await trial.launch(
    `Look at @control.txt and at these:\n${plainText(mentions.join('\n'), 10_000)}`,
  );
  await until('the request', () => trial.server.requests.length > 0);
  const sent = JSON.stringify(trial.server.requests[0]?.messages);
  assert.deepEqual(
    sent.match(/CANARY [\w.]+/g),
    ['CANARY control'],
    'only the mention that is ours was read',
  );
  await until('idle', async () => (await session.activity()).status === 'idle');
  assert.equal(trial.agent.closedByUser(session.run), false);
  await session.pane.type('/exit');
  await until('the command on the screen', async () => (await session.pane.screen()).includes('/exit'));
  await session.pane.key('Enter');
  await until('its end', async () => (await session.pane.exitCode()) !== null);
  assert.equal(trial.agent.closedByUser(session.run), true);
  rmSync(spool, { recursive: true });
});

function git(repo: string, ...args: string[]): string {
  return execFileSync('git', ['-C', repo, ...args], { encoding: 'utf8' }).trim();
}

function transcript(projects: string, id: string): string {
  const file = execFileSync('find', [projects, '-name', `${id}.jsonl`], { encoding: 'utf8' }).trim();
  return readFileSync(file, 'utf8');
}
