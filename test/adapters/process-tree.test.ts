/** Identity, marks and ending of real process trees, however they hide. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ProcessIdentity } from '../../src/core/types.ts';
import { linuxTable } from '../../src/process/linux.ts';
import { createProcesses } from '../../src/process/processes.ts';
import { MARK_VARIABLE } from '../../src/process/types.ts';
import { DEADLINE_MS, until } from '../support/wait.ts';

const processes = createProcesses();
const GRACE_MS = 400;

/** A directory in which scripts leave a file per process: its name says which, its text is the pid. */
function rig() {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrate-process-'));
  const mark = `test:${dir}`;
  const children: ChildProcess[] = [];
  return {
    dir,
    mark,
    /** Runs an sh script as a session leader, as a pane's worker is; `env` replaces the marked environment. */
    start(
      script: string,
      env: NodeJS.ProcessEnv = { ...process.env, [MARK_VARIABLE]: mark },
    ): ProcessIdentity {
      const child = spawn('/bin/sh', ['-c', script], { cwd: dir, env, detached: true, stdio: 'ignore' });
      children.push(child);
      const identity = processes.identify(child.pid ?? 0);
      assert.ok(identity);
      return identity;
    },
    /** Waits until these processes have said their pid. */
    async pids(...names: string[]): Promise<number[]> {
      return until(`${names.join(', ')} have started`, () => {
        const texts = names.map((name) => {
          const path = join(dir, name);
          return existsSync(path) ? readFileSync(path, 'utf8') : '';
        });
        return texts.every((text) => text.endsWith('\n')) && texts.map(Number);
      });
    },
    async [Symbol.asyncDispose]() {
      await processes.endTree({ roots: [], mark, graceMs: 0 });
      for (const child of children) child.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const gone = (pid: number): boolean => processes.identify(pid) === null;
const SAY = (name: string): string => `echo $$ > ${name}`;

test('a process is told from a later one with its pid, and a zombie is not alive', async () => {
  await using r = rig();
  const me = processes.identify(process.pid);
  assert.ok(me !== null && processes.isAlive(me));
  assert.equal(processes.isAlive({ pid: process.pid, start: `${me.start}0` }), false);
  // The parent never reaps its child.
  r.start(`${SAY('parent')}; sh -c '${SAY('child')}' & exec sleep 60`);
  const [child = 0] = await r.pids('child', 'parent');
  await until(`${child} is gone`, () => gone(child));
  assert.equal(processes.identify(child), null);
  assert.ok(existsSync(`/proc/${child}`) || process.platform !== 'linux', 'it is still there as a zombie');
  for (const pid of [0, -1, 2 ** 30]) assert.equal(processes.identify(pid), null);
});

test('marked processes are found by the beginning of their mark', async () => {
  await using r = rig();
  const root = r.start(`${SAY('a')}; setsid sh -c '${SAY('b')}; exec sleep 60' & exec sleep 60`);
  const [a = 0, b = 0] = await r.pids('a', 'b');
  const found = processes.findMarked(r.mark.slice(0, -3));
  assert.deepEqual(new Set(found.map((each) => each.identity.pid)), new Set([a, b]));
  assert.ok(found.every((each) => each.mark === r.mark));
  assert.deepEqual(found.find((each) => each.identity.pid === a)?.identity, root);
});

test('a process has its mark also while it becomes another program', {
  skip: process.platform === 'linux' ? false : 'ps shows it whole',
}, async () => {
  await using r = rig();
  writeFileSync(join(r.dir, 'again'), 'exec /bin/sh again\n');
  const { pid } = r.start(`${SAY('first')}; exec /bin/sh again`);
  await r.pids('first');
  const seen = Array.from({ length: 5_000 }, () => linuxTable.marks([pid]).get(pid));
  assert.deepEqual(new Set(seen), new Set([r.mark]));
});

test('ending a tree leaves none of its processes, also those that hid or refuse to end', async () => {
  await using r = rig();
  const root = r.start(`
    trap '' HUP TERM INT
    ${SAY('root')}
    sh -c '${SAY('child')}; sh -c "${SAY('grandchild').replace('$$', '\\$\\$')}; sleep 60; :"; :' &
    nohup sh -c '${SAY('nohup')}; sleep 60; :' >/dev/null 2>&1 &
    setsid sh -c 'trap "" HUP TERM; ${SAY('setsid')}; sleep 60; :' &
    (setsid env -i PATH="$PATH" sh -c '${SAY('unmarked')}; sleep 60; :' &) 
    ${SAY('parted')}
    sh -c 'kill -STOP $$; sleep 60' &
    while :; do sleep 60; done`);
  const pids = await r.pids('root', 'child', 'grandchild', 'nohup', 'setsid');
  // Without mark, session or parent nothing ties this one to the run; the test ends it itself.
  const [unmarked = 0] = await r.pids('unmarked', 'parted');
  const survivors = await processes.endTree({ roots: [root], mark: r.mark, graceMs: GRACE_MS });
  assert.deepEqual(survivors, []);
  for (const pid of pids) assert.ok(gone(pid));
  assert.deepEqual(processes.findMarked(r.mark), []);
  process.kill(-unmarked, 'SIGKILL');
});

test('an unmarked process is found through its parent or its session, also when its root is dead', async () => {
  await using r = rig();
  const bare = { PATH: process.env['PATH'] ?? '' };
  const root = r.start(`${SAY('root')}; (sh -c '${SAY('orphan')}; sleep 60; :' &); sleep 60; :`, bare);
  const [pid = 0, orphan = 0] = await r.pids('root', 'orphan');
  process.kill(pid, 'SIGKILL');
  await until(`${pid} is gone`, () => gone(pid));
  assert.ok(!gone(orphan));
  assert.deepEqual(await processes.endTree({ roots: [root], mark: null, graceMs: GRACE_MS }), []);
  assert.ok(gone(orphan));
});

test('a process whose pid was reused is left alone', async () => {
  await using r = rig();
  const stranger = r.start(`${SAY('stranger')}; exec sleep 60`, { PATH: process.env['PATH'] ?? '' });
  await r.pids('stranger');
  const earlier = { pid: stranger.pid, start: `${stranger.start}7` };
  assert.deepEqual(await processes.endTree({ roots: [earlier], mark: null, graceMs: GRACE_MS }), []);
  assert.ok(processes.isAlive(stranger));
  await processes.endTree({ roots: [stranger], mark: null, graceMs: GRACE_MS });
  assert.ok(!processes.isAlive(stranger));
});

test('a process that is no longer the one that was seen gets no signal', async () => {
  await using r = rig();
  const stranger = r.start(`${SAY('stranger')}; exec sleep 60`);
  await r.pids('stranger');
  let looks = 0;
  const late = createProcesses({
    bootId: () => '',
    marks: () => new Map(),
    directories: () => new Map(),
    numbersAsWe: () => true,
    identify: () => ({ pid: stranger.pid, start: 'another' }),
    rows: () => (looks++ < 2 ? [{ ...stranger, ppid: 1, group: stranger.pid }] : []),
  });
  assert.deepEqual(await late.endTree({ roots: [stranger], mark: null, graceMs: GRACE_MS }), []);
  assert.ok(processes.isAlive(stranger));
});

test('a process that got the number of a marked one is not taken for it', () => {
  const looks = [
    new Map([
      [7, 'ours:1'],
      [8, 'ours:2'],
    ]),
    new Map([[8, 'ours:2']]),
  ];
  const table = createProcesses({
    bootId: () => '',
    marks: () => looks.shift() ?? new Map(),
    directories: () => new Map(),
    numbersAsWe: () => true,
    identify: (pid) => ({ pid, start: 'now' }),
    rows: () => [],
  });
  assert.deepEqual(table.findMarked('ours:'), [{ identity: { pid: 8, start: 'now' }, mark: 'ours:2' }]);
});

test('what another process with the number of a dead root leaves in its session is left alone', async () => {
  await using r = rig();
  const heir = r.start(`${SAY('heir')}; exec sleep 60`);
  await r.pids('heir');
  const root = { pid: 2 ** 30, start: '1' };
  // The root's number is another's at first; then that one ends, and its child stays in its session.
  const looks = [[{ pid: root.pid, start: '2', ppid: 1, group: root.pid }], []];
  const member = { pid: 2 ** 30 + 1, start: '3', ppid: 1, group: 1 };
  const table = createProcesses({
    bootId: () => '',
    marks: () => new Map([[member.pid, 'ours']]),
    directories: () => new Map(),
    numbersAsWe: () => true,
    identify: (pid) => processes.identify(pid),
    rows: () => [...(looks.shift() ?? []), member, { ...heir, ppid: 1, group: root.pid }],
  });
  const survivors = await table.endTree({ roots: [root], mark: 'ours', graceMs: 50 });
  assert.deepEqual(survivors, [{ pid: member.pid, start: '3' }]);
  assert.ok(processes.isAlive(heir));
});

test('a stopped process can act on the signal that asks it to end', async () => {
  await using r = rig();
  const root = r.start(
    `trap 'echo TERM > said; exit 0' TERM; ${SAY('root')}; kill -STOP $$; while :; do sleep 0.05; done`,
  );
  await r.pids('root');
  await processes.endTree({ roots: [root], mark: r.mark, graceMs: DEADLINE_MS });
  assert.equal(readFileSync(join(r.dir, 'said'), 'utf8'), 'TERM\n');
});

test('processes with another mark are left alone', async () => {
  await using r = rig();
  const other = r.start(`${SAY('other')}; exec sleep 60`, { ...process.env, [MARK_VARIABLE]: `${r.mark}0` });
  const below = r.start(`${SAY('below')}; exec sleep 60`, { ...process.env, [MARK_VARIABLE]: `${r.mark}/1` });
  await r.pids('other', 'below');
  await processes.endTree({ roots: [], mark: r.mark, graceMs: GRACE_MS });
  assert.ok(processes.isAlive(other));
  assert.ok(!processes.isAlive(below), 'a mark below the given one belongs to it');
  await processes.endTree({ roots: [other], mark: null, graceMs: GRACE_MS });
});

test('we and our ancestors are never ended, whatever is asked', async () => {
  const ancestors = [process.pid, process.ppid].flatMap((pid) => processes.identify(pid) ?? []);
  assert.deepEqual(await processes.endTree({ roots: ancestors, mark: null, graceMs: 50 }), []);
  assert.ok(ancestors.every((each) => processes.isAlive(each)));
});

test('the first signal goes to the root alone, which may end its children in its own way', async () => {
  await using r = rig();
  const root = r.start(`
    trap 'echo INT >> root.said; kill $!; exit 0' INT
    trap 'echo TERM >> root.said' TERM
    (trap 'echo INT >> child.said' INT; ${SAY('child')}; while :; do sleep 0.05; done) &
    ${SAY('root')}
    while :; do sleep 0.05; done`);
  await r.pids('root', 'child');
  await processes.endTree({ roots: [root], mark: r.mark, graceMs: DEADLINE_MS, firstSignal: 'SIGINT' });
  assert.equal(readFileSync(join(r.dir, 'root.said'), 'utf8'), 'INT\n');
  assert.ok(!existsSync(join(r.dir, 'child.said')));
});

test('the boot is named', () => {
  assert.ok(processes.bootId().length > 5);
  assert.equal(processes.bootId(), processes.bootId());
});
