/** The plan as it is made out of task rows, whatever writer left them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PlanRow } from '../../src/core/plan/plan.ts';
import { buildPlan } from '../../src/core/plan/plan.ts';

let made = 0;
/** A row with a metadata object; `over` sets everything else. */
function row(metadata: unknown, over: Partial<PlanRow> = {}): PlanRow {
  made += 1;
  return {
    id: `TASK-${made}`,
    title: `task ${made}`,
    status: 'pending',
    notes: null,
    blockedReason: null,
    metadata,
    metadataError: null,
    createdAtMs: made,
    updatedAtMs: made,
    ...over,
  };
}
const inStream = (streamId: unknown, dependencies: unknown = [], over: Partial<PlanRow> = {}) =>
  row({ streamId, dependencies }, over);
const plan = (...rows: PlanRow[]) => buildPlan(rows, null, 0);
const codes = (...rows: PlanRow[]) => plan(...rows).problems.map((problem) => problem.code);
const only = (...rows: PlanRow[]) => {
  const { problems } = plan(...rows);
  assert.equal(problems.length, 1, JSON.stringify(problems));
  return problems[0]!;
};

test('tasks are grouped into streams in the order of the oldest task, whatever the order of the rows', () => {
  const rows = [
    inStream('B', ['A'], { createdAtMs: 20 }),
    inStream('A', [], { createdAtMs: 30 }),
    inStream('C', ['A'], { createdAtMs: 25 }),
    inStream('A', [], { createdAtMs: 10 }),
  ];
  const built = buildPlan(rows, { id: 'oauth', title: 'OAuth' }, 0);
  assert.deepEqual(
    built.streams.map((stream) => stream.id),
    ['A', 'B', 'C'],
  );
  assert.deepEqual(built.initiative, { id: 'oauth', title: 'OAuth' });
  assert.deepEqual(built.problems, []);
});

test('a stream has the names of its oldest task that has them, and every file once', () => {
  const [stream] = plan(
    row({ streamId: 'A', streamName: ' ', files: ['a', 'b'] }),
    row({ streamId: 'A', streamName: 'Foundation', streamPhase: 'integration', files: ['b', 'c'] }),
    row({ streamId: 'A', streamName: 'Other', streamPhase: 'parallel', files: 'd' }),
  ).streams;
  assert.equal(stream?.name, 'Foundation');
  assert.equal(stream?.phase, 'integration');
  assert.deepEqual(stream?.files, ['a', 'b', 'c', 'd']);
});

test('without a name the id stands in, without a phase the dependencies decide', () => {
  const { streams } = plan(inStream('A'), inStream('B', ['A']));
  assert.deepEqual(
    streams.map(({ name, phase }) => [name, phase]),
    [
      ['A', 'foundation'],
      ['B', 'parallel'],
    ],
  );
});

test('cancelled tasks are counted apart and leave no work open', () => {
  const statuses = ['completed', 'in_progress', 'pending', 'blocked', 'cancelled', 'cancelled', 'odd'];
  const rows = statuses.map((status) => inStream('A', [], { status }));
  const [stream] = plan(...rows).streams;
  assert.deepEqual(stream?.tasks, {
    total: 5,
    completed: 1,
    inProgress: 1,
    pending: 2,
    blocked: 1,
    cancelled: 2,
  });
  assert.deepEqual(
    stream?.openTasks,
    [rows[1], rows[2], rows[3], rows[6]].map((open) => open?.id),
  );
});

test('the current task is the one in progress that changed last, the reason that of the first blocked one', () => {
  const [stream] = plan(
    inStream('A', [], { status: 'in_progress', title: 'late', updatedAtMs: 900 }),
    inStream('A', [], { status: 'in_progress', title: 'early', updatedAtMs: 100 }),
    inStream('A', [], { status: 'pending', title: 'none', updatedAtMs: 999 }),
    inStream('A', [], { status: 'blocked', blockedReason: null }),
    inStream('A', [], { status: 'completed', blockedReason: 'old' }),
    inStream('A', [], { status: 'blocked', blockedReason: 'no key' }),
  ).streams;
  assert.equal(stream?.currentTask, 'late');
  assert.equal(stream?.blockedTask?.reason, 'no key');
});

