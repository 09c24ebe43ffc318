/** The compiled code that a command leaves for the next start: V8 takes it, whichever command was the first. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Script } from 'node:vm';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { createCliRig } from '../support/cli-rig.ts';

test('what start and doctor compiled, each as the first command, is taken by the next one', async () => {
  await using rig = await createCliRig();
  for (const command of ['start', 'doctor']) {
    const dist = join(rig.home, command);
    cpSync(join(CLI_ENTRY, '..'), dist, {
      recursive: true,
      filter: (file) => !file.endsWith('.code-cache'),
    });
    spawnSync(process.execPath, [join(dist, 'cli.js'), command], { cwd: rig.root, env: rig.env });
    const kept = readdirSync(join(dist, '.code-cache'));
    assert.equal(kept.length, 1, kept.join(', '));
    const [cache = ''] = kept;
    const bundle = join(dist, cache.slice(0, cache.indexOf('.js') + 3));
    const { cachedDataRejected } = new Script(readFileSync(bundle, 'latin1'), {
      filename: bundle,
      cachedData: readFileSync(join(dist, '.code-cache', cache)),
    });
    assert.equal(cachedDataRejected, false, command);
  }
});
