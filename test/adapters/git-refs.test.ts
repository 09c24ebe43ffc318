/** The base branch, the heads, the verified commits; bases computed from several heads. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createRig, type GitRig, shimGit } from '../support/git-rig.ts';

/** Branches of the streams, by key. */
const BRANCHES = new Map(['stream-a', 'stream-b'].map((key) => [key, `orchestrate/${key}`]));

describe('refs', () => {
  let rig: GitRig;
  beforeEach(() => {
    rig = createRig();
  });
  afterEach(() => rig.remove());
  const head = () => rig.run(['rev-parse', 'HEAD']);

  it('takes the branch that is checked out as the base, or the configured one', async () => {
    const first = head();
    rig.run(['branch', 'develop']);
    const second = rig.commit('c.txt', 'c\n');
    assert.deepEqual(await rig.git.baseTip(null), { branch: 'main', sha: second });
    assert.deepEqual(await rig.git.baseTip('develop'), { branch: 'develop', sha: first });
  });

  it('lists the commits over a base, the latest first, whatever their subjects hold', async () => {
    const base = head();
    rig.commit('one.txt', '1\n');
    rig.run(['commit', '--quiet', '--amend', '--message', 'ò "quoted" $(touch x)']);
    const one = head();
    const two = rig.commit('two.txt', '2\n');
    const listed = await rig.git.commits(base, two, 5);
    assert.deepEqual(
      listed.map(({ sha }) => sha),
      [two, one],
    );
    assert.equal(listed[1]?.subject, 'ò "quoted" $(touch x)');
    assert.ok(listed.every(({ atMs }) => atMs > 0));
    assert.equal((await rig.git.commits(base, two, 1)).length, 1);
    assert.deepEqual(await rig.git.commits(base, base, 5), []);
  });

  it('shows what one side did since they parted, also where both have merged the other', async () => {
    rig.run(['branch', 'side']);
    const ours = rig.commit('ours.txt', 'ours\n');
    rig.run(['switch', '--quiet', 'side']);
    const theirs = rig.commit('theirs.txt', 'theirs\n');
    rig.run(['merge', '--quiet', '--no-edit', ours]);
    const to = rig.commit('more.txt', 'more\n');
    rig.run(['switch', '--quiet', 'main']);
    rig.run(['merge', '--quiet', '--no-edit', theirs]);
    assert.match(await rig.git.diff({ from: ours, to, paths: [] }), /^\+more$[\s\S]*^\+theirs$/m);
    assert.match(await rig.git.diff({ from: head(), to, paths: ['more.txt'] }), /^\+more$/m);
  });

  it('refuses a missing base branch, a detached and an unborn HEAD with exit 3 and what to type', async () => {
    await assert.rejects(rig.git.baseTip('nope'), {
      exitCode: 3,
      message: /"nope" does not exist/,
      fix: /git branch nope/,
    });
    await assert.rejects(rig.git.baseTip('--help'), { exitCode: 7 });
    rig.run(['checkout', '--quiet', '--detach']);
    await assert.rejects(rig.git.baseTip(null), { exitCode: 3, message: /detached/, fix: /git switch/ });
    assert.equal((await rig.git.baseTip('main')).branch, 'main');
    const unborn = createRig({ empty: true });
    try {
      await assert.rejects(unborn.git.baseTip(null), {
        exitCode: 3,
        message: /"main" has no commit/,
        fix: /git commit/,
      });
    } finally {
      unborn.remove();
    }
  });

  it('takes a remote branch or a tag by its name for the base, after a branch of that name', async () => {
    const sha = head();
    rig.run(['tag', 'v1']);
    rig.run(['update-ref', 'refs/remotes/origin/trunk', 'HEAD']);
    rig.commit('later.txt', 'later\n');
    assert.deepEqual(await rig.git.baseTip('v1'), { branch: 'v1', sha });
    assert.deepEqual(await rig.git.baseTip('origin/trunk'), { branch: 'origin/trunk', sha });
    const refs = await rig.git.readRefs(new Map(), 'origin/trunk');
    assert.equal(refs.known && refs.value.tip, sha);
    rig.run(['branch', 'origin/trunk']);
    assert.equal((await rig.git.baseTip('origin/trunk')).sha, head());
    await assert.rejects(rig.git.baseTip('trunk'), (error: Error) => {
      assert.equal(Reflect.get(error, 'exitCode'), 3);
      assert.match(Reflect.get(error, 'fix'), /^git branch trunk origin\/trunk$/);
      return true;
    });
  });

  it('reads heads and verified commits, by key, and the tip of a branch', async () => {
    const first = head();
    await rig.ensure('stream-a');
    await rig.ensure('stream-b');
    const work = rig.commit('w.txt', 'w\n', rig.worktree('stream-b'));
    await rig.git.setVerified('stream-a', first, null);
    await rig.git.setVerified('stream-b', work, null);
    rig.run(['branch', 'orchestrate/Not-A-Key']);
    rig.run(['branch', 'other/stream-z']);
    const facts = await rig.git.readRefs(BRANCHES, 'main');
    assert.ok(facts.known);
    assert.deepEqual(
      [...facts.value.heads],
      [
        ['stream-a', first],
        ['stream-b', work],
      ],
    );
    assert.deepEqual(
      [...facts.value.verified],
      [
        ['stream-a', first],
        ['stream-b', work],
      ],
    );
    assert.equal(facts.value.tip, first);
    rig.run(['merge', '--quiet', '--ff-only', 'orchestrate/stream-b']);
    const later = await rig.git.readRefs(BRANCHES, 'main');
    assert.equal(later.known && later.value.tip, work);
  });

  it('reads heads below a prefix that is no directory', async () => {
    await rig.ensure('stream-a', { branch: 'bot-stream-a' });
    rig.run(['branch', 'main-2']);
    const facts = await rig.git.readRefs(new Map([['stream-a', 'bot-stream-a']]), null);
    assert.ok(facts.known);
    assert.deepEqual([...facts.value.heads.keys()], ['stream-a']);
  });

  it('reads the heads of branches that were made under another prefix', async () => {
    await rig.ensure('stream-a', { branch: 'former/stream-a' });
    await rig.ensure('stream-b');
    const branches = new Map([...BRANCHES, ['stream-a', 'former/stream-a']]);
    const facts = await rig.git.readRefs(branches, null);
    assert.ok(facts.known);
    assert.deepEqual([...facts.value.heads.keys()].sort(), ['stream-a', 'stream-b']);
  });

  it('knows no tip of a branch that is gone', async () => {
    await rig.git.setVerified('stream-a', head(), null);
    const facts = await rig.git.readRefs(BRANCHES, 'gone');
    assert.ok(facts.known);
    assert.equal(facts.value.tip, null);
    assert.equal(facts.value.verified.size, 1);
  });

  it('says unknown, not empty, when git fails', async () => {
    const restore = shimGit(rig, 'echo "fatal: no luck" >&2; exit 128');
    const facts = await rig.git.readRefs(BRANCHES, 'main');
    restore();
    assert.deepEqual(facts, { known: false, why: 'git for-each-ref failed: no luck' });
  });

  it('sets a verified commit only over the value that is expected', async () => {
    const first = head();
    const second = rig.commit('c.txt', 'c\n');
    assert.equal(await rig.git.setVerified('k', second, first), false);
    assert.equal(await rig.git.setVerified('k', first, null), true);
    assert.equal(await rig.git.setVerified('k', second, null), false);
    assert.equal(await rig.git.setVerified('k', second, first), true);
    assert.equal(await rig.git.resolve('refs/orchestrate/verified/k'), second);
    // A tick that was killed after the ref was set does it again with the old expectation.
    assert.equal(await rig.git.setVerified('k', second, first), true);
    await assert.rejects(rig.git.setVerified('k', 'f'.repeat(40), second), { exitCode: 3 });
    await assert.rejects(rig.git.setVerified('../../heads/main', second, null), { exitCode: 6 });
    await assert.rejects(rig.git.setVerified('k', 'HEAD', null), { exitCode: 6 });
  });

  it('resolves what exists and answers null for the rest, options included', async () => {
    assert.equal(await rig.git.resolve('main'), head());
    assert.equal(await rig.git.resolve(head()), head());
    for (const rev of ['nope', 'e'.repeat(40), '', '--all', '-h', 'refs/heads/a b']) {
      assert.equal(await rig.git.resolve(rev), null, rev);
    }
  });
});

