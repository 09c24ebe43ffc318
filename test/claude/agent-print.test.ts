/** Real Claude Code without a terminal dialog: a prompt too long for an argument is read from its file, and the output is readable. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createReviewer } from '../../src/agent/create-agent.ts';
import { DEFAULT_CONFIG } from '../../src/app/config/load.ts';
import { run } from '../../src/process/run.ts';
import { readablePaneBytes } from '../../src/view/log/readable-bytes.ts';
import { DEADLINE_MS, until } from '../support/wait.ts';
import { installClaude } from './support/install.ts';
import { textOf } from './support/model-server.ts';
import { createTrial } from './support/trial.ts';

test('a headless worker is busy until it ends, by itself, and may read the file of a prompt of 200 KB', async () => {
  const prompt = `First words.\n${'filler '.repeat(30_000)}\nLast words.`;
  await using trial = await createTrial({
    rules: [
      {
        match: /instructions are in the file/,
        steps: [
          { text: 'Reading.', tool: 'Bash', input: { command: 'git status', description: 'look' } },
          { hold: 'end', answer: { text: 'Done reading.' } },
        ],
      },
    ],
    agent: { mode: 'print' },
  });
  const session = await trial.launch(prompt);
  const asked = await until('the request', () => trial.server.requests[0]);
  const file = /the file (\S+)\. Read/.exec(asked.messages.map(textOf).join('\n'))?.[1] ?? '';
  assert.ok(existsSync(file), `the prompt names an existing file: ${file}`);
  await until('its second turn', () => trial.server.requests.length === 2);
  const busy = await session.activity();
  assert.equal(busy.status, 'busy');
  trial.server.release('end');
  await until('its end', async () => (await session.pane.exitCode()) === 0);
  assert.equal(trial.agent.findConversation(session.run), session.run.sessionId);
  // What tmux hands on is written down a moment after the end.
  const log = await until('its last word', async () => {
    const output = await session.pane.output();
    const lines = readablePaneBytes(output, trial.agent.conversation.output).map(({ text }) => text);
    return lines.at(-1) === '= finished' && lines;
  });
  assert.deepEqual(
    log.filter((line) => !line.startsWith('  | ')),
    ['Reading.', '$ git status', 'Done reading.', '= finished'],
  );
});

test('a worker may read the prompt file outside its worktree without being asked', async () => {
  let file = '';
  await using trial = await createTrial({
    rules: [
      {
        match: 'Your instructions',
        steps: [
          {
            tool: 'Read',
            input: {
              get file_path() {
                return file;
              },
            },
          },
          { text: 'Read.' },
        ],
      },
    ],
    agent: { mode: 'print' },
  });
  const session = await trial.launch(`${'x'.repeat(120_000)} ending`);
  file = /the file (\S+)\. Read/.exec(session.launch.argv.at(-1) ?? '')?.[1] ?? '';
  const second = await until('the result', () => trial.server.requests[1]);
  assert.doesNotMatch(JSON.stringify(second.messages.at(-1)), /permission|denied/i);
});

test('a gate runs unasked as a whole; a part of it, more arguments and a git look that writes a file do not', async () => {
  const commands = [
    'true && git status --short',
    'true && git log --oneline -1',
    'git diff HEAD --stat',
    'node -e 0 && node -v',
    'node -e 0',
    'node -e 0 && node -p 1',
    'git diff HEAD --output=b',
    'git show --output=b',
  ];
  await using trial = await createTrial({
    rules: [
      {
        match: 'Try them',
        steps: [
          ...commands.map((command) => ({ tool: 'Bash', input: { command, description: 'try' } })),
          { text: 'Tried.' },
        ],
      },
    ],
    agent: { mode: 'print', permissions: 'manual' },
    options: { commands: ['node -e 0 && node -v'] },
  });
  const session = await trial.launch('Try them all.');
  await until('its end', async () => (await session.pane.exitCode()) !== null);
  const results = trial.server.requests
    .at(-1)
    ?.messages.flatMap(({ content }) =>
      Array.isArray(content) ? content.filter(({ type }) => type === 'tool_result') : [],
    );
  const refused = commands.filter((_, at) => results?.[at]?.['is_error'] === true);
  assert.deepEqual(refused, commands.slice(4));
});

test('a reviewer answers by the schema, tells what it used, and can write nothing', async () => {
  const answer = { verdict: 'fail', findings: [{ file: 'a.txt', line: 1, text: 'wrong' }] };
  await using trial = await createTrial({
    rules: [
      {
        match: 'Review this',
        steps: [
          { tool: 'Write', input: { file_path: 'written.txt', content: 'x' } },
          { tool: 'Bash', input: { command: 'touch written.txt', description: 'try' } },
          { tool: 'StructuredOutput', input: answer },
          { text: 'Done.' },
        ],
      },
      { match: 'Say nothing', steps: [{ text: 'It looks good to me: pass.' }] },
    ],
  });
  const reviewer = createReviewer({ ...DEFAULT_CONFIG.agent, command: await installClaude() });
  const [file = '', ...args] = reviewer.argv;
  const ask = (input: string) =>
    run({ file, args, cwd: trial.repo, env: trial.home.env, input, timeLimitMs: DEADLINE_MS });
  const reviewed = await ask('Review this.');
  const said = `${reviewed.stdout}${reviewed.stderr}`;
  const { answer: found, usage } = reviewer.read(reviewed.stdout.toString());
  assert.deepEqual(found, answer, said);
  assert.ok((usage?.tokens ?? 0) > 0, said);
  assert.ok(!existsSync(join(trial.repo, 'written.txt')));
  const silent = await ask('Say nothing.');
  assert.equal(reviewer.read(silent.stdout.toString()).answer, null, String(silent.stdout));
});
