/** A state.db as the first release wrote it: brought to this version whole, or refused while its poller lives. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { OrchestrateError } from '../../src/core/errors.ts';
import { sqliteDriver } from '../../src/sqlite/load-driver.ts';
import { acquireLease } from '../../src/state/lease.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import { tempDir } from '../support/foreign-store.ts';

const Database = sqliteDriver();

const FIRST_TABLES = readFileSync(new URL('../support/state-version-1.sql', import.meta.url), 'utf8');
const FACTS = {
  'tmux-server': 'default|12|34',
  'git-config': JSON.stringify({ 'filter.x.clean': 'y' }),
  'in-flight': JSON.stringify([['a', { kind: 'launch', sinceMs: 1 }]]),
  'poller-only': JSON.stringify(['A']),
  'fresh:a': '1',
  'branch-of:a': 'orchestrate/a',
  'branch-of:b': 'orchestrate/b',
  'changes:b': JSON.stringify({ commits: 1, added: 2, removed: 3, base: 's', head: 'h' }),
  troubles: JSON.stringify([['b', { kind: 'verify', message: 'm', fix: 'f', atMs: 4, count: 2 }]]),
  notified: JSON.stringify([['a', 'failed exit #']]),
};

const dirs: { remove(): void }[] = [];
describe('state migration', () => {
  after(() => {
    for (const dir of dirs) dir.remove();
  });

  /** The path of a state as the first release left it, with streams A (an ended and an open run) and B. */
  function firstState(): string {
    const dir = tempDir();
    dirs.push(dir);
    const home = join(dir.path, 'orchestrator');
    mkdirSync(home, { mode: 0o700 });
    const db = new Database(join(home, 'state.db'));
    db.pragma('journal_mode = WAL');
    db.exec(FIRST_TABLES);
    db.exec(`
    INSERT INTO streams (key, initiative_id, stream_id, branch, worktree, port, intent, intent_at_ms, base, verified)
      VALUES ('a', 'I', 'A', 'orchestrate/a', '/w/a', 4100, 'parked', 7, '{"sha":"s","parents":[],"atMs":1}', NULL),
             ('b', 'I', 'B', 'orchestrate/b', '/w/b', 4110, 'none', 0, NULL, '{"sha":"v","atMs":2,"adopted":false}');
    INSERT INTO runs (key, number, token_hash, agent_kind, started_at_ms, ended_at_ms, boot_id, base_sha, outcome, worker)
      VALUES ('a', 1, 't1', 'claude', 10, 20, 'boot', 's', 'failed', '{"pid":5,"start":"9"}'),
             ('a', 2, 't2', 'custom', 30, NULL, 'boot', 's', NULL, NULL);
    INSERT INTO events (at_ms, key, run, kind, message) VALUES (1, 'a', 1, 'launched', 'x');
    INSERT INTO gate_results VALUES ('b', 'v', 'test', 'npm test', 0, 0, '/l', 1, 2);
    INSERT INTO initiative_bases VALUES ('I', 'main', 'base');
    INSERT INTO poller VALUES (1, 4242, 'start', 3, 'hash');
  `);
    const insert = db.prepare('INSERT INTO meta (name, value) VALUES (?, ?)');
    for (const [name, value] of Object.entries(FACTS)) insert.run(name, value);
    db.close();
    return join(home, 'state.db');
  }

  function versionOf(path: string): unknown {
    const db = new Database(path, { readonly: true });
    try {
      return db.pragma('user_version', { simple: true });
    } finally {
      db.close();
    }
  }

  describe('a state of the first release', () => {
    test('is read by this one with nothing lost', () => {
      const state = openStateStore(firstState());
      const a = state.records('I').get('a');
      const b = state.records('I').get('b');
      assert.equal(a?.intent, 'parked');
      assert.equal(a.fresh, true);
      assert.equal(a.branchMade, true);
      assert.equal(a.told, 'failed exit #');
      assert.equal(a.trouble, null);
      assert.equal(a.step, null, 'whoever had it under way is gone');
      assert.deepEqual(
        a.runs.map(({ number, agentKind, outcome, worker }) => ({ number, agentKind, outcome, worker })),
        [
          { number: 1, agentKind: 'claude', outcome: 'failed', worker: { pid: 5, start: '9' } },
          { number: 2, agentKind: 'custom', outcome: null, worker: null },
        ],
      );
      assert.equal(b?.fresh, false);
      assert.equal(b.branchMade, true);
      assert.deepEqual(b.verified, { sha: 'v', atMs: 2, adopted: false, run: 0, parents: [] });
      assert.deepEqual(b.changes, { commits: 1, added: 2, removed: 3, base: 's', head: 'h' });
      const trouble = { kind: 'verify', message: 'm', fix: 'f', cause: null, atMs: 4, count: 2 };
      assert.deepEqual(b.trouble, trouble);
      assert.equal(b.told, null);
      assert.equal(state.tmuxServer(), 'default|12|34');
      assert.deepEqual(state.gitConfig(), { 'filter.x.clean': 'y' });
      assert.deepEqual(state.poller(), {
        pid: 4242,
        start: 'start',
        sinceMs: 3,
        sinceEvent: 0,
        configHash: 'hash',
        only: ['A'],
        maxWorkers: null,
      });
      assert.deepEqual(state.initiativeBase('I'), { branch: 'main', sha: 'base' });
      assert.equal(state.events({}).length, 1);
      assert.equal(state.gateResults('b', 'v').length, 1);
      assert.equal(state.runByTokenHash('t2')?.streamId, 'A');
      state.close();
    });

    test('is brought to the same tables as a new one', () => {
      const [old, fresh] = [firstState(), join(tempHome(), 'state.db')];
      for (const path of [old, fresh]) openStateStore(path).close();
      assert.deepEqual(tablesOf(old), tablesOf(fresh));
      assert.equal(versionOf(old), versionOf(fresh));
    });

    test('stays as it is when a step of the change fails', () => {
      const path = firstState();
      const db = new Database(path);
      db.prepare('UPDATE meta SET value = ? WHERE name = ?').run('[', 'troubles');
      db.close();
      assert.throws(() => openStateStore(path), { name: OrchestrateError.name });
      assert.equal(versionOf(path), 1);
      assert.ok(JSON.stringify(tablesOf(path)).includes('meta'));
    });

    test('is refused while its own poller lives, and taken once that has ended', () => {
      const path = firstState();
      const lease = acquireLease(join(path, '..', 'lock.db'), 0);
      assert.throws(
        () => openStateStore(path),
        (error) =>
          error instanceof OrchestrateError && error.exitCode === 4 && error.fix.includes('kill 4242'),
      );
      assert.equal(versionOf(path), 1);
      lease?.release();
      openStateStore(path).close();
    });
  });

  function tempHome(): string {
    const dir = tempDir();
    dirs.push(dir);
    return dir.path;
  }

  function tablesOf(path: string): unknown {
    const db = new Database(path, { readonly: true });
    try {
      const tables = db
        .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`)
        .pluck()
        .all();
      return tables.map((name) => [name, db.pragma(`table_info(${String(name)})`)]);
    } finally {
      db.close();
    }
  }

  for (const [how, change] of [
    ['removed', (path: string) => rmSync(path)],
    ['replaced', (path: string) => renameSync(openedElsewhere(), path)],
  ] as const) {
    test(`a state that was ${how} while it is open is noticed: nothing is written where nobody looks`, () => {
      const path = join(tempHome(), 'state.db');
      const state = openStateStore(path);
      state.setTmuxServer('default|1|2');
      assert.equal(state.isLost(), false);
      change(path);
      assert.equal(state.isLost(), true);
      assert.throws(
        () => state.setTmuxServer('default|3|4'),
        (error) =>
          error instanceof OrchestrateError &&
          error.exitCode === 6 &&
          /removed or replaced/.test(error.message),
      );
      state.close();
    });
  }

  function openedElsewhere(): string {
    const path = join(tempHome(), 'other.db');
    openStateStore(path).close();
    return path;
  }
});
