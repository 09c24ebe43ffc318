/** Throw-away walk. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createClaudeProject } from './support/project.ts';
import { bash } from './support/scene.ts';

const S = [
  ['Stream-A', 'Foundation', []],
  ['Stream-B', 'CSV import of customer records', ['Stream-A']],
  ['Stream-C', 'Search', ['Stream-A']],
  ['Stream-D', 'Export', ['Stream-A']],
  ['Stream-E', 'Pages of the shop with a long name', ['Stream-A']],
  ['Stream-F', 'Left', ['Stream-A']],
  ['Stream-G', 'Right', ['Stream-A']],
  ['Stream-H', 'Both', ['Stream-F', 'Stream-G']],
  ['Stream-I', 'Killed', ['Stream-A']],
  ['Stream-Z', 'Integration', ['Stream-B', 'Stream-C', 'Stream-I']],
] as const;
const plan = {
  initiative: { id: 'shop', title: 'Shop' },
  prd: { title: 'Shop' },
  streams: S.map(([id, name, dependencies]) => ({
    id,
    name,
    dependencies: [...dependencies],
    tasks: [{ title: `First task of ${name}` }, { title: `Second task of ${name}` }],
  })),
};
await using project = await createClaudeProject({
  plan,
  config: {
    maxWorkers: 9,
    stallMinutes: 1.5,
    restart: { maxAttempts: 2, windowMinutes: 60 },
    gates: [{ name: 'test', command: 'test ! -e fail.txt || { echo "1 test failed: pages"; exit 1; }' }],
  },
  agent: { permissions: 'manual', attended: true },
  rules: (taskOf) => {
    const up = (name: string, file: string, text: string) =>
      `echo ${text} > ${file} && git add ${file} && git commit -q -m "Work of ${name}" && orchestrate task update ${taskOf(`First task of ${name}`).id} --status completed && orchestrate task update ${taskOf(`Second task of ${name}`).id} --status completed`;
    const w = (name: string, file = `${name.split(' ')[0]}.txt`, text = 'x') => [
      {
        tool: 'mcp__task-copilot__task_update',
        input: { id: taskOf(`First task of ${name}`).id, status: 'in_progress' },
      },
      { tool: 'Write', input: { file_path: file, content: `${text}\n` } },
      bash(`git add ${file}`),
      bash(`git commit -q -m "Work of ${name}"`),
      {
        tool: 'mcp__task-copilot__task_update',
        input: { id: taskOf(`First task of ${name}`).id, status: 'completed' },
      },
      {
        tool: 'mcp__task-copilot__task_update',
        input: { id: taskOf(`Second task of ${name}`).id, status: 'completed' },
      },
      { text: 'Done.' },
    ];
    void up;
    return [
      { match: 'the stream `Stream-A`', steps: w('Foundation', 'a.txt') },
      {
        match: 'the stream `Stream-B`',
        steps: [
          bash('bash long.sh --all --verbose --output=/tmp/report.txt'),
          ...w('CSV import of customer records', 'b.txt'),
        ],
      },
      {
        match: 'the stream `Stream-C`',
        steps: [
          { text: 'I am not sure whether search should be fuzzy. What do you prefer?' },
          { text: 'What do you prefer?' },
          { text: 'What do you prefer?' },
        ],
      },
      { match: 'gate', steps: [{ hold: 'gate', answer: { text: 'Hm.' } }] },
      { match: 'the stream `Stream-D`', steps: w('Export', 'fail.txt') },
      { match: 'the stream `Stream-E`', steps: [{ hold: 'hang', answer: { text: 'There.' } }] },
      { match: 'the stream `Stream-F`', steps: w('Left', 'same.txt', 'left') },
      { match: 'the stream `Stream-G`', steps: w('Right', 'same.txt', 'right') },
      { match: 'the stream `Stream-I`', steps: [{ hold: 'kill', answer: { text: 'x' } }] },
    ];
  },
});
writeFileSync(
  '/tmp/walk/env.json',
  JSON.stringify({ env: project.env, root: project.cli.root, socket: project.cli.socket }),
);
writeFileSync(
  '/tmp/walk/env.sh',
  Object.entries({ ...project.env, ROOT: project.cli.root, SOCK: project.cli.socket })
    .map(([k, v]) => `export ${k}='${String(v).replaceAll("'", `'\\''`)}'`)
    .join('\n'),
);
console.log('ready', project.cli.root);
while (!existsSync('/tmp/walk/stop')) {
  for (const name of ['gate', 'hang', 'kill'])
    if (existsSync(`/tmp/walk/${name}`)) {
      project.server.release(name);
      rmSync(`/tmp/walk/${name}`);
    }
  await new Promise((r) => setTimeout(r, 500));
}
