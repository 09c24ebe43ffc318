/** The stop gate: what is missing when an agent wants to stop, how often it is told, and when it is given up. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgeStop, type StopAttempt } from '../../src/core/decide/stop-gate.ts';
import { missing as missingFrom, missingInShort, type Standing } from '../../src/core/done.ts';
import type { StopGate, TaskStatus } from '../../src/core/types.ts';

const BRANCH = 'orchestrate/s';
const CLEAN: Standing['worktree'] = {
  path: '/p/s',
  exists: true,
  intact: true,
  missingParents: [],
  unshared: [],
  branch: BRANCH,
  operation: null,
  changed: [],
  changedCount: 0,
  untracked: [],
  untrackedCount: 0,
  commitsSinceBase: 1,
};

const task = (status: TaskStatus, title = 'Write it') => ({ id: 'TASK-1', title, status });

type Part = Partial<Omit<Standing, 'worktree'>> & { readonly worktree?: Partial<Standing['worktree']> };

function missing({ worktree, ...part }: Part = {}): readonly string[] {
  return missingFrom({
    tasks: [task('completed')],
    declaresNoChanges: false,
    branch: BRANCH,
    commitsLeftovers: false,
    ...part,
    worktree: { ...CLEAN, ...worktree },
  }).map(({ message }) => message);
}

describe('what is missing at a stop', () => {
  type Row = { readonly title: string; readonly part: Part; readonly missing: readonly (string | RegExp)[] };
  const rows: readonly Row[] = [
    { title: 'nothing, when all is complete and committed', part: {}, missing: [] },
    {
      title: 'open tasks, each with its id, title and status',
      part: {
        tasks: [task('pending', 'Draw it'), task('in_progress'), task('cancelled'), task('completed')],
      },
      missing: ['task TASK-1 "Draw it" is pending', 'task TASK-1 "Write it" is in_progress'],
    },
    { title: 'a blocked task is a reason to stop', part: { tasks: [task('blocked')] }, missing: [] },
    {
      title: 'a blocked task needs no commit either',
      part: { tasks: [task('blocked')], worktree: { commitsSinceBase: 0 } },
      missing: [],
    },
    {
      title: 'files that are not committed, tracked or not',
      part: { worktree: { changed: ['a.ts'], changedCount: 1, untracked: ['b.ts'], untrackedCount: 1 } },
      missing: ['uncommitted: a.ts, b.ts'],
    },
    {
      title: 'more files than are named are counted, also beyond those listed',
      part: {
        worktree: {
          changed: Array.from({ length: 50 }, (_, i) => `f${i}`),
          changedCount: 70,
          untrackedCount: 2,
        },
      },
      missing: [/^uncommitted: f0, .*f9 and 62 more$/],
    },
    {
      title: 'changed files are no matter when they are committed for it, untracked ones are',
      part: {
        commitsLeftovers: true,
        worktree: {
          commitsSinceBase: 0,
          changed: ['a.ts'],
          changedCount: 1,
          untracked: ['b.ts'],
          untrackedCount: 1,
        },
      },
      missing: ['uncommitted: b.ts'],
    },
    {
      title: 'no commit yet',
      part: { worktree: { commitsSinceBase: 0 } },
      missing: [/^there is no commit yet/],
    },
    {
      title: 'no commit yet, and nothing left to be committed for it',
      part: { commitsLeftovers: true, worktree: { commitsSinceBase: 0 } },
      missing: [/^there is no commit yet/],
    },
    {
      title: 'no commit yet, and a file that is not committed',
      part: { worktree: { commitsSinceBase: 0, changed: ['a.ts'], changedCount: 1 } },
      missing: ['uncommitted: a.ts', /^there is no commit yet/],
    },
    {
      title: 'no commit, but the notes say that none is needed',
      part: { declaresNoChanges: true, worktree: { commitsSinceBase: 0 } },
      missing: [],
    },
    {
      title: 'a merge under way',
      part: { worktree: { operation: 'merge' } },
      missing: ['a merge is in progress'],
    },
    {
      title: 'another branch, or none',
      part: { worktree: { branch: null } },
      missing: [`its worktree is on no branch, not on ${BRANCH}`],
    },
    {
      title: 'a worktree that is gone: nothing else can be said of it',
      part: { worktree: { exists: false, branch: null, commitsSinceBase: 0 } },
      missing: ['its worktree /p/s is gone'],
    },
    {
      title: 'a worktree that points elsewhere',
      part: { worktree: { intact: false, commitsSinceBase: 0 } },
      missing: ['/p/s/.git no longer points to this repository'],
    },
    {
      title: 'a head without what a dependency has come to',
      part: { worktree: { missingParents: ['abcdef0123456789'] } },
      missing: ['its branch lacks what it has to build on: abcdef0123'],
    },
    {
      title: 'what nobody else can get',
      part: {
        worktree: {
          unshared: [
            { kind: 'submodule', path: 'vendor/a lib', sha: 'abcdef0123456789' },
            { kind: 'big file', path: 'b.bin', sha: '1' },
          ],
        },
      },
      missing: [
        "commit abcdef0123 of the submodule vendor/a lib is only in this worktree: push it there (git -C 'vendor/a lib' push origin HEAD:refs/heads/<branch>)",
        'the content of b.bin (git-lfs) is not where other worktrees find it: git lfs push, or add the file again with git-lfs installed',
      ],
    },
  ];
  for (const row of rows) {
    test(row.title, () => {
      const found = missing(row.part);
      assert.equal(found.length, row.missing.length, found.join('\n'));
      for (const [index, expected] of row.missing.entries()) {
        if (typeof expected === 'string') assert.equal(found[index], expected);
        else assert.match(found[index] ?? '', expected);
      }
    });
  }

  test('ten tasks are named, each by at most 120 characters of its title; of more the rest is counted', () => {
    const tasks = (count: number) => Array.from({ length: count }, () => task('pending', 'x'.repeat(121)));
    const line = `task TASK-1 "${'x'.repeat(119)}…" is pending`;
    const ten = Array<string>(10).fill(line);
    assert.deepEqual(missing({ tasks: tasks(10) }), ten);
    assert.deepEqual(missing({ tasks: tasks(11) }), [...ten, 'and 1 more task']);
    assert.deepEqual(missing({ tasks: [task('pending', 'x'.repeat(120))] }), [
      `task TASK-1 "${'x'.repeat(120)}" is pending`,
    ]);
  });

  test('many tasks are shortened, and hostile names are made harmless', () => {
    const tasks = Array.from({ length: 14 }, () => task('pending', 'x\u001b[31m\ny'));
    const found = missing({ tasks, worktree: { untracked: ['bad\u0007name'], untrackedCount: 1 } });
    assert.equal(found.length, 12);
    assert.equal(found[10], 'and 4 more tasks');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is what is tested
    assert.doesNotMatch(found.join(''), /[\u0000-\u001f]/);
  });
});

const ATTEMPT: StopAttempt = {
  missing: ['task T is pending'],
  short: '1 task open',
  said: null,
  signature: 'one',
  again: false,
  atMs: 7,
};

/** Judges stops one after the other, each with the memory of those before; returns the answers. */
function judged(...attempts: readonly Partial<StopAttempt>[]) {
  let gate: StopGate | null = null;
  return attempts.map((part) => {
    const answer = judgeStop({ ...ATTEMPT, ...part }, gate);
    gate = answer.gate;
    return { refused: answer.refusal !== null, ...answer };
  });
}

