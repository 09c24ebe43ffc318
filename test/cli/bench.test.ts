/** `scripts/bench`: its smallest benchmark measures, and prints what it measured beside a floor; none of the figures is asserted. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { PACKAGE_ROOT } from '../../src/app/package-root.ts';

/** What it printed on stdout; throws unless it exits 0. */
async function bench(...args: string[]): Promise<string> {
  const words = ['--import', 'tsx', 'scripts/benchmarks/run.ts', ...args];
  return (await promisify(execFile)(process.execPath, words, { cwd: PACKAGE_ROOT })).stdout;
}

test('a benchmark prints its figure beside its floor, with median and spread, and the page names only benchmarks that exist', async () => {
  const [list, table] = await Promise.all([bench('--list'), bench('hook')]);
  const names = list.trimEnd().split('\n');
  const page = readFileSync(join(PACKAGE_ROOT, 'docs/performance.md'), 'utf8');
  const described = [...page.matchAll(/^### (.+)$/gm)].map(([, name]) => name ?? '');
  assert.deepEqual(
    described.filter((name) => !names.includes(name)),
    [],
  );
  assert.ok(described.length > 0);
  const number = '\\d+(\\.\\d+)?';
  const row = `^hook +a hook of a tool call +${number} ms +${number} - ${number} +${number} +${number} +sh does nothing$`;
  assert.match(table, /^\d+ cores .*; load \d.* before and \d.* after$/m);
  assert.match(table, /^benchmark +figure +median +least - most +floor +times +floor is$/m);
  assert.match(table, new RegExp(row, 'm'));
});
