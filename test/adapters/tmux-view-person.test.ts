/** The user uses the session while the view is kept: what they do with windows, panes and keys is respected. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createViewRig, HOSTILE, type ViewRig } from '../support/view-rig.ts';
import { until } from '../support/wait.ts';

const KEYS = ['alpha', 'beta', 'gamma', 'delta'];
const SIZE = { columns: 200, rows: 50 };

/** A view with four workers beside the summary, and the user who looks at it. */
async function withFour(conf = '') {
  const view = await createViewRig(conf);
  const panes = await view.open(...KEYS);
  const client = await view.client(SIZE);
  view.rig.raw('select-window', '-t', view.summary);
  await view.tmux.setView(true);
  await view.keep(panes);
  const [alpha = '', beta = '', gamma = '', delta = ''] = panes;
  const at = (pane: string): string => view.panes().find(({ id }) => id === pane)?.window ?? '';
  return { view, panes, client, alpha, beta, gamma, delta, at };
}

const off = async (view: ViewRig, panes: readonly string[]): Promise<void> => {
  await view.tmux.setView(false);
  await view.keep(panes);
};

test('a pane that the user took out of the view stays where it was put, and gets its window when the view ends', async () => {
  const { view, panes, beta, at } = await withFour();
  await using _end = view;
  view.rig.raw('break-pane', '-d', '-s', beta, '-n', 'mine');
  await view.keep(panes);
  await view.keep(panes);
  assert.deepEqual(view.beside(), ['alpha', 'gamma', 'delta']);
  assert.equal(at(beta), 'mine');
  await off(view, panes);
  assert.equal(at(beta), 'mine', 'their name is kept');
  assert.equal(new Set(view.panes().map(({ index }) => index)).size, 5);
});

test('a window that the user renamed has that name again after the view', async () => {
  const view = await createViewRig();
  await using _end = view;
  const [alpha = '', beta = ''] = await view.open('alpha', 'beta');
  const canary = join(view.rig.dir, 'canary');
  const name = `the #{pane_id} one; #(touch ${canary})`;
  view.rig.raw('rename-window', '-t', beta, name.replaceAll('#', '##'));
  await view.tmux.setView(true);
  await view.keep([alpha, beta]);
  assert.deepEqual(view.beside(), ['alpha', 'beta']);
  await off(view, [alpha, beta]);
  assert.deepEqual(
    view.panes().map(({ window }) => window),
    ['status', 'alpha', name],
  );
  assert.ok(!existsSync(canary), 'a name is never run');
});

test('nothing moves while the user looks at one pane alone', async () => {
  const { view, panes, gamma } = await withFour();
  await using _end = view;
  view.rig.raw('resize-pane', '-Z', '-t', gamma);
  const [late = ''] = await view.open('late');
  await view.keep([...panes, late]);
  assert.equal(view.rig.raw('display-message', '-p', '-t', gamma, '#{window_zoomed_flag}').trim(), '1');
  assert.ok(!view.beside().includes('late'));
  view.rig.raw('resize-pane', '-Z', '-t', gamma);
  await view.keep([...panes, late]);
  assert.ok(view.beside().includes('late'));
});

test('a killed pane leaves its room to the others; a killed summary leaves the workers alone', async () => {
  const { view, panes, alpha, beta, gamma, delta } = await withFour();
  await using _end = view;
  view.rig.raw('kill-pane', '-t', alpha);
  await view.keep([beta, gamma, delta]);
  assert.deepEqual(view.beside(), ['beta', 'gamma', 'delta']);
  view.rig.raw('kill-pane', '-t', view.summary);
  assert.deepEqual(await view.keep([beta, gamma, delta]), { shown: 0, hidden: 3 });
  await view.tmux.ensureSession();
  const kept = await view.keep([beta, gamma, delta]);
  assert.deepEqual(kept, { shown: 2, hidden: 1 }, 'the user looks at one of them');
  const summary = (await view.rig.facts(view.tmux)).panes.find(({ role }) => role === 'summary');
  view.rig.raw('select-window', '-t', summary?.id ?? '');
  assert.deepEqual(await view.keep([beta, gamma, delta]), { shown: 3, hidden: 0 });
  await off(view, panes);
  const left = view.panes().filter(({ key }) => key !== '');
  assert.deepEqual(left.map(({ key }) => key).sort(), ['beta', 'delta', 'gamma']);
  for (const { key, window } of left) assert.equal(window, key, 'a window each, with its name');
});

test('sizes that the user gave the panes stay until the panes or the window change', async () => {
  const { view, panes, gamma } = await withFour();
  await using _end = view;
  view.rig.raw('resize-pane', '-t', view.summary, '-x', '50');
  const width = (): number => view.panes()[0]?.width ?? 0;
  await view.keep(panes);
  assert.equal(width(), 50);
  await view.keep(panes.filter((pane) => pane !== gamma));
  assert.notEqual(width(), 50);
});