describe('the judgement of a stop', () => {
  test('a stop with nothing missing is let be, and leaves no trace when there never was a refusal', () => {
    assert.deepEqual(judged({ missing: [] }), [{ refused: false, refusal: null, gate: null }]);
  });

  test('the refusal names each thing that is missing', () => {
    const [answer] = judged({ missing: ['task T is pending', 'uncommitted: a.ts'] });
    assert.match(answer?.refusal ?? '', /not done yet[\s\S]*\n- task T is pending\n- uncommitted: a\.ts\n/);
    assert.match(answer?.refusal ?? '', /mark it blocked/);
    assert.deepEqual(answer?.gate, { refusals: 1, inARow: 1, signature: 'one', atMs: 7, gaveUp: null });
  });

  test('it gives up at once when nothing changed since the refusal', () => {
    const [, second] = judged({}, { again: true });
    assert.equal(second?.refused, false);
    assert.equal(second?.gate?.gaveUp, 'stopped unfinished (1 task open)');
  });

  for (const [said, expected] of [
    [
      'I am not sure whether search should be fuzzy. What do you prefer?',
      'asks: "…What do you prefer?" (3 of 3 tasks open, 1 file uncommitted)',
    ],
    ['Which one?', 'asks: "Which one?" (3 of 3 tasks open, 1 file uncommitted)'],
    [
      'Two ways:\n\n- a\n- b\n\nWhich  one? I wait.',
      'asks: "…- a - b Which one?" (3 of 3 tasks open, 1 file uncommitted)',
    ],
    ['I looked. All \u001b[31mdone.', 'stopped: "…All done." (3 of 3 tasks open, 1 file uncommitted)'],
    [`${'x'.repeat(9000)}`, `stopped: "${'x'.repeat(159)}…" (3 of 3 tasks open, 1 file uncommitted)`],
    ['  ', 'stopped unfinished (3 of 3 tasks open, 1 file uncommitted)'],
  ] as const) {
    test(`what it asked, or said last, is told as it said it: ${said.slice(0, 40)}`, () => {
      const short = '3 of 3 tasks open, 1 file uncommitted';
      const [, second] = judged({}, { again: true, said, short });
      assert.equal(second?.gate?.gaveUp, expected);
    });
  }

  test('what is missing is told to the user in few words', () => {
    const standing = (part: Part): Standing => ({
      tasks: [task('pending'), task('in_progress'), task('completed'), task('cancelled')],
      declaresNoChanges: false,
      branch: BRANCH,
      commitsLeftovers: false,
      ...part,
      worktree: { ...CLEAN, ...part.worktree },
    });
    const dirty = { changed: ['a'], changedCount: 1, untracked: ['b'], untrackedCount: 1 };
    for (const [part, expected] of [
      [{}, '2 of 3 tasks open'],
      [{ tasks: [task('pending')] }, '1 task open'],
      [{ worktree: dirty }, '2 of 3 tasks open, 2 files uncommitted'],
      [{ worktree: dirty, commitsLeftovers: true }, '2 of 3 tasks open, 1 file uncommitted'],
      [{ tasks: [task('completed')], worktree: { commitsSinceBase: 0 } }, 'no commit yet'],
      [{ tasks: [task('completed')], worktree: { operation: 'merge' } }, 'a merge is in progress'],
      [{ tasks: [task('completed')] }, ''],
    ] as const)
      assert.equal(missingInShort(standing(part)), expected);
  });

  test('while something changes it goes on, five times in a row', () => {
    const answers = judged(
      ...Array.from({ length: 6 }, (_, i) => ({ again: i > 0, signature: `step ${i}` })),
    );
    assert.deepEqual(
      answers.map(({ refused }) => refused),
      [true, true, true, true, true, false],
    );
    assert.match(answers.at(-1)?.gate?.gaveUp ?? '', /^stopped unfinished \(1 task open\)$/);
  });

  test('a new turn is told again, also after it was given up', () => {
    const answers = judged({}, { again: true }, { again: false });
    assert.deepEqual(
      answers.map(({ refused }) => refused),
      [true, false, true],
    );
    assert.equal(answers.at(-1)?.gate?.gaveUp, null);
  });

  test('a run is told 25 times at most, whatever changes', () => {
    const answers = judged(...Array.from({ length: 30 }, (_, i) => ({ again: false, signature: `${i}` })));
    assert.equal(answers.filter(({ refused }) => refused).length, 25);
    assert.match(answers.at(-1)?.gate?.gaveUp ?? '', /^stopped unfinished/);
  });

  test('a stop that is all right forgets that an earlier one was given up', () => {
    const answers = judged({}, { again: true }, { missing: [] });
    assert.deepEqual(answers.at(-1)?.gate, { ...answers[1]?.gate, inARow: 0, gaveUp: null });
  });
});
