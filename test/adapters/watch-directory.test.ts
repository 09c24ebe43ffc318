/** Watching a directory that another program makes when it likes. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { watchDirectory } from '../../src/poller/wake.ts';
import { until } from '../support/wait.ts';

test('a directory that appears later, with those above it, is watched from then on, and its absence is no trouble', async () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'orchestrate-watch-'));
  const seen: (string | null)[] = [];
  const troubles: unknown[] = [];
  const directory = path.join(root, 'home', '.claude', 'sessions');
  const watching = watchDirectory(
    directory,
    (name) => seen.push(name),
    (error) => troubles.push(error),
  );
  try {
    assert.deepEqual(troubles, []);
    mkdirSync(path.join(root, 'home'));
    mkdirSync(directory, { recursive: true });
    await until('the directory was noticed', () => seen.length > 0);
    writeFileSync(path.join(directory, '12.json'), '{}');
    await until('its file was noticed', () => seen.includes('12.json'));
    assert.deepEqual(troubles, []);
  } finally {
    watching.close();
    rmSync(root, { recursive: true, force: true });
  }
});
