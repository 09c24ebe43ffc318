/** Worktrees are made once, found again, and never made over anything that is not ours. */
import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createGit } from '../../src/git/git.ts';
import { createRig, type GitRig, shimGit } from '../support/git-rig.ts';
import { until } from '../support/wait.ts';

describe('ensureWorktree', () => {
  let rig: GitRig;
  beforeEach(() => {
    rig = createRig();
  });
  afterEach(() => rig.remove());
  const admin = (key: string) => join(rig.commonDir, 'worktrees', key);

  it('makes a locked worktree on a branch of its own at the base, without tracking', async () => {
    const base = rig.run(['rev-parse', 'HEAD']);
    rig.commit('later.txt', 'later\n');
    rig.run(['config', 'branch.autoSetupMerge', 'always']);
    assert.equal(await rig.ensure('stream-a', { baseSha: base }), 'created');
    const path = rig.worktree('stream-a');
    assert.equal(rig.run(['rev-parse', 'HEAD'], path), base);
    assert.equal(rig.run(['symbolic-ref', 'HEAD'], path), 'refs/heads/orchestrate/stream-a');
    assert.equal(rig.run(['status', '--porcelain'], path), '');
    assert.equal(readFileSync(join(admin('stream-a'), 'locked'), 'utf8').trim(), 'orchestrate stream-a');
    assert.throws(() => rig.run(['config', '--get-regexp', '^branch\\.orchestrate']));
  });

  it('finds it again and leaves work, other branches and a rebase under way as they are', async () => {
    await rig.ensure('stream-a');
    const path = rig.worktree('stream-a');
    rig.write('a.txt', 'changed\n', path);
    rig.write('new.txt', 'new\n', path);
    assert.equal(await rig.ensure('stream-a'), 'reused');
    assert.equal(rig.read('a.txt', path), 'changed\n');
    rig.run(['stash', '-u', '--quiet'], path);
    rig.run(['checkout', '--quiet', '--detach'], path);
    assert.equal(await rig.ensure('stream-a', { ours: true }), 'reused');
    assert.throws(() => rig.run(['symbolic-ref', 'HEAD'], path));
  });

  it('puts a branch back where its worktree was, whoever deleted it and wherever from', async () => {
    await rig.ensure('stream-a');
    const path = rig.worktree('stream-a');
    for (const where of [rig.root, path]) {
      const head = rig.commit('more.txt', `deleted from ${where}\n`, path);
      rig.run(['update-ref', '-d', 'refs/heads/orchestrate/stream-a'], where);
      assert.equal(await rig.ensure('stream-a', { ours: true }), 'repaired');
      assert.equal(rig.run(['rev-parse', 'HEAD'], path), head);
      assert.equal(rig.run(['status', '--porcelain'], path), '');
    }
  });

  it('locks a worktree of ours again that somebody unlocked', async () => {
    await rig.ensure('stream-a');
    rig.run(['worktree', 'unlock', rig.worktree('stream-a')]);
    assert.equal(await rig.ensure('stream-a'), 'reused');
    assert.ok(existsSync(join(admin('stream-a'), 'locked')));
  });

  it('makes thirty at once', async () => {
    const keys = Array.from({ length: 30 }, (_, number) => `s-${number}`);
    const base = rig.run(['rev-parse', 'HEAD']);
    const outcomes = await Promise.all(keys.map((key) => rig.ensure(key, { baseSha: base })));
    assert.deepEqual(new Set(outcomes), new Set(['created']));
    for (const key of keys) assert.equal(rig.read('a.txt', rig.worktree(key)), 'first\n');
  });

  it('works in a repository and at a path with spaces, emoji, line breaks and a leading dash', async () => {
    const odd = createRig({ name: '-odd \n🚀 `x` $(y)' });
    try {
      assert.equal(await odd.ensure('stream-a'), 'created');
      const path = join(odd.home, '- w\n🚀', '-rf');
      assert.equal(await odd.ensure('stream-b', { path }), 'created');
      assert.equal(await odd.ensure('stream-b', { path }), 'reused');
      const base = odd.run(['rev-parse', 'HEAD']);
      odd.write('-x\n🚀.txt', 'x', path);
      const facts = await odd.git.inspect({
        path,
        branch: 'orchestrate/stream-b',
        baseSha: base,
        parents: [],
      });
      assert.deepEqual(facts.untracked, ['-x\n🚀.txt']);
    } finally {
      odd.remove();
    }
  });

  it('uses the branch of an earlier worktree that is gone, with its commits', async () => {
    await rig.ensure('stream-a');
    const work = rig.commit('w.txt', 'w\n', rig.worktree('stream-a'));
    rig.run(['worktree', 'remove', '--force', '--force', rig.worktree('stream-a')]);
    assert.equal(await rig.ensure('stream-a'), 'repaired');
    assert.equal(rig.run(['rev-parse', 'HEAD'], rig.worktree('stream-a')), work);
  });

  it('refuses a branch that somebody else made, also at the very base, and leaves it', async () => {
    const theirs = rig.commit('theirs.txt', 'x\n');
    rig.run(['branch', 'orchestrate/stream-a']);
    await assert.rejects(rig.ensure('stream-a', { baseSha: theirs }), {
      exitCode: 5,
      message: /"orchestrate\/stream-a" exists already/,
      fix: 'git branch -m orchestrate/stream-a orchestrate-stream-a-mine',
    });
    for (const taken of ['', '-2/part']) rig.run(['branch', `orchestrate-stream-a-mine${taken}`]);
    await assert.rejects(rig.ensure('stream-a', { baseSha: theirs }), {
      fix: 'git branch -m orchestrate/stream-a orchestrate-stream-a-mine-3',
    });
    assert.equal(rig.run(['rev-parse', 'orchestrate/stream-a']), theirs);
    assert.ok(!existsSync(rig.worktree('stream-a')));
  });

  it('refuses a branch whose name stands in the way, above or below', async () => {
    rig.run(['branch', 'orchestrate']);
    await assert.rejects(rig.ensure('stream-a'), { exitCode: 5, message: /"orchestrate" stands in the way/ });
    rig.run(['branch', 'orchestrate-mine']);
    await assert.rejects(rig.ensure('stream-a'), { fix: 'git branch -m orchestrate orchestrate-mine-2' });
    rig.run(['branch', '-D', 'orchestrate']);
    rig.run(['branch', 'orchestrate/stream-a/part']);
    await assert.rejects(rig.ensure('stream-a'), {
      exitCode: 5,
      message: /stream-a\/part" stands in the way/,
    });
    assert.ok(!existsSync(rig.worktree('stream-a')));
  });

  it("refuses a path at which there is a file, a directory, a link or somebody else's worktree, and touches none", async () => {
    const root = join(rig.root, '.claude', 'worktrees');
    mkdirSync(join(root, 'directory'), { recursive: true });
    mkdirSync(join(root, 'full'));
    writeFileSync(join(root, 'full', 'precious'), 'x');
    writeFileSync(join(root, 'file'), 'x');
    symlinkSync('full', join(root, 'link'));
    symlinkSync('nowhere', join(root, 'dangling'));
    rig.run(['worktree', 'add', '--quiet', '-b', 'mine', join(root, 'theirs')]);
    for (const key of ['directory', 'full', 'file', 'link', 'dangling', 'theirs']) {
      await assert.rejects(rig.ensure(key), { exitCode: 5, message: /left as it is/ }, key);
      assert.ok(!existsSync(join(rig.commonDir, 'refs', 'heads', 'orchestrate', key)), key);
    }
    assert.deepEqual(readdirSync(join(root, 'full')), ['precious']);
    assert.ok(
      lstatSync(join(root, 'link')).isSymbolicLink() && lstatSync(join(root, 'dangling')).isSymbolicLink(),
    );
    assert.equal(rig.run(['symbolic-ref', 'HEAD'], join(root, 'theirs')), 'refs/heads/mine');
  });

  it('refuses a worktree of ours whose directory was replaced by a link to another', async () => {
    await rig.ensure('stream-a');
    await rig.ensure('stream-b');
    rig.run(['worktree', 'unlock', rig.worktree('stream-b')]);
    rig.run(['worktree', 'move', rig.worktree('stream-b'), join(rig.home, 'elsewhere')]);
    symlinkSync(rig.worktree('stream-a'), rig.worktree('stream-b'));
    await assert.rejects(rig.ensure('stream-b', { ours: true }), { exitCode: 5 });
    assert.ok(lstatSync(rig.worktree('stream-b')).isSymbolicLink());
  });

  it('refuses a branch that is checked out elsewhere and says where', async () => {
    await rig.ensure('stream-a');
    rig.run(['worktree', 'unlock', rig.worktree('stream-a')]);
    rig.run(['worktree', 'move', rig.worktree('stream-a'), join(rig.home, 'moved')]);
    await assert.rejects(rig.ensure('stream-a', { ours: true }), {
      exitCode: 5,
      message: /checked out in .*moved/,
    });
  });

  it('refuses a worktree root inside the project that leads out of it, and takes one that is meant to be outside', async () => {
    mkdirSync(join(rig.home, 'outside'));
    mkdirSync(join(rig.root, '.claude'));
    symlinkSync(join(rig.home, 'outside'), join(rig.root, '.claude', 'worktrees'));
    await assert.rejects(rig.ensure('stream-a'), { exitCode: 5, message: /leads out of the project/ });
    assert.deepEqual(readdirSync(join(rig.home, 'outside')), []);
    const path = join(rig.home, 'outside', 'stream-a');
    assert.equal(await rig.ensure('stream-a', { path }), 'created');
  });

  it('refuses keys, commits and branches that could mean something else to git', async () => {
    await assert.rejects(rig.ensure('../x'), { exitCode: 6 });
    await assert.rejects(rig.ensure('k', { baseSha: '--force' }), { exitCode: 6 });
    await assert.rejects(rig.ensure('k', { branch: '-f' }), { exitCode: 7 });
    await assert.rejects(rig.ensure('k', { branch: 'a..b' }), { exitCode: 7 });
  });

  it('leaves nothing that blocks another try when the checkout fails half-way', async () => {
    rig.write('.gitattributes', '*.txt filter=full\n');
    rig.run(['add', '.']);
    rig.run(['commit', '--quiet', '-m', 'Attributes']);
    rig.run(['config', 'filter.full.smudge', 'echo "No space left on device" >&2; exit 1']);
    rig.run(['config', 'filter.full.required', 'true']);
    await assert.rejects(rig.ensure('stream-a'), { exitCode: 3, fix: /free some disk space/ });
    assert.ok(!existsSync(rig.worktree('stream-a')));
    rig.run(['config', '--remove-section', 'filter.full']);
    assert.equal(await rig.ensure('stream-a'), 'repaired');
    assert.equal(rig.run(['status', '--porcelain'], rig.worktree('stream-a')), '');
  });

  it('finishes what a git that was killed in the middle of its checkout has left', async () => {
    rig.write('.gitattributes', 'slow.txt filter=slow\n');
    for (const name of ['early.txt', 'slow.txt', 'zz/late.txt']) rig.write(name, `${name}\n`);
    rig.run(['add', '.']);
    rig.run(['commit', '--quiet', '-m', 'Files']);
    const [at, pid] = [join(rig.home, 'at'), join(rig.home, 'pid')];
    rig.run(['config', 'filter.slow.smudge', `touch '${at}'; exec sleep 1000`]);
    const restore = shimGit(rig, `case "$*" in "worktree add"*) echo $$ > '${pid}';; esac; exec $GIT "$@"`);
    const cutOff = assert.rejects(rig.ensure('stream-a'));
    await until('git waits for the filter', () => existsSync(at));
    process.kill(-Number(readFileSync(pid, 'utf8')), 'SIGKILL');
    await cutOff;
    restore();
    assert.ok(existsSync(join(admin('stream-a'), 'index.lock')), 'it was cut off');
    rig.run(['config', 'filter.slow.smudge', 'cat']);
    assert.equal(await rig.ensure('stream-a'), 'repaired');
    const path = rig.worktree('stream-a');
    assert.equal(rig.run(['status', '--porcelain', '--branch'], path), '## orchestrate/stream-a');
    for (const name of ['early.txt', 'slow.txt', 'zz/late.txt'])
      assert.equal(rig.read(name, path), `${name}\n`);
  });

  it('tries again when git meets a worktree that another process is just making', async () => {
    const restore = shimGit(
      rig,
      `case "$*" in "worktree add"*) mkdir "${rig.home}/once" 2>/dev/null && {
        echo "fatal: failed to read .git/worktrees/early/commondir: Success" >&2; exit 128; };; esac; exec $GIT "$@"`,
    );
    assert.equal(await rig.ensure('stream-a'), 'created');
    restore();
  });

  it('finishes what a kill left of another of our worktrees, and names one of somebody else', async () => {
    const git = createGit({ root: rig.root, commonDir: rig.commonDir, lockWaitMs: 50 });
    const ensure = (key: string) =>
      git.ensureWorktree({
        path: rig.worktree(key),
        branch: `orchestrate/${key}`,
        baseSha: rig.run(['rev-parse', 'HEAD']),
        key,
        ours: false,
      });
    await rig.ensure('stream-a');
    rig.run(['worktree', 'add', '--quiet', '-b', 'mine', join(rig.home, 'theirs')]);
    writeFileSync(join(admin('stream-a'), 'commondir'), '');
    assert.equal(await ensure('stream-b'), 'created');
    assert.equal(
      rig.run(['rev-parse', '--abbrev-ref', 'HEAD'], rig.worktree('stream-a')),
      'orchestrate/stream-a',
    );
    writeFileSync(join(admin('theirs'), 'commondir'), '');
    await assert.rejects(ensure('stream-c'), { exitCode: 3, message: /held up by the worktree theirs/ });
    assert.equal(readFileSync(join(admin('theirs'), 'commondir'), 'utf8'), '');
  });

  it('shows the change of no other checkout than the one that was made', async () => {
    await rig.ensure('stream-a');
    const path = rig.worktree('stream-a');
    const base = rig.run(['rev-parse', 'HEAD']);
    rig.write('a.txt', 'changed\n', path);
    assert.match(await rig.git.diffOfWorktree(path, base), /^\+changed$/m);
    rig.write('b.txt', 'of the user\n');
    const file = join(path, '.git');
    for (const swap of [() => unlinkSync(file), () => writeFileSync(file, `gitdir: ${rig.commonDir}\n`)]) {
      swap();
      await assert.rejects(rig.git.diffOfWorktree(path, base), {
        exitCode: 5,
        message: /no longer the worktree/,
      });
    }
  });

  it('does not believe git that says it made a worktree which is not there', async () => {
    const restore = shimGit(rig, 'case "$*" in "worktree add"*) exit 0;; esac; exec $GIT "$@"');
    await assert.rejects(rig.ensure('stream-a'), { exitCode: 3, message: /was not made properly/ });
    restore();
    assert.equal(await rig.ensure('stream-a'), 'repaired');
  });
});

