/** What a killed orchestrate left running is ended by whichever command acts in its place, before that moves anything. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectMarks } from '../../src/poller/marks.ts';
import { MARK_VARIABLE } from '../../src/process/types.ts';
import { createLandingWorld, type LandingWorld } from '../support/landing-world.ts';
import { createShim } from '../support/shim.ts';
import { until } from '../support/wait.ts';

/** The mark of a process whose orchestrate is gone: none has such a number. */
const markOfGone = ({ rig }: LandingWorld): string =>
  projectMarks(rig.root, { pid: 2 ** 30, start: '1' }).own;

/** A process as a git would be that goes on after its orchestrate was killed; `more` of its mark makes it one of a set-up. */
async function leftBehind(world: LandingWorld, more = '') {
  const env = { ...world.rig.cli.env, [MARK_VARIABLE]: markOfGone(world) + more };
  const child = spawn('sleep', ['1000'], { env, stdio: 'ignore' });
  await once(child, 'spawn');
  return { child, [Symbol.dispose]: () => void child.kill('SIGKILL') };
}

for (const command of [['merge'], ['clean'], ['verify', 'A']]) {
  test(`${command[0]} ends what a killed orchestrate left`, async () => {
    await using world = await createLandingWorld({ A: [] });
    await world.finish('A', (at) => writeFileSync(join(at, 'a.txt'), 'a\n'));
    using left = await leftBehind(world);
    const { code, stderr } = await world.rig.cli.run(command);
    assert.equal(code, 0, stderr);
    await until('it has ended', () => left.child.signalCode === 'SIGTERM');
  });
}

const alone = ['--pid', '--fork', '--kill-child'];
const noContainer = {
  skip: spawnSync('unshare', [...alone, 'true']).status !== 0 && 'no container can be made here',
};

test(
  'a git in a container, which knows its orchestrate by another number, is let be by commands',
  noContainer,
  async () => {
    await using world = await createLandingWorld({ A: [] });
    await world.finish('A', (at) => writeFileSync(join(at, 'a.txt'), 'a\n'));
    const inside = [
      'env',
      `${MARK_VARIABLE}=${markOfGone(world)}`,
      'sh',
      '-c',
      'echo begun; exec sleep 1000',
    ];
    const container = spawn('unshare', [...alone, ...inside], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      await once(container.stdout, 'data');
      const { code, stderr } = await world.merge();
      assert.equal(code, 0, stderr);
      assert.equal(world.rig.marked().length, 1);
    } finally {
      container.kill('SIGKILL');
    }
  },
);

test('a server that a set-up left is there for the gates of a landing, and goes with the next start', async () => {
  await using world = await createLandingWorld({ A: [] });
  await world.finish('A', (at) => writeFileSync(join(at, 'a.txt'), 'a\n'));
  using left = await leftBehind(world, '/12345678');
  const { code, stderr } = await world.merge();
  assert.equal(code, 0, stderr);
  assert.equal(left.child.signalCode, null);
  await world.rig.start().end();
  await until('it has ended', () => left.child.signalCode === 'SIGTERM');
});

test('a landing that goes on after its orchestrate was killed leaves no checkout behind when the next one looks', async () => {
  using shim = createShim(['merge']);
  await using world = await createLandingWorld({ A: [] }, { tools: [shim.directory] });
  await world.finish('A', (at) => writeFileSync(join(at, 'a.txt'), 'a\n'));
  shim.arm('git', 1, 'orphaned', 'update-ref --create-reflog');
  await world.merge();
  assert.ok(shim.fired());
  const { code, stderr } = await world.merge();
  assert.equal(code, 0, stderr);
  assert.equal(world.git(['show', 'main:a.txt']), 'a');
  assert.equal(world.git(['status', '--porcelain', '--', '*.txt']), '');
});
