/** The view on a real server: where the panes stand at every size, who is shown, and that no worker notices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createViewRig, HOSTILE, LIMITS, type Seen, type ViewRig } from '../support/view-rig.ts';
import { until } from '../support/wait.ts';

const KEYS = ['alpha', 'beta', 'gamma', 'delta'];

/** Panes of the summary's window: summary in front, workers readable, nothing overlapping, nothing left free. */
function checkGrid(view: ViewRig, size: { columns: number; rows: number }, shown: number): void {
  const all = view.panes();
  const window = all.filter(({ index }) => index === all.find(({ id }) => id === view.summary)?.index);
  const [summary, ...workers] = window;
  assert.ok(summary);
  assert.equal(summary.id, view.summary, 'the summary is the first pane');
  assert.deepEqual([summary.left, summary.top], [0, 1], 'below its border, at the left');
  assert.equal(workers.length, shown, JSON.stringify(window));
  for (const { width, height, key } of workers) {
    assert.ok(width >= LIMITS.minWidth && height >= LIMITS.minHeight, `${key}: ${width} by ${height}`);
  }
  assert.ok(summary.width >= 40 && summary.height >= 9, `summary: ${summary.width} by ${summary.height}`);
  const cells = new Set<string>();
  const area = (pane: Seen): number => {
    for (let x = pane.left; x < pane.left + pane.width; x += 1)
      for (let y = pane.top - 1; y < pane.top + pane.height; y += 1) cells.add(`${x},${y}`);
    return pane.width * (pane.height + 1);
  };
  const taken = window.reduce((sum, pane) => sum + area(pane), 0);
  assert.equal(cells.size, taken, 'no two panes overlap');
  for (const { left, top, width, height } of window)
    assert.ok(left + width <= size.columns && top + height <= size.rows, 'inside the window');
}

/** Sizes of a terminal (its status line included), and how many of four workers fit beside or below the summary. */
const SIZES = [
  { columns: 80, rows: 24, shown: 1 },
  { columns: 100, rows: 50, shown: 3 },
  { columns: 120, rows: 30, shown: 2 },
  { columns: 160, rows: 45, shown: 4 },
  { columns: 200, rows: 50, shown: 4 },
  { columns: 250, rows: 60, shown: 4 },
  { columns: 70, rows: 15, shown: 0 },
];

for (const [name, conf] of [
  ['the usual settings', ''],
  ['hostile settings', HOSTILE],
] as const) {
  test(`with ${name} the panes stand as they should at every size, and follow a resize`, async () => {
    await using view = await createViewRig(conf);
    const panes = await view.open(...KEYS);
    const client = await view.client({ columns: 90, rows: 30 });
    view.rig.raw('select-window', '-t', view.summary);
    await view.tmux.setView(true);
    for (const { columns, rows, shown } of SIZES) {
      client.resize({ columns, rows });
      await until(`the window is ${columns} wide`, () =>
        view.rig.raw('display-message', '-p', '-t', view.summary, '#{window_width}x#{window_height}') ===
        `${columns}x${rows - 1}\n`
          ? true
          : null,
      );
      const kept = await view.keep(panes);
      assert.deepEqual(kept, { shown, hidden: panes.length - shown }, `${columns} by ${rows}`);
      checkGrid(view, { columns, rows: rows - 1 }, shown);
      for (const key of view.beside()) await client.sees(new RegExp(`${key} {2}● running 2m`));
      if (shown > 0 && shown < 4) await client.sees(new RegExp(`${4 - shown} more in their own windows`));
    }
  });
}

/** What holds for windows of ours alone: their place in the list by the stream's name, and that no smaller terminal shrinks them. */
const SETTINGS = '#{window_name} #{window-size} #{automatic-rename} #{window-status-format}';

/** What must be the same before and after: panes, processes, windows' names, order and settings. */
const identity = (view: ViewRig): string[] => [
  ...view.panes().map(({ id, pid, window, index }) => `${index} ${window} ${id} ${pid}`),
  ...view.rig.raw('list-windows', '-t', view.summary, '-F', SETTINGS).split('\n'),
];

