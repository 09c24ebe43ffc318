/** The cap on working time counts only what a poller saw of it: not a night in which the machine slept, nor one without a poller. */
import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { createProjectRig } from '../support/worker-rig.ts';

const NIGHT_MS = 8 * 3_600_000;

test('a night without a poller parks nobody', async () => {
  await using rig = await createProjectRig({ config: { limits: { maxMinutes: 60 } } });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  await poller.kill();
  // As if all of it had been a night ago.
  const folder = join(rig.root, '.claude', 'orchestrator');
  const state = new Database(join(folder, 'state.db'));
  state
    .prepare('UPDATE runs SET started_at_ms = started_at_ms - @by, claimed_at_ms = claimed_at_ms - @by')
    .run({ by: NIGHT_MS });
  state.close();
  const lastLook = (Date.now() - NIGHT_MS) / 1000;
  utimesSync(join(folder, 'lock.db'), lastLook, lastLook);

  const next = rig.start();
  await rig.until('the next poller looks', ({ poller: { pid } }) => pid === next.child.pid);
  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  const ended = await next.end();
  assert.equal(ended.code, 0, ended.stdout);
});
