/** `verify` while a poller acts: it gets an answer in every case, also when the poller cannot give one. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createProjectRig, streamOf } from '../support/worker-rig.ts';

test('a stream that is held back is refused at once, with what holds it', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  rig.start();
  const [a] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  await a.commit('a.txt');
  await rig.run(['park', 'A']);
  rig.setTasks('A', 'completed');
  const { stderr } = await rig.run(['verify', 'A'], 5);
  assert.match(stderr, /A is parked, so that it is not checked: .*\n {2}fix: orchestrate retry A/);
});

test('a check that cannot be made says why', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  rig.start();
  const [a] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  await rig.untilState('A', 'done');
  rig.cli.git('config', 'alias.x', 'status');
  const { stderr } = await rig.run(['verify', 'A'], 1);
  assert.match(stderr, /A is not done: git settings that run programs were changed .*alias\.x/);
});

test('a check goes on here when the poller is killed in the middle of it', async () => {
  const command = 'while ! [ -e "$ORCHESTRATE_PROJECT/../go" ]; do sleep 0.05; done';
  const config = { gates: [{ name: 'slow', command }] };
  await using rig = await createProjectRig({ plan: { A: [], B: [] }, config });
  const poller = rig.start();
  const [a] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  await rig.run(['stop', 'A']);
  await rig.run(['start', 'A']);
  await rig.until('the gate runs', ({ events }) => events.some(({ kind }) => kind === 'gate'));
  const asked = rig.run(['verify', 'A']);
  await rig.until('verify was asked', ({ events }) =>
    events.some(({ message }) => message === 'to be checked again'),
  );
  await poller.kill();
  writeFileSync(join(rig.cli.home, 'go'), '');
  assert.match((await asked).stdout, /gate passed|without gates/);
});

test('a check that begins with bringing the stream up to date is answered too', async () => {
  const config = { restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [0.1] } };
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'], C: [] }, config });
  rig.start();
  const [a] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('C')]);
  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  const b = await rig.nextWorker('B');
  await b.commit('b.txt');
  await b.sh('echo half > half.txt');
  rig.setTasks('B', 'completed');
  b.exit(0);
  await rig.untilState('B', 'failed');
  rig.setTasks('A', 'pending');
  const again = await rig.nextWorker('A');
  await again.commit('again.txt');
  rig.setTasks('A', 'completed');
  again.exit(0);
  await rig.until('B is behind', (report) => streamOf(report, 'B').stale);
  assert.match((await rig.run(['verify', 'B'], 1)).stderr, /B is not done: uncommitted: half\.txt/);
});

test('a check that begins with taking the stream up is answered too', async () => {
  const config = { restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [0.1] } };
  await using rig = await createProjectRig({ plan: { A: [], B: [] }, config });
  const first = rig.start();
  const old = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  await old[0].commit('a.txt');
  await old[0].sh('echo half > half.txt');
  await first.kill();
  for (const worker of old) {
    worker.kill();
    await worker.end();
  }
  rig.setTasks('A', 'completed');
  // Its memory is gone: no run of A is known.
  const folder = join(rig.root, '.claude/orchestrator');
  for (const name of readdirSync(folder)) if (/^(?:state|lock)\.db/.test(name)) rmSync(join(folder, name));
  rig.start();
  await rig.nextWorker('B');
  await rig.untilState('A', 'failed');
  const { stderr } = await rig.run(['verify', 'A'], 1);
  assert.match(stderr, /A is not done: .*uncommitted: half\.txt/);
});