describe('mergeBases', () => {
  let rig: GitRig;
  let start: string;
  beforeEach(() => {
    rig = createRig();
    start = rig.run(['rev-parse', 'HEAD']);
  });
  afterEach(() => rig.remove());
  /** A branch off the first commit with one change. */
  const branch = (name: string, path: string, text: string) => {
    rig.run(['checkout', '--quiet', '-b', name, start]);
    const sha = rig.commit(path, text);
    rig.run(['checkout', '--quiet', 'main']);
    return sha;
  };
  const merge = (...parents: string[]) => rig.git.mergeBases(parents, 'Base of stream-d');

  it('gives one parent back as it is', async () => {
    assert.deepEqual(await merge(start), { ok: true, sha: start });
    assert.deepEqual(await merge(start, start), { ok: true, sha: start });
  });

  it('finds a merge that it made before, and makes it again where the commit is gone', async () => {
    const parents = [branch('x', 'x.txt', 'x\n'), branch('y', 'y.txt', 'y\n')];
    const first = await merge(...parents);
    assert.ok(first.ok);
    assert.deepEqual(await merge(...parents), first);
    rmSync(join(rig.root, '.git/objects', first.sha.slice(0, 2), first.sha.slice(2)));
    assert.deepEqual(await merge(...parents), first);
    assert.equal(rig.run(['cat-file', '-t', first.sha]), 'commit');
    rmSync(join(rig.root, '.git/objects', String(parents[1]).slice(0, 2), String(parents[1]).slice(2)));
    await assert.rejects(merge(...parents), /is not in the repository/);
  });

  it('merges any number of parents into one commit that contains them all, touching no ref and no file', async () => {
    const parents = [branch('x', 'x.txt', 'x\n'), branch('y', 'y/y.txt', 'y\n'), branch('z', 'z.txt', 'z\n')];
    const before = rig.refs() + rig.run(['status', '--porcelain']);
    const result = await merge(...parents);
    assert.ok(result.ok);
    assert.equal(rig.refs() + rig.run(['status', '--porcelain']), before);
    const files = rig.run(['ls-tree', '-r', '--name-only', result.sha]).split('\n');
    assert.deepEqual(files, ['a.txt', 'b.txt', 'x.txt', 'y/y.txt', 'z.txt']);
    for (const parent of parents) rig.run(['merge-base', '--is-ancestor', parent, result.sha]);
    assert.equal(
      rig.run(['log', '-1', '--format=%an %ae %s', result.sha]),
      'A Person person@example.com Base of stream-d',
    );
  });

  it('makes the same commit again from the same parents, and as somebody where git knows no name', async () => {
    const parents = [branch('x', 'x.txt', 'x\n'), branch('y', 'y.txt', 'y\n')];
    const first = await merge(...parents);
    rig.run(['config', 'i18n.commitEncoding', 'latin1']);
    assert.deepEqual(await merge(...parents), first);
    rig.run(['config', '--unset', 'user.email']);
    rig.run(['config', 'user.useConfigOnly', 'true']);
    const nobodys = await merge(...parents);
    assert.ok(nobodys.ok);
    assert.equal(
      rig.run(['log', '-1', '--format=%an %ce', nobodys.sha]),
      'orchestrate orchestrate@localhost',
    );
  });

  it('signs where git is told to sign and can do so without asking, else merges unsigned', async () => {
    const key = (name: string, passphrase: string) => {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', join(rig.home, name)]);
      return join(rig.home, `${name}.pub`);
    };
    const parents = [branch('x', 'x.txt', 'x\n'), branch('y', 'y.txt', 'y\n')];
    const signature = (sha: string) => /^gpgsig /m.test(rig.run(['cat-file', 'commit', sha]));
    const isSigned = async () => {
      const merged = await merge(...parents);
      assert.ok(merged.ok);
      return signature(merged.sha);
    };
    rig.run(['config', 'gpg.format', 'ssh']);
    rig.run(['config', 'user.signingKey', key('open', '')]);
    assert.equal(await isSigned(), false, 'nothing tells git to sign');
    assert.equal(await rig.git.signingTrouble(), null);
    rig.run(['config', 'commit.gpgSign', 'true']);
    assert.equal(await isSigned(), true);
    assert.equal(await rig.git.signingTrouble(), null);
    await rig.ensure('stream-a');
    rig.write('a.txt', 'changed\n', rig.worktree('stream-a'));
    assert.equal(signature(await rig.git.commitTracked(rig.worktree('stream-a'), 'Left over')), true);
    rig.run(['config', 'user.signingKey', key('locked', 'a passphrase')]);
    assert.equal(await isSigned(), false);
    const objects = rig.run(['count-objects', '-v']);
    assert.match((await rig.git.signingTrouble()) ?? '', /passphrase/);
    assert.equal(rig.run(['count-objects', '-v']), objects, 'asking whether it can sign adds nothing');
    rig.run(['config', '--unset', 'gpg.format']);
    rig.run(['config', 'gpg.program', '/nonexistent']);
    assert.equal(await isSigned(), false, 'a program that is not there');
  });

  it('adds no merge for a parent that another one contains', async () => {
    const x = branch('x', 'x.txt', 'x\n');
    assert.deepEqual(await merge(start, x), { ok: true, sha: x });
    assert.deepEqual(await merge(x, start), { ok: true, sha: x });
  });

  it('names the files that clash, whatever they are called, and changes nothing', async () => {
    const x = branch('x', 'a.txt', 'x\n');
    const y = branch('y', 'a.txt', 'y\n');
    const odd = 'dir/new\nline – é "q".txt';
    const before = rig.refs();
    assert.deepEqual(await merge(x, y), { ok: false, files: ['a.txt'] });
    assert.deepEqual(await merge(branch('p', odd, 'p\n'), branch('q', odd, 'q\n')), {
      ok: false,
      files: [odd],
    });
    rig.run(['branch', '-D', 'p', 'q']);
    assert.equal(rig.refs(), before);
  });

  it('finds a clash with a third parent', async () => {
    const result = await merge(
      branch('x', 'x.txt', 'x\n'),
      branch('y', 'y.txt', 'y\n'),
      branch('z', 'x.txt', 'z\n'),
    );
    assert.deepEqual(result, { ok: false, files: ['x.txt'] });
  });

  it('merges histories that have nothing in common', async () => {
    rig.run(['checkout', '--quiet', '--orphan', 'alone']);
    rig.run(['rm', '-rfq', '.']);
    const alone = rig.commit('alone.txt', 'alone\n');
    rig.run(['checkout', '--quiet', 'main']);
    const result = await merge(start, alone);
    assert.ok(result.ok);
    assert.match(rig.run(['ls-tree', '--name-only', result.sha]), /a\.txt\nalone\.txt/);
  });

  it('refuses what is no commit, and says when a commit is gone', async () => {
    await assert.rejects(merge('main'), { exitCode: 6 });
    await assert.rejects(merge('--help'), { exitCode: 6 });
    await assert.rejects(merge('d'.repeat(40)), { exitCode: 6, message: /d{40} is not in the repository/ });
    const tree = rig.run(['rev-parse', 'HEAD^{tree}']);
    await assert.rejects(merge(tree), { exitCode: 6 });
  });

  it('throws, rather than calling it a clash, when git breaks', async () => {
    const x = branch('x', 'x.txt', 'x\n');
    const y = branch('y', 'y.txt', 'y\n');
    const blob = rig.run(['rev-parse', `${y}^{tree}`]);
    rmSync(join(rig.commonDir, 'objects', blob.slice(0, 2), blob.slice(2)), { force: true });
    await assert.rejects(merge(x, y), { exitCode: 3 });
  });
});
