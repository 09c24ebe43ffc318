/** What cannot be read of one stream is said of that stream; every other one, and what shows them all, goes on. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { openTerminal } from '../support/tmux-client.ts';
import { createProjectRig, type ProjectRig, statesOf, streamOf } from '../support/worker-rig.ts';

function inState(rig: ProjectRig, sql: string): void {
  const state = new Database(join(rig.root, '.claude/orchestrator/state.db'));
  state.pragma('busy_timeout = 30000');
  state.exec(sql);
  state.close();
}

/** Lets a worker finish its stream. */
async function finish(rig: ProjectRig, stream: string): Promise<void> {
  const worker = await rig.nextWorker(stream);
  await worker.commit(`${stream}.txt`);
  rig.setTasks(stream, 'completed');
  worker.exit(0);
  await rig.untilState(stream, 'done');
}

test('a base that git cannot read is a warning in what shows all streams', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await a.commit('a.txt');
  await rig.untilState('B', 'running');
  inState(
    rig,
    `UPDATE streams SET base = '{"sha":"${'e'.repeat(40)}","parents":[],"atMs":1}' WHERE key = 'a'`,
  );
  const report = await rig.status();
  assert.deepEqual(statesOf(report), { A: 'running', B: 'running' });
  assert.equal(streamOf(report, 'A').commits, null);
  assert.match(report.warnings.join('\n'), /orchestrate\/a .*could not be read/);
  assert.match((await rig.run(['status'])).stdout, /orchestrate\/a .*could not be read/);
  await rig.run(['view']);
  using terminal = openTerminal(
    ['/bin/sh', '-c', `exec '${process.execPath}' '${CLI_ENTRY}' watch`],
    { columns: 120, rows: 30 },
    rig.cli.env,
    rig.root,
  );
  await terminal.sees(/ A .*running[\s\S]* B .*running/);
  await rig.run(['retry', 'B']);
  assert.match((await rig.run(['attach', '--next'], 1)).stderr, /error: Nothing needs you\.\n/);
  await finish(rig, 'B');
  await poller.kill();
});

test('a claim that cannot be read leaves its stream as it is, and the others go on', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [], C: ['B'] } });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  const claim = join(rig.root, '.claude/orchestrator/runs/a-1/claim');
  renameSync(claim, `${claim}.away`);
  mkdirSync(claim);
  const unseen = await rig.until('A is unseen', (report) => streamOf(report, 'A').reason !== null);
  assert.equal(streamOf(unseen, 'A').state, 'running');
  assert.match(streamOf(unseen, 'A').reason ?? '', /could not be looked at: EISDIR/);
  await finish(rig, 'B');
  await finish(rig, 'C');
  rmdirSync(claim);
  renameSync(`${claim}.away`, claim);
  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  assert.equal((await poller.end()).code, 0);
});

test('a record that cannot be read blocks its stream and those that need it, and nothing else', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'], C: [] } });
  await rig.look();
  inState(rig, `UPDATE streams SET verified = '{"sha":"v"}' WHERE key = 'a'`);
  const poller = rig.start();
  await finish(rig, 'C');
  const ended = await poller.end();
  assert.equal(ended.code, 1, ended.stderr);
  const report = await rig.status();
  assert.deepEqual(statesOf(report), { A: 'blocked', B: 'blocked', C: 'done' });
  assert.match(streamOf(report, 'A').reason ?? '', /stream "A": verified atMs/);
  assert.match((await rig.run(['park', 'A'], 6)).stderr, /verified atMs/);
});
