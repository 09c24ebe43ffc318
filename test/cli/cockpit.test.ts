/** The cockpit in a real terminal, by keys and clicks: in `watch`, and in the window of the session. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { createLandingWorld } from '../support/landing-world.ts';
import { openClient, openTerminal, type Size } from '../support/tmux-client.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig, planFile, streamOf } from '../support/worker-rig.ts';

const SIZE: Size = { columns: 120, rows: 36 };
const WATCH = [process.execPath, CLI_ENTRY, 'watch', '60'];

/** What a mouse sends for a click on a row, counted from 0. */
const click = (row: number): string => `\u001b[<0;8;${row + 1}M\u001b[<0;8;${row + 1}m`;

test('watch is steered by keys and clicks: a cursor, pages, an answer that is sent, and stopping that asks first', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [], C: ['A'] } });
  const poller = rig.start();
  const [a] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  await a.commit('made-by-a.txt');
  using terminal = openTerminal(WATCH, SIZE, rig.cli.env, rig.root);
  await terminal.sees(/▸ ● A [\s\S]*── A · Work of A/);
  await terminal.sees(/last commit [0-9a-f]{7} /);
  await terminal.sees(/worker of A is ready/);
  await terminal.sees(/Enter open {2}Space answer {2}\? help/);

  terminal.type('j');
  await terminal.sees(/▸ ● B [\s\S]*── B · Work of B[\s\S]*worker of B is ready/);
  terminal.press('Down');
  await terminal.sees(/▸ ○ C [\s\S]*waits for A \(running\)/);
  terminal.press('g');
  const shown = await terminal.sees(/▸ ● A /);
  terminal.type(click(shown.split('\n').findIndex((line) => /● B /.test(line))));
  await terminal.sees(/▸ ● B /);
  terminal.type('k');

  terminal.type('d');
  await terminal.sees(/^diff of A against its base[\s\S]*\+\+\+ b\/made-by-a\.txt/);
  // Git would run for it what an agent has written into the settings.
  rig.cli.git('config', 'filter.late.clean', 'cat');
  terminal.type('qd');
  await terminal.sees(/settings that run programs were changed/);
  rig.cli.git('config', '--remove-section', 'filter.late');
  terminal.type('l');
  await terminal.sees(/^log of A/);
  terminal.type('q?');
  await terminal.sees(/^Keys[\s\S]*park it until it is retried/);
  terminal.press('Escape');

  await terminal.sees(/▸ ● A /);
  terminal.press('Space');
  await terminal.sees(/worker of A is ready[\s\S]*Enter send {2}Esc back/);
  terminal.type('hello? quit');
  await terminal.sees(/▸ hello\? quit_/);
  terminal.press('Enter');
  await terminal.sees(/[Ss]ent to A/);
  await terminal.sees(/hello\? quit[\s\S]*▸ _/);
  terminal.press('Escape');
  await terminal.sees(/Enter open/);
  terminal.type('G');
  await terminal.sees(/▸ ○ C /);
  terminal.press('Space');
  terminal.type('too early');
  terminal.press('Enter');
  await terminal.sees(/Not sent: no agent is running for C {2}\(orchestrate status C\)\s*\n▸ too early_/);
  terminal.press('Escape');
  await terminal.sees(/▸ ○ C /);
  terminal.type('g');
  await terminal.sees(/Enter open/);

  terminal.type('/');
  terminal.type('work of b');
  await terminal.sees(/▸ ● B [\s\S]*\/work of b_ {2}1 of 3/);
  terminal.press('Escape');
  await terminal.sees(/○ C [\s\S]*Enter open/);
  terminal.type('x');
  await terminal.sees(/Stop B\? Its work is kept\. \(y\/n\)/);
  terminal.type('n');
  await terminal.sees(/Nothing was done/);
  terminal.type('xy');
  await terminal.sees(/stopped B/i);
  await rig.untilState('B', 'stopped');
  await rig.until('the window of B is gone', (seen) => streamOf(seen, 'B').pane === null);
  await terminal.sees(/▸ ■ B /);
  assert.equal((await rig.stream('A')).state, 'running');

  terminal.press('Enter');
  await terminal.sees(/B has no window/);
  terminal.type('kr');
  await terminal.sees(/A is|nothing to retry|goes on/i);
  terminal.press('Enter');
  await terminal.sees(/\[orchestrate-project\]/);
  terminal.press('C-b', 'd');
  await terminal.sees(/▸ ● A /);
  terminal.type('q');
  await poller.kill();
});

