/** Commands of the user's configuration: log, environment, time limit, abort. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LOG_BYTES } from '../../src/process/capped-log.ts';
import { createProcesses } from '../../src/process/processes.ts';
import { MARK_VARIABLE } from '../../src/process/types.ts';
import { DEADLINE_MS, until } from '../support/wait.ts';

const processes = createProcesses();

function rig() {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrate-shell-'));
  const log = join(dir, 'log');
  const mark = `test:${dir}`;
  const base = {
    cwd: dir,
    env: { PATH: process.env['PATH'] ?? '', ONLY: 'this' },
    log,
    timeoutMs: DEADLINE_MS,
    mark,
  };
  return {
    dir,
    mark,
    run: (
      command: string,
      also: { timeoutMs?: number; abort?: AbortSignal; cwd?: string; endLeftovers?: boolean } = {},
    ) => processes.runShell({ ...base, command, ...also }),
    said: () => readFileSync(log, 'utf8'),
    /** What the log says once that fits: what was printed is waited for in bounds, and may come a moment after the result. */
    saysAtLast: (end: RegExp) =>
      until(`a log of ${end}`, () => {
        const text = readFileSync(log, 'utf8');
        return end.test(text) && text;
      }),
    log,
    async [Symbol.asyncDispose]() {
      await processes.endTree({ roots: [], mark, graceMs: 0 });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

test('output goes to a private log, appended; the exit code is told', async () => {
  await using r = rig();
  assert.deepEqual(await r.run('echo one; echo two >&2; exit 3'), {
    exitCode: 3,
    signal: null,
    timedOut: false,
  });
  await r.saysAtLast(/two\n$/);
  assert.deepEqual(await r.run('cat; echo three'), { exitCode: 0, signal: null, timedOut: false });
  assert.equal(await r.saysAtLast(/three\n$/), 'one\ntwo\nthree\n');
  assert.equal(statSync(r.log).mode & 0o777, 0o600);
  assert.deepEqual(await r.run('kill -USR1 $$'), { exitCode: null, signal: 'SIGUSR1', timedOut: false });
});

test('the environment is the given one and the mark, and the command leads a group of its own', async () => {
  await using r = rig();
  await r.run('env; echo "GROUP=$(ps -o pgid= -p $$ | tr -d " ")"; echo "PID=$$"');
  const said = new Map(
    (await r.saysAtLast(/^PID=\d+\n/m))
      .trim()
      .split('\n')
      .map((line) => [line.replace(/=.*/, ''), line.replace(/^[^=]*=/, '')]),
  );
  assert.equal(said.get('GROUP'), said.get('PID'));
  assert.equal(said.get('ONLY'), 'this');
  assert.match(said.get(MARK_VARIABLE) ?? '', new RegExp(`^${r.mark}/[0-9a-f]{8}$`));
  for (const name of ['GROUP', 'PID', 'ONLY', MARK_VARIABLE, 'PATH', 'PWD', 'OLDPWD', 'SHLVL', '_'])
    said.delete(name);
  assert.deepEqual([...said.keys()], []);
});

test('at the time limit everything the command started is ended', async () => {
  await using r = rig();
  const result = await r.run(`setsid sh -c 'trap "" TERM; sleep 60; :' & sleep 60; :`, { timeoutMs: 300 });
  assert.equal(result.timedOut, true);
  assert.notEqual(result.exitCode, 0);
  assert.deepEqual(processes.findMarked(r.mark), []);
});

test('what a command leaves running ends with it only when asked', async () => {
  await using r = rig();
  await r.run('setsid sleep 60 & sleep 60 &');
  assert.equal(processes.findMarked(r.mark).length, 2);
  assert.equal((await r.run('setsid sleep 60 & exit 3', { endLeftovers: true })).exitCode, 3);
  assert.equal(processes.findMarked(r.mark).length, 2);
});

test('an abort ends the command, and one that runs beside it with the same mark goes on', async () => {
  await using r = rig();
  const abort = new AbortController();
  const aborted = assert.rejects(r.run('echo A; sleep 60; :', { abort: abort.signal }), {
    name: 'AbortError',
  });
  const other = r.run('echo B; while [ ! -e go ]; do sleep 0.05; done');
  await until('both run', () => /A/.test(r.said()) && /B/.test(r.said()));
  abort.abort();
  await aborted;
  await processes.runShell({
    command: 'touch go',
    cwd: r.dir,
    env: {},
    log: r.log,
    timeoutMs: DEADLINE_MS,
    mark: r.mark,
  });
  assert.equal((await other).exitCode, 0);
  await assert.rejects(r.run('echo never', { abort: abort.signal }), { name: 'AbortError' });
  assert.ok(!r.said().includes('never'));
});

test('a directory that is missing is a failed command that says so', async () => {
  await using r = rig();
  const result = await r.run('true', { cwd: join(r.dir, 'nowhere') });
  assert.deepEqual(result, { exitCode: 127, signal: null, timedOut: false });
  await r.saysAtLast(/^orchestrate: cannot run this in .*nowhere: /);
});

test('a command that prints without end fills no disk: the log keeps its beginning and its end, and the command its result', async () => {
  await using r = rig();
  const block = 'orchestrate'.repeat(100);
  const result = await r.run(
    `echo first; i=0; while [ $i -lt 40 ]; do head -c 1048576 /dev/zero; i=$((i+1)); done; echo last; exit 7`,
    { timeoutMs: 120_000 },
  );
  assert.equal(result.exitCode, 7);
  const full = await r.saysAtLast(/last\n$/);
  assert.ok(full.length < LOG_BYTES + 100_000);
  assert.match(full, /^first\n/);
  assert.match(full, /\norchestrate: this log is full;.*\n\0+last\n$/s);
  await r.run(`echo ${block}`);
  const next = await r.saysAtLast(/orchestrate\n$/);
  assert.ok(next.length < LOG_BYTES / 2);
  assert.match(next, /^orchestrate: what was here before is left out\n.*last\norchestrate/s);
});

test('a command may open its output by name, and write on when it left something running', async () => {
  await using r = rig();
  await r.run('echo one > /dev/stderr; (sleep 0.2; echo two; touch done) &');
  await until('the rest is written', () => existsSync(join(r.dir, 'done')) && r.said().includes('two'));
  assert.equal(r.said(), 'one\ntwo\n');
});
