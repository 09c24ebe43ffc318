/** The stores between processes: creation, contention, the lease, and the news of other processes' commits. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { watchDatabases } from '../../src/sqlite/watch-databases.ts';
import { acquireInTime, acquireLease } from '../../src/state/lease.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import { openPlanStore } from '../../src/task-copilot/plan-store.ts';
import { foreignStore, tempDir } from '../support/foreign-store.ts';
import {
  bundleStore,
  type StoreBundle,
  type StoreProcess,
  startStoreProcess,
} from '../support/store-process.ts';
import { DEADLINE_MS, inTime } from '../support/wait.ts';

const dir = tempDir();
let bundle: StoreBundle;
let processes: StoreProcess[] = [];
let serial = 0;

describe('store processes', () => {
  before(async () => {
    bundle = await bundleStore([
      'task-copilot/plan-store.ts',
      'state/state-store.ts',
      'state/lease.ts',
      'task-copilot/owner.ts',
    ]);
    processes = Array.from({ length: 20 }, () => startStoreProcess(bundle.url));
    await Promise.all(processes.map((one) => one.run('return 0')));
  });
  after(async () => {
    await Promise.all(processes.map((one) => one.kill()));
    bundle.remove();
    dir.remove();
  });

  function freshDir(): string {
    serial++;
    const path = join(dir.path, String(serial));
    mkdirSync(path);
    return path;
  }

  /** Runs `code` in `count` processes at the same time; its stores, opened with PATIENT, wait for each other to the deadline. */
  function together(count: number, code: string, args: (n: number) => string[]): Promise<unknown[]> {
    const patient = `const PATIENT = { busyTimeoutMs: ${DEADLINE_MS} };\n${code}`;
    return Promise.all(processes.slice(0, count).map((one, n) => one.run(patient, args(n))));
  }

  describe('several processes', () => {
    test('open a new plan store and a new state at once, and none fails', async () => {
      const path = freshDir();
      const answers = await together(
        16,
        `const seen = [];
       for (let n = 0; n < 20; n++) {
         const plan = store.openPlanStore(args[0] + '/' + n + '/tasks.db', { create: true, ...PATIENT });
         const state = store.openStateStore(args[0] + '/' + n + '/state.db', PATIENT);
         const names = { branchPrefix: 'o/', worktreeRoot: '/w', portBase: 4100 };
         const [a, b] = ['Same', 'same', args[1]].map((id) => state.ensureStream('I', id, names).key);
         seen.push(plan.readPlan().streams.length, a === b);
         plan.close();
         state.close();
       }
       return [...new Set(seen)].join();`,
        (n) => [path, `own-${n}`],
      );
      assert.deepEqual([...new Set(answers)], ['0,false']);
      for (let n = 0; n < 20; n++) {
        const state = openStateStore(join(path, String(n), 'state.db'));
        const records = [...state.records('I').values()];
        state.close();
        assert.equal(records.length, 18);
        assert.equal(new Set(records.map((record) => record.port)).size, 18);
      }
    });

    test('update tasks at once, and no update is lost', async () => {
      const path = foreignStore(freshDir(), (rows) => {
        for (let n = 0; n < 20; n++) rows.task({ streamId: 'A' }, { id: `T${n}`, assigned_agent: 'me' });
      });
      await together(
        20,
        `const plan = store.openPlanStore(args[0], { create: false, ...PATIENT });
       for (let n = 0; n < 20; n++) {
         plan.updateTask(args[1], { status: n % 2 ? 'completed' : 'in_progress', notes: 'note ' + n });
       }
       plan.close();`,
        (n) => [path, `T${n}`],
      );
      const plan = openPlanStore(path, { create: false });
      const tasks = plan.listTasks();
      plan.close();
      assert.equal(tasks.length, 20);
      for (const task of tasks) assert.deepEqual([task.status, task.notes], ['completed', 'note 19']);
    });

    test('open a run of one stream at once, and one succeeds', async () => {
      const path = join(freshDir(), 'state.db');
      const state = openStateStore(path);
      state.ensureStream('I', 'A', { branchPrefix: 'o/', worktreeRoot: '/w', portBase: 4100 });
      const answers = await together(
        20,
        `const state = store.openStateStore(args[0], PATIENT);
       const opened = state.openRun({ key: 'a', number: 1 + Number(args[1]), agentKind: 'custom', startedAtMs: 1,
         bootId: 'b', sessionId: null, baseSha: 's', tokenHash: args[1] });
       state.close();
       return opened;`,
        (n) => [path, String(n)],
      );
      assert.equal(answers.filter((opened) => opened === true).length, 1);
      assert.equal(state.records('I').get('a')?.runs.length, 1);
      state.close();
    });

    test('claim one store for different projects, and one owns it', async () => {
      for (let round = 0; round < 5; round++) {
        const path = freshDir();
        const projects = Array.from({ length: 20 }, (_, n) => join(path, `p${n}`));
        for (const project of projects) mkdirSync(project);
        const answers = await together(
          20,
          `try { store.checkOwner(args[0], args[1], { claim: true, rename: 'another' }); } catch (error) { return error.exitCode; }
         return 0;`,
          (n) => [join(path, 'ws', 'tasks.db'), projects[n] ?? ''],
        );
        assert.deepEqual(answers.sort(), [0, ...Array(19).fill(7)]);
      }
    });
  });

  describe('watching', () => {
    test('tells of every one of 100 commits of another process', async () => {
      const path = foreignStore(freshDir(), (rows) => {
        rows.task({ streamId: 'A' });
      });
      const [writer] = processes;
      const plan = openPlanStore(path, { create: false });
      await writer?.run('kept.plan = store.openPlanStore(args[0], { create: false });', [path]);
      let calls = 0;
      let changed = (): void => {
        assert.fail('a change before any commit');
      };
      // A commit whose file event came too early would be noticed by the slow poll only, and that never comes.
      const watch = watchDatabases(
        [{ path, check: () => plan.changeToken() }],
        () => {
          calls++;
          changed();
        },
        { slowPollMs: 2 * DEADLINE_MS },
      );
      for (let n = 0; n < 100; n++) {
        const seen = new Promise<void>((resolve) => {
          changed = () => {
            if (plan.getTask('TASK-1')?.notes === `note ${n}`) resolve();
          };
        });
        await writer?.run(`kept.plan.updateTask('TASK-1', { notes: args[0] });`, [`note ${n}`]);
        await inTime(seen, () => `commit ${n} was not told`);
      }
      watch.close();
      const callsBefore = calls;
      await writer?.run(`kept.plan.updateTask('TASK-1', { notes: 'unwatched' }); kept.plan.close();`);
      assert.equal(plan.getTask('TASK-1')?.notes, 'unwatched');
      assert.equal(calls, callsBefore);
      plan.close();
    });

    test('goes on by polling where the directory cannot be watched', async () => {
      let token = 0;
      const change = nextChange(join(dir.path, 'absent', 'x.db'), () => token);
      token++;
      await change;
    });

    test('passes a check that fails on as a change', async () => {
      let broken = false;
      const change = nextChange(join(dir.path, 'absent', 'x.db'), () => {
        if (broken) throw new Error('unreadable');
        return 1;
      });
      broken = true;
      await change;
    });
  });

  describe('the lease between processes', () => {
    const take = (one: StoreProcess, path: string, waitMs: number) =>
      one.run('kept.lease = store.acquireLease(args[0], Number(args[1])); return kept.lease !== null;', [
        path,
        String(waitMs),
      ]);

    test('is held by one of ten contenders, and freed by kill -9', async () => {
      const path = join(freshDir(), 'lock.db');
      const contenders = processes.slice(10);
      const answers = await Promise.all(contenders.map((one) => take(one, path, 0)));
      assert.equal(answers.filter((held) => held === true).length, 1);
      assert.equal(acquireLease(path, 20), null);
      await contenders[answers.indexOf(true)]?.kill();
      const lease = acquireLease(path, 0);
      assert.notEqual(lease, null);
      lease?.release();
    });

    test('is waited for without holding up the process that waits, as long as that wants it', async () => {
      const path = join(freshDir(), 'lock.db');
      const held = acquireLease(path, 0);
      const leave = new AbortController();
      const given = assert.rejects(acquireInTime(path, DEADLINE_MS, leave.signal), { name: 'AbortError' });
      const waiting = acquireInTime(path, DEADLINE_MS);
      leave.abort();
      await given;
      held?.release();
      const lease = await waiting;
      assert.notEqual(lease, null);
      assert.equal(await acquireInTime(path, 0), null);
      lease?.release();
    });

    test('is waited for as long as asked', async () => {
      const path = join(freshDir(), 'lock.db');
      const [holder, waiter] = processes;
      if (holder === undefined || waiter === undefined) throw new Error('there are no processes');
      assert.equal(await take(holder, path, 0), true);
      const waiting = take(waiter, path, DEADLINE_MS);
      await holder.run('kept.lease.release();');
      assert.equal(await waiting, true);
    });
  });

  /** Resolves when the watch tells of a change; the watch itself keeps no process alive, so a deadline does. */
  async function nextChange(path: string, check: () => number): Promise<void> {
    const told = new Promise<void>((resolve) => {
      const watch = watchDatabases([{ path, check }], () => {
        watch.close();
        resolve();
      });
    });
    await inTime(told, () => 'no change was told');
  }
});
