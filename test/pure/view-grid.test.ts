/** Where summary and workers stand: at every size readable, in the window, and beside one another, never on one another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { capacity, layoutText } from '../../src/tmux/layout/grid.ts';

type Pane = { readonly columns: number; readonly rows: number; readonly x: number; readonly y: number };

/** The panes of tmux's layout text, in order: cells with a number, those with parts are none. */
function panesOf(text: string): Pane[] {
  return [...text.matchAll(/(\d+)x(\d+),(\d+),(\d+),\d+/g)].map(([, columns, rows, x, y]) => ({
    columns: Number(columns),
    rows: Number(rows),
    x: Number(x),
    y: Number(y),
  }));
}

const size = fc.record({
  columns: fc.integer({ min: 10, max: 400 }),
  rows: fc.integer({ min: 4, max: 120 }),
});
const limits = fc.record({
  minWidth: fc.integer({ min: 20, max: 120 }),
  minHeight: fc.integer({ min: 4, max: 40 }),
});

/** The border of a pane at the top takes a line of its own. */
const inner = ({ rows, y }: Pane): number => rows - (y === 0 ? 1 : 0);

/** Columns and rows that some pane takes; throws where two take the same. */
function checkDisjoint(panes: readonly Pane[]): void {
  const taken = new Set<string>();
  for (const { columns, rows, x, y } of panes)
    for (let cell = 0; cell < columns * rows; cell += 1) {
      const at = `${x + (cell % columns)},${y + Math.floor(cell / columns)}`;
      assert.ok(!taken.has(at), `two panes at ${at}`);
      taken.add(at);
    }
}

test('property: as many workers as the window holds are readable, with the summary, and never overlap', () => {
  fc.assert(
    fc.property(size, limits, fc.nat(40), (window, least, wish) => {
      const most = capacity(window, least);
      assert.equal(layoutText(window, least, most + 1), null, 'one more does not fit');
      const count = Math.min(wish, most);
      const [summary, ...workers] = panesOf(layoutText(window, least, count) ?? '');
      assert.equal(workers.length, count);
      if (summary === undefined) return;
      assert.ok(summary.columns >= 40 || summary.columns === window.columns, 'the width of the summary');
      assert.ok(inner(summary) >= 9 || summary.rows === window.rows, 'the height of the summary');
      for (const pane of workers)
        assert.ok(pane.columns >= least.minWidth && inner(pane) >= least.minHeight, JSON.stringify(pane));
      for (const { columns, rows, x, y } of [summary, ...workers])
        assert.ok(x + columns <= window.columns && y + rows <= window.rows, 'inside the window');
      checkDisjoint([summary, ...workers]);
    }),
    { numRuns: 200, examples: [[{ columns: 61, rows: 5 }, { minWidth: 20, minHeight: 4 }, 1]] },
  );
});

test('property: a larger window never holds fewer workers', () => {
  fc.assert(
    fc.property(size, limits, fc.nat(50), fc.nat(50), ({ columns, rows }, least, wider, higher) => {
      const larger = { columns: columns + wider, rows: rows + higher };
      assert.ok(capacity(larger, least) >= capacity({ columns, rows }, least));
    }),
    { numRuns: 500 },
  );
});