test('what is done lands and is cleaned away from watch, each after it has shown what it would do', async () => {
  await using world = await createLandingWorld({ A: [], B: [], C: [] });
  const { rig } = world;
  // C clashes with A.
  for (const [id, file] of Object.entries({ A: 'A.txt', B: 'B.txt', C: 'A.txt' }))
    await world.finish(id, (at) => writeFileSync(join(at, file), id));
  using terminal = openTerminal(WATCH, SIZE, rig.cli.env, rig.root);
  await terminal.sees(/▸ ✓ A /);
  terminal.type('M');
  await terminal.sees(/^merge: what it would do[\s\S]*Would land on main[\s\S]*\+ A[\s\S]*y merge it/);
  terminal.type('n');
  await terminal.sees(/▸ ✓ A /);
  assert.ok(!existsSync(join(rig.root, 'A.txt')));
  terminal.type('M');
  await terminal.sees(/y merge it/);
  terminal.type('y');
  await terminal.sees(
    /^merge: not everything was done[\s\S]*Landed on main[\s\S]*\+ B[\s\S]*C {2}clashes with A/,
  );
  assert.equal(readFileSync(join(rig.root, 'A.txt'), 'utf8'), 'A');
  // What would do nothing is only to be read.
  terminal.type('qM');
  await terminal.sees(/^merge: what it would do[\s\S]*Nothing would land[\s\S]*\n *q back/);
  terminal.type('qC');
  await terminal.sees(/^clean: what it would do[\s\S]*Would remove A:[\s\S]*y remove it/);
  terminal.type('y');
  await terminal.sees(/^clean: done[\s\S]*Removed A:/);
  assert.ok(!existsSync(world.worktreeOf('A')));
  terminal.type('qC');
  await terminal.sees(/^clean: what it would do[\s\S]*Would keep C:[\s\S]*\n *q back/);
  terminal.type('qq');
});

/** A user at the session of the project. */
function attached(rig: ProjectRig, size: Size) {
  return openTerminal([process.execPath, CLI_ENTRY, 'attach'], size, rig.cli.env, rig.root);
}

test('in the session Enter goes to the pane, the menu does in a pane and in the summary what the keys do, and names stand on windows', async () => {
  const file = planFile({ A: [], B: [] }) as { streams: object[] };
  const names = ['CSV #[fg=red]import %H #(id)', 'Export'];
  file.streams = file.streams.map((stream, i) => ({ ...stream, name: names[i] }));
  await using rig = await createProjectRig({ plan: { file } });
  const poller = rig.start();
  await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
  using client = attached(rig, { columns: 80, rows: 30 });
  await client.sees(/▸ ● A [\s\S]*\n0:status\*(?=.*\d:CSV fg red import H \(id\))(?=.*\d:Export)/);
  const windows = rig.tmux('list-windows', '-a', '-F', '#{window_name}').trim().split('\n');
  assert.deepEqual(windows.toSorted(), ['a', 'b', 'status'], 'the names of windows stay the keys');
  await client.sees(/F9 menu/);
  client.press('j');
  await client.sees(/▸ ● B /);
  client.press('Enter');
  await client.sees(/worker of B is ready[\s\S]*\d:Export\*/);

  client.press('F9');
  const menu = await client.sees(/Answer its agent[\s\S]*Help/);
  for (const entry of ['Next waiting', 'Log', 'Diff', 'Verify', 'Retry', 'Stop', 'Park'])
    assert.ok(menu.includes(entry), entry);
  client.press('a');
  await client.sees(/● B +Export[\s\S]*Enter send/);
  client.type('from the menu');
  client.press('Enter');
  await client.sees(/[Ss]ent to B/);
  client.press('Escape');
  await client.sees(/▸ ● B /);

  client.press('F9');
  await client.sees(/Stop +\(x\)/);
  client.press('x');
  await client.sees(/Stop B\? Its work is kept\. \(y\/n\)/);
  client.press('y');
  await rig.untilState('B', 'stopped');
  client.press('F9');
  await client.sees(/Merge +\(M\)[\s\S]*Clean up +\(C\)/);
  client.press('M');
  await client.sees(/no stream is done yet/);
  client.press('F9');
  await client.sees(/Help +\(\?\)/);
  client.press('?');
  await client.sees(/^Keys/);
  client.press('q');
  await client.sees(/▸ ■ B /);
  client.press('g', 'Enter');
  await client.sees(/worker of A is ready/);
  client.press('F9');
  await client.sees(/Diff +\(d\)/);
  client.press('d');
  await client.sees(/^diff of A/);
  client.press('q');
  await client.sees(/▸ ● A /);

  using again = attached(rig, SIZE);
  await again.sees(/▸ ● A /);
  const session = rig.tmux('list-sessions', '-F', '#{session_id}').trim();
  using small = openClient(
    ['-L', rig.cli.socket, 'attach-session', '-t', `${session}:`],
    { columns: 40, rows: 12 },
    rig.cli.env,
  );
  await small.sees(/▸ ● A /);
  small.press('j');
  await again.sees(/▸ ■ B /);
  await until('the window is as large as the larger terminal', () =>
    rig.tmux('list-windows', '-a', '-F', '#{window_name} #{window_width}').includes('status 120')
      ? true
      : null,
  );
  await poller.kill();
});
