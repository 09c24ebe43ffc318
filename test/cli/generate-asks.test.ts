/** `orchestrate generate` with the user at a terminal: the feature is asked for, and after the box whether to retry. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { openPane, type Pane, shows } from '../claude/support/pane.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';
import { until } from '../support/wait.ts';

const FAKE = fileURLToPath(new URL('../support/fake-claude.js', import.meta.url));
const FEATURE_QUESTION = 'What feature or initiative should I plan for orchestration?';

const metadata = { streamId: 'Stream-A', dependencies: [] };
const NOTHING = { calls: [] };
const PLAN = {
  calls: [
    ['prd_create', { title: 'OAuth', content: 'c' }],
    ['task_create', { title: 'Create tables', prdId: '$prd', metadata }],
  ],
};

/** `orchestrate generate` in a pane, with a stand-in for Claude Code that does this at each launch. */
async function asked(rig: CliRig, acts: readonly object[]): Promise<Pane> {
  const bin = join(rig.home, 'bin');
  mkdirSync(bin, { recursive: true });
  copyFileSync(FAKE, join(bin, 'claude'));
  writeFileSync(join(bin, 'package.json'), '{"type": "module"}');
  chmodSync(join(bin, 'claude'), 0o755);
  writeFileSync(join(rig.home, 'claude-acts.json'), JSON.stringify(acts));
  const env = { ...rig.env, PATH: `${bin}:${rig.env['PATH']}` };
  const pane = await openPane([process.execPath, CLI_ENTRY, 'generate'], { cwd: rig.root, env });
  await shows(pane, FEATURE_QUESTION);
  return pane;
}

const ended = async (pane: Pane): Promise<number> => {
  const code = await until('its end', async () => {
    const exit = await pane.exitCode();
    return exit === null ? null : { exit };
  }).catch(async (error: Error) => assert.fail(`${error.message}; it shows\n${await pane.screen()}`));
  return code.exit;
};

async function answer(pane: Pane, text: string): Promise<void> {
  await pane.type(text);
  await pane.key('Enter');
}

test('asked for the feature, and answered y after the box, it plans again with the stricter prompt', async () => {
  await using rig = await createCliRig();
  const pane = await asked(rig, [NOTHING, PLAN]);
  try {
    await answer(pane, 'Sign in with OAuth');
    await shows(pane, 'Would you like to retry with explicit tool enforcement? [y/n]');
    assert.match(await pane.screen(), /• PRDs found: 0\n\s*• Streams found: 0/);
    await answer(pane, 'y');
    assert.equal(await ended(pane), 0);
    assert.match(await pane.screen(), /^Tasks Created: 1 task across 1 stream$/m);
  } finally {
    await pane.close();
  }
});

test('at a terminal one line tells all the time what the planner does and for how long', async () => {
  await using rig = await createCliRig();
  const read = { type: 'tool_use', id: 'r', name: 'Read', input: { file_path: join(rig.root, 'src/db.ts') } };
  const pane = await asked(rig, [
    { messages: [{ type: 'assistant', message: { content: [read] } }], hang: true },
  ]);
  try {
    await answer(pane, 'Sign in with OAuth');
    const told = async (): Promise<string | null> =>
      /reading src\/db\.ts \(\d+m?s?\)/.exec(await pane.screen())?.[0] ?? null;
    const first = await until('what it does', told);
    await until('more time', async () => ![null, first].includes(await told()));
    assert.doesNotMatch(await pane.screen(), /reading[\s\S]*reading/, 'in one line');
    await pane.key('C-c');
    assert.ok([2, 130].includes(await ended(pane)), 'by SIGINT: as an exit code, or as the signal');
  } finally {
    await pane.close();
  }
});

test('who leaves at a question of the set-up is told of the plan, which is there', async () => {
  await using rig = await createCliRig();
  rig.write('package.json', JSON.stringify({ scripts: { test: 'node --test' } }));
  const pane = await asked(rig, [PLAN]);
  try {
    await answer(pane, 'Sign in with OAuth');
    await shows(pane, '[Y/n]');
    await pane.key('C-c');
    assert.equal(await ended(pane), 130);
    assert.match(await pane.screen(), /^Tasks Created: 1 task across 1 stream$/m);
  } finally {
    await pane.close();
  }
});

test('answered n it ends with exit 1, and nothing is there', async () => {
  await using rig = await createCliRig();
  const pane = await asked(rig, [NOTHING, PLAN]);
  try {
    await answer(pane, 'Sign in with OAuth');
    await shows(pane, '[y/n]');
    await answer(pane, 'n');
    assert.equal(await ended(pane), 1);
    assert.match(await pane.screen(), /orchestrate: error: no plan was made/);
    assert.ok(!existsSync(join(rig.home, 'tasks')) && !existsSync(join(rig.root, '.claude')));
  } finally {
    await pane.close();
  }
});

test('Ctrl-C and Ctrl-D at the question end it as SIGINT does, without a word', async () => {
  await using rig = await createCliRig();
  for (const key of ['C-c', 'C-d']) {
    const pane = await asked(rig, []);
    try {
      await pane.key(key);
      assert.equal(await ended(pane), 130, key);
      assert.doesNotMatch(await pane.screen(), /error/);
    } finally {
      await pane.close();
    }
  }
});
