/** The store and the memory on Node's own SQLite: the very tests of better-sqlite3, run by a Node that cannot load that one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { otherNode } from '../support/other-node.ts';

const run = promisify(execFile);
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const FILES = ['store-files', 'store-plan', 'store-state', 'store-processes', 'state-migration'];

test('on Node’s own SQLite the tests of the store and of the memory hold as well', async () => {
  const node = await otherNode();
  const driver = `import { driverName } from './src/sqlite/load-driver.ts'; console.log(driverName());`;
  const used = await run(node, ['--import', 'tsx', '--input-type=module', '-e', driver], { cwd: root });
  assert.deepEqual([used.stdout.trim(), used.stderr], ['node:sqlite', '']);
  // One process for all: to load the sources takes longer than most of the files.
  const load = FILES.map((name) => `await import('./test/adapters/${name}.test.ts');`).join(' ');
  const options = ['--import', 'tsx', '--test-reporter=tap', '--input-type=module', '-e', load];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const ended = await run(node, options, { cwd: root, env, maxBuffer: 1 << 26 }).catch(
    (error: { stdout?: string }) => assert.fail(String(error.stdout ?? error)),
  );
  assert.match(ended.stdout, /^# pass [1-9]\d+$/m);
  assert.match(ended.stdout, /^# fail 0$/m);
});
