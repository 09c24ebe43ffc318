/** The plan as text, JSON and drawings; nothing of a plan may act on a terminal or leave its place in a drawing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildPlan } from '../../src/core/plan/plan.ts';
import { planOfInput } from '../../src/core/plan/plan-input.ts';
import type { Plan } from '../../src/core/types.ts';
import { planDot, planMermaid } from '../../src/view/pages/plan-graphics.ts';
import { planJson } from '../../src/view/pages/plan-json.ts';
import { planText, problemsText } from '../../src/view/pages/plan-text.ts';

type Given = { name?: string; dependencies?: string[]; files?: string[]; titles?: string[] };
/** A plan of streams by id, each with one task unless `titles` says more. */
function planOf(streams: Record<string, Given>): Plan {
  const tasks = Object.entries(streams).flatMap(([streamId, { name, titles = ['t'], ...rest }]) =>
    titles.map((title) => ({
      title: `${streamId} ${title}`,
      description: null,
      assignedAgent: null,
      metadata: { streamId, streamName: name ?? streamId, ...rest },
    })),
  );
  return planOfInput({ initiative: null, prd: { title: 'P', description: null, content: '' }, tasks });
}
const example = planOf({
  'Stream-A': { name: 'Foundation', files: ['src/db/**'], titles: ['1', '2', '3'] },
  'Stream-B': { name: 'Auth API', dependencies: ['Stream-A'], files: ['src/api/**'], titles: ['1', '2'] },
  'Stream-C': { name: 'User API', dependencies: ['Stream-A'], files: ['src/api/user.ts'] },
  'Stream-Z': { name: 'Integration', dependencies: ['Stream-B', 'Stream-C'] },
});
const cyclic = planOf({
  A: { dependencies: ['B'] },
  B: { dependencies: ['A'] },
  C: {},
  D: { dependencies: ['lost'] },
});
const HOSTILE = [
  '"]; A --> B',
  '\u001b[31mred',
  'a"b\\',
  '</script>',
  '`x`',
  '#quot;',
  '&quot;',
  'end',
  '%%{init}%%',
  '日本',
  '\\"',
  '\\',
];

test('the text shows the structure by depth, then what follows from it', () => {
  assert.equal(
    planText(example),
    `Stream Dependency Structure:

  Depth 0 (Independent):
    • Stream-A (Foundation)

  Depth 1:
    • Stream-B (Auth API) → depends on: Stream-A
    • Stream-C (User API) → depends on: Stream-A

  Depth 2:
    • Stream-Z (Integration) → depends on: Stream-B, Stream-C

Tasks: 7 tasks in 4 streams (7 pending)
Critical path: Stream-A → Stream-B → Stream-Z (6 open tasks)
Useful parallelism: 2 streams at once

Files claimed by streams that may run side by side:
  • Stream-B and Stream-C: src/api/**, src/api/user.ts`,
  );
});

test('streams in a cycle stand apart, without a name they are named once', () => {
  const text = planText(cyclic);
  assert.match(
    text,
    /Depth 0 \(Independent\):\n {4}• C\n {4}• D → depends on: lost\n\n {2}In a cycle, or behind one:\n {4}• A → depends on: B\n/,
  );
});

test('progress is counted by status', () => {
  const rows = ['completed', 'in_progress', 'blocked', 'cancelled'].map((status, at) => ({
    id: `T${at}`, title: `t${at}`, status, notes: null, blockedReason: null, metadata: { streamId: 'A' }, metadataError: null, createdAtMs: at, updatedAtMs: at,
  })); // biome-ignore format: one row
  assert.match(
    planText(buildPlan(rows, null, 0)),
    /Tasks: 3 tasks in 1 stream \(1 completed, 1 in progress, 1 blocked, 1 cancelled\)/,
  );
});

test('of the critical path the open tasks are counted, and none where only finished ones are on it', () => {
  const row = (streamId: string, status: string, dependencies: string[]) => ({
    ...{ id: streamId, title: streamId, status, notes: null, blockedReason: null, metadataError: null },
    ...{ metadata: { streamId, dependencies }, createdAtMs: 1, updatedAtMs: 1 },
  });
  const text = (last: string) =>
    planText(buildPlan([row('A', 'completed', []), row('B', last, ['A'])], null, 0));
  assert.match(text('pending'), /^Critical path: A → B \(1 open task\)$/m);
  assert.match(text('completed'), /^Critical path: A → B$/m);
});

