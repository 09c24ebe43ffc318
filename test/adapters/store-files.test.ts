/** Files that cannot or mustn't be used: missing, corrupt, newer, older, locked, foreign; and what modes new ones get. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OrchestrateError } from '../../src/core/errors.ts';
import { sqliteDriver } from '../../src/sqlite/load-driver.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import { checkOwner } from '../../src/task-copilot/owner.ts';
import { openPlanStore } from '../../src/task-copilot/plan-store.ts';
import { foreignStore, tempDir } from '../support/foreign-store.ts';
import { bundleStore, startStoreProcess } from '../support/store-process.ts';

const Database = sqliteDriver();
/** Node has an SQLite of its own. */
const HAS_OWN = isBuiltin('node:sqlite');

/** What would give a project another store. */
const RENAME = 'set "workspace"';

const dirs: { remove(): void }[] = [];
/** All files below are 0600, all directories 0700. */
function assertPrivate(dir: string): void {
  for (const name of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const mode = statSync(join(name.parentPath, name.name)).mode & 0o777;
    assert.equal(mode, name.isDirectory() ? 0o700 : 0o600, name.name);
  }
}

describe('store files', () => {
  after(() => {
    for (const dir of dirs) dir.remove();
  });

  function freshDir(): string {
    const dir = tempDir();
    dirs.push(dir);
    return dir.path;
  }

  function hash(path: string): string {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  }

  function failure(work: () => unknown): OrchestrateError {
    try {
      work();
    } catch (error) {
      if (error instanceof OrchestrateError) return error;
      throw error;
    }
    throw new Error('nothing was thrown');
  }

  /** Opens `path` in every way there is, and expects exit 6 and the file byte for byte as before. */
  function refusedUntouched(path: string, message: RegExp): void {
    const before = hash(path);
    const opens = [
      () => openPlanStore(path, { create: false }),
      () => openPlanStore(path, { create: true }),
      () => openPlanStore(path, { create: false, readonly: true }),
    ];
    for (const open of opens) {
      const error = failure(open);
      assert.equal(error.exitCode, 6, error.message);
      assert.match(error.message, message);
      assert.equal(hash(path), before);
    }
  }

  /** A store of some size, with nothing left in its log. */
  function filledStore(): string {
    return foreignStore(freshDir(), (rows) => {
      for (let n = 0; n < 300; n++) rows.task({ streamId: `S${n}`, filler: 'x'.repeat(200) });
    });
  }

  /** A store of schema 5 with one task. */
  function olderStore(): string {
    return foreignStore(freshDir(), (rows) => {
      rows.task({ streamId: 'A' }, { title: 'kept' });
      rows.db.exec(`DROP TABLE protocol_violations; DROP TABLE agent_activity; DROP INDEX idx_tasks_archived;
        ALTER TABLE tasks DROP COLUMN archived; DELETE FROM migrations WHERE version > 5`);
    });
  }

  /** Longer than any deadline: whoever waits so long hangs. */
  const FOREVER_MS = 1_000_000;

  describe('a plan store', () => {
    test('that is missing is exit 6, names how to make one, and makes nothing', () => {
      const path = join(freshDir(), 'w', 'tasks.db');
      const error = failure(() => openPlanStore(path, { create: false }));
      assert.equal(error.exitCode, 6);
      assert.equal(error.fix, 'orchestrate generate');
      assert.equal(existsSync(dirname(path)), false);
    });

    test('of garbage, or cut short, is exit 6 and stays as it is', () => {
      const garbage = join(freshDir(), 'tasks.db');
      writeFileSync(garbage, 'not a database, by any means '.repeat(100));
      refusedUntouched(garbage, /not a database/);

      const half = filledStore();
      truncateSync(half, Math.floor(statSync(half).size / 2));
      refusedUntouched(half, /malformed|truncated/);

      const cut = filledStore();
      truncateSync(cut, statSync(cut).size - 100);
      refusedUntouched(cut, /truncated/);

      const stub = filledStore();
      truncateSync(stub, 40);
      refusedUntouched(stub, /not a database|truncated|malformed/);
    });

    test('is moved away, as is advised, with its log, and in the place of nothing', () => {
      const directory = freshDir();
      const names = ['tasks.db', 'tasks.db-wal', 'tasks.db.broken'];
      for (const name of names) writeFileSync(join(directory, name), `${name} `.repeat(100));
      const { fix } = failure(() => openPlanStore(join(directory, 'tasks.db'), { create: false }));
      execFileSync('sh', ['-c', fix]);
      openPlanStore(join(directory, 'tasks.db'), { create: true }).close();
      const kept = {
        'tasks.db.broken-2': names[0],
        'tasks.db.broken-2-wal': names[1],
        'tasks.db.broken': names[2],
      };
      for (const [name, was] of Object.entries(kept))
        assert.equal(readFileSync(join(directory, name), 'utf8'), `${was} `.repeat(100));
    });

    test('with a page overwritten is exit 6 when it is read', () => {
      const path = filledStore();
      const bytes = readFileSync(path);
      bytes.fill(0xa5, 3 * 4096);
      writeFileSync(path, bytes);
      const error = failure(() => openPlanStore(path, { create: false }).readPlan());
      assert.equal(error.exitCode, 6);
      assert.match(error.fix, /mv /);
    });

    test('newer than schema 10 is exit 6 before anything is written, its journal mode included', () => {
      for (const make of ['INSERT INTO migrations VALUES (11, 0)', 'PRAGMA user_version = 1']) {
        const path = filledStore();
        const db = new Database(path);
        db.exec(make);
        db.pragma('journal_mode = DELETE');
        db.close();
        refusedUntouched(path, /newer/);
        assert.deepEqual(readdirSync(dirname(path)), ['tasks.db']);
      }
      const path = filledStore();
      const writer = new Database(path);
      writer.exec('INSERT INTO migrations VALUES (11, 0)');
      refusedUntouched(path, /newer/);
      writer.close();
    });

    test('that is some other database is exit 6', () => {
      const path = join(freshDir(), 'tasks.db');
      const db = new Database(path);
      db.exec('CREATE TABLE recipes (id)');
      db.close();
      refusedUntouched(path, /no Task Copilot store/);
    });

    test('that is a directory is exit 6; one that is empty is one to be filled', () => {
      const path = join(freshDir(), 'tasks.db');
      mkdirSync(path);
      assert.equal(failure(() => openPlanStore(path, { create: true })).exitCode, 6);
      const empty = join(freshDir(), 'tasks.db');
      writeFileSync(empty, '');
      assert.equal(failure(() => openPlanStore(empty, { create: false })).exitCode, 6);
      openPlanStore(empty, { create: true }).close();
      openPlanStore(empty, { create: false, readonly: true }).close();
    });

    test('of an older schema is copied, then completed, also by a reader', () => {
      const path = olderStore();
      const store = openPlanStore(path, { create: false, readonly: true });
      assert.equal(store.readPlan().streams[0]?.id, 'A');
      store.close();
      const writer = openPlanStore(path, { create: false });
      assert.equal(writer.updateTask('TASK-1', { status: 'completed' }).title, 'kept');
      writer.close();
      const backup = new Database(`${path}.schema-5.backup`, { readonly: true });
      assert.equal(backup.prepare('SELECT max(version) FROM migrations').pluck().get(), 5);
      assert.equal(backup.prepare('SELECT status FROM tasks').pluck().get(), 'pending');
      backup.close();
      assert.equal(statSync(`${path}.schema-5.backup`).mode & 0o777, 0o600);
    });

    test('of an older schema is copied with what is still in its log', () => {
      const path = olderStore();
      const other = new Database(path);
      other.pragma('wal_autocheckpoint = 0');
      other.exec(`UPDATE tasks SET notes = 'in the log alone'`);
      openPlanStore(path, { create: false }).close();
      other.close();
      const backup = new Database(`${path}.schema-5.backup`, { readonly: true });
      assert.equal(backup.prepare('SELECT notes FROM tasks').pluck().get(), 'in the log alone');
      backup.close();
    });

    test('of an older schema that cannot be completed stays as it is, with its copy, and is completed later', () => {
      const path = olderStore();
      const db = new Database(path);
      const versionOf = (of = db) => of.prepare('SELECT max(version) FROM migrations').pluck().get();
      const columns = () => db.prepare(`SELECT name FROM pragma_table_info('tasks')`).pluck().all();
      // In the place of a table that comes last.
      db.exec('CREATE VIEW protocol_violations AS SELECT 1 AS id');
      const before = columns();
      assert.throws(() => openPlanStore(path, { create: false }), OrchestrateError);
      assert.deepEqual([versionOf(), columns()], [5, before]);
      db.exec(`UPDATE tasks SET notes = 'since then'; DROP VIEW protocol_violations`);
      const store = openPlanStore(path, { create: false });
      assert.equal(store.getTask('TASK-1')?.notes, 'since then');
      store.close();
      assert.deepEqual([versionOf(), columns().includes('archived')], [10, true]);
      db.close();
      const backup = new Database(`${path}.schema-5.backup`, { readonly: true });
      assert.deepEqual(
        [versionOf(backup), backup.prepare('SELECT notes FROM tasks').pluck().get()],
        [5, null],
      );
      backup.close();
      assert.deepEqual(
        readdirSync(dirname(path)).filter((name) => /backup./.test(name)),
        [],
      );
    });

    test('is waited for no longer than is said later', () => {
      const path = foreignStore(freshDir(), (rows) => rows.task({ streamId: 'A' }, { id: 'TASK-1' }));
      const store = openPlanStore(path, { create: false, busyTimeoutMs: FOREVER_MS });
      const state = openStateStore(join(freshDir(), 'state.db'), { busyTimeoutMs: FOREVER_MS });
      for (const each of [store, state]) each.waitAtMost(0);
      const locks = [store, state].map((each) => new Database(each.path));
      for (const lock of locks) lock.exec('BEGIN IMMEDIATE');
      assert.equal(failure(() => store.updateTask('TASK-1', { notes: 'n' })).exitCode, 4);
      assert.equal(failure(() => state.setTmuxServer('s')).exitCode, 4);
      for (const each of [...locks, store, state]) each.close();
    });

    test('that a writer which was killed left half written is as it was before', () => {
      const path = join(freshDir(), 'tasks.db');
      const live = filledStore();
      const writer = new Database(live);
      writer.pragma('journal_mode = DELETE');
      writer.pragma('cache_size = 1');
      writer.exec('BEGIN IMMEDIATE');
      writer.exec("UPDATE tasks SET title = 'half'");
      // What a kill would leave.
      copyFileSync(live, path);
      copyFileSync(`${live}-journal`, `${path}-journal`);
      writer.exec('ROLLBACK');
      writer.close();
      const store = openPlanStore(path, { create: false });
      assert.equal(store.readPlan().streams.length, 300);
      assert.deepEqual(
        store.listTasks().filter(({ title }) => title === 'half'),
        [],
      );
      store.close();
    });

    test('locked by another connection is waited for in bounds, then exit 4', () => {
      const path = filledStore();
      const store = openPlanStore(path, { create: false, busyTimeoutMs: 60 });
      const holder = new Database(path);
      holder.exec('BEGIN IMMEDIATE');
      const error = failure(() => store.updateTask('TASK-1', { status: 'completed' }));
      assert.equal(error.exitCode, 4);
      assert.match(error.message, /locked by another process/);
      assert.equal(store.readPlan().streams.length, 300, 'readers go on');
      holder.exec('ROLLBACK');
      assert.equal(store.updateTask('TASK-1', { status: 'completed' }).status, 'completed');
      store.close();
      holder.pragma('journal_mode = DELETE');
      holder.exec('BEGIN EXCLUSIVE');
      assert.equal(failure(() => openPlanStore(path, { create: false, busyTimeoutMs: 60 })).exitCode, 4);
      holder.close();
    });

    test('where nothing can be created is exit 3', (context) => {
      const blocked = join(freshDir(), 'file');
      writeFileSync(blocked, '');
      const error = failure(() => openPlanStore(join(blocked, 'tasks.db'), { create: true }));
      assert.equal(error.exitCode, 3);
      assert.match(error.message, /ENOTDIR|EEXIST/);
      if (process.getuid?.() === 0) {
        context.diagnostic('modes do not bind root: the unwritable directory was not tried');
        return;
      }
      const path = filledStore();
      chmodSync(dirname(path), 0o500);
      assert.equal(failure(() => openPlanStore(path, { create: false })).exitCode, 3);
      chmodSync(dirname(path), 0o700);
    });
  });

  describe('new files', () => {
    test('are 0600 in directories of 0700, whatever the umask', () => {
      const before = process.umask(0);
      try {
        for (const umask of [0o000, 0o077]) {
          process.umask(umask);
          const dir = join(freshDir(), 'a', 'b');
          const store = openPlanStore(join(dir, 'tasks.db'), { create: true });
          const state = openStateStore(join(dir, 'state', 'state.db'));
          store.importPlan(
            {
              initiative: null,
              prd: { title: 't', description: null, content: '' },
              tasks: [{ title: 'a', description: null, assignedAgent: null, metadata: { streamId: 'A' } }],
            },
            { update: false, dryRun: false },
          );
          state.setTmuxServer('default|1|2');
          checkOwner(join(dir, 'tasks.db'), dir, { claim: true, rename: RENAME });
          assertPrivate(dir);
          assert.equal(statSync(dirname(dir)).mode & 0o777, 0o700);
          assert.ok(existsSync(join(dir, 'tasks.db-wal')));
          store.close();
          state.close();
        }
      } finally {
        process.umask(before);
      }
    });
  });

  describe("orchestrate's state", () => {
    test('that is corrupt, foreign or newer is exit 6 and stays as it is', () => {
      const garbage = join(freshDir(), 'state.db');
      writeFileSync(garbage, 'garbage '.repeat(1000));
      const foreign = join(freshDir(), 'state.db');
      const newer = join(freshDir(), 'state.db');
      openStateStore(newer).close();
      for (const [path, change] of [
        [foreign, 'CREATE TABLE t (a)'],
        [newer, 'PRAGMA user_version = 1000'],
      ] as const) {
        const db = new Database(path);
        db.exec(change);
        db.close();
      }
      for (const path of [garbage, foreign, newer]) {
        const before = hash(path);
        assert.equal(failure(() => openStateStore(path)).exitCode, 6);
        assert.equal(hash(path), before);
      }
      // A name in a registry may be anybody's.
      assert.doesNotMatch(failure(() => openStateStore(newer)).fix, /npm/);
      assert.equal(
        failure(() => openStateStore(join(freshDir(), 'state.db'), { create: false })).exitCode,
        6,
      );
    });
  });

  describe('the driver', () => {
    test("without its native part is Node's own, and without that exit 3 with the remedy", async () => {
      const bundle = await bundleStore(['task-copilot/plan-store.ts']);
      try {
        const dir = freshDir();
        const driver = join(dir, 'node_modules', 'better-sqlite3');
        const installed = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'node_modules');
        cpSync(join(installed, 'better-sqlite3', 'lib'), join(driver, 'lib'), { recursive: true });
        cpSync(join(installed, 'better-sqlite3', 'package.json'), join(driver, 'package.json'));
        for (const name of ['bindings', 'file-uri-to-path']) {
          symlinkSync(join(installed, name), join(dir, 'node_modules', name));
        }
        cpSync(fileURLToPath(bundle.url), join(dir, 'store.mjs'));
        const one = startStoreProcess(join(dir, 'store.mjs'));
        const answer = await one.run(
          `try { return store.openPlanStore(args[0], { create: true }).listTasks().length; } catch (error) { return error.exitCode + error.fix; }`,
          [join(dir, 'tasks.db')],
        );
        await one.kill();
        assert.match(
          String(answer),
          HAS_OWN ? /^0$/ : /^3install Node 22\.13 or newer .*, or this program by npm, as its README says$/,
        );
      } finally {
        bundle.remove();
      }
    });
  });

  describe('the owner file', () => {
    test('refuses a second project with exit 7 while the first exists, and follows a project that is gone', () => {
      const dir = freshDir();
      const store = join(dir, 'ws', 'tasks.db');
      const [first, second] = [join(dir, 'one'), join(dir, 'two')];
      mkdirSync(first);
      mkdirSync(second);
      checkOwner(store, second, { claim: false, rename: RENAME });
      assert.equal(existsSync(dirname(store)), false, 'nothing is claimed unasked');
      checkOwner(store, first, { claim: true, rename: RENAME });
      checkOwner(store, first, { claim: true, rename: RENAME });
      for (const claim of [true, false]) {
        const error = failure(() => checkOwner(store, second, { claim, rename: RENAME }));
        assert.equal(error.exitCode, 7);
        assert.match(error.message, /one$/);
        assert.match(error.fix, /"workspace"/);
      }
    });

    test('that names a project no longer there, or is broken, is taken over', () => {
      const dir = freshDir();
      const store = join(dir, 'tasks.db');
      checkOwner(store, join(dir, 'gone'), { claim: true, rename: RENAME });
      mkdirSync(join(dir, 'here'));
      checkOwner(store, join(dir, 'here'), { claim: true, rename: RENAME });
      assert.equal(JSON.parse(readFileSync(join(dir, 'owner.json'), 'utf8')).project, join(dir, 'here'));
      writeFileSync(join(dir, 'owner.json'), '{');
      checkOwner(store, join(dir, 'here'), { claim: true, rename: RENAME });
      assert.equal(JSON.parse(readFileSync(join(dir, 'owner.json'), 'utf8')).project, join(dir, 'here'));
      assert.deepEqual(readdirSync(dir).sort(), ['here', 'owner.json']);
    });
  });
});
