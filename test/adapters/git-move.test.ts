/** A branch moves together with the checkouts it is in, and never over a byte that is not committed; a move that was cut off is finished. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createRig, type GitRig, shimGit } from '../support/git-rig.ts';
import { until } from '../support/wait.ts';

describe('moving a branch', () => {
  let rig: GitRig;
  let from: string;
  let to: string;
  beforeEach(() => {
    rig = createRig();
    rig.write('.gitignore', '*.ign\n');
    rig.write('gone.txt', 'gone\n');
    rig.write('dir/inner.txt', 'inner\n');
    rig.write('kept.txt', 'kept\n');
    rig.run(['add', '-A']);
    rig.run(['commit', '--quiet', '-m', 'first']);
    from = rig.run(['rev-parse', 'HEAD']);
    rig.run(['checkout', '--quiet', '--detach']);
    rig.write('a.txt', 'a changed\n');
    rig.write('long.txt', 'many bytes that could be cut off\n');
    writeFileSync(join(rig.root, 'bytes.bin'), Buffer.from([0xff, 0x80, 0, 1, 2, 3]));
    rig.write('new/x.ign', 'forced\n');
    rig.run(['rm', '--quiet', '-r', 'gone.txt', 'dir']);
    rig.write('dir', 'now a file\n');
    rig.run(['add', '--force', '-A']);
    rig.run(['commit', '--quiet', '-m', 'second']);
    to = rig.run(['rev-parse', 'HEAD']);
    rig.run(['checkout', '--quiet', 'main']);
  });
  afterEach(() => rig.remove());

  const move = () => rig.git.moveBranch({ branch: 'main', from, to });
  const head = () => rig.run(['rev-parse', 'main']);
  const assertMoved = (cwd = rig.root) => {
    assert.equal(head(), to);
    assert.equal(rig.run(['status', '--porcelain'], cwd), '');
    assert.equal(rig.read('a.txt', cwd), 'a changed\n');
    assert.ok(!existsSync(join(cwd, 'gone.txt')));
    assert.ok(lstatSync(join(cwd, 'dir')).isFile());
    assert.equal(rig.read('new/x.ign', cwd), 'forced\n');
  };
  const assertFree = (gitDir = rig.commonDir) => {
    for (const name of ['index.lock', 'orchestrate-landing.json', 'orchestrate-landing.index'])
      assert.ok(!existsSync(join(gitDir, name)), name);
  };

  it('moves files and index with it, keeps what is not in the way, and says it in the logs', async () => {
    rig.write('kept.txt', 'kept, and changed by me\n');
    rig.write('untracked.txt', 'mine\n');
    rig.write('staged.txt', 'staged\n');
    rig.run(['add', 'staged.txt']);
    const before = rig.run(['status', '--porcelain']);
    assert.equal(await move(), true);
    assert.equal(rig.run(['status', '--porcelain']), before);
    assert.equal(rig.read('kept.txt'), 'kept, and changed by me\n');
    assert.equal(head(), to);
    assertFree();
    assert.match(rig.run(['reflog', '-1', 'HEAD']), /orchestrate merge/);
    assert.match(rig.run(['reflog', '-1', 'main']), /orchestrate merge/);
  });

  it('moves a branch that is nowhere checked out, or with its linked worktree, and not a detached one', async () => {
    rig.run(['checkout', '--quiet', '--detach']);
    const linked = join(rig.home, 'linked');
    rig.run(['worktree', 'add', '--quiet', linked, 'main']);
    const gone = join(rig.home, 'gone');
    rig.run(['worktree', 'add', '--quiet', gone, '--detach']);
    rmSync(gone, { recursive: true });
    assert.equal(await move(), true);
    assertMoved(linked);
    assert.equal(rig.run(['rev-parse', 'HEAD']), from);
    assert.equal(rig.run(['status', '--porcelain']), '');
    rig.run(['branch', 'free', from]);
    assert.equal(await rig.git.moveBranch({ branch: 'free', from, to }), true);
    assert.equal(rig.run(['rev-parse', 'free']), to);
  });

  it('refuses with exit 5 while a worktree with the branch is out of reach, and moves it when it is back', async () => {
    rig.run(['checkout', '--quiet', '--detach']);
    const linked = join(rig.home, 'linked');
    const away = join(rig.home, 'away');
    rig.run(['worktree', 'add', '--quiet', '--lock', linked, 'main']);
    const gitDir = join(rig.commonDir, 'worktrees', 'linked');
    const refused = (message: RegExp) =>
      assert.rejects(move(), { exitCode: 5, message, fix: 'git worktree list' });
    renameSync(linked, away);
    await refused(/cannot be reached: .*\/linked; .*\(git worktree prune, once it is unlocked\)$/);
    rig.run(['worktree', 'unlock', linked]);
    await refused(/cannot be reached: .*\/linked; .*\(git worktree prune\)$/);
    assert.equal(head(), from);
    assertFree(gitDir);
    renameSync(away, linked);
    assert.equal(await move(), true);
    assertMoved(linked);
  });

  it('carries along a checkout whose HEAD is a symbolic link', async () => {
    rmSync(join(rig.commonDir, 'HEAD'));
    symlinkSync('refs/heads/main', join(rig.commonDir, 'HEAD'));
    assert.equal(await move(), true);
    assertMoved();
  });

  it('leaves a checkout alone that is on another branch by the time the branch moves', async () => {
    const away = '$GIT branch mine main; $GIT symbolic-ref HEAD refs/heads/mine';
    const restore = shimGit(
      rig,
      `case "$*" in "update-ref --create-reflog"*) ${away};; esac; exec $GIT "$@"`,
    );
    try {
      assert.equal(await move(), true);
    } finally {
      restore();
    }
    assert.equal(head(), to);
    assert.equal(rig.run(['rev-parse', 'HEAD']), from);
    assert.equal(rig.run(['status', '--porcelain']), '');
    assertFree();
  });

  it('refuses with exit 3 where HEAD and refs are not kept in files', async () => {
    const said = `case "$*" in "config --get extensions.refStorage") echo reftable; exit 0;; esac; exec $GIT "$@"`;
    const restore = shimGit(rig, said);
    try {
      await assert.rejects(move(), { exitCode: 3, message: /reftable/ });
    } finally {
      restore();
    }
    assert.equal(head(), from);
    assertFree();
  });

  it('leaves it to the next run to finish where git was killed after it had moved the branch', async () => {
    const killed = (script: string) =>
      shimGit(rig, `case "$*" in "update-ref --create-reflog"*) ${script} kill -9 $$;; esac; exec $GIT "$@"`);
    const before = killed('');
    await assert.rejects(move(), { exitCode: 3 });
    before();
    assert.equal(head(), from);
    assertFree();
    const after = killed('$GIT "$@";');
    await assert.rejects(move(), { exitCode: 3 });
    after();
    assert.equal(head(), to);
    assert.equal(rig.read('gone.txt'), 'gone\n');
    await rig.git.finishMoves();
    assertMoved();
    assertFree();
  });

  it('runs no hook of the repository', async () => {
    for (const name of ['reference-transaction', 'post-checkout', 'post-index-change', 'pre-commit']) {
      const hook = join(rig.commonDir, 'hooks', name);
      rig.write(hook.slice(rig.root.length + 1), `#!/bin/sh\ntouch '${rig.home}/ran'; exit 1\n`);
      chmodSync(hook, 0o755);
    }
    assert.equal(await move(), true);
    assert.ok(!existsSync(join(rig.home, 'ran')));
    rmSync(join(rig.commonDir, 'hooks'), { recursive: true });
    assertMoved();
  });

  it('brings names with line breaks, quotes and dashes along', async () => {
    const names = ['new\nline', '"q"', '-rf', ' ', 'a\ttab'];
    rig.run(['checkout', '--quiet', '--detach', from]);
    for (const name of names) rig.write(`odd/${name}`, `${name}\n`);
    rig.run(['add', '-A']);
    rig.run(['commit', '--quiet', '-m', 'odd']);
    const odd = rig.run(['rev-parse', 'HEAD']);
    rig.run(['checkout', '--quiet', 'main']);
    rig.write('odd/new\nline', 'mine\n');
    await assert.rejects(rig.git.moveBranch({ branch: 'main', from, to: odd }), {
      exitCode: 5,
      message: /odd\/new line/,
    });
    rmSync(join(rig.root, 'odd'), { recursive: true });
    assert.equal(await rig.git.moveBranch({ branch: 'main', from, to: odd }), true);
    for (const name of names) assert.equal(rig.read(`odd/${name}`), `${name}\n`);
    assert.equal(rig.run(['status', '--porcelain']), '');
  });

  const otherBytes = { skip: process.platform === 'darwin' && 'file names are UTF-8 there' };
  it('tells nobody to type a name that is not UTF-8', otherBytes, async () => {
    const file = Buffer.concat([Buffer.from(`${rig.root}/odd`), Buffer.from([0xfe])]);
    rig.run(['checkout', '--quiet', '--detach', from]);
    writeFileSync(file, 'theirs\n');
    rig.run(['add', '-A']);
    rig.run(['commit', '--quiet', '-m', 'odd']);
    const to = rig.run(['rev-parse', 'HEAD']);
    rig.run(['checkout', '--quiet', 'main']);
    writeFileSync(file, 'mine\n');
    await assert.rejects(rig.git.moveBranch({ branch: 'main', from, to }), {
      exitCode: 5,
      message: /odd\\xfe/,
      fix: `git -C ${rig.root} stash --include-untracked`,
    });
  });

  it('changes nothing when the branch is not where it was', async () => {
    const mine = rig.commit('mine.txt', 'mine\n');
    assert.equal(await move(), false);
    assert.equal(head(), mine);
    assert.equal(rig.run(['status', '--porcelain']), '');
    assertFree();
  });

  const edit =
    (path: string, text = 'mine\n') =>
    () =>
      rig.write(path, text);
  const flagged = (flag: string) => () => {
    rig.run(['update-index', flag, 'a.txt']);
    rig.write('a.txt', 'mine, unseen\n');
  };
  const inTheWay: Record<string, readonly [string, () => void]> = {
    'an edit of a file that changes': ['a.txt', edit('a.txt')],
    'an edit of a file that goes': ['gone.txt', edit('gone.txt')],
    'a staged change': [
      'a.txt',
      () => {
        rig.write('a.txt', 'mine\n');
        rig.run(['add', 'a.txt']);
      },
    ],
    'an untracked file': ['long.txt', edit('long.txt')],
    'an ignored file': ['new/x.ign', edit('new/x.ign')],
    'a file where a directory must go': ['new', edit('new')],
    'a link where a directory must go': ['new', () => symlinkSync(rig.home, join(rig.root, 'new'))],
    'a directory with something ignored where a file must go': ['dir/b.ign', edit('dir/b.ign')],
    'a directory where a file must go': ['long.txt/deep', edit('long.txt/deep')],
    'an edit that assume-unchanged hides': ['a.txt', flagged('--assume-unchanged')],
    'an edit that skip-worktree hides': ['a.txt', flagged('--skip-worktree')],
    'a renamed file': [
      'gone.txt',
      () => {
        rig.run(['mv', 'gone.txt', 'renamed.txt']);
        rig.write('renamed.txt', 'gone\nand more\n');
        rig.write('gone.txt', 'another\n');
      },
    ],
    'a repository of its own': [
      'new',
      () => {
        mkdirSync(join(rig.root, 'new'));
        rig.run(['init', '--quiet', 'new']);
        rig.write('new/x.ign', 'in there\n');
      },
    ],
  };
  for (const [what, [named, act]] of Object.entries(inTheWay)) {
    it(`refuses ${what} with exit 5, naming it, with every byte and ref as before`, async () => {
      act();
      const state = () =>
        [
          rig.refs(),
          rig.run(['status', '--porcelain=v2', '--ignored']),
          rig.run(['ls-files', '-v', '-s']),
        ].join('\n');
      const before = state();
      await assert.rejects(move(), (error: Error & { exitCode?: number }) => {
        assert.equal(error.exitCode, 5);
        assert.ok(error.message.includes(named), error.message);
        return true;
      });
      assert.equal(state(), before);
      assertFree();
    });
  }

  /** Edits files within the second in which the index was written, at the same length: only their content tells. */
  const young = (...paths: readonly string[]) => {
    for (const path of paths) utimesSync(join(rig.root, path), 1_700_000_000, 1_700_000_000);
  };
  const editAtOnce = (...paths: readonly string[]) => {
    rig.run(['config', 'core.trustctime', 'false']);
    rig.run(['config', 'core.checkStat', 'minimal']);
    young(...paths);
    rig.run(['update-index', '--refresh']);
    for (const path of paths) rig.write(path, rig.read(path).toUpperCase());
    young(...paths, '.git/index');
  };

  it('sees an edit as young as the index, and so does git afterwards', async () => {
    editAtOnce('gone.txt', 'kept.txt');
    await assert.rejects(move(), { exitCode: 5, message: /: gone\.txt;/ });
    assert.equal(rig.read('gone.txt'), 'GONE\n');
    rig.write('gone.txt', 'gone\n');
    young('gone.txt', '.git/index');
    assert.equal(await move(), true);
    assert.equal(rig.read('kept.txt'), 'KEPT\n');
    assert.equal(rig.run(['status', '--porcelain']), ' M kept.txt');
  });

  /** The same in a later second, which the file's change time tells to us, and not to a git that was told to look away from it. */
  const editLater = async (path: string) => {
    editAtOnce(path);
    const changedAt = () => Math.floor(lstatSync(join(rig.root, path)).ctimeMs / 1000);
    const before = changedAt();
    await until('another second', () => {
      young(path);
      return changedAt() !== before;
    });
  };

  it('leaves an edit in the sight of a git that looks at less than ours', async () => {
    await editLater('kept.txt');
    assert.equal(await move(), true);
    assert.equal(rig.run(['status', '--porcelain']), ' M kept.txt');
  });

  it('leaves it there also when it finishes a move that was cut off', async () => {
    await editLater('kept.txt');
    await cutOff('');
    await rig.git.finishMoves();
    assert.equal(rig.run(['status', '--porcelain']), ' M kept.txt');
  });

  it('sees one also when it finishes a move that was cut off', async () => {
    editAtOnce('kept.txt');
    await cutOff('');
    await rig.git.finishMoves();
    assert.equal(rig.run(['status', '--porcelain']), ' M kept.txt');
  });

  it('takes no flag for an edit: what is marked and unchanged moves on', async () => {
    rig.run(['update-index', '--skip-worktree', 'a.txt']);
    rig.run(['update-index', '--assume-unchanged', 'gone.txt']);
    assert.equal(await move(), true);
    assertMoved();
  });

  it('refuses while a merge, a rebase or a bisection of the branch is under way', async () => {
    rig.run(['branch', 'side', `${from}~1`]);
    rig.run(['checkout', '--quiet', 'side']);
    rig.commit('a.txt', 'clash\n');
    const side = rig.run(['rev-parse', 'HEAD']);
    rig.run(['checkout', '--quiet', 'main']);
    const mine = rig.commit('a.txt', 'mine\n');
    const refuses = (operation: RegExp) =>
      assert.rejects(rig.git.moveBranch({ branch: 'main', from: mine, to }), {
        exitCode: 5,
        message: operation,
      });
    assert.throws(() => rig.run(['merge', '--quiet', side]));
    await refuses(/merge of main is in progress/);
    rig.run(['merge', '--abort']);
    assert.throws(() => rig.run(['rebase', '--quiet', side]));
    await refuses(/rebase of main is in progress/);
    rig.run(['rebase', '--abort']);
    rig.run(['bisect', 'start', 'main', `${from}~1`]);
    await refuses(/bisect of main is in progress/);
    rig.run(['bisect', 'reset']);
    assert.equal(head(), mine);
  });

  /** A commit on top of `main` with these files in place of those that go. */
  const next = (files: Readonly<Record<string, string>>, gone: readonly string[] = []): string => {
    rig.run(['checkout', '--quiet', '--detach']);
    for (const path of gone) rig.run(['rm', '--quiet', '--cached', path]);
    for (const path of gone) rmSync(join(rig.root, path));
    for (const [path, text] of Object.entries(files)) rig.write(path, text);
    rig.run(['add', '--force', ...Object.keys(files)]);
    rig.run(['commit', '--quiet', '-m', 'next']);
    const sha = rig.run(['rev-parse', 'HEAD']);
    rig.run(['checkout', '--quiet', 'main']);
    return sha;
  };

  it('refuses while a filter that is required fails, before anything moved, and goes on once it works', async () => {
    const lfs = { '.gitattributes': '*.bin filter=lfs\n', 'new\nbig.bin': 'a pointer\n', 'a.txt': 'later\n' };
    const wanted = next(lfs);
    const go = () => rig.git.moveBranch({ branch: 'main', from, to: wanted });
    const programs: readonly (readonly string[])[] = [
      ['filter.lfs.process', 'no-such-git-lfs filter-process'],
      ['filter.lfs.smudge', 'echo "the server is away" >&2; exit 2'],
    ];
    rig.run(['config', 'filter.lfs.required', 'true']);
    rig.run(['config', 'filter.lfs.clean', 'cat']);
    const before = rig.refs() + rig.run(['ls-files', '-s']);
    for (const [name = '', program = ''] of programs) {
      rig.run(['config', name, program]);
      await assert.rejects(go(), {
        exitCode: 3,
        message:
          /^new big\.bin cannot be written in .*, since the filter "lfs" fails \(.*\); nothing was changed: make the filter work first$/,
        fix: /^git config --get-regexp filter\.lfs/,
      });
      assert.equal(rig.refs() + rig.run(['ls-files', '-s']), before);
      assert.equal(rig.run(['status', '--porcelain']), '');
      assertFree();
      rig.run(['config', '--unset', name]);
    }
    rig.run(['config', 'filter.lfs.smudge', 'tr a-z A-Z']);
    assert.equal(await go(), true);
    assert.equal(rig.read('new\nbig.bin'), 'A POINTER\n');
    assert.equal(head(), wanted);
  });

  it('brings the pointers of git-lfs where git knows no such filter', async () => {
    const pointers = next({ '.gitattributes': '*.bin filter=lfs\n', 'big.bin': 'a pointer\n' });
    assert.equal(await rig.git.moveBranch({ branch: 'main', from, to: pointers }), true);
    assert.equal(rig.read('big.bin'), 'a pointer\n');
    assert.equal(rig.run(['status', '--porcelain']), '');
  });

  it('refuses two names that are one where letter case does not count, and takes the new case of a name', async () => {
    const both = next({ 'Kept.txt': 'another\n' });
    const renamed = next({ 'Kept.txt': 'kept\n' }, ['kept.txt']);
    rig.run(['config', 'core.ignorecase', 'true']);
    await assert.rejects(rig.git.moveBranch({ branch: 'main', from, to: both }), {
      exitCode: 5,
      message: /^Kept\.txt and kept\.txt would be one file in .*; nothing was changed$/,
    });
    assert.deepEqual([head(), rig.run(['status', '--porcelain'])], [from, '']);
    assertFree();
    assert.equal(await rig.git.moveBranch({ branch: 'main', from, to: renamed }), true);
    assert.equal(rig.run(['status', '--porcelain']), '');
  });

  it('takes a file of the user for none that goes, though their names differ by letter case only', async () => {
    rig.run(['checkout', '--quiet', 'main']);
    rig.write('x.ign', 'tracked\n');
    rig.run(['add', '--force', 'x.ign']);
    rig.run(['commit', '--quiet', '-m', 'x']);
    const before = head();
    const upper = next({ 'X.ign': 'theirs\n' }, ['x.ign']);
    rig.write('X.ign', 'mine, ignored\n');
    await assert.rejects(rig.git.moveBranch({ branch: 'main', from: before, to: upper }), {
      exitCode: 5,
      message: /: X\.ign;/,
    });
    assert.equal(rig.read('X.ign'), 'mine, ignored\n');
    assert.equal(head(), before);
  });

  it('waits for another git process, and names a lock that stays with exit 4', async () => {
    const lock = join(rig.commonDir, 'index.lock');
    writeFileSync(lock, '');
    const waiting = move();
    setTimeout(() => rmSync(lock), 100);
    assert.equal(await waiting, true);
    writeFileSync(lock, '');
    await assert.rejects(rig.git.moveBranch({ branch: 'main', from: to, to: from }), {
      exitCode: 4,
      message: /index\.lock/,
    });
    assert.ok(existsSync(lock));
  });

  /** What a move leaves that was killed within git's own checkout: some files as before, some as after, one cut off. */
  const cutOff = async (more: string) => {
    const script = `case "$*" in "read-tree -m -u"*)
      cd '${rig.root}'; printf 'a changed\\n' > a.txt; rm -r gone.txt; printf 'many by' > long.txt; printf '\\377\\200' > bytes.bin; ${more}
      exit 1;; esac; exec $GIT "$@"`;
    const restore = shimGit(rig, script);
    try {
      await assert.rejects(move(), { exitCode: 3 });
    } finally {
      restore();
    }
    assert.equal(head(), to);
    assert.throws(() => rig.run(['commit', '--quiet', '--allow-empty', '-m', 'x']), /index\.lock/);
  };

  it('finishes a move that was cut off anywhere', async () => {
    await cutOff('');
    await rig.git.finishMoves();
    assertMoved();
    assertFree();
    await rig.git.finishMoves();
    assertMoved();
  });

  it('finishes it also when someone removed the lock', async () => {
    await cutOff('');
    rmSync(join(rig.commonDir, 'index.lock'));
    await rig.git.finishMoves();
    assertMoved();
    assertFree();
  });

  it('keeps what the user wrote since it was cut off', async () => {
    await cutOff('');
    rig.write('long.txt', 'mine since\n');
    rig.write('kept.txt', 'mine since\n');
    await rig.git.finishMoves();
    assert.equal(rig.read('long.txt'), 'mine since\n');
    assert.equal(rig.run(['status', '--porcelain']), ' M kept.txt\n M long.txt');
    assertFree();
  });

  it('leaves no lock that nobody knows for ours where it cannot be written', async () => {
    const code = `import { createGit } from '${new URL('../../src/git/git.ts', import.meta.url)}';
      const git = createGit(${JSON.stringify({ root: rig.root, commonDir: rig.commonDir })});
      await git.moveBranch(${JSON.stringify({ branch: 'main', from, to })});`;
    // No file can grow there.
    const script = 'ulimit -f 0; exec "$0" --import tsx --input-type=module -e "$1"';
    const cwd = new URL('../..', import.meta.url);
    const env = { ...process.env, TSX_DISABLE_CACHE: '1' };
    const options = { cwd, env, encoding: 'utf8', stdio: 'pipe' } as const;
    const run = () => execFileSync('sh', ['-c', script, process.execPath, code], options);
    assert.throws(run, /cannot lock the index/);
    assertFree();
    assert.equal(await move(), true);
    assertMoved();
  });

  it('frees the index when the branch had not moved yet', async () => {
    writeFileSync(
      join(rig.commonDir, 'index.lock'),
      'orchestrate is landing work here; if it was killed, orchestrate merge finishes it\n',
    );
    writeFileSync(
      join(rig.commonDir, 'orchestrate-landing.json'),
      `${JSON.stringify({ branch: 'main', from, to })}\n`,
    );
    await rig.git.finishMoves();
    assert.equal(head(), from);
    assert.equal(rig.run(['status', '--porcelain']), '');
    assertFree();
  });

  it('moves a submodule that is checked out no further than git does, and refuses to take its files away', async () => {
    const sub = createRig({ name: 'sub' });
    try {
      rig.run(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', sub.root, 'sub']);
      rig.run(['commit', '--quiet', '-m', 'submodule']);
      const withSub = rig.run(['rev-parse', 'HEAD']);
      rig.run(['checkout', '--quiet', '--detach']);
      rig.run(['rm', '--quiet', '--cached', 'sub']);
      rig.run(['commit', '--quiet', '-m', 'without']);
      const without = rig.run(['rev-parse', 'HEAD']);
      rig.run(['reset', '--quiet', withSub]);
      rig.run(['checkout', '--quiet', 'main']);
      await assert.rejects(rig.git.moveBranch({ branch: 'main', from: withSub, to: without }), {
        exitCode: 5,
        message: /: sub/,
      });
      assert.equal(readFileSync(join(rig.root, 'sub', 'a.txt'), 'utf8'), sub.read('a.txt'));
    } finally {
      sub.remove();
    }
  });
});
