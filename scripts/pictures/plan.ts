/** The plan that the pictures show, and what the scripted model does for each stream: the sample repository, a little larger. */
import type { Task } from '../../src/core/types.ts';
import type { Rule, Step } from '../../test/claude/support/model-server.ts';
import { WORK } from '../sample/work.js';

type Stream = {
  readonly id: string;
  readonly name: string;
  readonly on: readonly string[];
  readonly tasks: readonly string[];
};

const STREAMS: readonly Stream[] = [
  { id: 'Stream-A', name: 'Foundation', on: [], tasks: ['Add the unit registry', 'Test the registry'] },
  {
    id: 'Stream-B',
    name: 'Lengths',
    on: ['Stream-A'],
    tasks: ['Register the units of length', 'Test lengths'],
  },
  {
    id: 'Stream-C',
    name: 'Temperatures',
    on: ['Stream-A'],
    tasks: ['Register the units of temperature', 'Test temperatures'],
  },
  {
    id: 'Stream-D',
    name: 'Weights',
    on: ['Stream-A'],
    tasks: ['Register the units of weight', 'Test weights'],
  },
  {
    id: 'Stream-E',
    name: 'Currencies',
    on: ['Stream-A'],
    tasks: ['Register the currencies', 'Test currencies'],
  },
  {
    id: 'Stream-Z',
    name: 'Integration',
    on: ['Stream-B', 'Stream-C', 'Stream-D', 'Stream-E'],
    tasks: ['Convert between any two units', 'Test conversions across both'],
  },
];

const FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ...WORK,
  'Register the units of weight': {
    'src/weight.js': `import { register } from './registry.js';

register({ name: 'kilogram', kind: 'weight', toBase: (v) => v, fromBase: (v) => v });
register({ name: 'pound', kind: 'weight', toBase: (v) => v * 0.45359237, fromBase: (v) => v / 0.45359237 });
`,
  },
  'Test weights': {
    'test/weight.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { find } from '../src/registry.js';
import '../src/weight.js';

test('a pound is less than half a kilogram', () => {
  assert.ok(find('pound').toBase(1) < 0.5);
});
`,
  },
};

/** The plan as `import` takes it. */
export const PLAN = {
  initiative: { id: 'converter', title: 'Unit converter' },
  prd: { title: 'Unit converter' },
  streams: STREAMS.map(({ id, name, on, tasks }) => ({
    id,
    name,
    dependencies: on,
    tasks: tasks.map((title) => ({ title })),
  })),
};

const bash = (command: string, description: string, text?: string): Step => ({
  tool: 'Bash',
  input: { command, description },
  ...(text === undefined ? {} : { text }),
});

/** What the model does for one task. */
function steps(task: Task, intro: string): Step[] {
  const update = (input: object): Step => ({
    tool: 'mcp__task-copilot__task_update',
    input: { id: task.id, ...input },
  });
  const files = Object.entries(FILES[task.title] ?? {});
  const paths = files.map(([path]) => path).join(' ');
  return [
    { ...update({ status: 'in_progress' }), text: intro },
    ...files.map(([path, content]): Step => ({ tool: 'Write', input: { file_path: path, content } })),
    ...(paths.startsWith('test/') ? [bash('npm test', 'Run the tests')] : []),
    bash(`git add ${paths} && git commit -q -m "${task.title}"`, 'Commit'),
    update({ status: 'completed', notes: `wrote ${paths}` }),
  ];
}

const INTRO: Readonly<Record<string, string>> = {
  'Register the units of length':
    'The registry from Stream-A is here. Metres are the base unit; feet convert through them.',
  'Register the units of temperature':
    'Temperatures have an offset, so both directions need a function of their own.',
  'Register the units of weight': 'Kilograms are the base unit here.',
  'Register the currencies':
    'Rates change every day. I would like to see what the service answers before I write the code.',
};

/** Where a stream waits until the picture is taken. */
export const HOLDS = { work: 'work', ask: 'ask', go: 'go' } as const;

/** The model's rules; every stream but the first waits halfway at `HOLDS.work`, and Stream-E asks for something not allowed. */
export function rulesOf(taskOf: (title: string) => Task): Rule[] {
  return STREAMS.map(({ id, tasks }) => {
    const own = tasks.flatMap((title) =>
      steps(taskOf(title), INTRO[title] ?? `Next: ${title.toLowerCase()}.`),
    );
    const ask: Step[] = [
      own[0] ?? { text: '' },
      {
        hold: HOLDS.ask,
        answer: bash('curl -s https://rates.example.com/latest?base=EUR', 'Fetch the rates'),
      },
      { hold: HOLDS.go, answer: { text: 'I go on with fixed rates.' } },
    ];
    const done: Step = { text: `All tasks of ${id} are completed and committed.` };
    const held = own.map(
      (step, i): Step => (i === 5 + (id === 'Stream-C' ? 1 : 0) ? { hold: HOLDS.work, answer: step } : step),
    );
    const wholly = id === 'Stream-A' || id === 'Stream-Z' ? own : held;
    return { match: `the stream \`${id}\``, steps: id === 'Stream-E' ? ask : [...wholly, done] };
  });
}
