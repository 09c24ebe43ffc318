/** What people and accidents do to tmux: servers, sessions, sockets and panes go away, and configurations are odd. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isAlive } from '../support/alive.ts';
import { until } from '../support/wait.ts';
import type { Worker } from '../support/worker-desk.ts';
import { createProjectRig, type ProjectRig, statesOf, streamOf } from '../support/worker-rig.ts';

const serverPid = (rig: ProjectRig): number => Number(rig.tmux('display-message', '-p', '#{pid}'));

/** The same, null where no server is heard. */
function pidIfHeard(rig: ProjectRig): number | null {
  const asked = spawnSync('tmux', ['-L', rig.cli.socket, 'display-message', '-p', '#{pid}'], {
    env: rig.cli.env,
    encoding: 'utf8',
  });
  return asked.status === 0 ? Number(asked.stdout) : null;
}

async function finish(rig: ProjectRig, worker: Worker): Promise<void> {
  await worker.commit(`${worker.stream}.txt`);
  rig.setTasks(worker.stream, 'completed');
  worker.exit(0);
}

/** A child that outlives its worker, its window and its server. */
const IMMORTAL = `setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' >/dev/null 2>&1 & echo $!`;

test('a server that is killed under its workers costs no attempt: what outlived it ends, and they start again on another', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: [], C: [] },
    config: { restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [0.1] } },
  });
  const poller = rig.start();
  const [a, b, c] = await Promise.all(['A', 'B', 'C'].map((stream) => rig.nextWorker(stream)));
  assert.ok(a && b && c);
  await a.sh('echo half > half.txt');
  const child = Number(await a.sh(IMMORTAL));
  await c.ignoreSignals();
  process.kill(serverPid(rig), 'SIGKILL');
  const [a2, b2] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  assert.deepEqual([a2.run, b2.run], [2, 2]);
  assert.ok(![a.pid, b.pid, child].some(isAlive));
  assert.equal(await a2.sh('cat half.txt; rm half.txt'), 'half');
  // A worker without need of its window that lives on is let finish, and nobody is put beside it.
  await finish(rig, c);
  await rig.untilState('C', 'done');

  // The same once more by tmux's own command, with nobody polling meanwhile.
  await poller.kill();
  rig.tmux('kill-server');
  await Promise.all([a2.end(), b2.end()]);
  const next = rig.start();
  for (const stream of ['A', 'B']) await finish(rig, await rig.nextWorker(stream));
  const ended = await next.end();
  assert.equal(ended.code, 0, ended.stdout);
  const runs = rig.desk.starts().map(({ stream, run }) => `${stream}${run}`);
  assert.deepEqual(runs.sort(), ['A1', 'A2', 'A3', 'B1', 'B2', 'B3', 'C1']);
});

test('a socket that is deleted comes back: the same server, the same worker', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'], C: [] } });
  const poller = rig.start();
  const [a, c] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('C')]);
  const server = serverPid(rig);
  const socket = rig.tmux('display-message', '-p', '#{socket_path}').trim();
  rmSync(socket);
  await finish(rig, a);
  const b = await rig.nextWorker('B');
  assert.equal(serverPid(rig), server);
  // And with the poller dead: the next one finds the server by what was written down.
  await poller.kill();
  rmSync(socket);
  const next = rig.start();
  await until('the socket is back', () => existsSync(socket));
  // It is there a moment before anybody is heard at it.
  assert.equal(await until('the server answers at it', () => pidIfHeard(rig)), server);
  for (const worker of [b, c]) await finish(rig, worker);
  assert.equal((await next.end()).code, 0);
  assert.equal(rig.desk.starts().length, 3, 'nobody was started twice');
  const { events } = await rig.look();
  assert.ok(
    events.some(({ message }) => message.startsWith('the socket of the tmux server was gone')),
    'and it is said',
  );
});

test('a session or a pane that the user kills is made again; beside it their own session stays as it was', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  const poller = rig.start();
  const [a, b] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  rig.tmux('new-session', '-d', '-s', 'theirs', 'sleep 1000');
  rig.tmux('kill-pane', '-t', a.env['TMUX_PANE'] ?? '');
  const a2 = await rig.nextWorker('A');
  assert.ok(isAlive(b.pid));
  rig.tmux('kill-session', '-t', '=orchestrate-project');
  const [a3, b3] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  assert.ok(![a, a2, b].some(({ pid }) => isAlive(pid)));
  for (const worker of [a3, b3]) await finish(rig, worker);
  assert.equal((await poller.end()).code, 0, poller.output());
  assert.match(poller.output(), /its window was closed/);
  const sessions = rig.tmux('list-sessions', '-F', '#{session_name}').trim().split('\n').sort();
  assert.deepEqual(sessions, ['orchestrate-project', 'theirs']);
});

