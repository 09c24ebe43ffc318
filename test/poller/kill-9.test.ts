/** kill -9 of the poller at a sample of its git and tmux calls: the next ones finish everything, and no work is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createShim, type Moment } from '../support/shim.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig, type RigOptions, statesOf } from '../support/worker-rig.ts';

type Kill = readonly [tool: 'git' | 'tmux', moment: Moment, words: string, call?: number];

const DIAMOND = { A: [], B: ['A'], C: ['A'], D: ['B', 'C'] };

/** Every worker commits and completes its tasks; returns the commits by branch. */
function workOn(rig: ProjectRig): Map<string, string[]> {
  const commits = new Map<string, string[]>();
  rig.onWorker(async (worker) => {
    const branch = `orchestrate/${worker.stream.toLowerCase()}`;
    const sha = await worker.commit(`${worker.stream}-${worker.run}.txt`);
    commits.set(branch, [...(commits.get(branch) ?? []), sha]);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  return commits;
}

/** Starts a poller for each kill in turn, then one that nobody kills; returns the kills that happened. */
async function killAt(kills: readonly Kill[], options: RigOptions = {}): Promise<string[]> {
  using shim = createShim();
  const tools = [shim.directory, ...(options.tools ?? [])];
  await using rig = await createProjectRig({ plan: DIAMOND, ...options, tools });
  const commits = workOn(rig);
  const happened: string[] = [];
  for (const [tool, moment, words, call = 1] of kills) {
    shim.arm(tool, call, moment, words);
    const { signal, code, stdout, stderr } = await rig.start().end();
    if (shim.fired()) {
      assert.equal(signal, 'SIGKILL', `exit ${code}: ${stdout}${stderr}`);
      happened.push(`${moment} ${tool} ${words}`.trim());
    }
  }
  shim.disarm();
  const last = await rig.start().end();
  assert.equal(last.code, 0, `${happened.join('; ')}: ${last.stdout}${last.stderr}`);
  const report = await rig.look();
  assert.deepEqual(statesOf(report), { A: 'done', B: 'done', C: 'done', D: 'done' });
  for (const [branch, shas] of commits) {
    for (const sha of shas) rig.cli.git('merge-base', '--is-ancestor', sha, branch);
  }
  const failures = report.events.filter(({ kind }) => /failed|error/.test(kind));
  assert.deepEqual(failures, [], 'a dead poller costs no attempt');
  await until('no process is left', () => rig.marked().length === 0);
  const windows = ['list-windows', '-t', report.session.name ?? '', '-F', '#{window_name}'];
  await until('no other window is left', () => rig.tmux(...windows).trim() === 'status');
  assert.equal(rig.cli.git('worktree', 'list').split('\n').length, 5);
  return happened;
}

test('git calls that change something', async () => {
  const kills: Kill[] = [
    ['git', 'before', 'made for a stream'],
    ['git', 'after', 'made for a stream'],
    ['git', 'before', 'worktree add'],
    ['git', 'orphaned', 'worktree add'],
    ['git', 'before', '-m verified refs/orchestrate/verified/a'],
    ['git', 'after', '-m verified refs/orchestrate/verified/a'],
    ['git', 'orphaned', 'made for a stream'],
    ['git', 'after', 'worktree add'],
    ['git', 'after', 'merge-tree'],
    ['git', 'orphaned', 'commit-tree'],
    ['git', 'after', 'commit-tree'],
    ['git', 'orphaned', '-m verified refs/orchestrate/verified/d'],
  ];
  const happened = await killAt(kills);
  assert.equal(happened.length, kills.length, happened.join('\n'));
});

test('tmux calls that change something', async () => {
  const kills: Kill[] = [
    ['tmux', 'before', 'new-session'],
    ['tmux', 'after', 'orchestrate-boot'],
    ['tmux', 'orphaned', '@orchestrate_session'],
    ['tmux', 'before', 'new-window'],
    ['tmux', 'orphaned', 'new-window'],
    ['tmux', 'after', 'new-window'],
    ['tmux', 'orphaned', 'new-window'],
    ['tmux', 'before', "'kill-pane'"],
    ['tmux', 'after', "'kill-pane'"],
    ['tmux', 'orphaned', "'kill-pane'"],
  ];
  const happened = await killAt(kills);
  assert.equal(happened.length, kills.length, happened.join('\n'));
});

test('calls that only look, spread over a whole run', async () => {
  const calls = [1, 5, 9, 14, 17, 20, 24, 29];
  const kills = calls.flatMap((call, at): Kill[] => [
    ['git', at % 2 === 0 ? 'before' : 'after', '', call],
    ['tmux', at % 2 === 0 ? 'after' : 'before', '', Math.ceil(call / 2)],
  ]);
  const happened = await killAt(kills);
  assert.ok(happened.length >= 10, `${happened.length} kills`);
});

test('an agent whose window was opened in the moment of the kill is taken over, not started again', async () => {
  using shim = createShim();
  await using rig = await createProjectRig({ plan: { A: [] }, tools: [shim.directory] });
  shim.arm('tmux', 1, 'after', 'new-window');
  assert.equal((await rig.start().end()).signal, 'SIGKILL');
  assert.ok(shim.fired());
  shim.disarm();
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  await rig.until('it is taken over', ({ streams }) => streams[0]?.pid === worker.pid);
  await worker.commit('A.txt');
  rig.setTasks('A', 'completed');
  worker.exit(0);
  assert.equal((await poller.end()).code, 0, poller.output());
  assert.deepEqual(
    rig.desk.starts().map(({ run }) => run),
    [1],
  );
});
