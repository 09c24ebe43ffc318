/** Claims of files by streams that may run side by side. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fileOverlaps } from '../../src/core/plan/file-overlaps.ts';

const claim = (id: string, files: string[], dependencies: string[] = []) => ({ id, files, dependencies });
const overlap = (a: string, b: string) => fileOverlaps([claim('A', [a]), claim('B', [b])]).length === 1;

test('equal paths, a directory and what is in it, and patterns overlap', () => {
  for (const [a, b] of [
    ['src/a.ts', 'src/a.ts'],
    ['src/a.ts', './src//a.ts'],
    ['src', 'src/a.ts'],
    ['src/', 'src/x/y.ts'],
    ['src/**', 'src/x/y.ts'],
    ['src/**', 'src'],
    ['src/db/**', 'src/**'],
    ['**/*.ts', 'src/a.ts'],
    ['src/*.ts', 'src/a.ts'],
    ['src/a*.ts', 'src/*b.ts'],
    ['src/?.ts', 'src/a.ts'],
    ['src/**/test', 'src/test/x'],
    ['src/?', 'src/a*'],
    ['src/ab', 'src/*ab'],
    ['**', 'a'],
  ] as const) {
    assert.ok(overlap(a, b), `${a} and ${b}`);
    assert.ok(overlap(b, a), `${b} and ${a}`);
  }
});

test('neighbours with similar names do not overlap', () => {
  for (const [a, b] of [
    ['src/a.ts', 'src/b.ts'],
    ['src/db', 'src/db2'],
    ['src/db/**', 'src/db.ts'],
    ['src/db-x', 'src/db/y'],
    ['src/*.ts', 'src/a.js'],
    ['src/*.ts', 'src/x/a.ts'],
    ['src/?.ts', 'src/ab.ts'],
    ['src/a*b', 'src/a*c'],
    ['a/**/x.ts', 'b/**/x.ts'],
  ] as const) {
    assert.ok(!overlap(a, b), `${a} and ${b}`);
    assert.ok(!overlap(b, a), `${b} and ${a}`);
  }
});

test('streams that wait for each other, directly or not, and one stream alone are no overlap', () => {
  const streams = [
    claim('A', ['x', 'x']),
    claim('B', ['x'], ['A']),
    claim('C', ['x'], ['B']),
    claim('D', ['x/y'], ['A']),
  ];
  assert.deepEqual(fileOverlaps(streams), [
    { streams: ['B', 'D'], files: ['x', 'x/y'] },
    { streams: ['C', 'D'], files: ['x', 'x/y'] },
  ]);
});

test('a dependency that comes later in the plan is one too', () => {
  assert.deepEqual(fileOverlaps([claim('B', ['x'], ['A']), claim('A', ['x'])]), []);
});

test('property: two literal claims overlap exactly when one is the other or above it', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', 'a-', 'ab', 'A'), { minLength: 1, maxLength: 4 })
    .map((all) => all.join('/'));
  fc.assert(
    fc.property(fc.array(path, { minLength: 2, maxLength: 8 }), (paths) => {
      const found = fileOverlaps(paths.map((text, at) => claim(`s${at}`, [text]))).map(({ streams }) =>
        streams.join(' '),
      );
      const expected = paths.flatMap((a, i) =>
        paths.flatMap((b, j) =>
          i < j && (`${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`)) ? [`s${i} s${j}`] : [],
        ),
      );
      assert.deepEqual(found, expected);
    }),
    { numRuns: 500 },
  );
});

test('a thousand streams that claim the same file are counted up to the limit', () => {
  const streams = Array.from({ length: 1000 }, (_, at) => claim(`s${at}`, ['package.json', `src/${at}/**`]));
  assert.equal(fileOverlaps(streams, 200).length, 200);
});

test('a claim of absurd length is answered', () => {
  assert.ok(overlap(`${'*a'.repeat(20_000)}`, `${'a*'.repeat(20_000)}`));
});
