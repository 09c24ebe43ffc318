/** `orchestrate start` with real, interactive Claude Code in the panes: dependent streams end as verified branches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClaudeProject } from './support/project.ts';

const PLAN = {
  initiative: { id: 'real', title: 'Worked by the real program' },
  prd: { title: 'Two files' },
  streams: [
    { id: 'Stream-A', name: 'First', dependencies: [], tasks: [{ title: 'Write the first file' }] },
    {
      id: 'Stream-B',
      name: 'Second',
      dependencies: ['Stream-A'],
      tasks: [{ title: 'Write the second file' }],
    },
  ],
};

test('two dependent streams are finished by the task command, and the second builds on the first', async () => {
  await using project = await createClaudeProject({
    plan: PLAN,
    config: { gates: [{ name: 'first', command: 'test -f first.txt' }] },
    rules: (taskOf) => {
      const first = taskOf('Write the first file').id;
      const second = taskOf('Write the second file').id;
      const bash = (command: string) => ({ tool: 'Bash', input: { command, description: 'work' } });
      return [
        {
          match: 'the stream `Stream-A`',
          steps: [
            { hold: 'seen', answer: bash(`orchestrate task update ${first} --status in_progress`) },
            bash('echo one > first.txt && git add first.txt && git commit -q -m "Write the first file"'),
            bash(`orchestrate task update ${first} --status completed --notes "wrote first.txt"`),
            { text: 'Stream A is done.' },
          ],
        },
        {
          match: 'the stream `Stream-B`',
          steps: [
            bash(`orchestrate task update ${second} --status in_progress`),
            bash(
              'cat first.txt > second.txt && git add second.txt && git commit -q -m "Write the second file"',
            ),
            bash(`orchestrate task update ${second} --status completed --notes "wrote second.txt"`),
            { text: 'Stream B is done.' },
          ],
        },
      ];
    },
  });
  const poller = project.start();
  const running = await project.until('Stream-A at work', (report) => report.streams[0]?.state === 'running');
  assert.ok(running.streams[0]?.sessionId, 'its conversation is known');
  assert.ok(running.streams[0]?.pid, 'its process is known');
  project.server.release('seen');
  assert.equal(await poller.ended, 0, `${poller.output()}\n${await project.run(['logs', 'Stream-A'])}`);

  const { cli } = project;
  assert.equal(cli.git('show', 'orchestrate/stream-b:second.txt'), 'one');
  const report = await project.look();
  assert.deepEqual(
    report.streams.map(({ state, run }) => ({ state, run })),
    [
      { state: 'done', run: 1 },
      { state: 'done', run: 1 },
    ],
  );
  assert.equal(
    report.streams[1]?.baseSha,
    report.streams[0]?.verifiedSha,
    'B started on the verified head of A',
  );
  assert.match(await project.run(['logs', 'Stream-A']), /Stream A is done\./, 'the log is readable');
  assert.doesNotMatch(
    project.tmux('list-windows', '-F', '#W'),
    /stream-/,
    'windows of finished streams are closed',
  );
});

test('a diamond is finished through the Task Copilot tools alone', async () => {
  const ids = ['Stream-A', 'Stream-B', 'Stream-C', 'Stream-Z'] as const;
  const on: Readonly<Record<string, readonly string[]>> = {
    'Stream-A': [],
    'Stream-B': ['Stream-A'],
    'Stream-C': ['Stream-A'],
    'Stream-Z': ['Stream-B', 'Stream-C'],
  };
  await using project = await createClaudeProject({
    plan: {
      initiative: { id: 'diamond', title: 'A diamond' },
      prd: { title: 'Four files' },
      streams: ids.map((id) => ({ id, name: id, dependencies: on[id], tasks: [{ title: `Task of ${id}` }] })),
    },
    rules: (taskOf) =>
      ids.map((id) => {
        const update = (input: object) => ({
          tool: 'mcp__task-copilot__task_update',
          input: { id: taskOf(`Task of ${id}`).id, ...input },
        });
        const needs = (on[id] ?? []).map((each) => `cat ${each}.txt && `).join('');
        const command = `${needs}echo ${id} > ${id}.txt && git add . && git commit -q -m "Work of ${id}"`;
        return {
          match: `the stream \`${id}\``,
          steps: [
            { tool: 'mcp__task-copilot__task_list', input: { streamId: id } },
            update({ status: 'in_progress' }),
            { tool: 'Bash', input: { command, description: 'work' } },
            update({ status: 'completed', notes: 'wrote the file of the stream' }),
            { text: `${id} is done.` },
          ],
        };
      }),
  });
  const poller = project.start();
  assert.equal(await poller.ended, 0, poller.output());
  const files = project.cli.git('ls-tree', '--name-only', 'orchestrate/stream-z').split('\n');
  for (const id of ids) assert.ok(files.includes(`${id}.txt`), `${id}.txt is in the tree of Stream-Z`);
});
