/** The whole screen as the user has it: real pollers, summaries and workers in a real tmux, judged by what a terminal shows. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { openClient, openTerminal, type Size } from '../support/tmux-client.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig, streamOf } from '../support/worker-rig.ts';

const WIDE: Size = { columns: 200, rows: 50 };

/** The user attached to the project's session. */
async function person(rig: ProjectRig, size = WIDE) {
  const session = await until('there is a session', () => {
    const { status, out } = tmuxOrNone(rig, 'list-sessions', '-F', '#{session_id}');
    return status && out.trim() !== '' ? out.trim() : null;
  });
  return openClient(['-L', rig.cli.socket, 'attach-session', '-t', `${session}:`], size, rig.cli.env);
}

function tmuxOrNone(rig: ProjectRig, ...args: string[]): { status: boolean; out: string } {
  try {
    return { status: true, out: rig.tmux(...args) };
  } catch (error) {
    return { status: false, out: String(error) };
  }
}

const panes = (rig: ProjectRig, format: string): string[] =>
  rig.tmux('list-panes', '-a', '-F', format).trim().split('\n');
const summaryPane = (rig: ProjectRig): string =>
  panes(rig, '#{@orchestrate_role} #{pane_dead} #{pane_id}')
    .map((line) => /^summary 0? ?(%\d+)$/.exec(line)?.[1])
    .find((id) => id !== undefined) ?? '';
/** Keys of workers in the window of the summary. */
const beside = (rig: ProjectRig): string[] =>
  panes(rig, '#{window_name} #{@orchestrate_key}').flatMap((line) => /^status (\S+)$/.exec(line)?.[1] ?? []);

test('start --view shows the workers beside the summary; new ones come, finished ones leave, and a closed summary comes back', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [], C: ['A'] } });
  const poller = rig.start(['--view']);
  const [a, b] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  using client = await person(rig);
  await client.sees(/summary[\s\S]*Work of A {2}● running (?:<1|\d)m[\s\S]*worker of A is ready/);
  await client.sees(/Work of B {2}● running (?:<1|\d)m/);
  await client.sees(/The initiative/);
  await client.sees(/● 2 running {2}✓ 0\/3 done/);
  assert.deepEqual(beside(rig).sort(), ['a', 'b']);

  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  await rig.nextWorker('C');
  await until('A left and C came', () => (beside(rig).sort().join() === 'b,c' ? true : null));
  await client.sees(/✓ +A +[\s\S]*done/);

  rig.tmux('kill-pane', '-t', summaryPane(rig));
  await until('the summary is back', () => (summaryPane(rig) === '' ? null : true));
  rig.tmux('select-window', '-t', summaryPane(rig));
  await client.sees(/The initiative/);
  const c = await rig.stream('C');
  rig.tmux('kill-pane', '-t', c.pane ?? '');
  const again = await rig.nextWorker('C');
  assert.equal(again.run, 2, 'a pane that the user closed beside others is noticed at once');
  await rig.run(['view', '--off']);
  assert.deepEqual(beside(rig), []);
  assert.ok(existsSync(`/proc/${b.pid}`));
  await poller.kill();
});

test('the view is kept without a poller, which is the first thing the summary says', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  const poller = rig.start([]);
  await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  const before = panes(rig, '#{pane_id} #{pane_pid}').sort();
  await poller.kill();
  using client = await person(rig);
  const alone = await client.sees(/Not running\. Start with: orchestrate start/);
  assert.match(alone.split('\n')[0] ?? '', /Not running/);
  await client.sees(/F9 menu/);
  client.press('q');
  const said = await rig.run(['view']);
  assert.match(said.stdout, /2 agents beside the summary/);
  await client.sees(/Work of A {2}● running/);
  rig.tmux(
    'kill-pane',
    '-t',
    panes(rig, '#{@orchestrate_key} #{pane_id}')
      .find((line) => line.startsWith('a '))
      ?.slice(2) ?? '',
  );
  await client.sees(/^(?![\s\S]*Work of A {2}● running)[\s\S]*Work of B {2}● running/);
  await until('only B is beside', () => (beside(rig).join() === 'b' ? true : null));
  await rig.run(['view', '--off']);
  const after = panes(rig, '#{pane_id} #{pane_pid}').sort();
  assert.equal(after.length, before.length - 1);
  assert.ok(after.every((pane) => before.includes(pane)));

  client.press('C-c');
  await until('the summary has ended', () => (summaryPane(rig) === '' ? true : null));
  const argv = [process.execPath, CLI_ENTRY, 'attach'];
  using other = openTerminal(argv, WIDE, rig.cli.env, rig.root);
  await until('it is there again', () => (summaryPane(rig) === '' ? null : true));
  rig.tmux('select-window', '-t', summaryPane(rig));
  await other.sees(/Not running/);
});

