/** The wrapper: at most one worker per run, and environment and arguments that arrive byte for byte. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fenceRun, readClaim, writeLaunch } from '../../src/worker/wrapper.ts';

/** Prints, as JSON, what the process was given: arguments, environment, directory. */
const REPORT =
  'process.stdout.write(JSON.stringify({argv:process.argv.slice(1),env:process.env,cwd:process.cwd()}))';

/** A run directory and a worktree whose names a shell would stumble over. */
function rig(): { dir: string; runDir: string; worktree: string } & AsyncDisposable {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrate-wrapper-'));
  const runDir = join(dir, "run $(touch pwn) `id`'s\n", 'key-1');
  const worktree = join(dir, '-work; tree\'"\n$HOME');
  mkdirSync(runDir, { recursive: true });
  mkdirSync(worktree, { recursive: true });
  return {
    dir,
    runDir,
    worktree,
    [Symbol.asyncDispose]: async () => rmSync(dir, { recursive: true, force: true }),
  };
}

function run(runDir: string, env: Record<string, string> = {}) {
  return spawnSync('/bin/sh', ['./wrapper'], { cwd: runDir, env, encoding: 'utf8', maxBuffer: 1 << 24 });
}

const PATH = process.env['PATH'] ?? '/usr/bin:/bin';
const SHELLS = ['/bin/sh', '/bin/bash', '/bin/dash'].filter((shell) => existsSync(shell));

/** Every character that some shell, somewhere, gives a meaning to; and all bytes that UTF-8 can be made of. */
const controls = Array.from({ length: 31 }, (_, i) => String.fromCharCode(i + 1)).join('');
const HOSTILE = [
  '',
  ' ',
  '\n',
  'trailing newlines\n\n\n',
  '\n\nleading newlines',
  "it's 'quoted' \"twice\"",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: for a shell, not for us
  '$HOME ${HOME} $(touch pwn) `touch pwn` $((1+1))',
  'back\\slash \\n \\',
  '-n',
  '--',
  '-e \\t',
  '* ? [a-z] ~ ~root {a,b} !! !$',
  'a;b&c|d<e>f#g',
  '#(touch pwn) #{pane_id} ;',
  "'\\''",
  controls,
  '\u007f\u0080\u0081\u0088\u00c1\u2028é日本😀',
  Array.from({ length: 64 }, (_, i) => String.fromCodePoint(0xc0 + i)).join(''),
  'A=1',
];

for (const shell of SHELLS) {
  test(`arguments and variables arrive byte for byte through ${shell}`, async () => {
    await using r = rig();
    const env: Record<string, string> = Object.fromEntries(HOSTILE.map((value, i) => [`V_${i}`, value]));
    const argv = [process.execPath, '-e', REPORT, '--', ...HOSTILE];
    writeLaunch(r.runDir, { cwd: r.worktree, argv, env: { ...env, PATH, worktree: 'mine', stat: 'mine' } });
    const result = spawnSync(shell, ['./wrapper', 'clean'], { cwd: r.runDir, env: {}, encoding: 'utf8' });
    assert.equal(result.stderr, '');
    const seen = JSON.parse(result.stdout);
    assert.deepEqual(seen.argv, HOSTILE);
    assert.equal(seen.cwd, r.worktree);
    assert.deepEqual({ ...seen.env, ...env }, seen.env);
    assert.equal(seen.env.stat, 'mine');
    assert.ok(!existsSync(join(r.worktree, 'pwn')) && !existsSync(join(r.runDir, 'pwn')));
  });

  test(`an argument of 100 KB arrives byte for byte through ${shell}`, async () => {
    await using r = rig();
    const line = 'Say "hi" to $USER; it\'s `fine` \\ é\n';
    const prompt = line.repeat(Math.ceil(100_000 / line.length));
    writeLaunch(r.runDir, {
      cwd: r.worktree,
      argv: [process.execPath, '-e', REPORT, '--', prompt],
      env: { PATH },
    });
    const result = spawnSync(shell, ['./wrapper', 'clean'], { cwd: r.runDir, env: {}, encoding: 'utf8' });
    assert.ok(JSON.parse(result.stdout).argv[0] === prompt);
  });
}

test("only the pane's own variables and those of the launch file reach the worker", async () => {
  await using r = rig();
  writeLaunch(r.runDir, {
    cwd: r.worktree,
    argv: [process.execPath, '-e', REPORT],
    env: { PATH, MINE: '1' },
  });
  const pane = { TERM: 'tmux-256color', TMUX: '/tmp/s,1,0', TMUX_PANE: '%7', TERM_PROGRAM: 'tmux' };
  const seen = JSON.parse(
    run(r.runDir, { ...pane, SECRET: 'of the server', IFS: 'x', ENV: '/nowhere' }).stdout,
  );
  const shellMade = ['PWD', 'OLDPWD', 'SHLVL', '_', '__CF_USER_TEXT_ENCODING'];
  for (const name of shellMade) delete seen.env[name];
  assert.deepEqual(seen.env, { ...pane, PATH, MINE: '1' });
});

