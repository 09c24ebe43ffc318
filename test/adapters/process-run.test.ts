/** The runner of programs: its limits hold whoever keeps the pipes, and what could not be started says why. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NotStarted, type RunRequest, run } from '../../src/process/run.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import { atLimit, inTime, until } from '../support/wait.ts';

const SH = { file: '/bin/sh', cwd: '/', env: { PATH: process.env['PATH'] ?? '' }, timeLimitMs: 60_000 };
const sh = (script: string, also: Partial<RunRequest> = {}) => run({ ...SH, args: ['-c', script], ...also });

function scratch(): { dir: string; pid(name: string): number } & Disposable {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrate-run-'));
  return {
    dir,
    pid: (name) => Number(readFileSync(join(dir, name), 'utf8')),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test('output comes as bytes, all of it, with the exit code or the signal', async () => {
  const bytes = Buffer.from([0, 255, 10, 195, 40, 13, 0]);
  const echoed = await sh('cat; exit 3', { input: bytes });
  assert.deepEqual({ ...echoed, stdout: [...echoed.stdout] }, {
    exitCode: 3,
    signal: null,
    limit: null,
    stdout: [...bytes],
    stderr: Buffer.alloc(0),
  } as unknown);
  const many = await sh('head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2');
  assert.deepEqual([many.stdout.length, many.stderr.length], [3_000_000, 2_000_000]);
  assert.equal((await sh('kill -USR1 $$')).signal, 'SIGUSR1');
  assert.equal((await sh('cat')).stdout.length, 0, 'nothing on stdin unless given');
  assert.equal((await sh('exit 0', { input: 'x'.repeat(1 << 20) })).exitCode, 0, 'input need not be read');
});

test('a program has the given environment alone, and leads a group of its own', async () => {
  const { stdout } = await sh('ps -o pid=,pgid=,sid= -p $$; env', { env: { ...SH.env, ONLY: 'this' } });
  const [ids = '', ...env] = stdout.toString().trim().split('\n');
  assert.equal(new Set(ids.trim().split(/\s+/)).size, 1);
  const names = env
    .map((line) => line.replace(/=.*/, ''))
    .filter((name) => !/^(PWD|OLDPWD|SHLVL|_)$/.test(name));
  assert.deepEqual(names.sort(), ['ONLY', 'PATH']);
});

test('at the time limit the whole group is ended, and nobody is waited for who holds its pipes', async () => {
  using at = scratch();
  const holder = `setsid sh -c 'echo $$ > holder; exec sleep 1000' &`;
  const child = `sh -c 'trap "" TERM; echo $$ > child; while :; do sleep 1; done' &`;
  const hold = `[ -s holder ] && kill -9 $(cat holder); rm -f holder child
    ${holder} ${child} until [ -s holder ] && [ -s child ]; do sleep 0.01; done; echo part; wait`;
  const result = await atLimit(
    1_000,
    (timeLimitMs) => inTime(sh(hold, { cwd: at.dir, timeLimitMs }), () => 'the limit did not hold'),
    ({ stdout }) => stdout.length > 0,
  );
  assert.equal(result.limit, 'time');
  assert.equal(result.stdout.toString(), 'part\n');
  await until('the child is gone', () => !isAlive(at.pid('child')));
  assert.ok(isAlive(at.pid('holder')), 'the pipe was held all the time');
  process.kill(at.pid('holder'), 'SIGKILL');
});

test('what a program leaves running does not keep its result back', async () => {
  using at = scratch();
  const result = await sh('sleep 1000 & echo $! > left; echo done; exit 4', {
    cwd: at.dir,
    timeLimitMs: null,
  });
  assert.deepEqual([result.exitCode, result.limit, result.stdout.toString()], [4, null, 'done\n']);
  assert.ok(isAlive(at.pid('left')));
  process.kill(at.pid('left'), 'SIGKILL');
});

test('a program that prints without end is ended at the output limit', async () => {
  const result = await sh('yes', { outputLimit: 1 << 20, timeLimitMs: null });
  assert.equal(result.limit, 'output');
  assert.ok(result.stdout.length > 1 << 20);
});

