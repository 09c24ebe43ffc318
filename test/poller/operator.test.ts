/** What the user asks for while streams are worked on: stop, park, retry, verify, and single streams by name. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isAlive } from '../support/alive.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, statesOf, streamOf } from '../support/worker-rig.ts';

/** Starts children that leave their parent in every way a process can, and live long. */
const LEAVE = `exec >/dev/null 2>&1
setsid sleep 1000 & nohup sleep 1001 & (sleep 1003 &)
sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' &
setsid sh -c 'trap "" TERM HUP INT; sleep 1002 & wait' & sleep 0.2`;

test('stop ends whole process trees, keeps the work, and a plain start goes on', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  const poller = rig.start();
  const [a, b] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  await a.commit('kept.txt');
  await a.sh('echo uncommitted > more.txt');
  await a.ignoreSignals();
  await a.sh(LEAVE);
  const before = rig.marked();
  assert.ok(before.length >= 7, `${before.length} processes`);
  await rig.run(['stop']);
  assert.equal((await poller.end()).code, 143);
  await until('nobody is left', () => rig.marked().length === 0);
  for (const pid of [a.pid, b.pid]) assert.ok(!isAlive(pid));
  assert.equal(rig.cli.git('show', 'orchestrate/a:kept.txt'), 'by A, run 1');
  assert.ok(existsSync(join(rig.root, '.claude/worktrees/a/more.txt')));
  const report = await rig.look();
  assert.deepEqual(statesOf(report), { A: 'stopped', B: 'stopped' });
  assert.equal(streamOf(report, 'A').remedy, 'orchestrate start A');
  assert.equal(report.poller.alive, false);
  assert.deepEqual((await rig.run(['stop'])).stdout.split('\n')[0], 'No agent was running.');

  const again = rig.start();
  const [a2] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  assert.deepEqual([a2.run, a2.cwd], [2, a.cwd]);
  assert.equal(await a2.sh('cat more.txt kept.txt'), 'uncommitted\nby A, run 1');
  await again.kill();
});

test('stop works whatever has become of config.json, and says so; where the plan cannot be found without, it is refused', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  const poller = rig.start();
  const workers = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  // Nothing else tells where the tmux server is.
  const env = { ...rig.cli.env, ORCHESTRATE_TMUX_SOCKET: '' };
  const broken = (text: string) => rig.cli.write('.claude/orchestrator/config.json', text);
  broken('{"tmux": ');
  const elsewhere = await rig.run(['stop'], 7, { env: { ...env, TASK_DB_PATH: rig.cli.home } });
  assert.match(elsewhere.stderr, /config\.json is not valid JSON.*\n {2}fix: correct \S+config\.json/);
  const one = await rig.run(['stop', 'A'], 0, { env });
  assert.match(one.stdout, /^Stopped A \(run 1\)$/m);
  const all = await rig.run(['stop'], 0, { env });
  assert.match(all.stderr, /^orchestrate: warning: \S+config\.json is not valid JSON/);
  assert.match(all.stdout, /^Stopped orchestrate[\s\S]*^Stopped B \(run 1\)$/m);
  assert.equal((await poller.end()).code, 143);
  for (const { pid } of workers) assert.ok(!isAlive(pid));
  assert.doesNotMatch(rig.tmux('list-windows', '-a', '-F', '#{window_name}'), /^[ab]$/m);
});

test('stop ends everybody also where the plan is gone or unreadable, and does not say that nothing runs', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  const files = ['', '-wal', '-shm']
    .map((end) => `${rig.store.path}${end}`)
    .filter((path) => existsSync(path));
  for (const [run, instead] of [
    [1, null],
    [2, 'no database\n'],
  ] as const) {
    const poller = rig.start();
    const { pid } = await rig.nextWorker('A');
    for (const path of files) renameSync(path, `${path}.away`);
    if (instead !== null) writeFileSync(rig.store.path, instead);
    const { stdout, stderr } = await rig.run(['stop']);
    assert.match(stdout, new RegExp(`^Stopped orchestrate .*\n(?:.*\n)*Stopped A \\(run ${run}\\)$`, 'm'));
    assert.match(stderr, /^orchestrate: warning: the plan cannot be read: /);
    assert.equal((await poller.end()).code, 143);
    assert.ok(!isAlive(pid));
    // Once nothing runs, what keeps the plan from being read is the answer.
    assert.match(
      (await rig.run(['stop'], 6)).stderr,
      /^orchestrate: error: (?:Nothing is running|.*unusable)/,
    );
    for (const path of files) renameSync(`${path}.away`, path);
  }
});

