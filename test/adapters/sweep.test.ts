/** What a poller's sweep removes and what it keeps, on real files and a real state. */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { projectPaths, runDir } from '../../src/app/paths.ts';
import { sweep } from '../../src/poller/sweep.ts';
import { IN_MEMORY } from '../../src/state/state-schema.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import { tempDir } from '../support/foreign-store.ts';

const dir = tempDir();
const state = openStateStore(IN_MEMORY);
after(() => {
  state.close();
  dir.remove();
});

test('keeps the open run, the last ones and the last that failed; removes older ones and links that lead nowhere', () => {
  const paths = projectPaths(dir.path);
  const names = { branchPrefix: 'orchestrate/', worktreeRoot: '/w', portBase: 4100 };
  const { key } = state.ensureStream('I', 'A', names);
  const run = {
    key,
    agentKind: 'custom',
    startedAtMs: 1,
    bootId: 'b',
    sessionId: null,
    baseSha: 's',
  } as const;
  for (let number = 1; number <= 9; number++) {
    assert.ok(state.openRun({ ...run, number, tokenHash: `t${number}` }));
    mkdirSync(runDir(paths, key, number), { recursive: true });
    writeFileSync(join(runDir(paths, key, number), 'pane.log'), 'x');
    if (number < 9)
      state.endRun(key, number, { endedAtMs: 2, outcome: number === 2 ? 'failed' : 'interrupted' });
  }
  const links = join(dir.path, `orchestrate-${process.getuid?.()}`);
  mkdirSync(links, { mode: 0o700 });
  symlinkSync(dir.path, join(links, 'here'));
  symlinkSync(join(dir.path, 'gone'), join(links, 'nowhere'));

  sweep({ paths, state }, 'I', dir.path);
  const kept = [1, 2, 3, 4, 5, 6, 7, 8, 9].filter((number) => existsSync(runDir(paths, key, number)));
  assert.deepEqual(kept, [2, 5, 6, 7, 8, 9]);
  assert.ok(existsSync(join(links, 'here')));
  assert.equal(lstatSync(join(links, 'nowhere'), { throwIfNoEntry: false }), undefined);
});

test('more events than one screen holds are all there to be read', () => {
  for (let n = 0; n < 300; n++)
    state.addEvent({ atMs: n, key: 'a', run: null, kind: 'warning', message: String(n) });
  assert.equal(state.events({ key: 'a' }).length, 300);
});
