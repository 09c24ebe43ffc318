/** Ids, titles, prompts, paths and git settings made to hurt are worked as data: nothing of them is ever run. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createProjectRig, type ProjectRig } from '../support/worker-rig.ts';

const IDS = [
  '../../x',
  '-rf',
  '--help',
  '$(touch pwn)',
  '`touch pwn`',
  '#(touch pwn)',
  '#{pane_id}',
  "'; touch pwn; '",
  'x;',
  '{prompt_file}',
  '1',
  '.',
  'HEAD.lock',
  '@{-1}',
  'a b',
  'a-b',
  'Stream-A',
  'stream-a',
  'a/b',
  'orchestrator',
  '😀',
  '%0',
  'x'.repeat(200),
];

/** Every file named like the canary, wherever something could have been tricked into making it. */
function canaries(rig: ProjectRig): string[] {
  return readdirSync(rig.cli.home, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(^|\/)pwn/.test(path),
  );
}

const TITLE = `--dangerously-skip-permissions $(touch pwn) \`touch pwn\` #(touch pwn) '"; touch pwn;`;
const LONG = `${'long $(touch pwn) #(touch pwn) @/etc/passwd\n'.repeat(4_600)};`;

test('in a project of any name streams of any name, with any text, are worked, shown, stopped and logged', async () => {
  const streams = IDS.map((id) => ({
    id,
    tasks: [{ title: TITLE, description: id === '1' ? LONG : TITLE }],
  }));
  await using rig = await createProjectRig({
    name: `it's "odd" $(touch pwn) #(touch pwn) #{q} \`touch pwn\` ünï😀 %1 ;`,
    plan: { file: { initiative: { id: '$(touch pwn)', title: TITLE }, prd: { title: TITLE }, streams } },
    config: {
      maxWorkers: 30,
      gates: [{ name: '$(touch pwn) #(touch pwn)', command: 'true' }],
      worktree: { setup: ['test -n "$ORCHESTRATE_STREAM"'] },
    },
  });
  const prompts: string[] = [];
  rig.onWorker(async (worker) => {
    assert.equal(worker.env['ORCHESTRATE_STREAM'], worker.stream);
    assert.equal(worker.argv[2], worker.stream, 'the id arrives byte for byte');
    prompts.push(readFileSync(worker.promptFile, 'utf8'));
    if (worker.stream === '-rf' && worker.run === 1) return;
    if (worker.stream === '1') {
      const { tasks } = JSON.parse(await worker.sh('orchestrate task list --json'));
      assert.ok(tasks[0].description === LONG, 'every byte can be read by the worker');
    }
    await worker.commit('work.txt');
    if (worker.stream === "'; touch pwn; '") await worker.completeTasks();
    else rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  const poller = rig.start();
  // One after the other: so many take long on a busy machine, and only that nothing goes on any more is a fault.
  for (let done = 1; done < IDS.length; done++)
    await rig.until(`${done} are done`, ({ summary }) => (summary.streams['done'] ?? 0) >= done);
  await rig.run(['stop', '--', '-rf']);
  assert.equal((await rig.untilState('-rf', 'stopped')).remedy, 'orchestrate start -- -rf');
  assert.equal((await poller.end()).code, 1, 'the stopped one is left');
  await rig.run(['park', '--', '-rf']);
  await rig.run(['retry', '--', '-rf']);
  const ended = await rig.start(['--', '-rf']).end();
  assert.equal(ended.code, 0, ended.stdout + ended.stderr + String(rig.desk.troubles));
  for (const command of [
    ['status'],
    ['plan'],
    ['verify', '--', '-rf'],
    ['logs', '#(touch pwn)'],
    ['status', '$(touch pwn)'],
  ]) {
    const shown = await rig.run(command);
    assert.doesNotMatch(shown.stdout.replaceAll('\n', ''), /\p{Cc}/u, command.join(' '));
  }
  const report = await rig.status();
  assert.deepEqual(report.streams.map(({ id }) => id).sort(), [...IDS].sort());
  const keys = report.streams.map(({ key }) => key);
  assert.equal(new Set(keys).size, IDS.length);
  for (const key of keys) assert.match(key, /^[a-z0-9][a-z0-9-]{0,39}$/);
  assert.deepEqual(readdirSync(join(rig.root, '.claude', 'worktrees')).sort(), [...keys].sort());
  const again = rig.desk.starts().filter(({ run }) => run > 1);
  assert.deepEqual(
    again.map(({ stream, run }) => `${stream} ${run}`),
    ['-rf 2'],
    poller.output(),
  );
  for (const prompt of prompts) assert.ok(prompt.includes('touch pwn'), 'the text is in the prompt');
  assert.deepEqual(canaries(rig), []);
});
