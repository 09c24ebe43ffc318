/** Programs started by shells that stay: they get what was asked for, and end, as if they were started by the process itself. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunRequest } from '../../src/process/run.ts';
import { startStarter } from '../../src/process/starter.ts';
import { createStarters } from '../../src/process/starters.ts';
import { atLimit, inTime, until } from '../support/wait.ts';

const ENV = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', GIT_ONE: "it's one" };
const SH: RunRequest = { file: '/bin/sh', args: [], cwd: '/', env: ENV, timeLimitMs: 60_000 };

/** Runs a script by a shell that stays; fails the test where none could. */
function shells() {
  const start = createStarters();
  return async (script: string, also: Partial<RunRequest> = {}, words: readonly string[] = []) => {
    const result = await start({ ...SH, args: ['-c', script, 'sh', ...words], ...also });
    assert.ok(result !== null, 'a shell could be told this');
    return { ...result, out: result.stdout.toString(), err: result.stderr.toString() };
  };
}

function scratch(): { dir: string; at(name: string): string } & Disposable {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrate-start-'));
  return {
    dir,
    at: (name) => join(dir, name),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

test('output comes as bytes, with the exit code or the signal; what one printed is not the next one’s', async () => {
  const sh = shells();
  const { exitCode, signal, limit, stdout, err } = await sh(
    `printf '\\000\\377\\nend'; printf no >&2; exit 3`,
  );
  assert.deepEqual([exitCode, signal, limit, err], [3, null, null, 'no']);
  assert.deepEqual([...stdout], [0, 255, 10, 101, 110, 100]);
  const many = await sh('head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2');
  assert.deepEqual([many.stdout.length, many.stderr.length], [3_000_000, 2_000_000]);
  assert.deepEqual((await sh('kill -USR1 $$')).signal, 'SIGUSR1');
  const nothing = await sh('cat; exit 128');
  assert.deepEqual([nothing.out, nothing.err, nothing.exitCode], ['', '', 128]);
});

test('arguments, directory, variables and input arrive as they are, and hold for that program alone', async () => {
  using place = scratch();
  const sh = shells();
  const hostile = [
    "'; touch hacked '",
    '$(touch hacked)',
    '`touch hacked`',
    '-n',
    '',
    '  two  ',
    '\\n',
    'ü☃',
    '*',
  ];
  const told = await sh('pwd; printf "%s|" "$@"; printf "%s" "$GIT_ONE"', { cwd: place.dir }, hostile);
  assert.equal(told.out, `${place.dir}\n${hostile.join('|')}|it's one`);
  const input = `$(touch hacked) \\n 'x'\n\n  last \nORCHESTRATE_HERE\n`;
  const env = { PATH: ENV.PATH, LC_ALL: 'C', GIT_TWO: '$HOME', ORCHESTRATE_MARK: 'x' };
  const given = await sh('cat; env', { cwd: place.dir, input, env });
  assert.ok(given.out.startsWith(input), given.out);
  assert.match(given.out, /^GIT_TWO=\$HOME$/m);
  assert.doesNotMatch(given.out, /GIT_ONE|ORCHESTRATE_(?!MARK|HERE)/);
  assert.match((await sh('env')).out, /^GIT_ONE=it's one$/m);
  assert.ok(!existsSync(place.at('hacked')));
});

test('what a shell cannot be told is left to others: line breaks, other variables, what is not there', async () => {
  const start = createStarters();
  const args = ['-c', 'exit 0'];
  assert.equal((await start({ ...SH, args }))?.exitCode, 0);
  const cannot: Partial<RunRequest>[] = [
    { args: ['-c', 'exit 0\n'] },
    { args: ['-c', 'exit 0', 'x'.repeat(10_000)] },
    { env: { ...ENV, 'no.identifier': '1' } },
    { input: 'no end of line' },
    { input: Buffer.from('bytes\n') },
    { file: '/nowhere/at-all' },
    { file: '/etc/passwd' },
    { cwd: '/nowhere' },
  ];
  for (const also of cannot) assert.equal(await start({ ...SH, args, ...also }), null, JSON.stringify(also));
});

test('a program that ran is not run again, however it ended', async () => {
  const sh = shells();
  for (const exitCode of [126, 127]) assert.equal((await sh(`exit ${exitCode}`)).exitCode, exitCode);
  const missing = await sh('exec nowhere-at-all');
  assert.deepEqual([missing.exitCode, missing.out], [127, '']);
  assert.match(missing.err, /nowhere-at-all/);
});

test('a request that was cut off is not run', async () => {
  using place = scratch();
  let gone = false;
  const starter = startStarter(ENV, () => {
    gone = true;
  });
  starter?.child.stdin?.end(`word\nA/usr/bin/touch\nA${place.at('touched')}\nD/\n`);
  await until('the shell has ended', () => gone && starter?.child.exitCode === 0);
  assert.ok(!existsSync(place.at('touched')));
});

const canMount = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

test('a program whose input the shell could not open was not run', {
  skip: canMount ? false : 'no tmpfs of its own',
}, () => {
  // A bash of before 5.1, as which it is told to behave, keeps input in a file, for which there is no room here. Not in our own
  // temporary directory, which may be one below /dev.
  const world =
    'mount -t tmpfs -o nr_inodes=1 full /mnt && mount --bind /bin/bash /bin/sh && mount -t tmpfs none /dev';
  const ask = `import { createStarters } from '${new URL('../../src/process/starters.ts', import.meta.url)}';
    const env = ${JSON.stringify({ ...ENV, BASH_COMPAT: '50', TMPDIR: '/mnt' })};
    const echo = { file: '/bin/echo', args: ['ran'], cwd: '/', env, timeLimitMs: 60_000 };
    const start = createStarters();
    for (const input of [undefined, 'some\\n']) {
      const result = await start({ ...echo, input });
      console.log(result === null ? 'not run' : [result.exitCode, result.stdout, result.stderr].join(' '));
    }
    process.exit();`;
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', ask];
  const said = execFileSync('unshare', ['-Urm', '/bin/sh', '-c', `${world} && exec "$@"`, 'sh', ...node]);
  assert.equal(said.toString(), 'not run\nnot run\n');
});

test('the mark by which programs are found again is the program’s, not the shell’s', async () => {
  const sh = shells();
  const seen = 'tr "\\0" "\\n" < /proc/$1/environ | grep -c MARK';
  const env = { ...ENV, ORCHESTRATE_MARK: 'x' };
  const script = `set -- $$; ${seen}; set -- $PPID; ${seen}`;
  assert.equal((await sh(script, { env })).out, '1\n0\n');
});

test('several run at the same time', async () => {
  using place = scratch();
  const sh = shells();
  const meet = (mine: string, other: string) =>
    sh(`: > ${mine}; until [ -e ${other} ]; do sleep 0.01; done; echo ${mine}`, { cwd: place.dir });
  const [one, two] = await Promise.all([meet('one', 'two'), meet('two', 'one')]);
  assert.deepEqual([one?.out, two?.out], ['one\n', 'two\n']);
});

test('at a limit, or when it is broken off, a program ends with all that it started in its group', async () => {
  using place = scratch();
  const sh = shells();
  const ended = (firstMs: number, script: string) =>
    atLimit(
      firstMs,
      (timeLimitMs) => inTime(sh(script, { cwd: place.dir, timeLimitMs }), () => 'the limit did not hold'),
      ({ out }) => out !== '',
    );
  const deaf = `trap '' TERM; (trap '' TERM; sleep 1000) & echo $! > child; echo part; wait`;
  const late = await ended(300, deaf);
  assert.deepEqual([late.limit, late.out], ['time', 'part\n']);
  await until('its child is gone', () => !isAlive(Number(readFileSync(place.at('child'), 'utf8'))));
  const heir = `rm -f deaf; (trap '' TERM; echo > deaf; sleep 1000) & echo $! > heir; until [ -e deaf ]; do :; done; echo up; exec sleep 1000`;
  const left = await ended(2_000, heir);
  assert.deepEqual([left.limit, left.signal, left.out], ['time', 'SIGTERM', 'up\n']);
  await until('what it left is gone', () => !isAlive(Number(readFileSync(place.at('heir'), 'utf8'))));
  assert.equal((await sh('yes', { outputLimit: 100_000 })).limit, 'output');
  const abort = new AbortController();
  const broken = sh('echo > begun; exec sleep 1000', { cwd: place.dir, abort: abort.signal });
  await until('it has begun', () => existsSync(place.at('begun')));
  abort.abort(new Error('called off'));
  await assert.rejects(broken, /called off/);
  assert.equal((await sh('echo on')).out, 'on\n', 'others can still be started');
});

test('a shell that is killed is an end by a signal, and the next program has another one', async () => {
  const sh = shells();
  const killed = await sh('kill -9 $PPID; sleep 0.1');
  assert.deepEqual([killed.exitCode, killed.signal], [null, 'SIGKILL']);
  assert.equal((await sh('echo on')).out, 'on\n');
});

test('a program that is left running keeps no result back, and what it prints later is nobody’s', async () => {
  using place = scratch();
  const sh = shells();
  const script = `(until [ -e go ]; do [ -d '${place.dir}' ] || exit; sleep 0.01; done; echo stray | tee /dev/stderr; echo > said) & exit 4`;
  const left = await sh(script, { cwd: place.dir });
  assert.deepEqual([left.exitCode, left.out], [4, '']);
  // Until it has spoken we read nothing, so that the next program is asked for with all that unread.
  const speak = ': > go; until [ -e said ]; do sleep 0.01; done';
  execFileSync('/bin/sh', ['-c', speak], { cwd: place.dir });
  const next = await sh('echo mine; echo too >&2');
  assert.deepEqual([next.out, next.err], ['mine\n', 'too\n']);
});

test('what one that is left running prints right behind the end hides no result', async () => {
  using place = scratch();
  const sh = shells();
  const script =
    '(until [ -e go ]; do :; done; head -c 500 /dev/zero | tee /dev/stderr; echo > said) & exit 4';
  const left = sh(script, { cwd: place.dir });
  // Until it has spoken we read nothing, so that both come as one piece.
  const speak = 'sleep 0.3; : > go; until [ -e said ]; do sleep 0.01; done';
  execFileSync('/bin/sh', ['-c', speak], { cwd: place.dir });
  const { exitCode, limit } = await left;
  assert.deepEqual([exitCode, limit], [4, null]);
  assert.equal((await sh('echo mine')).out, 'mine\n');
});