test('the worker keeps the process that claimed the run, and its umask is that of the starter', async () => {
  await using r = rig();
  const script = 'umask; echo $$';
  writeLaunch(r.runDir, { cwd: r.worktree, argv: ['sh', '-c', script], env: { PATH } });
  const [umask, pid] = run(r.runDir).stdout.split('\n');
  const claim = readClaim(r.runDir);
  assert.equal(Number.parseInt(umask ?? '', 8), process.umask());
  assert.equal(claim?.pid, Number(pid));
  if (process.platform === 'linux') assert.match(claim?.start ?? '', /^\d+$/);
  assert.ok(Math.abs((claim?.atMs ?? 0) - Date.now()) < 60_000);
});

test('the launch file is private, and gone once it was read', async () => {
  await using r = rig();
  writeLaunch(r.runDir, { cwd: r.worktree, argv: ['true'], env: { PATH, SECRET: 's' } });
  assert.equal(statSync(join(r.runDir, 'launch')).mode & 0o777, 0o600);
  assert.equal(run(r.runDir).status, 0);
  assert.ok(!existsSync(join(r.runDir, 'launch')));
  assert.equal(statSync(join(r.runDir, 'claim')).mode & 0o777, 0o600);
});

test('of twenty wrappers started together exactly one becomes the worker', async () => {
  await using r = rig();
  const counter = join(r.dir, 'worked');
  writeLaunch(r.runDir, { cwd: r.worktree, argv: ['sh', '-c', `echo x >> '${counter}'`], env: { PATH } });
  const exits = await Promise.all(
    Array.from({ length: 20 }, () => {
      const child = spawn('/bin/sh', ['./wrapper'], { cwd: r.runDir, env: {}, stdio: 'ignore' });
      return new Promise<number | null>((done) => child.on('exit', done));
    }),
  );
  assert.equal(readFileSync(counter, 'utf8'), 'x\n');
  assert.deepEqual(exits.sort(), [0, ...Array.from({ length: 19 }, () => 75)]);
});

test('a fenced run can be claimed by no wrapper', async () => {
  await using r = rig();
  writeLaunch(r.runDir, { cwd: r.worktree, argv: ['touch', join(r.dir, 'worked')], env: { PATH } });
  assert.equal(readClaim(r.runDir), null);
  assert.equal(fenceRun(r.runDir), true);
  assert.ok(!existsSync(join(r.runDir, 'launch')));
  const result = run(r.runDir);
  assert.equal(result.status, 75);
  assert.match(result.stderr, /^orchestrate: error: this run is taken by another agent\n$/);
  assert.ok(!existsSync(join(r.dir, 'worked')));
  assert.equal(readClaim(r.runDir), null);
  assert.equal(fenceRun(r.runDir), true, 'fencing twice is fencing');
});

test('a run that a worker holds cannot be fenced', async () => {
  await using r = rig();
  writeLaunch(r.runDir, { cwd: r.worktree, argv: ['true'], env: { PATH } });
  run(r.runDir);
  const before = readFileSync(join(r.runDir, 'claim'));
  assert.equal(fenceRun(r.runDir), false);
  assert.deepEqual(readFileSync(join(r.runDir, 'claim')), before);
});

test('a claim whose taker died before writing it is held by nobody that could be found', async () => {
  await using r = rig();
  writeFileSync(join(r.runDir, 'claim'), '');
  assert.equal(readClaim(r.runDir)?.pid, 0);
  assert.equal(fenceRun(r.runDir), false);
});

test('a missing command, directory or launch file is said in one line', async () => {
  const said = async (argv: string[], spoil: (r: ReturnType<typeof rig>) => void = () => undefined) => {
    await using r = rig();
    writeFileSync(join(r.worktree, 'plain'), 'no program');
    writeLaunch(r.runDir, { cwd: r.worktree, argv, env: { PATH } });
    spoil(r);
    const result = run(r.runDir);
    return { status: result.status, text: result.stderr.replaceAll(r.dir, 'DIR') };
  };
  assert.deepEqual(await said(['no-such-agent']), {
    status: 127,
    text: 'orchestrate: error: command not found: no-such-agent\n',
  });
  assert.deepEqual(await said(['./no-such-agent']), {
    status: 127,
    text: 'orchestrate: error: command not found: ./no-such-agent\n',
  });
  assert.deepEqual(await said(['./plain']), {
    status: 126,
    text: 'orchestrate: error: not an executable file: ./plain\n',
  });
  const noTree = await said(['true'], (r) => rmSync(r.worktree, { recursive: true }));
  assert.equal(noTree.status, 1);
  assert.match(noTree.text, /orchestrate: error: cannot enter the worktree: DIR/);
  const noLaunch = await said(['true'], (r) => rmSync(join(r.runDir, 'launch')));
  assert.equal(noLaunch.status, 1);
  assert.match(noLaunch.text, /^orchestrate: error: the launch file is gone: DIR/);
});

test('what no process can be given is refused when the launch is written', async () => {
  await using r = rig();
  const write = (argv: string[], env: Record<string, string>) =>
    writeLaunch(r.runDir, { cwd: r.worktree, argv, env });
  assert.throws(() => write([], {}), /not a command: \(empty\)/);
  assert.throws(() => write(['-c'], {}), /not a command: -c/);
  assert.throws(() => write(['true', 'a\0b'], {}), /NUL/);
  assert.throws(() => write(['true'], { 'A; touch pwn': '' }), /not a variable/);
  assert.throws(() => write(['true'], { UID: '0' }), /not a variable/);
  assert.ok(!existsSync(join(r.runDir, 'launch')));
});
