/** Plan files: both forms, what is wrong named by line, and texts made to hurt. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { PlanInput } from '../../src/core/plan/plan-input.ts';
import { planOfInput } from '../../src/core/plan/plan-input.ts';
import type { Plan } from '../../src/core/types.ts';
import { parsePlanFile } from '../../src/plan-file/parse.ts';

const problemsOf = (input: PlanInput, existing: Plan | null = null) => planOfInput(input, existing).problems;
const read = (text: string) => {
  const result = parsePlanFile(text);
  assert.ok(result.ok, JSON.stringify(result));
  return result.plan;
};
const wrong = (text: string) => {
  const result = parsePlanFile(text);
  assert.ok(!result.ok, 'accepted');
  return result.problems;
};
/** Each problem as `line path message`. */
const told = (text: string) =>
  wrong(text).map(({ line, path, message }) => `${line ?? '-'} ${path === '' ? '.' : path} ${message}`);
const one = (id: unknown, over: object = {}) =>
  JSON.stringify({ streams: [{ id, tasks: [{ title: 'x' }], ...over }] });

const NESTED = `# a comment
initiative: {id: oauth, title: OAuth login, description: With two providers}
prd: {title: OAuth, description: Why, content: All of it}
streams:
  - id: Stream-A
    name: Foundation
    phase: foundation            # foundation | parallel | integration
    dependencies: []
    files: [src/db/**]
    tasks:
      - {title: Create tables, description: Two of them, agent: me, acceptanceCriteria: [tables exist]}
      - title: Types
  - id: Stream-B
    dependencies:
      - Stream-A
      - Stream-A
    tasks:
      - title: Login
`;

test('a nested plan is read with everything that it says, and defaults for the rest', () => {
  const plan = read(NESTED);
  assert.deepEqual(plan.initiative, { id: 'oauth', title: 'OAuth login', description: 'With two providers' });
  assert.deepEqual(plan.prd, { title: 'OAuth', description: 'Why', content: 'All of it' });
  assert.deepEqual(plan.tasks[0], {
    title: 'Create tables',
    description: 'Two of them',
    assignedAgent: 'me',
    metadata: {
      streamId: 'Stream-A',
      streamName: 'Foundation',
      streamPhase: 'foundation',
      files: ['src/db/**'],
      dependencies: [],
      streamDependencies: [],
      acceptanceCriteria: ['tables exist'],
    },
  });
  assert.deepEqual(plan.tasks[2], {
    title: 'Login',
    description: null,
    assignedAgent: null,
    metadata: {
      streamId: 'Stream-B',
      streamName: 'Stream-B',
      streamPhase: 'parallel',
      files: [],
      dependencies: ['Stream-A'],
      streamDependencies: ['Stream-A'],
      acceptanceCriteria: [],
    },
  });
  assert.deepEqual(problemsOf(plan), []);
});

test('the same plan in JSON is the same plan', () => {
  assert.deepEqual(read(JSON.stringify(parse(NESTED))), read(NESTED));
  assert.deepEqual(read(JSON.stringify(parse(NESTED), null, '\t')), read(NESTED));
  assert.deepEqual(read(`\ufeff${NESTED.replaceAll('\n', '\r\n')}`), read(NESTED));
});

const flat = (metadata: object, over: object = {}) =>
  JSON.stringify({ prd: { title: 'P' }, tasks: [{ title: 'T', metadata, ...over }] });