test('start --detach works again after its window was closed, and a key of the session stops a stream', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  await rig.run(['start', '--detach', '--view']);
  await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  const window = (): string =>
    panes(rig, '#{@orchestrate_role} #{pane_id}')
      .find((line) => line.startsWith('orchestrator '))
      ?.slice(13) ?? '';
  rig.tmux('kill-pane', '-t', window());
  await rig.until('the poller is gone', (report) => !report.poller.alive);
  await rig.run(['start', '--detach', '--view']);
  assert.ok((await rig.look()).poller.alive);
  assert.equal(rig.desk.starts().length, 2, 'the workers were taken over');
  await rig.run(['view', '--on']);

  using client = await person(rig);
  await client.sees(/F9 menu/);
  rig.tmux('select-pane', '-t', streamOf(await rig.look(), 'A').pane ?? '');
  client.press('F9');
  await client.sees(/Answer its agent/);
  client.press('x');
  await client.sees(/Stop a\? Its work is kept/);
  client.press('y');
  await client.sees(/stopped A/i);
  await rig.untilState('A', 'stopped');
  assert.equal((await rig.stream('B')).state, 'running');
  await rig.run(['stop']);
});

test('attach from inside another session of the same server switches the client to the stream, and back leaves all as it was', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] } });
  const poller = rig.start();
  await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  const variables = Object.entries(rig.cli.env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  rig.tmux('new-session', '-d', '-s', 'own', '-c', rig.root, ...variables, '/bin/sh');
  using client = openClient(['-L', rig.cli.socket, 'attach-session', '-t', '=own:'], WIDE, rig.cli.env);
  await client.sees(/\[own\]/);
  client.type(`${process.execPath} ${CLI_ENTRY} attach B`);
  client.press('Enter');
  await client.sees(/worker of B is ready[\s\S]*\[orchestrate-project\]/);
  client.press('F9');
  await client.sees(/Next waiting/);
  client.press('q');
  await client.sees(/^(?![\s\S]*Next waiting)/);
  client.press('C-b', 'L');
  await client.sees(/\[own\]/);
  client.press('F9', 'Enter');
  client.type('echo still here');
  client.press('Enter');
  await client.sees(/^still here$/m);
  assert.doesNotMatch(client.screen(), /Next waiting/, 'the keys are ours in our session only');
  await poller.kill();
});

test('start shows the plan only while it is new, and a line to attach that is right though the name of its session was taken', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  rig.tmux('new-session', '-d', '-s', 'orchestrate-project', 'echo theirs; exec sleep 1000');
  const first = rig.start();
  await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  await until('its header', () => first.output().includes('  attach '));
  assert.match(first.output(), /^Stream Dependency Structure:\n[\s\S]*\n {2}attach {7}orchestrate attach\n/);
  await first.kill('SIGINT');
  const second = rig.start();
  await rig.until('it polls', ({ poller }) => poller.pid === second.child.pid);
  await until('its header', () => second.output().includes('  attach '));
  const said = second.output();
  assert.match(said, /^Plan: .*1 stream \(its structure: orchestrate plan\)\n/);
  assert.doesNotMatch(said, /Depth 0/);
  const typed = /attach {7}orchestrate attach, or: (tmux .*)\n/.exec(said)?.[1] ?? '';
  assert.match(typed, /'=orchestrate-project-[0-9a-f]{4}'$/);
  using terminal = openTerminal(['sh', '-c', typed], { columns: 100, rows: 30 }, rig.cli.env, rig.root);
  await terminal.sees(/● A [\s\S]*\[orchestrate-project-[0-9a-f]{4}\] 0:status/);
  await second.kill('SIGINT');
  // The terminal goes with its command, and with it what that said last: a shell stays.
  const argv = ['sh', '-c', 'trap : INT; "$@"; cat', 'sh', process.execPath, CLI_ENTRY, 'start'];
  using narrow = openTerminal(argv, { columns: typed.length + 20, rows: 30 }, rig.cli.env, rig.root);
  const isAlone = (line: string) => line.trim() === typed;
  await until('what is to be copied is on a line of its own', () =>
    narrow.screen().split('\n').some(isAlone),
  ).catch((error: Error) => assert.fail(`${error.message}; it shows\n${narrow.screen()}`));
  narrow.press('C-c');
  await narrow.sees(/Detached/);
});