test("the user's tmux.conf and TMUX variable change nothing", async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  rig.cli.write(
    join(rig.cli.home, '.tmux.conf'),
    [
      'set -g base-index 1',
      'set -g pane-base-index 1',
      'set -g renumber-windows on',
      'set -g destroy-unattached on',
      'set -g default-shell /bin/false',
      'set -g default-command "exit 9"',
      'set -g remain-on-exit off',
      'set -g history-limit 0',
      'set -g automatic-rename on',
      'setw -g synchronize-panes on',
      'set -g update-environment ""',
      'set -g status off',
      'set -g prefix C-a',
      'set-hook -g after-new-window "rename-window hooked"',
      'set-hook -g session-created "rename-session hooked"',
    ].join('\n'),
  );
  const poller = rig.start([], { env: { TMUX: '/nonexistent/socket,1,0', TMUX_PANE: '%99' } });
  for (const stream of ['A', 'B']) await finish(rig, await rig.nextWorker(stream));
  assert.equal((await poller.end()).code, 0, poller.output());
  const report = await rig.look();
  assert.deepEqual(statesOf(report), { A: 'done', B: 'done' });
  assert.equal(report.session.alive, true, 'the session outlives its last worker, with nobody attached');
  assert.equal(rig.tmux('show-options', '-gv', 'base-index').trim(), '1', 'their options stay');
});

test('a worker that sets the tags of its own pane to anything disturbs nobody, and its own work is done too', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [], C: ['A'] } });
  const poller = rig.start();
  const [a, b] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  // Without its tags a pane is known by what was written down of it.
  for (const id of ['A', 'B']) await rig.untilNoted(id);
  await a.sh(
    `for name in project role key run label shown; do tmux set-option -p -t "$TMUX_PANE" "@orchestrate_$name" "$1"; done`,
    'b|x\nP|%0|@0|1|1|0||worker|b|1|s',
  );
  const seen = await rig.look();
  assert.deepEqual(statesOf(seen), { A: 'running', B: 'running', C: 'waiting' });
  assert.deepEqual(
    seen.streams.map(({ pane }) => pane),
    [a.env['TMUX_PANE'], b.env['TMUX_PANE'], null],
  );
  await finish(rig, a);
  await finish(rig, await rig.nextWorker('C'));
  await finish(rig, b);
  assert.equal((await poller.end()).code, 0, poller.output());
  assert.equal(rig.desk.starts().length, 3);
  rig.desk.assertSound();
});

test('a worker that outlived its tmux server is said to work without a window, by every command alike', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await a.ignoreSignals();
  await rig.until('its claim is known', (report) => streamOf(report, 'A').pid === a.pid);
  process.kill(serverPid(rig), 'SIGKILL');
  const seen = await rig.until('it is said', (report) =>
    /without a window/.test(streamOf(report, 'A').reason ?? ''),
  );
  const { state, reason, remedy, pid } = streamOf(seen, 'A');
  assert.deepEqual(
    { state, reason, remedy, pid },
    {
      state: 'running',
      reason: 'its tmux server is gone; it works on without a window',
      remedy: 'orchestrate stop A && orchestrate start A',
      pid: a.pid,
    },
  );
  for (const [code, ...words] of [
    [5, 'send', 'A', 'hello'],
    [6, 'attach', 'A'],
  ] as const) {
    const { stderr } = await rig.run(words, code);
    assert.match(
      stderr,
      /works on without a window \(its tmux server is gone|its tmux server is gone; it works on without/,
      words.join(' '),
    );
    assert.match(stderr, /orchestrate stop A && orchestrate start A/, words.join(' '));
  }
  const retried = await rig.run(['retry', 'A']);
  assert.doesNotMatch(retried.stdout, /the poller starts it/);
  assert.match(retried.stdout, /is running: nothing to retry/);
  // With the server went its exit status: that says nothing against complete work, and costs no attempt.
  await finish(rig, a);
  await rig.untilState('A', 'done');
  assert.equal(rig.desk.starts().length, 1);
  await poller.kill();
  rig.desk.assertSound();
});

test('a worker that ends its tmux server each time is given up, after five launches', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  rig.onWorker(async () => {
    rig.tmux('kill-server');
  });
  const ended = await rig.start().end();
  assert.equal(ended.code, 1, ended.stderr);
  const { state, reason, remedy } = await rig.stream('A');
  assert.equal(state, 'failed');
  assert.match(reason ?? '', /^its agent was ended from outside again and again; the last time: /);
  assert.equal(remedy, 'orchestrate retry A');
  assert.deepEqual(
    rig.desk.starts().map(({ stream, run }) => `${stream}${run}`),
    ['A1', 'A2', 'A3', 'A4', 'A5'],
  );
});

test('after a change of tmux.socket attach names the server on which an agent lives, and the way there', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  // Somebody else's session has the name that ours would have.
  rig.tmux('new-session', '-d', '-s', 'orchestrate-project', 'sleep 1000');
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await rig.until('its claim is known', (report) => streamOf(report, 'A').pid === a.pid);
  await rig.untilNoted('A');
  await poller.kill();
  const env = { ORCHESTRATE_TMUX_SOCKET: `${rig.cli.socket}-other` };
  for (const words of [['attach', 'A'], ['attach']]) {
    const { stderr } = await rig.run(words, 6, { env });
    assert.match(stderr, /the agent of A lives on another tmux server, \S+, than tmux\.socket names now/);
    const [, server, target] = /^ {2}fix: (tmux .*) attach (-t .*)$/m.exec(stderr) ?? [];
    const shown = `${server} display-message -p ${target} '#{pane_id}'`;
    const pane = execFileSync('/bin/sh', ['-c', shown], { env: rig.cli.env, encoding: 'utf8' }).trim();
    assert.equal(pane, a.env['TMUX_PANE'], shown);
  }
});