test('a flat plan keeps what else the metadata holds and writes both dependency keys', () => {
  const text = JSON.stringify({
    prd: { title: 'P', description: 'D', content: 'C' },
    tasks: [
      {
        title: 'a',
        description: 'd',
        assignedAgent: 'qa',
        metadata: { streamId: 'A', complexity: 'High', priority: 1 },
      },
      { title: 'b', metadata: { streamId: 'B', streamName: 'Bee', streamDependencies: ['A'], files: ['x'] } },
      {
        title: 'c',
        metadata: {
          streamId: 'B',
          streamPhase: 'integration',
          dependencies: ['A'],
          acceptanceCriteria: ['y'],
        },
      },
    ],
  });
  const plan = read(text);
  assert.equal(plan.initiative, null);
  assert.equal(plan.tasks[0]?.assignedAgent, 'qa');
  assert.deepEqual(
    plan.tasks.map((task) => task.metadata),
    [
      {
        complexity: 'High',
        priority: 1,
        streamId: 'A',
        streamPhase: 'foundation',
        files: [],
        dependencies: [],
        streamDependencies: [],
        acceptanceCriteria: [],
      },
      {
        streamId: 'B',
        streamName: 'Bee',
        streamPhase: 'parallel',
        files: ['x'],
        dependencies: ['A'],
        streamDependencies: ['A'],
        acceptanceCriteria: [],
      },
      {
        streamId: 'B',
        streamPhase: 'integration',
        files: [],
        dependencies: ['A'],
        streamDependencies: ['A'],
        acceptanceCriteria: ['y'],
      },
    ],
  );
  assert.equal(planOfInput(plan).streams.length, 2);
});

test('numbers where text belongs are taken as they are written', () => {
  const plan = read(
    'streams:\n- id: 1.10\n  dependencies: [007]\n  tasks: [{title: 1e3}]\n- {id: 007, tasks: [{title: 0x1F}]}',
  );
  assert.deepEqual(
    plan.tasks.map((task) => [task.metadata['streamId'], task.title]),
    [
      ['1.10', '1e3'],
      ['007', '0x1F'],
    ],
  );
  assert.deepEqual(problemsOf(plan), []);
  assert.equal(read(flat({ streamId: 5, priority: 1.5 })).tasks[0]?.metadata['priority'], 1.5);
});

test('what a plan leaves open is not made up, and the initiative goes by its id', () => {
  const open = { title: null, description: null, content: null };
  assert.deepEqual(read(one('A')).prd, open);
  const plan = read(`initiative: {id: i1}\nstreams: [{id: A, tasks: [{title: x}]}]`);
  assert.deepEqual(plan.initiative, { id: 'i1', title: null, description: null });
  assert.deepEqual(plan.prd, open);
  assert.equal(planOfInput(plan).initiative?.title, 'i1');
});

test('aliases and block texts of YAML work', () => {
  const plan = read(
    'streams:\n- {id: A, files: &f [a, b], tasks: [{title: x, description: "l1\\nl2"}]}\n- {id: B, files: *f, tasks: [{title: y}]}',
  );
  assert.deepEqual(plan.tasks[1]?.metadata['files'], ['a', 'b']);
  assert.equal(plan.tasks[0]?.description, 'l1\nl2');
});

test('unknown keys are named with their lines and what they may have meant', () => {
  assert.deepEqual(
    told('streams:\n  - id: A\n    nmae: x\n    tasks:\n      - title: t\n        titel: u\nowner: me\n'),
    [
      '6 streams[0].tasks[0] unknown key "titel" (did you mean "title"?)',
      '3 streams[0] unknown key "nmae" (did you mean "name"?)',
      '7 . unknown key "owner"',
    ],
  );
  assert.deepEqual(told(`${flat({ streamId: 'A', dependancies: [] })}`), [
    '1 tasks[0].metadata unknown key "dependancies" (did you mean "dependencies"?)',
  ]);
  assert.deepEqual(told(flat({ streamId: 'A' }, { metadat: 1 })), [
    '1 tasks[0] unknown key "metadat" (did you mean "metadata"?)',
  ]);
  assert.match(told('{"__proto__": 1, "streams": []}').join('\n'), /unknown key "__proto__"/);
});

test('wrong types and missing values are named with their lines', () => {
  assert.deepEqual(
    told(
      'streams:\n  - id: A\n    dependencies: B\n    phase: later\n    tasks:\n      - agent: true\n        title:\n',
    ),
    [
      '4 streams[0].phase must be one of foundation, parallel, integration',
      '3 streams[0].dependencies must be a list, not text',
      '7 streams[0].tasks[0].title must be text, not empty',
      '6 streams[0].tasks[0].agent must be text, not true or false (quote it if it is text)',
    ],
  );
  assert.deepEqual(told('streams:\n- tasks: [{title: x}]'), ['2 streams[0].id is missing']);
  assert.deepEqual(told('streams: {a: 1}'), ['1 streams must be a list, not a map']);
  assert.deepEqual(told(flat({}).replace('"metadata":{}', '"metadata":[]')), [
    '1 tasks[0].metadata must be a map, not a list',
  ]);
  assert.deepEqual(told(flat({ streamName: 'x' })), ['1 tasks[0].metadata.streamId is missing']);
});