test('a pane in which the user scrolls or types is not taken away, nor the window they look at', async () => {
  const { view, panes, client, alpha, beta } = await withFour();
  await using _end = view;
  view.rig.raw('copy-mode', '-t', beta);
  view.rig.raw('select-pane', '-t', alpha);
  await view.keep(panes.slice(2));
  assert.deepEqual(view.beside(), ['alpha', 'beta', 'gamma', 'delta'], 'alpha is typed into, beta scrolled');
  view.rig.raw('copy-mode', '-q', '-t', beta);
  view.rig.raw('select-pane', '-t', view.summary);
  await view.keep(panes.slice(2));
  assert.deepEqual(view.beside(), ['gamma', 'delta']);
  view.rig.raw('select-window', '-t', alpha);
  client.type('here I am');
  await view.keep(panes);
  assert.deepEqual(view.beside().sort(), ['beta', 'delta', 'gamma'], 'alpha is looked at in its own window');
  client.press('Enter');
  await client.sees(/got:here I am/);
  view.rig.raw('select-window', '-t', view.summary);
  await view.keep(panes);
  assert.deepEqual(view.beside().sort(), [...KEYS].sort());
});

test('two people with terminals of different sizes, one of whom leaves, and a window in the place of another', async () => {
  const { view, panes, client } = await withFour(HOSTILE);
  await using _end = view;
  const second = await view.client({ columns: 120, rows: 40 });
  await view.keep(panes);
  for (const each of [client, second]) await each.sees(/alpha {2}● running 2m/);
  second[Symbol.dispose]();
  await until('one is left', () =>
    view.rig.raw('list-clients', '-F', 'x').trim().split('\n').length === 1 ? true : null,
  );
  await view.keep(panes);
  assert.deepEqual(view.beside(), KEYS);
  const session = view.rig.raw('display-message', '-p', '-t', view.summary, '#{session_id}').trim();
  view.rig.raw('new-window', '-d', '-t', `${session}:3`, '-n', 'theirs', 'sleep', '1000');
  await off(view, panes);
  const windows = view.panes().map(({ window }) => window);
  assert.deepEqual(
    windows.filter((name) => name !== 'theirs'),
    ['status', ...KEYS],
    'the old order',
  );
  assert.ok(windows.includes('theirs'));
});

/** Everything of the server that isn't our session's: keys of the tables people use, other sessions. */
const outside = (view: ViewRig): string =>
  [
    ...['root', 'prefix', 'copy-mode', 'copy-mode-vi'].map((table) => view.rig.raw('list-keys', '-T', table)),
    view.rig.raw('show-options', '-g'),
    view.rig.raw('show-options', '-gw'),
    view.rig.raw('show-options', '-t', 'other'),
    view.rig.raw('list-panes', '-s', '-t', 'other', '-F', '#{pane_id} #{pane_pid} #{window_layout}'),
  ].join('\n');

test('the keys of our session go to who needs the user, to the summary, to the view, the log and a stop; no other session has them', async () => {
  const view = await createViewRig();
  await using _end = view;
  view.rig.raw('new-session', '-d', '-s', 'other', '-x', '80', '-y', '24', 'sleep 1000');
  const [alpha = '', beta = ''] = await view.open('alpha', 'beta');
  const before = outside(view);
  assert.equal(await view.tmux.bindKeys(), true);
  await view.keep([`!${beta}`, alpha]);
  const client = await view.client(SIZE);
  const current = (): string => view.rig.raw('list-clients', '-F', '#{pane_id}').trim();
  const goes = (pane: string) => until(`the user is at ${pane}`, () => (current() === pane ? true : null));
  await client.sees(/F9 menu/);
  await client.sees(/▲ 1 needs you +● 2 running/);

  client.press('F9');
  await client.sees(/Next waiting +\(n\)[\s\S]*Split view +\(w\)[\s\S]*Stop +\(x\)/);
  client.press('n');
  await goes(beta);
  client.press('F9');
  await client.sees(/Next waiting/);
  client.press('s');
  await goes(view.summary);

  client.press('F9');
  await client.sees(/Split view/);
  client.press('w');
  const isOn = async () => (await view.rig.facts(view.tmux)).view?.on === true;
  await until('the view is wanted', isOn);
  client.press('F9');
  await client.sees(/One window per agent/);
  client.press('w');
  await until('it is not wanted', async () => !(await isOn()));

  view.rig.raw('select-window', '-t', alpha);
  mkdirSync(join(view.rig.root, '.claude/orchestrator/logs'), { recursive: true });
  writeFileSync(join(view.rig.root, '.claude/orchestrator/logs/alpha.log'), 'what alpha did\n');
  client.press('F9');
  await client.sees(/Log +\(l\)/);
  client.press('l');
  await client.sees(/what alpha did/);
  client.press('q');
  await until('the log is closed', () => (/what alpha did/.test(client.screen()) ? null : true));

  client.press('F9');
  await client.sees(/Stop +\(x\)/);
  client.press('x');
  await client.sees(/Stop alpha\? Its work is kept\. \(y\/n\)/);
  client.press('y');
  await until(
    'it is asked for',
    async () => (await view.rig.facts(view.tmux)).view?.request === 'stop alpha',
  );

  assert.equal(outside(view), before);
  assert.equal(view.rig.raw('show-options', '-t', 'other', '-v', 'key-table').trim(), '');
});