test('a blocked task that gives no reason is explained by the first line of its notes', () => {
  const why = (...rows: readonly Partial<PlanRow>[]) =>
    plan(...rows.map((row) => inStream('A', [], { status: 'blocked', ...row }))).streams[0]?.blockedTask
      ?.reason;
  assert.equal(why({ notes: '\n  needs a key \nand more' }), 'needs a key');
  assert.equal(why({ notes: 'tried it', blockedReason: 'no key' }), 'no key');
  assert.equal(why({ notes: 'tried it', blockedReason: ' ' }), 'tried it');
  assert.equal(why({}, { notes: 'needs a key' }, { blockedReason: 'no room' }), 'no room');
  assert.equal(why({}, { notes: 'needs a key' }), 'needs a key');
  assert.equal(why({ notes: ' \n' }), null);
});

test('a line of the notes beginning with no-changes: declares that no commit is needed', () => {
  const declares = (notes: string | null) => plan(inStream('A', [], { notes })).streams[0]?.declaresNoChanges;
  assert.equal(declares('done\nno-changes: nothing to fix'), true);
  assert.equal(declares('there were no-changes: none'), false);
  assert.equal(declares(null), false);
});

test('dependencies are the union of both keys over all tasks, sorted, each once', () => {
  const { streams, problems } = plan(
    inStream('A'),
    inStream('B'),
    inStream('C'),
    row({ streamId: 'Z', dependencies: ['C', 'A'], streamDependencies: ['B', 'A'] }),
    row({ streamId: 'Z' }),
    row({ streamId: 'Z', streamDependencies: ['C'] }),
  );
  assert.deepEqual(streams.at(-1)?.dependencies, ['A', 'B', 'C']);
  assert.deepEqual(problems, []);
});

test('a dependency may be spelled as the title of a task', () => {
  const first = [
    inStream('Stream-A', [], { title: 'Create tables' }),
    inStream('Auth: v2', [], { title: 'x' }),
  ];
  for (const [spelling, id] of [
    ['Stream-A: Whatever', 'Stream-A'],
    ['Stream-A:Whatever', 'Stream-A'],
    ['Stream-A: Part one: more', 'Stream-A'],
    ['[Stream-A] Part [one]', 'Stream-A'],
    ['[Stream-A] Whatever', 'Stream-A'],
    ['[ Stream-A ]', 'Stream-A'],
    [' Stream-A ', 'Stream-A'],
    ['Create tables', 'Stream-A'],
    ['Auth: v2: login', 'Auth: v2'],
    ['Auth: v2', 'Auth: v2'],
    ['[Auth: v2] login', 'Auth: v2'],
  ] as const) {
    const { streams, problems } = plan(...first, inStream('B', [spelling]));
    assert.deepEqual(streams.at(-1)?.dependencies, [id], spelling);
    assert.deepEqual(problems, [], spelling);
  }
});

test('a stream id that looks like a title is still that stream', () => {
  const { streams } = plan(inStream('A'), inStream('A: B'), inStream('Z', ['A: B']));
  assert.deepEqual(streams.at(-1)?.dependencies, ['A: B']);
});

test('tasks of one stream may name each other by title', () => {
  const built = plan(
    inStream('A', [], { title: 'A: first' }),
    inStream('A', ['A: first'], { title: 'second' }),
    inStream('B', ['A', 'one'], { title: 'two' }),
    inStream('B', ['A'], { title: 'one' }),
  );
  assert.deepEqual(built.problems, []);
  assert.deepEqual(
    built.streams.map((stream) => stream.dependencies),
    [[], ['A']],
  );
});

test('a task that names its own title depends on itself', () => {
  assert.deepEqual(codes(inStream('A'), inStream('B', ['mine'], { title: 'mine' })), ['self-dependency']);
});

test('a title that two other streams have is no answer', () => {
  const twins = [inStream('A', [], { title: 'Tests' }), inStream('B', [], { title: 'Tests' })];
  const problem = only(...twins, inStream('C', ['Tests']));
  assert.equal(problem.code, 'unknown-dependency');
  assert.match(problem.message, /"C" depends on "Tests".*several streams/);
});