for (const [name, conf] of [
  ['the usual settings', ''],
  ['hostile settings', HOSTILE],
] as const) {
  test(`with ${name} the view goes on and off ten times, and no worker loses a key that is typed`, async () => {
    await using view = await createViewRig(conf);
    const panes = await view.open(...KEYS);
    await view.client({ columns: 200, rows: 50 });
    const before = identity(view);
    const text = 'abcdefghijklmnopqrst';
    for (let i = 0; i < 10; i += 1) {
      for (const [half, on] of [true, false].entries()) {
        await view.tmux.setView(on);
        // The summary and a command may do it at the same time.
        const kept = Promise.all([view.keep(panes), view.keep(panes)]);
        const character = text[2 * i + half] ?? '';
        for (const pane of panes) view.rig.raw('send-keys', '-t', pane, '-l', character);
        await kept;
        assert.deepEqual(view.beside(), on ? KEYS : []);
      }
      assert.deepEqual(identity(view), before, `after ${i + 1} times`);
    }
    for (const pane of panes) {
      view.rig.raw('send-keys', '-t', pane, 'Enter');
      await until('the whole line has arrived', () =>
        view.rig.raw('capture-pane', '-p', '-t', pane).includes(`got:${text}\n`) ? true : null,
      );
    }
  });
}

test('of twenty workers those that need the user are shown first, then those shown already; the rest is counted', async () => {
  await using view = await createViewRig();
  const keys = Array.from({ length: 20 }, (_, i) => `s-${i}`);
  const panes = await view.open(...keys);
  await view.tmux.setView(true);
  assert.deepEqual(await view.keep(panes), { shown: 9, hidden: 11 });
  assert.deepEqual(view.beside(), keys.slice(0, 9));
  const urgent = panes[17] ?? '';
  const order = [`!${urgent}`, ...panes.filter((pane) => pane !== urgent).reverse()];
  assert.deepEqual(await view.keep(order), { shown: 9, hidden: 11 });
  const shown = view.beside();
  assert.ok(shown.includes('s-17'), shown.join());
  assert.equal(
    keys.slice(0, 9).filter((key) => shown.includes(key)).length,
    8,
    'the others stay where the user has just read them',
  );
  const living = order.filter((pane) => pane !== `!${urgent}`);
  view.rig.raw('kill-pane', '-t', urgent);
  assert.deepEqual(await view.keep(living), { shown: 9, hidden: 10 });
  assert.equal(new Set(view.panes().map(({ id }) => id)).size, 20, 'summary and nineteen workers');
  await view.tmux.setView(false);
  await view.keep(living);
  assert.deepEqual(
    view.panes().map(({ key }) => key),
    ['', ...keys.filter((key) => key !== 's-17')],
    'a window each in the old order',
  );
});

test('a new worker appears and a finished one leaves without anyone losing the focus', async () => {
  await using view = await createViewRig();
  const panes = await view.open(...KEYS.slice(0, 3));
  const client = await view.client({ columns: 200, rows: 50 });
  view.rig.raw('select-window', '-t', view.summary);
  await view.tmux.setView(true);
  await view.keep(panes);
  view.rig.raw('select-pane', '-t', panes[1] ?? '');
  const focus = (): string =>
    view.rig.raw('display-message', '-p', '#{pane_id} #{window_active}', ';').trim();
  const before = focus();
  const [late = ''] = await view.open('delta');
  await view.keep([...panes, late]);
  assert.deepEqual(view.beside(), ['alpha', 'beta', 'gamma', 'delta']);
  client.type('typed while panes come and go');
  await view.keep([panes[1] ?? '', panes[2] ?? '', late]);
  assert.deepEqual(view.beside(), ['beta', 'gamma', 'delta']);
  client.press('Enter');
  await client.sees(/got:typed while panes come and go/);
  assert.equal(focus(), before);
  assert.match(before, /^%\d+ 1$/);
});

test('a pane that ended after the look is no error, and the next look makes the rest of the arrangement', async () => {
  const view = await createViewRig();
  await using _end = view;
  const [alpha = '', beta = ''] = await view.open('alpha', 'beta');
  await view.client({ columns: 200, rows: 50 });
  view.rig.raw('select-window', '-t', view.summary);
  await view.tmux.setView(true);
  const before = await view.rig.facts(view.tmux);
  view.rig.raw('kill-pane', '-t', alpha);
  const workers = [alpha, beta].map((pane) => ({ pane, urgent: false, name: '', label: '' }));
  await view.tmux.arrangeView(before, { workers, limits: LIMITS, needs: '', totals: '' });
  await view.keep([beta]);
  assert.deepEqual(view.beside(), ['beta']);
});
