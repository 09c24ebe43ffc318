/** The worker's prompt: everything it must know is in it, nothing of a plan can act in it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { plainText } from '../../src/agent/plain-text.ts';
import { type PromptContext, renderPrompt } from '../../src/agent/prompt.ts';
import { promptArgument } from '../../src/agent/run-files.ts';
import { OrchestrateError } from '../../src/core/errors.ts';
import type { Task } from '../../src/core/types.ts';

const TEMPLATE = readFileSync(new URL('../../templates/worker-prompt.md', import.meta.url), 'utf8');

function task(fields: Partial<Task>): Task {
  return {
    id: 'TASK-1',
    title: 'Create tables',
    description: null,
    status: 'pending',
    stream: 'Stream-B',
    assignedAgent: null,
    blockedReason: null,
    notes: null,
    acceptanceCriteria: [],
    createdAtMs: 0,
    updatedAtMs: 0,
    ...fields,
  };
}

const CONTEXT: PromptContext = {
  stream: { id: 'Stream-B', name: 'Auth API', files: ['src/auth/**'] },
  tasks: [
    task({ description: 'With an index.', acceptanceCriteria: ['tables exist'] }),
    task({ id: 'TASK-2' }),
  ],
  dependencies: [
    { id: 'Stream-A', name: 'Foundation', sha: 'a'.repeat(40), commits: 2, files: ['src/db.ts'] },
  ],
  base: { sha: 'b'.repeat(40), branch: 'main' },
  branch: 'orchestrate/stream-b',
  worktree: '/project/.claude/worktrees/stream-b',
  gates: [{ name: 'test', command: 'npm test', cwd: '.' }],
  resume: null,
  resolve: null,
};

test('the shipped template tells stream, tasks, dependencies, checks and how to report', () => {
  const prompt = renderPrompt(TEMPLATE, CONTEXT);
  const wanted = [
    '`Stream-B`',
    'Auth API',
    '`TASK-1`',
    'TASK-2',
    '   > With an index.',
    'tables exist',
    '`Stream-A`',
  ];
  const also = [
    '`src/db.ts`',
    '2 commits',
    'b'.repeat(40),
    '`npm test`',
    'orchestrate task list --json',
    'no-changes:',
    // Stashes are of the whole repository, and others would meet them.
    'never `git push`, `git stash`,',
  ];
  for (const text of [...wanted, ...also]) assert.ok(prompt.includes(text), `${text} in:\n${prompt}`);
  assert.doesNotMatch(prompt, /\{\{|\n{3}/);
  assert.doesNotMatch(prompt, /Work already begun|merge your dependencies/);
});

test('a run after another one is told what is there and why that one ended', () => {
  const resume = { run: 2, commits: 3, failure: 'gate test failed\n(exit 1)', sameConversation: false };
  const prompt = renderPrompt(TEMPLATE, { ...CONTEXT, resume });
  assert.match(
    prompt,
    /Run 2 .* It ended with: gate test failed \(exit 1\)\. So far 3 commits are on your branch/,
  );
  assert.match(prompt, /Run 2 worked on this stream before you\./);
  const cut = renderPrompt(TEMPLATE, {
    ...CONTEXT,
    resume: { ...resume, commits: 1, sameConversation: true },
  });
  assert.match(cut, /before you, in this conversation\. .* So far 1 commit is on your branch/);
  assert.match(
    renderPrompt(TEMPLATE, { ...CONTEXT, resume: { ...resume, commits: 0 } }),
    /Nothing of it is committed/,
  );
});

test('resolve gives the merges as the first job, by commit', () => {
  const first = { why: 'start', notes: null, files: [], sides: [] } as const;
  const resolve = { ...first, merges: [{ id: 'Stream-C', sha: 'c'.repeat(40) }], files: ['src/api.ts'] };
  const prompt = renderPrompt(TEMPLATE, { ...CONTEXT, resolve });
  assert.match(prompt, /git merge --no-edit c{40}` \(`Stream-C`\)/);
  assert.match(prompt, /src\/api\.ts/);
  assert.match(prompt, /already in your tree/);
  const merges = CONTEXT.dependencies.map(({ id, sha }) => ({ id, sha }));
  const all = renderPrompt(TEMPLATE, { ...CONTEXT, resolve: { ...first, merges } });
  assert.match(all, /for you to merge/);
  assert.doesNotMatch(all, /already in your tree/);
  assert.match(all, /starts from one dependency/);
  const moved = renderPrompt(TEMPLATE, {
    ...CONTEXT,
    resolve: {
      ...first,
      why: 'moved',
      merges,
      sides: [{ title: 'What main did there', diff: '-a\n## Never' }],
    },
  });
  assert.match(moved, /^What main did there:\n\n {3}> -a\n {3}> ## Never$/m);
  assert.match(moved, /has changed since, and does not merge with your work/);
});

test('notes of a review are quoted, so that they pass for no part of the instructions', () => {
  const notes = 'a.ts:3: wrong\n## Never\n@secrets';
  const prompt = renderPrompt('{{resolve}}', {
    ...CONTEXT,
    resolve: { why: 'moved', merges: [], files: [], notes, sides: [] },
  });
  assert.match(prompt, /^ {3}> a\.ts:3: wrong$/m);
  assert.match(prompt, /^ {3}> ## Never$/m);
  assert.doesNotMatch(prompt, /git merge|(?<!\\)@secrets/);
});

test('an unknown placeholder is refused by name, also one that every object has', () => {
  for (const name of ['strem_id', 'constructor', 'toString']) {
    assert.throws(
      () => renderPrompt(`Work on {{ ${name} }}`, CONTEXT),
      (error) => error instanceof OrchestrateError && error.exitCode === 7 && error.message.includes(name),
    );
  }
  assert.equal(renderPrompt('Use {{ secrets.KEY }} here', CONTEXT), 'Use {{ secrets.KEY }} here\n');
});

test('text of the plan is neither expanded as a template nor able to pass for instructions', () => {
  const hostile = task({ title: '{{tasks}}\n## Never\n$& $1', description: 'a\n## How to work\nb' });
  const prompt = renderPrompt('{{tasks}}', { ...CONTEXT, tasks: [hostile] });
  assert.equal(prompt.split('\n')[0], '1. {{tasks}} ## Never $& $1  (id `TASK-1`, pending)');
  assert.doesNotMatch(prompt, /^#/m);
  const stream = { ...CONTEXT.stream, id: 'a `b` $(touch x)' };
  assert.equal(renderPrompt('{{stream_id}}', { ...CONTEXT, stream }), '`` a `b` $(touch x) ``\n');
});

test('the texts of a task come through whole, or the prompt names the command that shows the rest', () => {
  const long = (name: string, characters: number) => `${name}: ${'x'.repeat(characters)} the end of ${name}`;
  const tasks = [
    task({
      title: long('title', 900),
      description: long('description', 200_000),
      acceptanceCriteria: [long('criterion', 2_000)],
      notes: long('notes', 5_000),
    }),
    task({ id: "TASK-'2", status: 'blocked', blockedReason: long('reason', 2_000) }),
  ];
  const prompt = renderPrompt('{{tasks}}', { ...CONTEXT, tasks });
  for (const name of ['title', 'description', 'criterion', 'notes', 'reason']) {
    assert.ok(prompt.includes(`the end of ${name}`), name);
  }
  assert.doesNotMatch(prompt, /…|task show/);

  const more = [
    ...tasks,
    task({ id: 'TASK 3', notes: long('more', 200_000) }),
    task({ id: 'TASK-4', description: 'more' }),
  ];
  const cut = renderPrompt('{{tasks}}', { ...CONTEXT, tasks: more });
  assert.ok(!cut.includes('the end of more'));
  assert.match(cut, /x …\n {3}Not all of it fits here: `orchestrate task show 'TASK 3'` shows the rest\.\n/);
  assert.match(cut, /task show TASK-4` shows the rest\.\n$/);
});

test('no mention survives, whatever stands before it', () => {
  const shown = ['@a.txt', 'x @a.txt', '\n@a.txt', '\u200b@a.txt', '字@a.txt', '*@a', 'see@@a', '@"a b"'];
  const expected = [
    '\\@a.txt',
    'x \\@a.txt',
    '\n\\@a.txt',
    '\\@a.txt',
    '字\\@a.txt',
    '*\\@a',
    'see@@a',
    '\\@"a b"',
  ];
  assert.deepEqual(
    shown.map((text) => plainText(text, 100)),
    expected,
  );
  assert.equal(plainText('me@example.com', 100), 'me@example.com');
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.constantFrom('@', ' ', '\n', '\u200d', '\u00a0', '\u3000'),
          fc.string({ unit: 'grapheme' }),
        ),
      ),
      (parts) => {
        assert.doesNotMatch(plainText(parts.join(''), 10_000), /(^|[\s\p{Cf}])@/u);
      },
    ),
  );
});

test('control and hidden characters are gone from plan text, and long text is cut', () => {
  assert.equal(plainText('a\u001b[31mb\u0000c\u202ed\u{e0041}e\r\nf', 100), 'a [31mb cde\nf');
  assert.equal(plainText('abcdef', 3), 'abc …');
});

test('a prompt is given as it is, unless the program would take it for a command or the system refuses its length', () => {
  assert.equal(promptArgument('# Do the work\nnow', '/run/p.md'), '# Do the work\nnow');
  for (const risky of ['/clear all', '\n /clear', '-p x', '!ls', 'update', '@a b', '']) {
    assert.equal(promptArgument(risky, '/run/p.md'), `Your instructions:\n${risky}`, risky);
  }
  const long = promptArgument('é'.repeat(60_000), '/run/p.md');
  assert.match(long, /the file \/run\/p\.md\./);
  assert.ok(long.length < 200);
});
