/** One project has one poller, however many are asked for at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProjectRig } from '../support/worker-rig.ts';

test('of twenty starts at once one polls and the others exit 4; a start of a name leaves a wish and exits 0', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  const pollers = Array.from({ length: 20 }, () => rig.start());
  const ends = pollers.map((poller) => poller.end());
  const [a, b] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  const living = (await rig.look()).poller.pid;
  const others = pollers.flatMap((poller, at) => (poller.child.pid === living ? [] : [ends[at]]));
  assert.equal(others.length, 19);
  for (const refused of await Promise.all(others)) {
    assert.equal(refused?.code, 4, refused?.stderr);
    assert.match(
      refused.stderr,
      /^orchestrate: error: orchestrate is running already in this project \(pid \d+\)$|another process/m,
    );
    assert.match(refused.stderr, /^ {2}fix: orchestrate status$/m);
  }
  await rig.run(['start', '--detach'], 4);
  await rig.run(['start', 'A']);
  assert.equal((await rig.look()).poller.pid, living);
  for (const worker of [a, b]) {
    await worker.commit('work.txt');
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  }
  const winner = pollers.findIndex((poller) => poller.child.pid === living);
  assert.equal((await ends[winner])?.code, 0);
  assert.equal(rig.desk.starts().length, 2, 'the wish started nothing twice');
});
