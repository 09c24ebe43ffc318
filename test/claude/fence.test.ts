/** Real Claude Code, with every permission check off, that strays into the main checkout: the fence refuses, and the model is told why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClaudeProject, createClaudeProject } from './support/project.ts';
import { bash, planOf, work } from './support/scene.ts';

test('an edit and a git command that reach the main checkout are refused, and the work is done in the worktree', async () => {
  let root = '';
  await using project = await createClaudeProject({
    plan: planOf('strays', ['A']),
    rules: (taskOf) => [
      {
        match: 'the stream `A`',
        steps: () => [
          { tool: 'Read', input: { file_path: `${root}/README.md` } },
          {
            tool: 'Edit',
            input: { file_path: `${root}/README.md`, old_string: 'A project.', new_string: 'Strayed.' },
          },
          bash(`git -C ${root} branch strayed`),
          work('A', taskOf('Task of A').id),
          { text: 'Done.' },
        ],
      },
    ],
  });
  root = project.cli.root;
  const poller = project.start();
  assert.equal(await poller.ended, 0, poller.output());
  const told = toolResults(project);
  assert.match(told, /orchestrate: refused: this edit reaches \S+README\.md \(the main checkout\)/);
  assert.match(told, /orchestrate: refused: this git command reaches \S+ \(the main checkout\)/);
  assert.equal(project.cli.read('README.md'), 'A project.\n');
  assert.equal(project.cli.git('branch', '--list', 'strayed'), '');
  assert.equal(project.cli.git('show', 'orchestrate/a:A.txt'), 'A');
});

/** All that tools answered to the model. */
function toolResults(project: ClaudeProject): string {
  return project.server.requests
    .flatMap(({ messages }) => messages.flatMap(({ content }) => content))
    .map((block) => (block.type === 'tool_result' ? JSON.stringify(block.content) : ''))
    .join('\n');
}
