/** What becomes of a plan whose machine's clock is set while it is at work: nothing, whichever way it is set. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createClock, faultObstacle } from '../../scripts/sweeps/fault.ts';
import { createProjectRig, statesOf, streamOf } from '../support/worker-rig.ts';

const DAY_SECONDS = 86_400;

test('a clock that is set back and ahead while agents work ends none, delays none, and each stream is done once', {
  skip: faultObstacle() ?? false,
}, async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'], C: ['B'] },
    config: {
      restart: { maxAttempts: 2, windowMinutes: 60, delaysSeconds: [1] },
      limits: { maxMinutes: 600 },
      stallMinutes: 600,
    },
  });
  const clock = createClock(join(rig.cli.home, 'clock'));
  const poller = rig.start([], { env: clock.env });
  const work = async (stream: string, wrongBySeconds: number): Promise<void> => {
    const worker = await rig.nextWorker(stream);
    clock.set(wrongBySeconds);
    await worker.commit(`${stream}.txt`);
    await worker.completeTasks();
    worker.exit(0);
  };
  await work('A', -DAY_SECONDS);
  // A run that fails just before it is set back has its delay behind it a moment later, not a day.
  const failing = await rig.nextWorker('B');
  clock.set(DAY_SECONDS);
  failing.exit(1);
  await rig.until('its failure is seen', (report) => streamOf(report, 'B').state === 'queued');
  clock.set(-DAY_SECONDS);
  await work('B', 3 * DAY_SECONDS);
  await work('C', -3 * DAY_SECONDS);
  const { code, stdout } = await poller.end();
  assert.equal(code, 0, stdout);
  const report = await rig.status();
  assert.deepEqual(statesOf(report), { A: 'done', B: 'done', C: 'done' });
  assert.deepEqual(
    report.streams.map(({ run }) => run),
    [1, 2, 1],
  );
  const { stdout: said } = await rig.run(['events', '--json']);
  const done = said.split('\n').filter((line) => line !== '' && JSON.parse(line).kind === 'done');
  assert.equal(done.length, 3, said);
});