test('stop of one stream leaves the others; park lasts until retry; start of a name clears a stop', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [], C: ['A'] } });
  const poller = rig.start();
  const [a, b] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  // Beside a running orchestrate a plain start is refused: what is named to go on can be typed.
  assert.match(
    (await rig.run(['stop', 'A', 'C'])).stdout,
    /Go on with: orchestrate start A && orchestrate start C\n$/,
  );
  await rig.run(['start', 'C']);
  await a.end();
  assert.ok(isAlive(b.pid));
  await rig.untilState('A', 'stopped');
  assert.match((await rig.stream('C')).reason ?? '', /waits for A \(stopped\)/);
  await rig.run(['start', 'A']);
  const a2 = await rig.nextWorker('A');
  await rig.run(['park', 'A']);
  await a2.end();
  assert.equal((await rig.untilState('A', 'parked')).remedy, 'orchestrate retry A');
  await b.commit('b.txt');
  rig.setTasks('B', 'completed');
  b.exit(0);
  const ended = await poller.end();
  assert.equal(ended.code, 1, 'nothing can go on any more');
  const parked = await rig.start().end();
  assert.equal(parked.code, 1, 'a plain start does not bring back what was parked');
  await rig.run(['retry', 'A']);
  rig.onWorker(async (worker) => {
    await worker.commit(`${worker.stream}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  assert.equal((await rig.start().end()).code, 0);
  assert.deepEqual(
    rig.desk
      .starts()
      .map(({ stream, run }) => `${stream}${run}`)
      .sort(),
    ['A1', 'A2', 'A3', 'B1', 'C1'],
  );
});

test('start of a name starts that stream only, and says what it waits for in vain', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'], Other: [] } });
  const vain = await rig.start(['B']).end();
  assert.equal(vain.code, 1);
  assert.match(vain.stderr, /^B was not started: it waits for A, .*\n {2}↳ orchestrate start A B\n$/m);
  assert.equal(rig.desk.starts().length, 0);
  rig.onWorker(async (worker) => {
    await worker.commit(`${worker.stream}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  const one = await rig.start(['A']).end();
  assert.equal(one.code, 0, one.stdout);
  assert.equal((await rig.start(['B']).end()).code, 0);
  assert.deepEqual(
    rig.desk.starts().map(({ stream }) => stream),
    ['A', 'B'],
  );
  assert.equal((await rig.stream('Other')).state, 'ready');
});

test('a poller for one stream takes another that is asked for, and stays until that one is done too', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [], C: [] } });
  const poller = rig.start(['A']);
  const a = await rig.nextWorker('A');
  const asked = await rig.run(['start', 'B']);
  assert.match(asked.stdout, /B: handed to the running orchestrate \(pid \d+\)/);
  const b = await rig.nextWorker('B');
  for (const worker of [a, b]) {
    await worker.commit(`${worker.stream}.txt`);
    rig.setTasks(worker.stream, 'completed');
  }
  a.exit(0);
  await rig.untilState('A', 'done');
  b.exit(0);
  assert.equal((await poller.end()).code, 0);
  assert.deepEqual(statesOf(await rig.look()), { A: 'done', B: 'done', C: 'ready' });
});

test('verify checks again without an agent: by itself, by the poller, and refuses while a worker is at it', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: [] },
    config: { gates: [{ name: 'mood', command: 'test ! -e "$ORCHESTRATE_PROJECT/../bad-mood"' }] },
  });
  const poller = rig.start();
  const [a, b] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  assert.match((await rig.run(['verify', 'A'], 5)).stderr, /an agent is at work on A \(run 1\)/);
  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  const done = await rig.untilState('A', 'done');
  assert.match(
    (await rig.run(['verify', 'A'])).stdout,
    new RegExp(`gate passed \\(${done.headSha?.slice(0, 7)}\\)`),
  );
  await poller.kill();
  b.kill();
  await rig.run(['verify', 'A']);
  rig.cli.write('../bad-mood', '');
  const bad = await rig.run(['verify', 'A', '--json'], 1);
  assert.deepEqual(JSON.parse(bad.stdout.split('\n')[0] ?? '').verified, false);
  assert.match(bad.stderr, /A is not done: gate "mood" failed/);
});

