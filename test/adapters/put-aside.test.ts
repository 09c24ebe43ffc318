/** The command that moves away what is in the way, typed as it stands. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { putAside } from '../../src/files/put-aside.ts';

test('what is moved out of the way takes the place of nothing, however often it is typed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-aside-'));
  try {
    const path = join(directory, "it's here");
    symlinkSync('nowhere', `${path}-mine-2`);
    for (const text of ['first', 'second', 'third']) {
      writeFileSync(path, text);
      execFileSync('/bin/sh', ['-c', putAside(path)]);
    }
    const kept = ['-mine', '-mine-3', '-mine-4'].map((end) => readFileSync(`${path}${end}`, 'utf8'));
    assert.deepEqual(kept, ['first', 'second', 'third']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