test('a numeric stream id is its text, as a dependency too', () => {
  const { streams, problems } = plan(inStream(1), inStream('1'), inStream(2, [1]));
  assert.deepEqual(
    streams.map(({ id, dependencies, tasks }) => [id, dependencies, tasks.total]),
    [
      ['1', [], 2],
      ['2', ['1'], 1],
    ],
  );
  assert.deepEqual(problems, []);
});

test('an unknown dependency is named with the streams and tasks, and stays a dependency', () => {
  const rows = [inStream('A'), inStream('B', ['A', 'Nowhere']), inStream('B', ['Nowhere'])];
  const problem = only(...rows);
  assert.deepEqual(problem, {
    code: 'unknown-dependency',
    message: 'stream "B" depends on "Nowhere", which is no stream of the plan',
    streams: ['B'],
    tasks: [rows[1]?.id, rows[2]?.id],
  });
  assert.deepEqual(plan(...rows).streams[1]?.dependencies, ['A', 'Nowhere']);
});

test('a dependency on itself is named', () => {
  const rows = [inStream('A'), inStream('B', ['B', 'A'])];
  assert.deepEqual(only(...rows), {
    code: 'self-dependency',
    message: 'stream "B" depends on itself',
    streams: ['B'],
    tasks: [rows[1]?.id],
  });
  assert.deepEqual(codes(inStream('A'), inStream('B', ['[B] x', 'A'])), ['self-dependency']);
});

test('a cycle is named with its whole path and the tasks that make it', () => {
  const rows = [
    inStream('R'),
    inStream('A', ['B']),
    inStream('B', ['C', 'R']),
    inStream('C', ['A']),
    inStream('C'),
  ];
  assert.deepEqual(only(...rows), {
    code: 'cycle',
    message: 'streams depend on each other in a cycle: A → B → C → A',
    streams: ['A', 'B', 'C'],
    tasks: [rows[1]?.id, rows[2]?.id, rows[3]?.id],
  });
});

test('a plan in which nothing can start first says so', () => {
  assert.deepEqual(codes(inStream('A', ['B']), inStream('B', ['A'])), ['no-root', 'cycle']);
  assert.deepEqual(codes(inStream('A', ['A'])), ['self-dependency', 'no-root']);
});

test('dependencies that are no list of texts are named, and break nothing', () => {
  for (const value of ['A', 5, {}, true, [['A']], [null], [{}]]) {
    assert.equal(only(inStream('A'), inStream('B', value)).code, 'bad-dependencies', JSON.stringify(value));
    const other = only(inStream('A'), row({ streamId: 'B', streamDependencies: value }));
    assert.match(other.message, /streamDependencies/);
    assert.deepEqual(other.streams, ['B']);
  }
  assert.deepEqual(codes(inStream('A'), inStream('B', null)), []);
});

test('metadata that does not parse or is no object is named', () => {
  const broken = row(null, { metadataError: 'Unexpected end of JSON input', title: 'Broken' });
  const problem = only(inStream('A'), broken);
  assert.equal(problem.code, 'bad-metadata');
  assert.match(problem.message, /"Broken": its metadata cannot be read: Unexpected end/);
  assert.deepEqual(problem.tasks, [broken.id]);
  for (const value of [[], 'text', 5, false]) {
    assert.equal(only(inStream('A'), row(value)).code, 'bad-metadata', JSON.stringify(value));
  }
  for (const value of [{ streamName: {} }, { streamPhase: [] }, { files: 5 }, { files: [{}] }]) {
    assert.equal(only(row({ streamId: 'A', ...value })).code, 'bad-metadata', JSON.stringify(value));
  }
});

test('what rows say that share their metadata is read of each: its tasks, and its problems', () => {
  const [shared, bad] = [
    { streamId: 'A', files: ['a'] },
    { streamId: 'A', files: 5 },
  ];
  const rows = [row(shared), row(bad), row(shared, { status: 'completed' }), row(bad)];
  const built = plan(...rows);
  assert.equal(built.streams[0]?.tasks.total, 4);
  assert.equal(built.streams[0]?.tasks.completed, 1);
  assert.deepEqual(built.streams[0]?.openTasks, [rows[0]?.id, rows[1]?.id, rows[3]?.id]);
  assert.deepEqual(
    built.problems.map(({ tasks }) => tasks),
    [[rows[1]?.id], [rows[3]?.id]],
  );
  // What cannot be parsed has none either.
  const [without, broken] = [row(null), row(null, { metadataError: 'Unexpected end of JSON input' })];
  assert.deepEqual(only(inStream('A'), without, broken).tasks, [broken.id]);
});