test('a plan without streams, tasks or form is refused', () => {
  for (const [text, words] of [
    ['', /a plan is a map/],
    ['- a', /a plan is a map/],
    ['just words', /a plan is a map/],
    ['{}', /streams is missing/],
    ['streams: []', /a plan needs a stream/],
    ['tasks: []', /a plan needs a task/],
    ['streams: [{id: A, tasks: []}]', /a stream needs a task/],
    ['streams: []\ntasks: []', /^2 \. a plan has either/],
    ['streams: [{id: A, tasks: [{title: "  "}]}]', /title must not be empty/],
  ] as const) {
    assert.match(told(text).join('\n'), words, text);
  }
});

test('duplicates are named: stream ids, titles within a stream, keys', () => {
  const twice = 'streams:\n- {id: A, tasks: [{title: x}, {title: x}]}\n- id: A\n  tasks: [{title: x}]';
  assert.deepEqual(told(twice), [
    '3 streams[1].id the stream id "A" is taken by streams[0]',
    '2 streams[0].tasks[1].title the same title as tasks[0] of the same stream',
  ]);
  assert.deepEqual(told('streams: []\nprd: {}\nstreams: []'), ['3 . the key "streams" is given twice']);
  const tasks = [
    { title: 'x', metadata: { streamId: 'A' } },
    { title: 'x', metadata: { streamId: 'B' } },
    { title: 'x', metadata: { streamId: 'A' } },
  ];
  assert.deepEqual(told(JSON.stringify({ tasks })), [
    '1 tasks[2].title the same title as tasks[0] of the same stream',
  ]);
});

test('hostile ids are data, and those that nothing could carry are refused', () => {
  for (const id of [
    '../../x',
    '-rf',
    '$(touch pwn)',
    '#(touch pwn)',
    'a;b',
    'x;',
    '{start}',
    '1',
    '.',
    'a.lock',
    '😀',
    'a b',
    '__proto__',
    'null',
    'true',
    '~',
  ]) {
    assert.equal(read(one(id)).tasks[0]?.metadata['streamId'], id);
    assert.deepEqual(problemsOf(read(one(id))), []);
  }
  for (const id of ['', 'a\nb', 'a\u001b[31m', 'x'.repeat(10_000), 'a\ud800']) {
    assert.match(told(one(id)).join(), /streams\[0\]\.id the stream id /, JSON.stringify(id));
    assert.match(told(flat({ streamId: id })).join(), /streamId the stream id /, JSON.stringify(id));
  }
  assert.match(told(one('a\u0000')).join(), /NUL/);
  assert.match(told(one('A', { tasks: [{ title: 'a\u0000b' }] })).join(), /NUL/);
  assert.match(told('initiative: {id: ""}\nstreams: []').join(), /the initiative id is empty/);
});

test('syntax errors have their line; odd YAML is refused', () => {
  assert.match(told('streams:\n  - id: A\n   tasks: [').join('\n'), /^3 /);
  for (const text of [
    'streams: [',
    '? [a]\n: b',
    '5: x',
    '!!js/function x',
    'a: *nowhere',
    '--- {}\n--- {}',
    'a: &a [*a]',
    '<<: {}',
  ]) {
    assert.ok(wrong(text).length > 0, text);
  }
});

