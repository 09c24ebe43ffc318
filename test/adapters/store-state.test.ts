/** orchestrate's own memory on a real file: streams, runs, events, and what is shared between connections. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { OrchestrateError } from '../../src/core/errors.ts';
import { sqliteDriver } from '../../src/sqlite/load-driver.ts';
import { acquireLease, leaseIsHeld } from '../../src/state/lease.ts';
import { IN_MEMORY } from '../../src/state/state-schema.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import type { StateStore } from '../../src/state/types.ts';
import { tempDir } from '../support/foreign-store.ts';

const Database = sqliteDriver();

const POLLER = {
  pid: 1,
  start: 's',
  sinceMs: 2,
  sinceEvent: 4,
  configHash: 'h',
  maxWorkers: 5,
  only: null,
};
const NAMES = { branchPrefix: 'orchestrate/', worktreeRoot: '/repo/.claude/worktrees', portBase: 4100 };
const dirs: { remove(): void }[] = [];
const states: StateStore[] = [];
describe('store state', () => {
  after(() => {
    for (const state of states) state.close();
    for (const dir of dirs) dir.remove();
  });

  function freshPath(name = 'state.db'): string {
    const dir = tempDir();
    dirs.push(dir);
    return join(dir.path, 'orchestrator', name);
  }

  function opened(path = freshPath()): StateStore {
    const state = openStateStore(path);
    states.push(state);
    return state;
  }

  let serial = 0;
  function newRun(key: string, number: number) {
    serial++;
    return {
      key,
      number,
      agentKind: 'claude',
      startedAtMs: 1000 + number,
      bootId: 'boot',
      sessionId: null,
      baseSha: 'abc',
      tokenHash: `hash-${serial}`,
    } as const;
  }

  describe('streams', () => {
    test('keep the key, branch, path and ports they were given', () => {
      const path = freshPath();
      const state = opened(path);
      const a = state.ensureStream('I', 'Stream-A', NAMES);
      assert.equal(a.key, 'stream-a');
      assert.equal(a.branch, 'orchestrate/stream-a');
      assert.equal(a.worktree, '/repo/.claude/worktrees/stream-a');
      assert.equal(a.port, 4100);
      assert.equal(state.ensureStream('I', 'Stream-B', NAMES).port, 4110);
      const other = { ...NAMES, branchPrefix: 'x/', portBase: 9000 };
      assert.deepEqual(state.ensureStream('I', 'Stream-A', other), a);
      assert.deepEqual(opened(path).ensureStream('I', 'Stream-A', other), a);
      assert.deepEqual([...state.records('I').keys()], ['stream-a', 'stream-b']);
    });

    test('of different ids or initiatives never share a key', () => {
      const state = opened();
      const ids = ['a b', 'a-b', 'A-B', 'a/b', '🙂', '🙃', '-rf', '../../x', '$(touch pwn)', 'x'.repeat(200)];
      const keys = [
        ...ids.map((id) => state.ensureStream('I', id, NAMES).key),
        ...ids.map((id) => state.ensureStream('J', id, NAMES).key),
      ];
      assert.equal(new Set(keys).size, keys.length);
      for (const key of keys) assert.match(key, /^[a-z0-9][a-z0-9-]{0,39}$/);
      assert.equal(state.records('J').size, ids.length);
    });

    test('take the lowest ports that no living stream holds', () => {
      const state = opened();
      state.ensureStream('old', 'A', NAMES);
      const live = state.ensureStream('old', 'B', NAMES);
      assert.equal(state.openRun(newRun(live.key, 1)), true);
      assert.deepEqual(
        ['C', 'D'].map((id) => state.ensureStream('new', id, NAMES).port),
        [4100, 4120],
      );
    });

    test('share ports when there are more streams than ports', () => {
      const state = opened();
      const few = { ...NAMES, portBase: 65_510 };
      const ports = ['A', 'B', 'C', 'D'].map((id) => state.ensureStream('I', id, few).port);
      assert.deepEqual(ports.slice(0, 2), [65_510, 65_520]);
      for (const port of ports) assert.ok(port <= 65_526);
    });

    test('remember every field of a patch, and nothing else changes', () => {
      const path = freshPath();
      const state = opened(path);
      const before = state.ensureStream('I', 'A', NAMES);
      const patch = {
        intent: 'parked',
        intentAtMs: 1,
        intentReason: 'a cap',
        clearedAfterRun: 2,
        requestedEvent: 3,
        resolve: true,
        verifyRequested: true,
        fresh: true,
        branchMade: true,
        base: { sha: 's', parents: ['p', 'q'], atMs: 4 },
        conflict: { parents: ['p'], files: ['a b', "c'd"] },
        verified: { sha: 'v', atMs: 5, adopted: true, run: 3, parents: ['p'] },
        trouble: { kind: 'verify', message: 'm', fix: 'f', cause: 'git-config', atMs: 7, count: 1 },
        step: { kind: 'launch', sinceMs: 8 },
        told: 'failed',
        changes: { base: 's', head: 'h', commits: 1, added: 2, removed: 3 },
      } as const;
      state.patchStream(before.key, patch);
      assert.deepEqual(state.records('I').get('a'), { ...before, ...patch });
      assert.deepEqual(opened(path).records('I').get('a'), { ...before, ...patch });
      state.patchStream('a', { conflict: null, base: null });
      state.setIntent('a', 'none', 7);
      const cleared = {
        ...before,
        ...patch,
        conflict: null,
        base: null,
        intent: 'none',
        intentAtMs: 7,
        intentReason: null,
      };
      assert.deepEqual(state.records('I').get('a'), cleared);
      assert.throws(() => state.patchStream('nope', { resolve: true }), OrchestrateError);
    });

    test('are read again only when something changed, and a map once read stays as it is', () => {
      const path = freshPath();
      const state = opened(path);
      state.ensureStream('I', 'A', NAMES);
      state.ensureStream('I', 'B', NAMES);
      const first = state.records('I');
      assert.equal(state.records('I'), first);
      state.setIntent('a', 'stopped', 1);
      const second = state.records('I');
      assert.equal(first.get('a')?.intent, 'none');
      assert.equal(second.get('a')?.intent, 'stopped');
      assert.equal(second.get('b'), first.get('b'));
      const token = state.changeToken();
      opened(path).setIntent('b', 'parked', 2);
      assert.notEqual(state.changeToken(), token);
      assert.equal(state.records('I').get('b')?.intent, 'parked');
    });
  });

  describe('runs', () => {
    test('of a stream that was called off are not opened, until it is asked for again', () => {
      const path = freshPath();
      const state = opened(path);
      const { key } = state.ensureStream('I', 'A', NAMES);
      for (const intent of ['stopped', 'parked'] as const) {
        opened(path).setIntent(key, intent, 1);
        assert.equal(state.openRun(newRun(key, 1)), false);
      }
      assert.deepEqual(state.records('I').get(key)?.runs, []);
      state.setIntent(key, 'none', 2);
      assert.equal(state.openRun(newRun(key, 1)), true);
      assert.equal(state.openRun(newRun('no-such-stream', 1)), false);
    });

    test('are not opened where a worktree is being removed, and none is removed while one is open', () => {
      const path = freshPath();
      const state = opened(path);
      const { key } = state.ensureStream('I', 'A', NAMES);
      const cleaner = { pid: 7, start: 's' };
      assert.equal(opened(path).claimRemoval(key, cleaner), true);
      assert.deepEqual(state.records('I').get(key)?.removing, cleaner);
      assert.equal(state.openRun(newRun(key, 1)), false);
      state.patchStream(key, { removing: null });
      assert.equal(state.openRun(newRun(key, 1)), true);
      assert.equal(state.claimRemoval(key, cleaner), false);
      state.endRun(key, 1, { endedAtMs: 5, outcome: 'stopped' });
      assert.equal(state.claimRemoval(key, cleaner), true);
      assert.equal(state.claimRemoval('no-such-stream', cleaner), false);
    });

    test('a second open run of a stream, or a number that is taken, is refused', () => {
      const path = freshPath();
      const state = opened(path);
      const { key } = state.ensureStream('I', 'A', NAMES);
      assert.equal(state.openRun(newRun(key, 1)), true);
      assert.equal(opened(path).openRun(newRun(key, 2)), false);
      state.patchRun(key, 1, { endedAtMs: 5, outcome: 'failed', exitCode: 1, reason: 'r' });
      assert.equal(state.openRun(newRun(key, 1)), false);
      assert.equal(state.openRun(newRun(key, 2)), true);
      assert.deepEqual(
        state
          .records('I')
          .get(key)
          ?.runs.map((run) => [run.number, run.outcome]),
        [
          [1, 'failed'],
          [2, null],
        ],
      );
    });

    test('remember every field of a patch', () => {
      const path = freshPath();
      const state = opened(path);
      const { key } = state.ensureStream('I', 'A', NAMES);
      state.openRun(newRun(key, 1));
      const patch = {
        claimedAtMs: 1,
        endedAtMs: 2,
        worker: { pid: 3, start: '4' },
        pane: '%5',
        server: 'sock|6|7',
        sessionId: 'id',
        baseSha: 'def',
        exitCode: 0,
        outcome: 'limited',
        reason: 'r',
        retryAtMs: 8,
        verdict: {
          sha: null,
          atMs: 9,
          rest: 4,
          parents: ['c1'],
          ok: false,
          cause: 'gate',
          message: 'm',
          gate: { name: 'test', log: '/l', times: 2 },
        },
        nudges: 1,
        lastNudgeAtMs: 10,
        lastNudgeRest: 4,
        rest: { number: 4, sinceMs: 5, isOver: false },
        stopGate: { refusals: 2, inARow: 1, signature: 's', atMs: 11, gaveUp: 'why' },
        continued: { count: 1, atMs: 12, rest: 4 },
        usage: { tokens: 13, cachedTokens: 14, costUsd: 0.5 },
        reviewUsage: { tokens: 1, cachedTokens: null, costUsd: 0.25 },
        paused: { totalMs: 15, sinceMs: null, userMs: 7, forUser: false },
        toldOf: ['a1'.repeat(20)],
      } as const;
      state.patchRun(key, 1, patch);
      const expected = { key, number: 1, agentKind: 'claude', startedAtMs: 1001, bootId: 'boot', ...patch };
      assert.deepEqual(state.records('I').get(key)?.runs, [expected]);
      assert.deepEqual(opened(path).records('I').get(key)?.runs, [expected]);
    });

    test('are found by the hash of their launch token', () => {
      const state = opened();
      const { key } = state.ensureStream('I', 'Stream A', NAMES);
      const run = newRun(key, 1);
      state.openRun(run);
      const found = state.runByTokenHash(run.tokenHash);
      assert.equal(found?.run.number, 1);
      assert.equal(found?.streamId, 'Stream A');
      assert.equal(found?.initiativeId, 'I');
      assert.equal(state.runByTokenHash('unknown'), null);
    });

    test('are ended once: what the first process wrote down stays', () => {
      const path = freshPath();
      const state = opened(path);
      const { key } = state.ensureStream('I', 'A', NAMES);
      state.ensureStream('J', 'B', NAMES);
      state.openRun(newRun(key, 1));
      assert.deepEqual(
        [...state.openRecords().readable.values()].map((record) => [record.streamId, record.runs.length]),
        [['A', 1]],
      );
      assert.equal(opened(path).endRun(key, 1, { endedAtMs: 5, outcome: 'stopped' }), true);
      assert.equal(state.endRun(key, 1, { endedAtMs: 6, outcome: 'failed' }), false);
      const run = state.records('I').get(key)?.runs[0];
      assert.deepEqual([run?.endedAtMs, run?.outcome], [5, 'stopped']);
      assert.equal(state.openRecords().readable.size, 0);
    });

    test('that are open are told apart by initiative', () => {
      const state = opened();
      assert.equal(state.hasOpenRuns(), false);
      const { key } = state.ensureStream('I', 'A', NAMES);
      state.openRun(newRun(key, 1));
      assert.equal(state.hasOpenRuns(), true);
      assert.equal(state.hasOpenRuns('I'), false);
      assert.equal(state.hasOpenRuns('J'), true);
      state.patchRun(key, 1, { endedAtMs: 1 });
      assert.equal(state.hasOpenRuns(), false);
    });
  });

  describe('events and facts', () => {
    test('events come oldest first, by key and since an id, and the oldest of very many go', () => {
      const state = opened();
      const add = (n: number) =>
        state.addEvent({ atMs: n, key: n % 2 ? 'a' : null, run: null, kind: 'operator', message: `${n}` });
      for (let n = 1; n <= 10; n++) add(n);
      assert.deepEqual(
        state.events({ limit: 3 }).map((event) => event.message),
        ['8', '9', '10'],
      );
      assert.deepEqual(
        state.events({ key: 'a', sinceId: 5 }).map((event) => event.id),
        [7, 9],
      );
      const db = new Database(state.path);
      db.exec(`WITH RECURSIVE n (id) AS (SELECT 11 UNION ALL SELECT id + 1 FROM n WHERE id < 20735)
      INSERT INTO events (id, at_ms, kind, message) SELECT id, id, 'k', id FROM n`);
      db.close();
      add(20_736);
      const all = state.events({ limit: 100_000 });
      assert.deepEqual([all.length, all[0]?.id, all.at(-1)?.message], [20_000, 737, '20736']);
    });

    test('gate results are kept per commit', () => {
      const state = opened();
      const result = {
        key: 'a',
        sha: 's1',
        name: 'test',
        command: 'npm test',
        exitCode: null,
        timedOut: true,
        log: '/log',
        startedAtMs: 1,
        endedAtMs: 2,
      };
      state.addGateResult(result);
      state.addGateResult({ ...result, sha: 's2', exitCode: 0, timedOut: false });
      assert.deepEqual(state.gateResults('a', 's1'), [result]);
      assert.equal(state.gateResults('a').length, 2);
      assert.deepEqual(state.gateResults('b'), []);
    });

    test('gate results of a stream are bounded, and what is verified keeps its own', () => {
      const state = opened();
      const { key } = state.ensureStream('I', 'A', NAMES);
      state.patchStream(key, { verified: { sha: 'v', atMs: 1, adopted: false, run: 1, parents: [] } });
      const add = (name: string, sha: string, startedAtMs: number): void =>
        state.addGateResult({
          ...{ key, sha, name, command: 'c', exitCode: 0, timedOut: false, log: '/log' },
          ...{ startedAtMs, endedAtMs: startedAtMs },
        });
      for (let n = 0; n < 40; n++) add('lint', 'v', n);
      for (let n = 0; n < 40; n++) add('test', `s${n}`, n);
      for (let n = 0; n < 40; n++) add('lint', 'w', n);
      const kept = (name: string): string[] =>
        state
          .gateResults(key)
          .filter((result) => result.name === name)
          .map(({ sha, startedAtMs }) => `${sha}-${startedAtMs}`);
      const newest = (from: string): string[] => Array.from({ length: 20 }, (_, n) => `${from}${n + 20}`);
      assert.deepEqual(kept('lint'), ['v-39', ...newest('w-')]);
      assert.deepEqual(
        kept('test'),
        newest('s').map((sha) => `${sha}-${sha.slice(1)}`),
      );
      for (let n = 0; n < 400; n++) add(`gate ${n}`, 'x', n);
      assert.deepEqual(kept('lint'), ['v-39']);
      assert.equal(state.gateResults(key).length, 201);
    });

    test("an initiative's base is the first one given", () => {
      const path = freshPath();
      const state = opened(path);
      assert.equal(state.initiativeBase('I'), null);
      assert.deepEqual(state.setInitiativeBase('I', { branch: 'main', sha: '1' }), {
        branch: 'main',
        sha: '1',
      });
      assert.deepEqual(opened(path).setInitiativeBase('I', { branch: 'x', sha: '2' }), {
        branch: 'main',
        sha: '1',
      });
    });

    test('the tmux server and the accepted git settings are remembered', () => {
      const path = freshPath();
      const state = opened(path);
      assert.equal(state.tmuxServer(), null);
      assert.equal(state.gitConfig(), null);
      state.setTmuxServer('default|12|34');
      state.setGitConfig({ 'filter.x.clean': 'y' });
      state.setGitConfig({ 'filter.x.clean': 'z' });
      assert.equal(opened(path).tmuxServer(), 'default|12|34');
      assert.deepEqual(opened(path).gitConfig(), { 'filter.x.clean': 'z' });
    });

    test('the poller is forgotten by itself alone, never by one whose place it took', () => {
      const state = opened();
      const former = POLLER;
      const acting = { ...POLLER, start: 't', sinceMs: 3, only: ['A', 'B'] };
      assert.equal(state.poller(), null);
      state.setPoller(former);
      assert.deepEqual(state.poller(), former);
      state.setPoller(acting);
      assert.equal(state.clearPoller(former), false);
      assert.deepEqual(state.poller(), acting);
      assert.equal(state.clearPoller(acting), true);
      assert.equal(state.poller(), null);
    });

    test('a new poller, and one that ends, has no step under way', () => {
      const state = opened();
      const { key } = state.ensureStream('I', 'A', NAMES);
      const poller = POLLER;
      const step = { kind: 'verify', sinceMs: 5 } as const;
      for (const change of [() => state.setPoller(poller), () => state.clearPoller(poller)]) {
        state.patchStream(key, { step });
        assert.deepEqual(state.records('I').get(key)?.step, step);
        change();
        assert.equal(state.records('I').get(key)?.step, null);
      }
    });

    const unreadable = [
      [`UPDATE streams SET base = '{'`, /base .*is not JSON/],
      [`UPDATE streams SET verified = '{"sha":7}'`, /verified sha 7 is not a string/],
      [`UPDATE runs SET agent_kind = 'cobol'`, /run 1: agent_kind "cobol" is not an agent kind/],
      [`UPDATE runs SET outcome = 'won'`, /run 1: outcome "won" is not an outcome/],
      [
        `UPDATE runs SET verdict = '{"sha":null,"atMs":1,"ok":true,"cause":"mood","message":""}'`,
        /cause "mood"/,
      ],
      [`PRAGMA ignore_check_constraints = 1; UPDATE streams SET intent = 'rest'`, /"rest" is not an intent/],
    ] as const;
    for (const [sql, message] of unreadable) {
      test(`an unknown value is an error with its name, for its stream alone: ${sql}`, () => {
        const path = freshPath();
        const state = opened(path);
        const { key } = state.ensureStream('I', 'A', NAMES);
        assert.equal(state.openRun(newRun(key, 1)), true);
        const db = new Database(path);
        db.exec(sql);
        db.close();
        const other = state.ensureStream('I', 'B', NAMES);
        assert.deepEqual([...state.records('I').keys()], [other.key]);
        const unreadable = state.unreadable('I').get(key);
        assert.equal(unreadable?.streamId, 'A');
        assert.match(unreadable.why, message);
        assert.match(unreadable.why, /stream "A"/);
        assert.equal(state.openRecords().unreadable.size, 1);
        assert.throws(
          () => state.ensureStream('I', 'A', NAMES),
          (error) => error instanceof OrchestrateError && error.exitCode === 6 && message.test(error.message),
        );
      });
    }
  });

  describe('the lease', () => {
    test('is given once, and again after its release', () => {
      const path = freshPath('lock.db');
      const lease = acquireLease(path, 0);
      assert.notEqual(lease, null);
      assert.equal(acquireLease(path, 0), null);
      assert.equal(leaseIsHeld(path), true);
      lease?.release();
      lease?.release();
      assert.equal(leaseIsHeld(path), false);
      const again = acquireLease(path, 0);
      assert.notEqual(again, null);
      again?.release();
    });
  });

  test('a state in memory works and leaves no file', () => {
    const before = readdirSync('.');
    const state = opened(IN_MEMORY);
    state.setTmuxServer('default|1|2');
    assert.equal(state.tmuxServer(), 'default|1|2');
    assert.deepEqual(readdirSync('.'), before);
  });

  describe('landings', () => {
    test('are kept in their order with all that they say, and one of the same head and branch replaces the former', () => {
      const path = freshPath();
      const state = opened(path);
      const landing = {
        initiativeId: 'I',
        key: 'a',
        head: 'h1',
        branch: 'main',
        commits: ['c1', 'c2'],
        strategy: 'rebase',
        run: 2,
        atMs: 5,
      } as const;
      state.addLandings([landing, { ...landing, key: 'b', strategy: 'squash', commits: ['c3'] }]);
      state.addLandings([
        { ...landing, commits: ['c4'] },
        { ...landing, branch: 'next' },
      ]);
      state.addLandings([{ ...landing, initiativeId: 'J', key: 'c' }]);
      const kept = opened(path).landings('I');
      assert.deepEqual(
        kept.map(({ key, branch, commits }) => [key, branch, ...commits]),
        [
          ['b', 'main', 'c3'],
          ['a', 'main', 'c4'],
          ['a', 'next', 'c1', 'c2'],
        ],
      );
      assert.deepEqual({ ...kept[2], number: 0 }, { ...landing, branch: 'next', number: 0 });
      assert.ok(kept.every(({ number }, at) => at === 0 || number > (kept[at - 1]?.number ?? 0)));
    });
  });
});
