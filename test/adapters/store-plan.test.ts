/** The plan store on real files: plans as other writers leave them, task updates, imports. */
import assert from 'node:assert/strict';
import { copyFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { OrchestrateError } from '../../src/core/errors.ts';
import { openPlanStore } from '../../src/task-copilot/plan-store.ts';
import { openCopilotDatabase } from '../../src/task-copilot/store-schema.ts';
import type { PlanInput, PlanStore } from '../../src/task-copilot/types.ts';
import { type ForeignRows, foreignRows, foreignStore, tempDir } from '../support/foreign-store.ts';

const dirs: { remove(): void }[] = [];
const stores: PlanStore[] = [];
describe('store plan', () => {
  after(() => {
    for (const store of stores) store.close();
    for (const dir of dirs) dir.remove();
  });

  function freshDir(): string {
    const dir = tempDir();
    dirs.push(dir);
    return dir.path;
  }

  function opened(path: string, create = false): PlanStore {
    const store = openPlanStore(path, { create });
    stores.push(store);
    return store;
  }

  function storeWith(add: (rows: ForeignRows) => void): PlanStore {
    return opened(foreignStore(freshDir(), add));
  }

  function rowsOf(store: PlanStore, sql: string): Record<string, unknown>[] {
    const db = openCopilotDatabase(store.path, { create: false });
    const rows = db.prepare(sql).all() as Record<string, unknown>[];
    db.close();
    return rows;
  }

  function codes(store: PlanStore): string[] {
    return store.readPlan().problems.map((problem) => problem.code);
  }

  const throwsCode = (exitCode: number, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof OrchestrateError, String(error));
    assert.equal(error.exitCode, exitCode, error.message);
    assert.match(error.message, message);
    assert.notEqual(error.fix, '');
    return true;
  };

  describe('a plan as other writers leave it', () => {
    test('has the union of both dependency keys', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'A' });
        rows.task({ streamId: 'B' });
        rows.task({ streamId: 'C', dependencies: ['A'], streamDependencies: ['B'] });
      });
      const plan = store.readPlan();
      assert.deepEqual(plan.problems, []);
      assert.deepEqual(plan.streams.find((stream) => stream.id === 'C')?.dependencies, ['A', 'B']);
      assert.deepEqual(plan.initiative, { id: 'I', title: 'Initiative I' });
    });

    test('names rows whose metadata is no JSON, and keeps the others', () => {
      const store = storeWith((rows) => {
        rows.task('{', { id: 'TASK-bad' });
        rows.task('{', { id: 'TASK-same' });
        rows.task('null');
        rows.task(null);
        rows.task({ streamId: 'A' });
      });
      const plan = store.readPlan();
      assert.deepEqual(
        plan.streams.map((stream) => stream.id),
        ['A'],
      );
      assert.deepEqual(
        plan.problems.map((problem) => [problem.code, problem.tasks]),
        [
          ['bad-metadata', ['TASK-bad']],
          ['bad-metadata', ['TASK-same']],
        ],
      );
      assert.equal(store.listTasks().length, 5);
    });

    test('survives megabytes of metadata, blobs and numbers where text belongs', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'A', filler: 'x'.repeat(1_000_000) });
        rows.db.pragma('foreign_keys = OFF');
        rows.db
          .prepare(
            `INSERT INTO tasks (id, title, metadata, notes, created_at, updated_at)
           VALUES (x'ff00', 7, CAST('{"streamId":"B"}' AS BLOB), 5, 12, 'never')`,
          )
          .run();
        rows.db
          .prepare(`INSERT INTO tasks (id, title, created_at, updated_at) VALUES (NULL, 't', '', '')`)
          .run();
      });
      assert.deepEqual(
        store
          .readPlan()
          .streams.map((stream) => stream.id)
          .sort(),
        ['A', 'B'],
      );
      assert.equal(store.listTasks().length, 3);
    });

    test('leaves out cancelled tasks in counts, archived tasks, and other initiatives', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'A' }, { status: 'completed' });
        rows.task({ streamId: 'A' }, { status: 'cancelled' });
        rows.task({ streamId: 'old' }, { archived: 1 });
        rows.initiative('earlier', '2025-12-31 23:59:59');
        rows.prd('Q', 'earlier');
        rows.task({ streamId: 'foreign' }, { prd_id: 'Q' });
        rows.task({ streamId: 'gone' }, { prd_id: 'Q', archived: 1 });
        rows.task({ streamId: 'loose' }, { prd_id: null });
      });
      const plan = store.readPlan();
      assert.deepEqual(
        plan.streams.map((stream) => stream.id),
        ['A', 'loose'],
      );
      assert.equal(plan.streams[0]?.tasks.total, 1);
      assert.equal(plan.streams[0]?.tasks.cancelled, 1);
      assert.deepEqual(
        store.earlierPlans().map(({ initiative, streams }) => [initiative?.id, streams.map(({ id }) => id)]),
        [['earlier', ['foreign', 'gone']]],
      );
      assert.equal(store.listTasks({ all: true, stream: 'old' }).length, 1);
      assert.equal(store.listTasks({ all: true, stream: 'foreign' }).length, 1);
      assert.equal(store.listTasks({ stream: 'foreign' }).length, 0);
      assert.equal(store.listTasks({ status: 'cancelled' }).length, 1);
    });

    test('is of the initiative updated last, whichever way its time is written', () => {
      const store = storeWith((rows) => {
        rows.initiative('later', '2026-01-01 12:00:00');
        rows.initiative('latest', '2026-01-01T12:00:00.001Z');
        rows.db
          .prepare(
            `INSERT INTO initiatives (id, title, created_at, updated_at) VALUES (NULL, 'x', '', '2027')`,
          )
          .run();
      });
      assert.equal(store.currentInitiative()?.id, 'latest');
    });

    test('orders tasks by time in both spellings, read as UTC', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'A' }, { id: 'second', created_at: '2026-03-01T10:00:01.500Z' });
        rows.task({ streamId: 'A' }, { id: 'first', created_at: '2026-03-01 10:00:01' });
        rows.task({ streamId: 'A' }, { id: 'third', created_at: '2026-03-01T10:00:02.25' });
      });
      const tasks = store.listTasks({ stream: 'A' });
      assert.deepEqual(
        tasks.map((task) => task.id),
        ['first', 'second', 'third'],
      );
      assert.equal(tasks[0]?.createdAtMs, Date.UTC(2026, 2, 1, 10, 0, 1));
      assert.equal(tasks[2]?.createdAtMs, Date.UTC(2026, 2, 1, 10, 0, 2, 250));
    });

    test('has the tasks of one stream as it has all of them, however other writers named it', () => {
      const names = ['A', 'é"\u200c', '7', 'b', ''];
      const plan = storeWith((rows) => {
        for (const id of names) {
          rows.task({ streamId: id, filler: 'A' });
          rows.task({ streamId: id }, { archived: 1 });
        }
        for (const odd of [
          '{"streamId": 7}',
          '{"streamId":"A","streamId":"b"}',
          '{"streamId":"\\u0041"}',
          '["A"]',
        ])
          rows.task(odd);
        for (const none of [null, 'no JSON', '{"streamId":null}', '{"streamId":["A"]}']) rows.task(none);
      });
      for (const all of [false, true])
        for (const stream of [...names, 'none'])
          assert.deepEqual(
            plan.listTasks({ stream, all }),
            plan.listTasks({ all }).filter((task) => task.stream === stream),
            JSON.stringify([stream, all]),
          );
      assert.deepEqual(
        ['A', 'b', '7'].map((stream) => plan.listTasks({ stream }).length),
        [2, 2, 2],
      );
    });

    test('says so when only archived streams are left', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'A' }, { archived: 1 });
      });
      assert.deepEqual(codes(store), ['archived-only']);
    });

    test('is read again after another connection wrote, and only then', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'A' });
      });
      const before = store.readPlan();
      assert.equal(store.readPlan(), before);
      const token = store.changeToken();
      const db = openCopilotDatabase(store.path, { create: false });
      foreignRows(db).task({ streamId: 'B' }, { id: 'other' });
      db.prepare(`UPDATE tasks SET metadata = '{"streamId":"A2"}' WHERE id = 'TASK-1'`).run();
      db.close();
      assert.notEqual(store.changeToken(), token);
      assert.deepEqual(
        store.readPlan().streams.map((stream) => stream.id),
        ['A2', 'B'],
      );
      assert.equal(store.readPlan(), store.readPlan());
    });

    test('of ten thousand tasks is read once until it changes', () => {
      const store = storeWith((rows) => {
        rows.db.transaction(() => {
          for (let n = 0; n < 10_000; n++)
            rows.task({ streamId: `S${n % 1000}`, dependencies: [], files: [`${n}`] });
        })();
      });
      const first = store.readPlan();
      assert.equal(first.streams.length, 1000);
      assert.equal(store.readPlan(), first);
    });
  });

  describe('updating a task', () => {
    const history = (store: PlanStore, table: string) =>
      rowsOf(store, `SELECT * FROM ${table} ORDER BY rowid`);

    test('leaves the records that Task Copilot keeps', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'A', streamPhase: 'parallel', complexity: 'Low' }, { assigned_agent: 'me' });
      });
      assert.equal(store.updateTask('TASK-1', { status: 'in_progress' }).status, 'in_progress');
      const [activity] = history(store, 'agent_activity');
      assert.equal(activity?.['id'], 'ACTIVITY-TASK-1');
      assert.equal(activity?.['stream_id'], 'A');
      assert.equal(activity?.['completed_at'], null);
      assert.deepEqual(
        history(store, 'checkpoints').map((row) => [row['task_status'], row['trigger'], row['sequence']]),
        [['pending', 'auto_status', 1]],
      );

      const done = store.updateTask('TASK-1', { status: 'completed', notes: 'no-changes: nothing to do' });
      assert.equal(done.notes, 'no-changes: nothing to do');
      assert.notEqual(history(store, 'agent_activity')[0]?.['completed_at'], null);
      assert.deepEqual(
        history(store, 'agent_performance').map((row) => [
          row['agent_id'],
          row['outcome'],
          row['complexity'],
        ]),
        [['me', 'success', 'Low']],
      );
      assert.deepEqual(
        history(store, 'activity_log').map((row) => [row['type'], row['entity_id'], row['initiative_id']]),
        [
          ['task_updated', 'TASK-1', 'I'],
          ['task_completed', 'TASK-1', 'I'],
        ],
      );
      assert.equal(store.readPlan().streams[0]?.declaresNoChanges, true);
    });

    test('keeps the newest five checkpoints, and records nothing when the status stays', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'A' });
      });
      for (let n = 0; n < 4; n++) {
        store.updateTask('TASK-1', { status: 'blocked', blockedReason: `reason ${n}` });
        store.updateTask('TASK-1', { status: 'in_progress' });
      }
      store.updateTask('TASK-1', { status: 'in_progress', notes: 'again' });
      assert.deepEqual(
        history(store, 'checkpoints').map((row) => row['sequence']),
        [4, 5, 6, 7, 8],
      );
      assert.equal(history(store, 'activity_log').length, 8);
    });

    test('works on a row with broken metadata, without touching that', () => {
      const store = storeWith((rows) => {
        rows.task('{"streamId": "A"', { assigned_agent: 'me' });
      });
      assert.equal(store.updateTask('TASK-1', { status: 'completed' }).status, 'completed');
      assert.equal(history(store, 'tasks')[0]?.['metadata'], '{"streamId": "A"');
    });

    test('refuses unknown and archived tasks with exit 7', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'A' }, { archived: 1, archived_by_initiative_id: 'J' });
      });
      assert.throws(() => store.updateTask('nope', { status: 'completed' }), throwsCode(7, /no task nope/));
      assert.throws(
        () => store.updateTask('TASK-1', { status: 'completed' }),
        throwsCode(7, /stream A, archived when initiative J/),
      );
      assert.equal(store.getTask('TASK-1')?.status, 'pending');
    });

    test('asks for proof where the task demands it', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'A', verificationRequired: true, acceptanceCriteria: ['works'] });
      });
      assert.throws(
        () => store.updateTask('TASK-1', { status: 'completed', notes: 'done' }),
        throwsCode(7, /proof/),
      );
      assert.equal(store.getTask('TASK-1')?.status, 'pending');
      const notes = 'Ran the whole test suite on the merged branch; 214 tests pass.';
      assert.equal(store.updateTask('TASK-1', { status: 'completed', notes }).status, 'completed');
    });
  });

  describe('cancelling a stream', () => {
    const dependenciesOf = (store: PlanStore) =>
      Object.fromEntries(store.readPlan().streams.map(({ id, dependencies }) => [id, dependencies]));

    test('gets a plan out of a cycle, in which its dependents wait for themselves', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'R' });
        rows.task({ streamId: 'A', dependencies: ['B', 'R'] });
        rows.task({ streamId: 'B', dependencies: ['C'] });
        rows.task({ streamId: 'C', dependencies: ['A'] });
      });
      assert.deepEqual(codes(store), ['cycle']);
      assert.deepEqual(store.cancelStream('A').dependents, [{ id: 'C', dependencies: ['R'] }]);
      assert.deepEqual(codes(store), []);
    });

    test('takes what is wrong with it out of the plan, too', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'R' });
        rows.task({ streamId: 'A', dependencies: ['R', 'Nowhere'] });
        rows.task({ streamId: 'A', dependencies: 5 });
        rows.task({ streamId: 'B', dependencies: ['A'] });
        rows.task({ streamId: 'C', dependencies: ['C'] });
        rows.task({ streamId: 'D', dependencies: ['C'] });
      });
      assert.deepEqual(codes(store).sort(), ['bad-dependencies', 'self-dependency', 'unknown-dependency']);
      assert.deepEqual(store.cancelStream('A').dependents, [{ id: 'B', dependencies: ['R'] }]);
      assert.deepEqual(store.cancelStream('C').dependents, [{ id: 'D', dependencies: [] }]);
      assert.deepEqual(codes(store), []);
    });

    test('is possible beside a cycle that stays', () => {
      const store = storeWith((rows) => {
        rows.task({ streamId: 'R' });
        rows.task({ streamId: 'A', dependencies: ['R'] });
        rows.task({ streamId: 'B', dependencies: ['A', 'C'] });
        rows.task({ streamId: 'C', dependencies: ['B'] });
      });
      store.cancelStream('A');
      assert.deepEqual(dependenciesOf(store), { R: [], A: ['R'], B: ['C', 'R'], C: ['B'] });
      store.cancelStream('C');
      assert.deepEqual(dependenciesOf(store), { R: [], A: ['R'], B: ['R'], C: ['B'] });
    });
  });

  describe('importing a plan', () => {
    const task = (stream: string, title: string, more: Record<string, unknown> = {}) => ({
      title,
      description: null,
      assignedAgent: 'me',
      metadata: { streamId: stream, dependencies: [], ...more },
    });
    const planOf = (id: string | null, tasks: PlanInput['tasks']): PlanInput => ({
      initiative: id === null ? null : { id, title: `Initiative ${id}`, description: null },
      prd: { title: 'Add login', description: 'd', content: 'c' },
      tasks,
    });
    const once = { update: false, dryRun: false };
    const newStore = () => opened(join(freshDir(), 'deep', 'er', 'tasks.db'), true);

    test('links the initiative and writes PRD and tasks with both dependency keys', () => {
      const store = newStore();
      const result = store.importPlan(
        planOf('X', [task('A', 'a'), task('B', 'b', { dependencies: ['A'] })]),
        once,
      );
      assert.match(result.prd, /^PRD-[0-9a-f-]{36}$/);
      assert.deepEqual(
        { ...result, prd: '' },
        { prd: '', streams: 2, tasks: 2, added: 2, changed: 0, archivedTasks: 0 },
      );
      assert.deepEqual(store.currentInitiative(), { id: 'X', title: 'Initiative X' });
      const [, second] = rowsOf(store, 'SELECT metadata FROM tasks ORDER BY rowid');
      const metadata = JSON.parse(String(second?.['metadata']));
      assert.deepEqual(metadata.dependencies, ['A']);
      assert.deepEqual(metadata.streamDependencies, ['A']);
      const [prd] = rowsOf(store, 'SELECT * FROM prds');
      assert.deepEqual(JSON.parse(String(prd?.['metadata'])), { prdType: 'FEATURE', scopeLocked: false });
      assert.equal(prd?.['initiative_id'], 'X');
      assert.deepEqual(store.readPlan().problems, []);
    });

    test('again with the same initiative is refused with exit 7 and changes no row', () => {
      const store = newStore();
      store.importPlan(planOf('X', [task('A', 'a')]), once);
      const rows = rowsOf(store, 'SELECT * FROM initiatives');
      assert.throws(
        () => store.importPlan(planOf('X', [task('A', 'a'), task('B', 'b')]), once),
        throwsCode(7, /initiative X has a plan already/),
      );
      assert.throws(
        () => store.importPlan(planOf(null, [task('B', 'b')]), once),
        throwsCode(7, /has a plan already/),
      );
      assert.equal(store.listTasks().length, 1);
      assert.deepEqual(rowsOf(store, 'SELECT * FROM initiatives'), rows);
    });

    test('--update adds what is new, changes what is pending, and leaves what was begun', () => {
      const store = newStore();
      const first = store.importPlan(
        planOf('X', [task('A', 'a'), task('A', 'started'), task('B', 'b')]),
        once,
      );
      const started = store.listTasks().find((found) => found.title === 'started');
      store.updateTask(started?.id ?? '', { status: 'in_progress' });
      const again = [
        { ...task('A', 'a'), description: 'now described' },
        { ...task('A', 'started'), description: 'too late' },
        task('B', 'b'),
        task('C', 'c', { dependencies: ['B'] }),
      ];
      const update = { update: true, dryRun: false };
      const dry = store.importPlan(planOf('X', again), { update: true, dryRun: true });
      assert.equal(store.listTasks().length, 3);
      const result = store.importPlan(planOf('X', again), update);
      assert.deepEqual(result, dry);
      assert.deepEqual(result, {
        prd: first.prd,
        streams: 3,
        tasks: 4,
        added: 1,
        changed: 1,
        archivedTasks: 0,
      });
      const tasks = new Map(store.listTasks().map((found) => [found.title, found.description]));
      assert.deepEqual(
        [...tasks],
        [
          ['a', 'now described'],
          ['started', null],
          ['b', null],
          ['c', null],
        ],
      );
      assert.deepEqual(store.importPlan(planOf('X', again), update), { ...result, added: 0, changed: 0 });
    });

    const texts = (store: PlanStore) =>
      rowsOf(store, 'SELECT title, description, content FROM prds ORDER BY rowid');
    const unsaid = { title: null, description: null, content: null };

    test('the initiative, and without one a plain word, stand in for what a plan does not say', () => {
      const store = newStore();
      const initiative = { id: 'X', title: null, description: 'why' };
      store.importPlan({ initiative, prd: unsaid, tasks: [task('A', 'a')] }, once);
      assert.deepEqual(texts(store), [{ title: 'X', description: 'why', content: 'why' }]);
      assert.deepEqual(store.currentInitiative(), { id: 'X', title: 'X' });
      const other = newStore();
      other.importPlan({ initiative: null, prd: unsaid, tasks: [task('A', 'a')] }, once);
      assert.deepEqual(texts(other), [{ title: 'Plan', description: null, content: 'Plan' }]);
    });

    test('--update changes only what the plan says of PRD and initiative', () => {
      const store = newStore();
      const update = { update: true, dryRun: false };
      const { prd } = store.importPlan(planOf('X', [task('A', 'a')]), once);
      const before = texts(store);
      const bare = { ...planOf('X', [task('A', 'a'), task('B', 'b')]), prd: unsaid };
      store.importPlan({ ...bare, initiative: { id: 'X', title: null, description: null } }, update);
      assert.deepEqual(texts(store), before);
      assert.equal(store.currentInitiative()?.title, 'Initiative X');
      // One that others made since is theirs.
      const db = openCopilotDatabase(store.path, { create: false });
      db.exec(`INSERT INTO prds (id, initiative_id, title, content, created_at, updated_at)
        VALUES ('PRD-new', 'X', 'Mine', 'mine', '2999-01-01T00:00:00.000Z', '2999-01-01T00:00:00.000Z')`);
      db.close();
      const mine = { title: 'Mine', description: null, content: 'mine' };
      assert.equal(store.importPlan({ ...bare, prd: { ...unsaid, title: 'Other' } }, update).prd, prd);
      assert.deepEqual(texts(store), [{ ...before[0], title: 'Other' }, mine]);
      const addition = planOf('X', [task('C', 'c')]);
      assert.equal(store.importPlan(addition, update).prd, 'PRD-new');
      assert.deepEqual(texts(store)[1], mine);
    });

    test('--update refuses a plan that closes a cycle with what is there', () => {
      const store = newStore();
      store.importPlan(planOf('X', [task('A', 'a'), task('B', 'b', { dependencies: ['A'] })]), once);
      assert.throws(
        () =>
          store.importPlan(planOf('X', [task('A', 'new', { dependencies: ['B'] })]), {
            update: true,
            dryRun: false,
          }),
        throwsCode(7, /A.*B.*A|B.*A.*B/),
      );
      assert.equal(store.listTasks().length, 2);
    });

    test('of another initiative archives the streams of the one before', () => {
      const store = newStore();
      store.importPlan(planOf('X', [task('A', 'a')]), once);
      store.importPlan(planOf('Y', [task('A', 'other')]), once);
      assert.deepEqual(
        store.listTasks().map((found) => found.title),
        ['other'],
      );
      const [old] = rowsOf(store, `SELECT * FROM tasks WHERE title = 'a'`);
      assert.equal(old?.['archived'], 1);
      assert.equal(old?.['archived_by_initiative_id'], 'Y');
      assert.equal(
        rowsOf(store, `SELECT * FROM activity_log WHERE type = 'streams_auto_archived'`).length,
        1,
      );
    });

    test('without an initiative uses the current one, or makes one of the title of the PRD', () => {
      const store = newStore();
      store.importPlan(planOf(null, [task('A', 'a')]), once);
      const made = store.currentInitiative();
      assert.match(made?.id ?? '', /^INIT-/);
      assert.equal(made?.title, 'Add login');
    });

    test('--dry-run answers the same and leaves the store as it was', () => {
      const store = newStore();
      const result = store.importPlan(planOf('X', [task('A', 'a')]), { update: false, dryRun: true });
      assert.equal(result.added, 1);
      assert.equal(store.currentInitiative(), null);
      assert.deepEqual(rowsOf(store, 'SELECT * FROM tasks'), []);
      assert.deepEqual(codes(store), ['no-streams']);
    });

    test('keeps hostile names as data', () => {
      const store = newStore();
      const names = ['$(touch pwn)', "'; DROP TABLE tasks; --", '../../x', '-rf', 'naïve 🙂'];
      store.importPlan(
        planOf(
          'X',
          names.map((name) => task(name, name)),
        ),
        once,
      );
      assert.deepEqual(
        store.readPlan().streams.map((stream) => stream.id),
        names,
      );
      assert.equal(store.listTasks({ stream: "'; DROP TABLE tasks; --" }).length, 1);
    });
  });

  describe('a store whose file is replaced while it is open', () => {
    /** Another store with these streams, put in the place of `store`'s file as a restored backup is. */
    const replace = (store: PlanStore, ...streams: string[]) => {
      const other = foreignStore(freshDir(), (rows) => {
        for (const streamId of streams) rows.task({ streamId }, { id: `TASK-${streamId}` });
      });
      for (const end of ['-wal', '-shm']) rmSync(`${store.path}${end}`, { force: true });
      renameSync(other, store.path);
    };
    const idsOf = (store: PlanStore) => store.readPlan().streams.map(({ id }) => id);

    test('is read, watched and changed where it is now', () => {
      const store = storeWith((rows) => rows.task({ streamId: 'old' }, { id: 'TASK-old' }));
      assert.deepEqual(idsOf(store), ['old']);
      const token = store.changeToken();
      replace(store, 'new', 'more');
      assert.notEqual(store.changeToken(), token);
      assert.deepEqual(idsOf(store), ['new', 'more']);
      replace(store, 'third');
      assert.deepEqual(
        store.listTasks().map(({ id }) => id),
        ['TASK-third'],
      );
      replace(store, 'fourth');
      store.updateTask('TASK-fourth', { status: 'completed' });
      assert.deepEqual(rowsOf(store, 'SELECT id, status FROM tasks'), [
        { id: 'TASK-fourth', status: 'completed' },
      ]);
    });

    /** The same, by a copy into the very file. */
    const copyOver = (store: PlanStore, ...streams: string[]) => {
      const other = foreignStore(freshDir(), (rows) => {
        for (const streamId of streams) rows.task({ streamId }, { id: `TASK-${streamId}` });
      });
      const { ino } = statSync(store.path);
      copyFileSync(other, store.path);
      assert.equal(statSync(store.path).ino, ino);
    };

    test('is read again when a backup is copied into it', () => {
      const store = storeWith((rows) => rows.task({ streamId: 'old' }, { id: 'TASK-old' }));
      assert.deepEqual(idsOf(store), ['old']);
      const token = store.changeToken();
      copyOver(store, 'new', 'more');
      assert.notEqual(store.changeToken(), token);
      assert.deepEqual(idsOf(store), ['new', 'more']);
    });

    test('that only reads writes nothing of a former log into a backup that is copied into it', () => {
      const path = foreignStore(freshDir(), (rows) => rows.task({ streamId: 'old' }, { id: 'TASK-old' }));
      const store = openPlanStore(path, { create: false, readonly: true });
      stores.push(store);
      assert.deepEqual(idsOf(store), ['old']);
      const writer = openPlanStore(path, { create: false });
      writer.updateTask('TASK-old', { notes: 'x'.repeat(50_000) });
      writer.close();
      for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`);
      copyOver(store, 'new');
      assert.deepEqual(idsOf(store), ['new']);
      store.close();
      assert.deepEqual(rowsOf(store, 'SELECT id, notes FROM tasks'), [{ id: 'TASK-new', notes: null }]);
      assert.deepEqual(rowsOf(store, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
    });

    test('is exit 6 while no file is there, and goes on with the next one', () => {
      const store = storeWith((rows) => rows.task({ streamId: 'old' }));
      assert.deepEqual(idsOf(store), ['old']);
      const away = `${store.path}.away`;
      renameSync(store.path, away);
      assert.throws(() => store.readPlan(), throwsCode(6, /does not exist/));
      assert.throws(() => store.changeToken(), throwsCode(6, /does not exist/));
      renameSync(away, store.path);
      assert.deepEqual(idsOf(store), ['old']);
    });
  });
});
