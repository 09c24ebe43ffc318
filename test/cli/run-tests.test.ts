/** The program that runs every test: what it is asked for and does not know it says, and runs nothing instead. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { PACKAGE_ROOT } from '../../src/app/package-root.ts';
import { DEADLINE_MS } from '../support/wait.ts';

test('a folder of tests that is not there is a usage error that names those that are', () => {
  const args = ['--import', 'tsx', 'scripts/run-tests.ts', 'pure', 'pure/decide.test.ts'];
  const options = { cwd: PACKAGE_ROOT, encoding: 'utf8', timeout: DEADLINE_MS } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /^"pure\/decide\.test\.ts" is no folder of test\/: .*\bpure\b/);
});