test('an abort ends the program and fails with its reason; one that came before starts nothing', async () => {
  using at = scratch();
  const abort = new AbortController();
  const running = sh('echo $$ > pid; sleep 1000', { cwd: at.dir, timeLimitMs: null, abort: abort.signal });
  const failed = assert.rejects(running, { name: 'AbortError' });
  const pid = await until('it runs', () => {
    const { stdout } = spawnSync('cat', [join(at.dir, 'pid')], { encoding: 'utf8' });
    return Number(stdout) || null;
  });
  abort.abort();
  await failed;
  assert.ok(!isAlive(pid));
  await assert.rejects(sh('touch never', { cwd: at.dir, abort: abort.signal }), { name: 'AbortError' });
  assert.equal(spawnSync('ls', [join(at.dir, 'never')]).status, 2);
});

test('what could not be started says what is missing', async () => {
  const nothing = { ...SH, args: [] };
  const cases: [RunRequest, Partial<NotStarted>][] = [
    [
      { ...nothing, file: 'no-such-program' },
      { obstacle: 'no program', exitCode: 3 },
    ],
    [
      { ...nothing, cwd: '/no/such/directory' },
      { obstacle: 'no directory', exitCode: 3 },
    ],
    [
      { ...nothing, file: '/etc/passwd' },
      { obstacle: 'other', exitCode: 3 },
    ],
  ];
  for (const [request, expected] of cases) {
    await assert.rejects(run(request), (error: unknown) => {
      assert.ok(error instanceof NotStarted);
      assert.deepEqual({ obstacle: error.obstacle, exitCode: error.exitCode }, expected);
      return true;
    });
  }
});

/** Runs the text as a module in a process that may open 64 files and has all but a few of them open. */
function amongFewFiles(text: string): string {
  const module = `
    import { openSync } from 'node:fs';
    const { run } = await import('${import.meta.dirname}/../../src/process/run.ts');
    const { createGit } = await import('${import.meta.dirname}/../../src/git/git.ts');
    const { createTmux } = await import('${import.meta.dirname}/../../src/tmux/tmux.ts');
    const { openStateStore } = await import('${import.meta.dirname}/../../src/state/state-store.ts');
    try { for (;;) openSync('/dev/null'); } catch (error) { if (error.code !== 'EMFILE') throw error; }
    ${text}`;
  const root = join(import.meta.dirname, '..', '..');
  const command = 'ulimit -n 64; exec "$0" --import tsx --input-type=module -e "$1"';
  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', command, process.execPath, module], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  return stdout;
}

test('where no more files can be opened, every door says so, with the limit to raise', () => {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-few-'));
  const path = join(directory, 'state.db');
  openStateStore(path, { create: true }).close();
  const said = amongFewFiles(`
    const show = (error) => console.log(error.obstacle ?? '-', '|', error.message, '|', error.fix);
    await run({ file: 'true', args: [], cwd: '/', env: process.env, timeLimitMs: 1000 }).catch(show);
    await createGit({ root: '/', commonDir: '/' }).baseTip(null).catch(show);
    const tmux = createTmux({ projectRoot: '/', socket: 'none', env: process.env, identify: () => null, prepareSummary: null });
    await tmux.ensureSession().catch(show);
    console.log(JSON.stringify(await tmux.look(null)));
    try { openStateStore('${path}', { create: false }); } catch (error) { show(error); }`);
  rmSync(directory, { recursive: true });
  const [store = '', ...lines] = said.trim().split('\n').reverse();
  lines.reverse();
  assert.match(store, /^- \| too many open files: .*state\.db cannot be opened \| ulimit -n 4096$/);
  assert.equal(lines.length, 4, said);
  for (const line of lines) assert.match(line, /the limit on open files is reached \(EMFILE\)/);
  for (const line of lines.slice(0, 3)) assert.match(line, /\| ulimit -n 4096$/);
});