const OTHER_BYTES = { skip: process.platform === 'darwin' && 'file names are UTF-8 there' };
it(
  'an ignored file whose name is not UTF-8 is named as left out, and keeps no other from being copied',
  OTHER_BYTES,
  async () => {
    const rig = createRig();
    try {
      rig.write('.gitignore', 'local/\n');
      rig.write('.worktreeinclude', 'local/*.env\n');
      rig.write('local/a.env', 'a\n');
      const name = Buffer.concat([
        Buffer.from(`${rig.root}/local/caf`),
        Buffer.from([0xe9]),
        Buffer.from('.env'),
      ]);
      writeFileSync(name, 'x\n');
      await rig.ensure('stream-a');
      const path = rig.worktree('stream-a');
      const git = createGit({ root: rig.root, commonDir: rig.commonDir });
      const warnings = await git.furnishWorktree({ path, symlink: [] });
      assert.deepEqual(warnings, ['local/caf\\xe9.env was not copied: its name is not UTF-8']);
      assert.deepEqual(readdirSync(join(path, 'local')), ['a.env']);
    } finally {
      rig.remove();
    }
  },
);

it('half a copy that a kill left is made whole, and what somebody wrote in its place stays', async () => {
  const rig = createRig();
  try {
    rig.write('.gitignore', 'local/\n');
    rig.write('.worktreeinclude', 'local/*\n');
    for (const name of ['whole', 'half', 'own']) rig.write(`local/${name}`, `${name}: all of it\n`);
    await rig.ensure('stream-a');
    const path = rig.worktree('stream-a');
    const git = createGit({ root: rig.root, commonDir: rig.commonDir });
    // As a kill leaves it: begun, and of one file nothing but the first bytes.
    const gitDir = rig.run(['rev-parse', '--absolute-git-dir'], path).trim();
    const begun = ['half', 'own'].map((name) => [`local/${name}`, { original: '1', copy: '' }]);
    writeFileSync(join(gitDir, 'orchestrate-copies.json'), JSON.stringify(Object.fromEntries(begun)));
    rig.write('local/half', 'half: a', path);
    rig.write('local/own', 'mine', path);
    assert.deepEqual(await git.furnishWorktree({ path, symlink: [] }), []);
    const found = ['whole', 'half', 'own'].map((name) => readFileSync(join(path, 'local', name), 'utf8'));
    assert.deepEqual(found, ['whole: all of it\n', 'half: all of it\n', 'mine']);
  } finally {
    rig.remove();
  }
});
