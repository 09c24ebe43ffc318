/** What nobody can use any more is cleared away by a poller that does other things. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../support/wait.ts';
import { createProjectRig } from '../support/worker-rig.ts';

test('a launch that nobody claimed, with the environment in it, goes while a poller is at work', async () => {
  await using rig = await createProjectRig();
  const left = join(rig.root, '.claude/orchestrator/runs/.summary-of-before');
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, 'launch'), 'ESECRET=1\n');
  utimesSync(join(left, 'launch'), 1, 1);
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  await until('it is gone', () => !existsSync(left));
  assert.ok(existsSync(join(rig.root, '.claude/orchestrator/runs/a-1/claim')), 'what is in use stays');
  await worker.commit('a.txt');
  rig.setTasks('A', 'completed');
  worker.exit(0);
  assert.equal((await poller.end()).code, 0);
});
