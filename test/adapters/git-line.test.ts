/** The landing line: streams' work laid on a branch by each strategy, without a worktree. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Line, LineRequest, LineStream } from '../../src/git/types.ts';
import { createRig, type GitRig, shimGit } from '../support/git-rig.ts';

const STRATEGIES = ['merge', 'squash', 'rebase'] as const;

describe('the landing line', () => {
  let rig: GitRig;
  let start: string;
  beforeEach(() => {
    rig = createRig();
    start = rig.run(['rev-parse', 'HEAD']);
  });
  afterEach(() => rig.remove());

  const on = (base: string, work: () => void): string => {
    rig.run(['checkout', '--quiet', '--detach', base]);
    work();
    const sha = rig.run(['rev-parse', 'HEAD']);
    rig.run(['checkout', '--quiet', 'main']);
    return sha;
  };
  const file = (path: string, text: string, author = 'Agent <agent@example.invalid>') => {
    rig.commit(path, text);
    rig.run(['commit', '--quiet', '--amend', '--no-edit', '--author', author]);
  };
  const stream = (key: string, base: string, head: string, after: string[] = []): LineStream => ({
    key,
    base,
    head,
    after,
    landings: [],
    message: `Merge ${key}\n\nTasks:\n- one`,
  });
  const lay = (streams: LineStream[], more: Partial<LineRequest> = {}): Promise<Line> =>
    rig.git.layLine({
      tip: rig.run(['rev-parse', 'main']),
      streams,
      wanted: new Set(streams.map(({ key }) => key)),
      strategy: 'merge',
      unsigned: () => undefined,
      branch: 'main',
      keep: true,
      ...more,
    });
  /** A diamond in which everyone changes the same file in other places, and Z resolved more in its own merge. */
  const diamond = () => {
    const lines = (change: Record<number, string>) =>
      `${Array.from({ length: 30 }, (_, at) => change[at] ?? `line ${at}`).join('\n')}\n`;
    const a = on(start, () => {
      file('shared.txt', lines({}));
      file('shared.txt', lines({ 1: 'a' }));
    });
    const b = on(a, () => file('shared.txt', lines({ 1: 'b after a' })));
    const c = on(a, () => {
      file('shared.txt', lines({ 1: 'c after a', 20: 'c' }));
      file('c.txt', 'c\n', 'Somebody <some@example.invalid>');
    });
    const z = on(b, () => {
      assert.throws(() => rig.run(['merge', '--quiet', c]));
      rig.write('shared.txt', lines({ 1: 'b and c after a', 20: 'c' }));
      rig.run(['add', '-A']);
      rig.run(['commit', '--quiet', '-m', 'Resolve']);
      file('z.txt', 'z\n');
    });
    return [
      stream('a', start, a),
      stream('b', a, b, ['a']),
      stream('c', a, c, ['a']),
      stream('z', z, z, ['b', 'c']),
    ];
  };

  for (const strategy of STRATEGIES) {
    it(`gives exactly the verified tree of a diamond whose last stream resolved a clash, by ${strategy}`, async () => {
      const streams = diamond();
      const z = streams[3];
      assert.ok(z);
      const line = await lay(streams, { strategy });
      // C clashes with B by itself; it comes with Z, whose agent resolved that.
      assert.deepEqual(
        line.layers.map(({ key, carries }) => [key, ...carries]),
        [['a'], ['b'], ['z', 'c']],
      );
      assert.deepEqual(line.clashes, []);
      assert.equal(line.tree, rig.run(['rev-parse', `${z.head}^{tree}`]));
      assert.equal(rig.run(['rev-parse', `${line.tip}^{tree}`]), line.tree);
      const parents = rig.run(['log', '--format=%P', `main..${line.tip}`]).split('\n');
      if (strategy !== 'merge') assert.ok(parents.every((each) => each.split(' ').length === 1));
      else assert.equal(rig.run(['rev-list', '--first-parent', '--count', `main..${line.tip}`]), '3');
    });
  }

  it('keeps authors and messages by rebase, and leaves alone what stands where it is to stand', async () => {
    const a = on(start, () => file('a1.txt', '1\n'));
    const two = on(start, () => {
      file('b1.txt', '1\n', 'One <one@example.invalid>');
      file('b2.txt', '2\n', 'Two <two@example.invalid>');
    });
    const line = await lay([stream('a', start, a), stream('b', start, two)], { strategy: 'rebase' });
    assert.equal(line.layers[0]?.tip, a);
    const authors = rig.run(['log', '--reverse', '--format=%an', `${a}..${line.tip}`]);
    assert.equal(authors, 'One\nTwo');
    assert.equal(rig.run(['log', '-1', '--format=%B', line.tip]), rig.run(['log', '-1', '--format=%B', two]));
  });

  it('names a clash with its files and the other side, leaves out what builds on it, and lands the others', async () => {
    const a = on(start, () => file('x.txt', 'a\n'));
    const b = on(start, () => file('x.txt', 'b\n'));
    const d = on(b, () => file('d.txt', 'd\n'));
    const e = on(start, () => file('e.txt', 'e\n'));
    const odd = 'new\nline "q".txt';
    const f = on(start, () => file(odd, 'f\n'));
    rig.run(['checkout', '--quiet', 'main']);
    file(odd, 'mine\n');
    const streams = [
      stream('a', start, a),
      stream('b', start, b),
      stream('d', b, d, ['b']),
      stream('e', start, e),
      stream('f', start, f),
    ];
    const line = await lay(streams);
    assert.deepEqual(
      line.layers.map(({ key }) => key),
      ['a', 'e'],
    );
    assert.deepEqual(line.clashes, [
      { key: 'b', files: ['x.txt'], against: ['a'] },
      { key: 'f', files: [odd], against: [] },
    ]);
  });

  it('lays nothing twice: not what is there, not what landed as other commits, not with new work on it', async () => {
    for (const strategy of STRATEGIES) {
      const name = `${strategy}-branch`;
      rig.run(['branch', name, start]);
      const tip = () => rig.run(['rev-parse', name]);
      const a = on(start, () => file('a.txt', `a by ${strategy}\n`));
      const first = await lay([stream('a', start, a)], { strategy, tip: tip() });
      rig.run(['update-ref', `refs/heads/${name}`, first.tip]);
      assert.deepEqual((await lay([stream('a', start, a)], { strategy, tip: tip() })).layers, []);
      const more = on(a, () => file('a.txt', `a by ${strategy}, and more\n`));
      const landings = [{ head: a, commits: first.layers[0]?.commits ?? [] }];
      const b = on(a, () => file('b.txt', 'b\n'));
      const streams = [{ ...stream('a', start, more), landings }, stream('b', a, b, ['a'])];
      const second = await lay(streams, { strategy, tip: tip() });
      assert.deepEqual(second.clashes, []);
      assert.deepEqual(
        second.layers.map(({ key, commits }) => [key, commits.length]),
        [
          ['a', 1],
          ['b', 1],
        ],
      );
      assert.equal(rig.run(['show', `${second.tip}:a.txt`]), `a by ${strategy}, and more`);
    }
  });

  it('leaves no trace when it is not kept, and else objects and one ref', async () => {
    const a = on(start, () => file('a.txt', 'a\n'));
    rig.commit('b.txt', 'b\n');
    const before = [rig.refs(), rig.run(['count-objects', '-v'])];
    const looked = await lay([stream('a', start, a)], { keep: false });
    assert.deepEqual([rig.refs(), rig.run(['count-objects', '-v'])], before);
    assert.throws(() => rig.run(['cat-file', '-e', looked.tip]));
    const kept = await lay([stream('a', start, a)]);
    rig.run(['gc', '--quiet', '--prune=now']);
    rig.run(['fsck', '--strict', kept.tip]);
    assert.equal(rig.run(['rev-parse', 'refs/orchestrate/landing/main']), kept.tip);
    await rig.git.forgetLine('main');
    assert.equal(rig.refs(), before[0]);
  });

  it('lands what the stream changed since its base, also where the user has rewritten that since', async () => {
    rig.commit('renamed-from.txt', 'some\nlines\nto rename\n');
    const base = rig.run(['rev-parse', 'HEAD']);
    const a = on(base, () => {
      rig.run(['mv', 'renamed-from.txt', 'renamed-to.txt']);
      rig.run(['commit', '--quiet', '-m', 'rename']);
    });
    rig.run(['commit', '--quiet', '--amend', '-m', 'other words']);
    for (const strategy of STRATEGIES) {
      const line = await lay([stream('a', base, a)], { strategy });
      assert.deepEqual(
        line.layers.map(({ key }) => key),
        ['a'],
      );
      const files = rig.run(['ls-tree', '--name-only', line.tip]).split('\n');
      assert.ok(files.includes('renamed-to.txt') && !files.includes('renamed-from.txt'), strategy);
    }
  });

  it('makes commits of the user, signed where git is told to sign and need not ask, with odd names in them', async () => {
    const key = join(rig.home, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    rig.run(['config', 'user.name', 'The User']);
    rig.run(['config', 'user.email', 'user@example.invalid']);
    rig.run(['config', 'gpg.format', 'ssh']);
    rig.run(['config', 'user.signingKey', `${key}.pub`]);
    const a = on(start, () => file('new\nline/– "q".txt', 'a\n'));
    const b = on(start, () => file('-rf', 'b\n'));
    rig.run(['config', 'commit.gpgSign', 'true']);
    for (const strategy of STRATEGIES) {
      const { tip } = await lay([stream('a', start, a), stream('b', start, b)], { strategy });
      const raw = rig.run(['cat-file', 'commit', tip]);
      assert.match(raw, /^gpgsig -----BEGIN SSH SIGNATURE-----/m);
      assert.match(raw, /^committer The User <user@example\.invalid>/m);
    }
    rig.run(['config', 'user.signingKey', join(rig.home, 'no such key')]);
    const { tip } = await lay([stream('a', start, a)]);
    assert.doesNotMatch(rig.run(['cat-file', 'commit', tip]), /gpgsig/);
  });

  it('is checked where nothing of the commit checked before is left but what is ignored', async () => {
    const place = rig.worktree('_landing');
    rig.commit('.gitignore', 'built/\n');
    await rig.git.scratchWorktree(place, start);
    await rig.git.scratchWorktree(place, rig.run(['rev-parse', 'main']));
    rig.write('built/x', 'built\n', place);
    rig.write('left/deep/x', 'left\n', place);
    rig.run(['init', '--quiet', 'nested'], place);
    rig.write('elsewhere/mine', 'mine\n', rig.home);
    symlinkSync(join(rig.home, 'elsewhere'), join(place, 'link'));
    await rig.git.scratchWorktree(place, rig.run(['rev-parse', 'main']));
    assert.deepEqual(readdirSync(place).toSorted(), ['.git', '.gitignore', 'a.txt', 'b.txt', 'built']);
    assert.equal(rig.read('elsewhere/mine', rig.home), 'mine\n');
    await rig.git.removeScratchWorktree(place);
  });

  it('is made again, or goes, whatever a kill left of it; what is not ours stays', async () => {
    const place = rig.worktree('_landing');
    const entry = join(rig.commonDir, 'worktrees', '_landing');
    const killed = async (pattern: string, work: () => Promise<void>, first = '') => {
      const restore = shimGit(rig, `case "$*" in ${pattern}) ${first} kill -9 $$;; esac; exec $GIT "$@"`);
      await assert.rejects(work(), { exitCode: 3 });
      restore();
    };
    const remove = () => rig.git.removeScratchWorktree(place);
    const make = () => rig.git.scratchWorktree(place, start);
    const left: Record<string, () => unknown> = {
      'killed before its entry went': () => killed('"worktree remove"*', remove),
      'killed with half of its files gone': () => rmSync(join(place, 'a.txt')),
      'killed with an empty directory left': () => {
        rmSync(place, { recursive: true });
        mkdirSync(place);
      },
      'killed when it was checked out': () => writeFileSync(join(entry, 'index.lock'), 'half'),
      'killed before its entry was whole': () => {
        rmSync(place, { recursive: true });
        mkdirSync(place);
        writeFileSync(join(place, '.git'), `gitdir: ${entry}\n`);
        writeFileSync(join(entry, 'commondir'), '');
        for (const name of ['HEAD', 'index', 'ORIG_HEAD']) rmSync(join(entry, name), { force: true });
      },
      'killed before its entry named it': () => {
        rmSync(place, { recursive: true });
        for (const name of readdirSync(entry))
          if (name !== 'locked') rmSync(join(entry, name), { recursive: true });
      },
    };
    for (const [what, leave] of Object.entries(left))
      for (const then of [make, remove]) {
        await make();
        await leave();
        await then();
        if (then === make) assert.equal(rig.run(['status', '--porcelain'], place), '', what);
        await make();
        await remove();
        assert.ok(!existsSync(place), what);
        assert.deepEqual(rig.run(['worktree', 'list']).split('\n').length, 1, what);
        assert.ok(!existsSync(entry), what);
      }
    rig.run(['worktree', 'add', '--quiet', '--detach', place]);
    await assert.rejects(make(), { exitCode: 5 });
    await remove();
    assert.equal(rig.run(['status', '--porcelain'], place), '');
  });

  it('lays a line in a shallow repository', async () => {
    rig.commit('later.txt', 'later\n');
    const clone = createRig({ name: 'shallow' });
    try {
      clone.run(['fetch', '--quiet', '--depth=1', `file://${rig.root}`, 'main']);
      const base = clone.run(['rev-parse', 'FETCH_HEAD']);
      clone.run(['checkout', '--quiet', '--detach', base]);
      const head = clone.commit('work.txt', 'work\n');
      clone.run(['checkout', '--quiet', '-B', 'main', base]);
      const own = clone.commit('user.txt', 'user\n');
      const line = await clone.git.layLine({
        tip: own,
        streams: [stream('a', base, head)],
        wanted: new Set(['a']),
        strategy: 'squash',
        branch: 'main',
        keep: true,
        unsigned: () => undefined,
      });
      assert.deepEqual(
        line.layers.map(({ key }) => key),
        ['a'],
      );
      assert.equal(await clone.git.moveBranch({ branch: 'main', from: own, to: line.tip }), true);
      assert.equal(clone.read('work.txt'), 'work\n');
    } finally {
      clone.remove();
    }
  });
});
