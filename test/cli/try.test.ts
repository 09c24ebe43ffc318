/** `scripts/try`, as the README tells a newcomer to type it: the sample ends as a merged, tested whole. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensureBuilt } from '../../scripts/build.ts';
import { removeTree } from '../support/remove-tree.ts';

const TRY = fileURLToPath(new URL('../../scripts/try', import.meta.url));

test('the sample finishes, its integration stream is tested on the work of both its dependencies', async () => {
  await ensureBuilt();
  const home = mkdtempSync(join(tmpdir(), 'orchestrate-trial-'));
  const socket = `orchestrate-test-${process.pid}`;
  const env = {
    ...process.env,
    HOME: home,
    TMPDIR: home,
    TMUX_TMPDIR: home,
    ORCHESTRATE_TMUX_SOCKET: socket,
    SAMPLE_THINKING_MS: '0',
  };
  try {
    const { stdout } = await promisify(execFile)(TRY, [], { env, timeout: 240_000 });
    assert.match(stdout, /All 4 streams done/);
    assert.match(stdout, /Stream Dependency Structure:/);
    assert.match(stdout, /The agent here was scripted/);
    assert.match(stdout, /attach +orchestrate attach/);
    const top = readdirSync(home).find((name) => name.startsWith('orchestrate-try-')) ?? '';
    const repository = join(home, top, 'converter');
    const git = (...args: string[]) => execFileSync('git', args, { cwd: repository, encoding: 'utf8' });
    const files = git('ls-tree', '-r', '--name-only', 'main').split('\n');
    for (const file of ['src/length.js', 'src/temperature.js', 'src/convert.js'])
      assert.ok(files.includes(file), file);
    assert.match(stdout, /Landed on main by merge[\s\S]*\n {2}\+ Stream-Z[\s\S]*Gates hold \(test\)/);
    assert.match(stdout, /^Removed Stream-Z: worktree /m);
    assert.match(stdout, /^What was done: .* report$/m);
    assert.equal(git('for-each-ref', '--format=%(refname)', 'refs/heads').trim(), 'refs/heads/main');
    assert.equal(git('worktree', 'list').trim().split('\n').length, 1);
    assert.equal(git('status', '--porcelain', '--untracked-files=no').trim(), '', 'the checkout moved along');
  } finally {
    spawnSync('tmux', ['-L', socket, 'kill-server'], { env, stdio: 'ignore' });
    removeTree(home);
  }
});

test('without Claude Code it says so, and how to go on, not what became of a start that never was', async () => {
  await ensureBuilt();
  const home = mkdtempSync(join(tmpdir(), 'orchestrate-trial-'));
  const path = (process.env['PATH'] ?? '').split(':').filter((folder) => !existsSync(join(folder, 'claude')));
  const env = { ...process.env, HOME: home, TMPDIR: home, TMUX_TMPDIR: home, PATH: path.join(':') };
  try {
    const ended = spawnSync(TRY, ['--agent', 'claude'], { env, encoding: 'utf8', timeout: 240_000 });
    assert.equal(ended.status, 3);
    assert.match(ended.stderr, /command not found: claude\n {2}fix: install Claude Code/);
    assert.match(
      ended.stdout,
      /Nothing was started\. When that is fixed: cd .* start\nClean up: rm -rf .*\n$/,
    );
    assert.doesNotMatch(ended.stdout, /merged history|attach/);
  } finally {
    removeTree(home);
  }
});

test('an unknown agent is a usage error', () => {
  const ended = spawnSync(TRY, ['--agent', 'nobody'], { encoding: 'utf8' });
  assert.equal(ended.status, 2);
  assert.match(ended.stderr, /fix: --agent scripted/);
});