test('tasks outside any stream are no problem and no stream', () => {
  const built = plan(
    inStream('A'),
    row({}),
    row(null),
    row({ streamId: null }),
    row({ dependencies: 'x', files: 5 }),
  );
  assert.deepEqual(built.problems, []);
  assert.equal(built.streams.length, 1);
});

test('a stream id that can be no id is named, and is no stream', () => {
  for (const id of ['', 'a\nb', 'a\u0000b', 'a\u001b[31m', 'x'.repeat(10_000), true, {}, []]) {
    const problem = only(inStream('A'), inStream(id));
    assert.equal(problem.code, 'bad-stream-id', String(id));
    assert.doesNotMatch(problem.message, /\p{Cc}/u);
    assert.ok(problem.message.length < 300);
  }
  assert.deepEqual(codes(inStream('')), ['bad-stream-id']);
});

test('hostile ids are data', () => {
  const ids = [
    '../../x',
    '-rf',
    '$(touch pwn)',
    '#(touch pwn)',
    'a;b',
    'x;',
    '{start}',
    '.',
    'a.lock',
    '😀',
    '__proto__',
    'constructor',
    'a b',
    'a-b',
    'a',
    'a/b',
  ];
  const built = plan(inStream('root'), ...ids.map((id) => inStream(id, ['root'])), inStream('last', ids));
  assert.deepEqual(built.problems, []);
  assert.deepEqual(built.streams.at(-1)?.dependencies, [...ids].sort());
});

test('terminal sequences in titles and ids do not reach a message', () => {
  const rows = [
    inStream('A', [], { title: '\u001b[2Jx' }),
    inStream('B', ['\u001b]0;pwn\u0007no'], { id: 'T\u001b[31m' }),
  ];
  for (const problem of plan(...rows, row(5, { title: '\u001b[2J\nx' })).problems) {
    assert.doesNotMatch(problem.message, /\p{Cc}/u);
  }
});

test('no streams and only archived ones are told apart', () => {
  assert.deepEqual(codes(), ['no-streams']);
  assert.deepEqual(codes(row({})), ['no-streams']);
  const [archived] = buildPlan([], null, 3).problems;
  assert.equal(archived?.code, 'archived-only');
  assert.match(archived?.message ?? '', /all 3 stream tasks there are archived/);
  assert.deepEqual(buildPlan([inStream('A')], null, 3).problems, []);
});

test('property: no rows whatever make it throw, and every stream has a place', () => {
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.constant(undefined),
    fc.constantFrom('A', 'B', 'C', 'A: x', '[B] y'),
  );
  const list = fc.oneof(fc.array(fc.constantFrom('A', 'B', 'C', 'D', 'x')), odd);
  const metadata = fc.oneof(
    fc.record({
      streamId: fc.constantFrom('A', 'B', 'C'),
      dependencies: list,
      streamDependencies: list,
      files: list,
    }),
    fc.record({ streamId: odd, streamName: odd, dependencies: odd }),
    odd,
  );
  fc.assert(
    fc.property(fc.array(metadata, { maxLength: 12 }), (all) => {
      const built = plan(...all.map((value) => row(value)));
      assert.equal(new Set(built.streams.map((stream) => stream.id)).size, built.streams.length);
      if (built.problems.length === 0)
        assert.ok(built.streams.some((stream) => stream.dependencies.length === 0));
    }),
    { numRuns: 1000 },
  );
});

test('a thousand streams of ten tasks are a plan, and a chain of ten thousand is read to its end', () => {
  const rows = Array.from({ length: 10_000 }, (_, at) => {
    const stream = Math.floor(at / 10);
    return inStream(`Stream-${stream}`, stream < 10 ? [] : [`Stream-${stream - 10}`, `Stream-${stream - 3}`]);
  });
  assert.equal(plan(...rows).streams.length, 1000);
  const chain = Array.from({ length: 10_000 }, (_, at) =>
    inStream(`s${at}`, at === 0 ? ['s9999'] : [`s${at - 1}`]),
  );
  assert.deepEqual(codes(...chain), ['no-root', 'cycle']);
});