test('a cancelled stream is shown, and counts for no figure', () => {
  const row = (streamId: string, status: string) => ({
    ...{ id: streamId, title: streamId, status, notes: null, blockedReason: null, metadataError: null },
    ...{ metadata: { streamId, files: ['src/**'] }, createdAtMs: 1, updatedAtMs: 1 },
  });
  const plan = buildPlan([row('A', 'cancelled'), row('B', 'pending')], null, 0);
  const text = planText(plan);
  assert.match(
    text,
    /• A\n {4}• B\n[\s\S]*Critical path: B \(1 open task\)\nUseful parallelism: 1 stream at once$/,
  );
  const { streams, criticalPath, maxParallel, overlaps } = planJson(plan);
  assert.deepEqual([streams.length, criticalPath, maxParallel, overlaps], [2, ['B'], 1, []]);
});

test('problems are listed up to a bound', () => {
  assert.match(problemsText(cyclic.problems), /• streams depend on each other in a cycle: A → B → A/);
  const many = Array.from({ length: 30 }, () => cyclic.problems[0]!);
  assert.equal(problemsText(many).split('\n').length, 21);
  assert.match(problemsText(many), /… 10 more$/);
});

test('nothing of a plan acts on the terminal', () => {
  const plan = planOf(
    Object.fromEntries(
      HOSTILE.map((id) => [id.replace(/\p{Cc}/gu, ''), { name: id, files: ['\u001b[2Jx'] }]),
    ),
  );
  assert.doesNotMatch(planText(plan).replaceAll('\n', ''), /\p{Cc}/u);
  assert.doesNotMatch(problemsText(plan.problems), /[^\n\P{Cc}]/u);
});

test('the JSON has the keys of the contract', () => {
  const json = JSON.parse(JSON.stringify(planJson(example)));
  assert.equal(json.schemaVersion, 1);
  assert.deepEqual(json.depths, [['Stream-A'], ['Stream-B', 'Stream-C'], ['Stream-Z']]);
  assert.deepEqual(json.criticalPath, ['Stream-A', 'Stream-B', 'Stream-Z']);
  assert.equal(json.maxParallel, 2);
  assert.deepEqual(json.problems, []);
  const { phase, ...second } = json.streams[1];
  assert.equal(phase, 'parallel');
  assert.deepEqual(second, {
    id: 'Stream-B',
    name: 'Auth API',
    depth: 1,
    dependencies: ['Stream-A'],
    tasks: { total: 2, completed: 0, inProgress: 0, pending: 2, blocked: 0, cancelled: 0 },
    files: ['src/api/**'],
  });
  const problems = JSON.parse(JSON.stringify(planJson(cyclic))).problems;
  assert.deepEqual(Object.keys(problems[0]).sort(), ['code', 'message', 'streams', 'tasks']);
});

test('drawings have arrows from dependency to dependent', () => {
  assert.equal(
    planMermaid(planOf({ A: { name: 'Base' }, B: { dependencies: ['A'] } })),
    'flowchart TD\n  s0["A #40;Base#41;"]\n  s1["B"]\n  s0 --> s1',
  );
  assert.equal(
    planDot(planOf({ A: { name: 'Base' }, B: { dependencies: ['A', 'lost'] } })),
    `digraph plan {
  rankdir=LR;
  node [shape=box];
  s0 [label="A (Base)"];
  s1 [label="B"];
  s2 [label="lost (missing)", style=dashed];
  s0 -> s1;
  s2 -> s1;
}`,
  );
});

test('property: no id or name leaves its label', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc.constantFrom(...HOSTILE),
  );
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(text, text), { maxLength: 6, selector: ([id]) => id }), (streams) => {
      const plan: Plan = {
        initiative: null,
        problems: [],
        streams: streams.map(([id, name], at) => ({
          ...example.streams[0]!,
          id,
          name,
          dependencies: at === 0 ? [name] : [streams[0]![0]],
        })),
      };
      for (const line of planMermaid(plan).split('\n').slice(1)) {
        assert.match(line, /^ {2}s\d+(?:\["[\p{L}\p{M}\p{N} .,_#;-]*"\]| --> s\d+)$/u);
      }
      for (const line of planDot(plan).split('\n').slice(3, -1)) {
        assert.match(
          line,
          /^ {2}s\d+(?: \[label="(?:[^"\\\p{Cc}]|\\\\|\\")*"(?:, style=dashed)?\]| -> s\d+);$/u,
        );
      }
    }),
    { numRuns: 500 },
  );
});

test('the plan as text is fitted to the width, its names whole', () => {
  const dependencies = ['page-users', 'page-orders', 'page-reports'];
  const plan = planOf({
    ...Object.fromEntries(dependencies.map((id) => [id, {}])),
    'page-settings': { name: 'What it is called', dependencies },
  });
  const lines = planText(plan, 40).split('\n');
  for (const line of lines) assert.ok(line.length <= 40, line);
  assert.match(
    lines.join('\n'),
    /^ {4}• page-settings \(What it is called\)\n {6}→ depends on: page-orders,\n {6}page-reports, page-users$/m,
  );
  assert.equal(planText(plan, 200), planText(plan));
});
