/** Real Claude Code that wants to stop: too early, with a failing gate, only claiming, or with work in the background; all in one `start`. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StreamDetail } from '../../src/report/types.ts';
import { textOf } from './support/model-server.ts';
import { type ClaudeProject, createClaudeProject } from './support/project.ts';
import { bash, isSeen, planOf, reportedAtMs, streamIn, untilState, work } from './support/scene.ts';

const STREAMS = ['Open', 'Dirty', 'Gate', 'Claim', 'Subagent', 'Shell'] as const;
type Name = (typeof STREAMS)[number];

test('an agent that stops too early is told what is missing and mends it; what it only claims is left to the user', async () => {
  await using project = await createClaudeProject({
    plan: planOf('stops', STREAMS),
    config: { maxWorkers: 6, gates: [{ name: 'sound', command: 'test ! -e broken.txt' }] },
    rules: (taskOf) => {
      const task = (id: Name): string => taskOf(`Task of ${id}`).id;
      const complete = (id: Name): string => `orchestrate task update ${task(id)} --status completed`;
      const script = {
        Open: [
          bash('git commit -q --allow-empty -m "Half of it"'),
          { text: 'I am done.' },
          bash(complete('Open')),
          { text: 'Now I am.' },
        ],
        Dirty: [
          bash(`echo x > left.txt && ${complete('Dirty')}`),
          { text: 'I am done.' },
          bash('git add left.txt && git commit -q -m "What was left"'),
          { text: 'Now I am.' },
        ],
        Gate: [
          bash('touch broken.txt && git add broken.txt && git commit -q -m "Break it"'),
          bash(complete('Gate')),
          { text: 'I am done.' },
          bash('git rm -q broken.txt && git commit -q -m "Mend it"'),
          { text: 'Now I am.' },
        ],
        Claim: [{ text: 'All is done.' }, { text: 'As I said, it is.' }],
        Subagent: [
          {
            tool: 'Agent',
            input: {
              description: 'look around',
              prompt: 'Look around well.',
              subagent_type: 'general-purpose',
            },
          },
          { text: 'I wait for it.' },
          work('Subagent', task('Subagent')),
          { text: 'Done.' },
        ],
        Shell: [
          bash('until [ -e "$ORCHESTRATE_PROJECT/../go" ]; do sleep 0.2; done', { run_in_background: true }),
          { text: 'I wait for it.' },
          work('Shell', task('Shell')),
          { text: 'Done.' },
        ],
      } satisfies Record<Name, readonly object[]>;
      return [
        ...STREAMS.map((id) => ({ match: `the stream \`${id}\``, steps: script[id] })),
        {
          match: 'Run 1 worked on this stream',
          steps: [work('Claim', task('Claim')), { text: 'Really done.' }],
        },
        { match: 'Look around well.', steps: [{ hold: 'look', answer: { text: 'Nothing to see.' } }] },
      ];
    },
  });
  const poller = project.start();

  const inBackground = [
    ['Subagent', 'subagent', /look around/],
    ['Shell', 'shell', /background/],
  ] as const;
  for (const [id, key, doing] of inBackground) {
    await project.until(`${id} to stop with work left`, () => reportedAtMs(project, key, 'Stop') !== null);
    const seen = await untilState(project, id, 'running');
    assert.match(seen.doing ?? '', doing);
  }
  await isSeen(project, 'Claim', 'needs-input', /^stopped: ".*" \(1 task open, no commit yet\)$/);
  const claimed = streamIn(await project.look(), 'Claim');
  for (const id of ['Subagent', 'Shell']) assert.equal(streamIn(await project.look(), id).state, 'running');
  project.server.release('look');
  project.cli.write('../go', '');
  assert.match(await project.run(['retry', 'Claim']), /Ended run 1 of Claim/);

  assert.equal(await poller.ended, 0, poller.output());
  const report = await project.look();
  for (const { id, state, run } of report.streams)
    assert.deepEqual([state, run], ['done', id === 'Claim' ? 2 : 1], id);
  assert.equal(streamIn(report, 'Claim').sessionId, claimed.sessionId, 'the same conversation went on');

  assertTold(project, 'Open', /Missing:\n- task TASK-\S+ "Task of Open" is pending\nFinish/);
  assertTold(project, 'Dirty', /Missing:\n- uncommitted: left\.txt\n/);
  assertTold(project, 'Gate', /not done yet: gate "sound" failed .*log: /);
  const refused = await Promise.all(
    STREAMS.map(async (id) => (await project.run(['logs', id])).match(/sent back to work/g)?.length ?? 0),
  );
  assert.deepEqual(refused, [1, 1, 0, 1, 0, 0], 'refusals of each');
  await assertEndedCleanly(project, 'Open');
});

test('headless, an agent that only claims is told once, and its run fails with the whole reason', async () => {
  await using project = await createClaudeProject({
    plan: planOf('headless', ['Claim', 'Mend']),
    config: { restart: { maxAttempts: 1 } },
    agent: { mode: 'print' },
    rules: (taskOf) => [
      { match: 'the stream `Claim`', steps: [{ text: 'All is done.' }, { text: 'As I said, it is.' }] },
      {
        match: 'the stream `Mend`',
        steps: [{ text: 'I am done.' }, work('Mend', taskOf('Task of Mend').id), { text: 'Now I am.' }],
      },
    ],
  });
  const poller = project.start();
  assert.equal(await poller.ended, 1, poller.output());
  const report = await project.look();
  assert.equal(streamIn(report, 'Mend').state, 'done', streamIn(report, 'Mend').reason ?? '');
  const claimed = streamIn(report, 'Claim');
  assert.equal(claimed.state, 'failed');
  assert.match(
    claimed.reason ?? '',
    /^gave up after 1 attempt: agent ended \(exit 0\): stopped: "As I said, it is\." \(1 task open, no commit yet\)$/,
  );
  assert.equal(claimed.remedy, 'orchestrate retry Claim');
});

/** What the model was told, in a message of its own. */
function assertTold(project: ClaudeProject, id: Name, text: RegExp): void {
  const requests = project.server.requests.filter(({ messages }) =>
    messages.some((message) => textOf(message).includes(`the stream \`${id}\``)),
  );
  const told =
    requests
      .at(-1)
      ?.messages.filter(({ role }) => role === 'user')
      .map(textOf)
      .slice(1) ?? [];
  assert.match(told.join('\n'), text);
}

/** The agent ended by itself when told to, its conversation is kept, its window is gone. */
async function assertEndedCleanly(project: ClaudeProject, id: Name): Promise<void> {
  const { record } = JSON.parse(await project.run(['status', id, '--json'])) as StreamDetail;
  const run = record?.runs.at(-1);
  assert.deepEqual([run?.outcome, run?.exitCode], ['done', 0]);
  const { projects } = project.home;
  const kept = readdirSync(projects).some((each) =>
    existsSync(join(projects, each, `${run?.sessionId}.jsonl`)),
  );
  assert.ok(kept, 'the transcript is kept');
  assert.doesNotMatch(project.tmux('list-windows', '-F', '#W'), /open|dirty|gate|claim/);
}