test('alias bombs, deep nesting, great size and a host of errors are refused in a few lines', () => {
  const bomb = [...'bcdefgh'].reduce(
    (text, key, at) => `${text}${key}: &${key} [${`*${'abcdefg'[at]},`.repeat(10)}]\n`,
    `a: &a [${'x,'.repeat(10)}]\n`,
  );
  const many = `streams: [${Array.from({ length: 3000 }, (_, at) => `{id: s${at}, wrong: 1}`).join()}]`;
  for (const [text, words] of [
    [bomb, /alias/i],
    [`s: &s [${'{a: 1, b: 2},'.repeat(4000)}]\nt: [${'*s,'.repeat(300)}]`, /too many values/],
    ['['.repeat(1_000_000), /nested too deeply/],
    ['{a: '.repeat(200_000), /nested too deeply/],
    ['- '.repeat(200_000), /nested too deeply/],
    [`a: ${'x'.repeat(5 * 1024 * 1024)}`, /larger than 5 MB/],
    [many, /is missing|unknown key/],
  ] as const) {
    assert.match(told(text).join('\n').slice(0, 500), words);
  }
  assert.ok(wrong(many).length <= 40);
});

test('a plan of a thousand streams with ten tasks each is read', () => {
  const streams = Array.from({ length: 1000 }, (_, at) => ({
    id: `Stream-${at}`,
    dependencies: at === 0 ? [] : [`Stream-${at - 1}`],
    tasks: Array.from({ length: 10 }, (_, task) => ({ title: `task ${task}` })),
  }));
  const plan = read(JSON.stringify({ streams }));
  assert.equal(plan.tasks.length, 10_000);
  assert.deepEqual(problemsOf(plan), []);
});

test('the checks of a plan apply before anything is stored: cycle, self, unknown, no root', () => {
  const codes = (streams: object[]) =>
    problemsOf(read(JSON.stringify({ streams }))).map((problem) => problem.code);
  const stream = (id: string, dependencies: string[]) => ({
    id,
    dependencies,
    tasks: [{ title: `of ${id}` }],
  });
  assert.deepEqual(codes([stream('R', []), stream('A', ['B']), stream('B', ['A'])]), ['cycle']);
  assert.deepEqual(codes([stream('R', []), stream('A', ['A'])]), ['self-dependency']);
  assert.deepEqual(codes([stream('R', []), stream('A', ['Z'])]), ['unknown-dependency']);
  const [problem] = problemsOf(read(JSON.stringify({ streams: [stream('R', []), stream('A', ['Z'])] })));
  assert.deepEqual(problem?.tasks, ['of A']);
});

test('an addition may depend on streams that are there already', () => {
  const existing = planOfInput(read(one('Old')));
  const more = read(one('New', { dependencies: ['Old'] }));
  assert.deepEqual(
    problemsOf(more).map((problem) => problem.code),
    ['unknown-dependency', 'no-root'],
  );
  assert.deepEqual(problemsOf(more, existing), []);
  const [old] = existing.streams;
  assert.ok(old);
  const broken = { ...old, id: 'Gone', dependencies: ['Nowhere'] };
  const withBroken = (tasks: typeof old.tasks) => ({ ...existing, streams: [old, { ...broken, tasks }] });
  assert.equal(problemsOf(more, withBroken(old.tasks)).length, 1);
  assert.deepEqual(problemsOf(more, withBroken({ ...old.tasks, total: 0, pending: 0, cancelled: 1 })), []);
});

test('property: no text whatever makes it throw', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.constantFrom(
      'streams:',
      '\n',
      '  ',
      '- ',
      'id: A',
      '{',
      '}',
      '[',
      ']',
      '&a',
      '*a',
      '"',
      "'",
      '|',
      ': ',
      'tasks:',
      'title: x',
      '!!',
      '#',
      ',',
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const result = parsePlanFile(pieces.join(''));
      assert.ok(result.ok || result.problems.length > 0);
    }),
    { numRuns: 400 },
  );
});

test('property: no JSON value whatever makes it throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('streams', 'tasks', 'prd', 'initiative'), (value, key) => {
      const base = { streams: [{ id: 'A', tasks: [{ title: 'x' }] }] };
      parsePlanFile(JSON.stringify({ ...base, [key]: value }));
      parsePlanFile(JSON.stringify(value));
      parsePlanFile(flat({ streamId: 'A', [key]: value }));
    }),
    { numRuns: 200 },
  );
});
