/** What cannot be felt but counted: how often a look calls tmux and git, however many streams there are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallCounter } from '../support/shim.ts';
import { createProjectRig } from '../support/worker-rig.ts';

/** Calls of tmux and git by five looks at a plan of `count` streams of which two run. */
async function callsOfFiveLooks(count: number): Promise<{ tmux: number; git: number }> {
  using counter = createCallCounter();
  await using rig = await createProjectRig({
    plan: Object.fromEntries(Array.from({ length: count }, (_, at) => [`S${at}`, []])),
    config: { maxWorkers: 2 },
    tools: [counter.directory],
  });
  const poller = rig.start();
  await rig.until('two run', ({ summary }) => summary.streams.running === 2);
  await poller.kill();
  const of = (tool: 'tmux' | 'git') => counter.calls(tool, process.pid);
  const before = { tmux: of('tmux'), git: of('git') };
  for (let look = 0; look < 5; look += 1) await rig.look();
  return { tmux: of('tmux') - before.tmux, git: of('git') - before.git };
}

test('a look calls tmux once, and git no more often for thirty streams than for three', async () => {
  const few = await callsOfFiveLooks(3);
  const many = await callsOfFiveLooks(30);
  assert.equal(few.tmux, 5);
  assert.deepEqual(many, few);
});
