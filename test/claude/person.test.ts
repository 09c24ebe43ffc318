/** Real Claude Code that wants, or meets, the user: permission, question, trust, silence, an interrupt, `/clear`; each is seen at once, named, and gone on from; all in one `start`. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { createClaudeHome } from './support/home.ts';
import { installClaude } from './support/install.ts';
import { type ClaudeProject, createClaudeProject } from './support/project.ts';
import { bash, isSeen, planOf, press, streamIn, type, untilState } from './support/scene.ts';

const STREAMS = ['Ask', 'Question', 'Trust', 'Hang', 'Esc', 'Clear', 'Fresh'] as const;
const STALL_MS = 3_000;

test('what the user has to see is seen, named with its remedy, and answered', async () => {
  await using project = await createClaudeProject({
    plan: planOf('persons', STREAMS),
    config: { maxWorkers: 7, stallMinutes: STALL_MS / 60_000 },
    agent: { command: '../claude', permissions: 'manual', attended: true },
    rules: (taskOf) => {
      // Allowed without a question: git commit and the task command.
      const done = (id: string) => [
        bash(
          `git commit -q --allow-empty -m "Work of ${id}" && orchestrate task update ${taskOf(`Task of ${id}`).id} --status completed`,
        ),
        { text: 'Done.' },
      ];
      const colours = ['Red', 'Blue'].map((label) => ({ label, description: `It is ${label}.` }));
      const question = { question: 'Which colour?', header: 'Colour', options: colours, multiSelect: false };
      return [
        { match: 'the stream `Ask`', steps: [bash('sh make.sh'), ...done('Ask')] },
        {
          match: 'the stream `Question`',
          steps: [{ tool: 'AskUserQuestion', input: { questions: [question] } }],
        },
        { match: 'Go on with Question', steps: done('Question') },
        { match: 'the stream `Trust`', steps: done('Trust') },
        {
          match: 'the stream `Hang`',
          steps: [{ hold: 'hang', answer: { text: 'There I am.' } }, ...done('Hang')],
        },
        { match: 'the stream `Esc`', steps: [{ hold: 'esc', answer: { text: 'Too late.' } }] },
        { match: 'Go on with Esc', steps: done('Esc') },
        { match: 'the stream `Clear`', steps: [{ text: 'Hm.' }, { text: 'Hm.' }] },
        { match: 'Please do Clear', steps: done('Clear') },
        // In the conversation that it was in, the sentence would go on.
        { match: /the stream `Fresh`[\s\S]*Run 1 worked on this stream before you\./, steps: done('Fresh') },
        { match: 'the stream `Fresh`', steps: [{ text: 'Hm.' }, { text: 'Hm.' }] },
      ];
    },
  });
  // One stream's agent gets a home that has never been asked about trust, which `start` cannot foresee.
  const strange = createClaudeHome({ modelUrl: project.server.url });
  await using _ = { [Symbol.asyncDispose]: async () => strange.remove() };
  const command = await installClaude();
  project.cli.write(
    '../claude',
    `#!/bin/sh\n[ "$ORCHESTRATE_STREAM" = Trust ] && export HOME='${strange.home}'\nexec '${command}' "$@"\n`,
  );
  chmodSync(`${project.cli.home}/claude`, 0o755);

  const poller = project.start();
  await Promise.all([ask, question, trust, hang, interrupt, clear, fresh].map((scene) => scene(project)));
  assert.equal(await poller.ended, 0, poller.output());
  const report = await project.look();
  for (const { id, state, run } of report.streams)
    assert.deepEqual([state, run], ['done', id === 'Fresh' ? 2 : 1], id);
});

async function ask(project: ClaudeProject): Promise<void> {
  const seen = await isSeen(project, 'Ask', 'needs-input', /^wants to run: sh make\.sh$/);
  assert.equal(seen.remedy, 'orchestrate attach Ask');
  await press(project, 'Ask', 'Enter');
}

async function question(project: ClaudeProject): Promise<void> {
  await isSeen(project, 'Question', 'needs-input', /^asks: "Which colour\?"$/);
  await press(project, 'Question', 'Escape');
  await isSeen(project, 'Question', 'needs-input', /^interrupted by you/);
  await type(project, 'Question', 'Go on with Question, please.');
}

async function trust(project: ClaudeProject): Promise<void> {
  const seen = await isSeen(
    project,
    'Trust',
    'needs-input',
    /asks whether this project is trusted: accept once, then \/exit \(read off its screen\)/,
  );
  assert.match(seen.remedy ?? '', /^claude && orchestrate retry \S+$/);
  await press(project, 'Trust', 'Down', 'Enter');
}

async function hang(project: ClaudeProject): Promise<void> {
  const seen = await isSeen(project, 'Hang', 'stalled', /^no sign of life for/);
  assert.match(seen.remedy ?? '', /attach Hang/);
  await new Promise((resolve) => setTimeout(resolve, STALL_MS));
  const later = streamIn(await project.look(), 'Hang');
  assert.deepEqual([later.state, later.pid, later.run], ['stalled', seen.pid, 1], 'it is never killed');
  project.server.release('hang');
}

async function interrupt(project: ClaudeProject): Promise<void> {
  // By now it may well be stalled.
  await project.until('the request', () => askedFor(project, 'Esc'));
  await press(project, 'Esc', 'Escape');
  await isSeen(project, 'Esc', 'needs-input', /^interrupted by you/);
  await type(project, 'Esc', 'Go on with Esc, please.');
}

async function clear(project: ClaudeProject): Promise<void> {
  const before = await untilState(project, 'Clear', 'needs-input', /^(asks|stopped)\b.*task open/);
  await type(project, 'Clear', '/clear');
  const seen = await isSeen(project, 'Clear', 'needs-input', /conversation was cleared/);
  assert.notEqual(seen.sessionId, before.sessionId);
  await type(project, 'Clear', 'Please do Clear now.');
}

async function fresh(project: ClaudeProject): Promise<void> {
  const before = await untilState(project, 'Fresh', 'needs-input', /^(asks|stopped)\b.*task open/);
  assert.match(await project.run(['retry', 'Fresh', '--fresh']), /Ended run 1 of Fresh/);
  const done = await untilState(project, 'Fresh', 'done');
  assert.notEqual(done.sessionId, before.sessionId);
}

function askedFor(project: ClaudeProject, id: string): boolean {
  return project.server.requests.some(({ messages }) =>
    JSON.stringify(messages).includes(`the stream \`${id}\``),
  );
}