test('the tasks can be completed after a stop, and verify alone makes the stream done', async () => {
  await using rig = await createProjectRig();
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await a.commit('a.txt');
  await rig.run(['stop', 'A']);
  await poller.end();
  rig.setTasks('A', 'completed');
  await rig.run(['verify', 'A']);
  const report = await rig.status();
  assert.equal(streamOf(report, 'A').state, 'done');
});

test('--once makes one round, --dry-run none, --detach leaves the poller in its window', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  const dry = await rig.run(['start', '--dry-run']);
  assert.match(dry.stdout, /^Would start now:\n {2}launch {3}A: its dependencies are done/m);
  assert.ok(!existsSync(join(rig.root, '.claude/orchestrator/state.db')));
  assert.match((await rig.run(['start', '--dry-run', 'Nope'], 7)).stderr, /no stream "Nope" in the plan/);
  await rig.run(['stop', 'A']);
  assert.equal((await rig.stream('A')).state, 'stopped', 'also before anything was started');
  const steps = async (...named: string[]) =>
    JSON.parse((await rig.run(['start', '--dry-run', '--json', ...named])).stdout).steps;
  assert.deepEqual((await steps()).length, 1, 'start would clear what was stopped');
  assert.deepEqual(await steps('B'), []);
  assert.equal((await rig.start(['--once']).end()).code, 0);
  const a = await rig.nextWorker('A');
  const detached = await rig.run(['start', '--detach', '--json']);
  const { poller } = JSON.parse(detached.stdout);
  assert.ok(isAlive(poller.pid));
  const report = await rig.look();
  assert.deepEqual([report.poller.alive, report.poller.pid], [true, poller.pid]);
  assert.equal(report.session.socket, rig.cli.socket);
  assert.match(
    rig.tmux('list-windows', '-F', '#{window_name}', '-t', report.session.name ?? ''),
    /^orchestrator$/m,
  );
  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  const b = await rig.nextWorker('B');
  await rig.run(['stop']);
  await b.end();
  await until('the poller ends', () => !isAlive(poller.pid));
});

test('a worker does not steer the work, and its secret stays with it', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  rig.start();
  const a = await rig.nextWorker('A');
  const refused = async (typed: string, words: string): Promise<void> =>
    assert.match(
      await a.sh(`orchestrate ${typed} 2>&1; echo "exit $?"`),
      new RegExp(`${words}.*\n {2}fix: .*\nexit 5$`),
      typed,
    );
  for (const typed of [
    ...['start', 'start B', 'stop', 'stop B', 'park A', 'retry A --fresh', 'resolve B', 'cancel B', 'sync'],
    ...['verify B', 'merge', 'clean', 'recover B', 'recover --expire 1'],
  ])
    await refused(typed, 'steers the work, which is for users: an agent may not do it');
  for (const typed of ['generate x', 'import plan.yaml']) await refused(typed, 'an agent may not do');
  await refused('send B hello', 'an agent may not type to other agents');
  assert.deepEqual(statesOf(await rig.look()), { A: 'running', B: 'waiting' });

  // Only the private file that configures its server has it, of which no agent but its own is told.
  const token = a.env['ORCHESTRATE_TOKEN'] ?? '';
  assert.ok(token.length > 20);
  const holding = spawnSync('grep', ['-rlF', '--', token, rig.cli.home], { encoding: 'utf8' });
  assert.deepEqual(holding.stdout.trim().split('\n'), [
    join(rig.root, '.claude/orchestrator/runs/a-1/mcp.json'),
  ]);
  const said = [
    execFileSync('ps', ['-eww', '-o', 'args'], { encoding: 'utf8' }),
    rig.tmux('show-environment', '-g'),
    rig.tmux('show-environment', '-t', '=orchestrate-project'),
    rig.tmux('list-panes', '-a', '-F', '#{pane_start_command}'),
  ].join('\n');
  assert.match(said, /steered-worker/);
  assert.ok(!said.includes(token));
});
