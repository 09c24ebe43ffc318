/** A worktree is taken away only when nothing in it would be lost, and what is kept is named; every byte and commit stays somewhere. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_CONFIG } from '../../src/app/config/load.ts';
import { sha256 } from '../../src/files/sha256.ts';
import { disposableRule } from '../../src/git/tidy/ignored-files.ts';
import type { Held, Place } from '../../src/git/tidy/types.ts';
import { createRig, type GitRig, shimGit } from '../support/git-rig.ts';

const KEY = 'stream-a';
const BRANCH = `orchestrate/${KEY}`;
/** A patch in a mail, of a file that is not there. */
const PATCH = [
  'From: A Person <person@example.com>',
  'Date: Mon, 1 Jun 2026 10:00:00 +0000',
  'Subject: Change it',
  '',
  '--- a/none.txt',
  '+++ b/none.txt',
  '@@ -1 +1 @@',
  '-one',
  '+two',
  '',
].join('\n');

let rig: GitRig;
let path: string;
describe('tidy', () => {
  beforeEach(async () => {
    rig = createRig();
    rig.commit('.gitignore', 'node_modules/\n*.secret\n.env\nnotes/\n');
    await rig.ensure(KEY);
    path = rig.worktree(KEY);
    rig.commit('work.txt', 'work\n', path);
    rig.commit('deep/er/file.txt', 'deep\n', path);
    rig.run(['merge', '--quiet', '--ff-only', BRANCH]);
  });
  afterEach(() => rig.remove());

  const place = (change: Partial<Place> = {}): Place => ({
    key: KEY,
    path,
    branch: BRANCH,
    branchMade: true,
    contained: ['refs/heads/main'],
    made: null,
    disposable: DEFAULT_CONFIG.worktree.disposable,
    ...change,
  });

  const find = async (change: Partial<Place> = {}) => rig.git.find(place(change), await rig.git.shared());

  const remove = async (change: Partial<Place> = {}, others: readonly Held[] = []) =>
    rig.git.remove(place(change), await rig.git.shared(), {
      stream: 'Stream-A',
      reason: 'a test',
      others: () => others,
    });

  /** Every file below a directory with its bytes, links as their text; git's own bookkeeping apart. */
  function bytesBelow(directory: string, at = '.'): [string, string][] {
    return readdirSync(join(directory, at), { withFileTypes: true }).flatMap((entry): [string, string][] => {
      const name = join(at, entry.name);
      if (join(directory, name) === rig.commonDir) return [];
      if (entry.isDirectory()) return bytesBelow(directory, name);
      if (entry.isSymbolicLink()) return [[name, `-> ${readlinkSync(join(directory, name))}`]];
      return [[name, entry.isFile() ? sha256(readFileSync(join(directory, name))) : 'special']];
    });
  }

  function commitsAnywhere(): Set<string> {
    return new Set(rig.run(['rev-list', '--all', '--reflog']).split('\n'));
  }

  describe('what keeps a worktree', () => {
    type Row = {
      readonly holds: Held['kind'];
      readonly names?: RegExp;
      readonly make: () => void;
      readonly place?: Partial<Place>;
    };
    const inside = (args: readonly string[], cwd = path) => rig.run(args, cwd);
    const rows: Readonly<Record<string, Row>> = {
      'a changed file': {
        holds: 'changes',
        names: /a\.txt/,
        make: () => rig.write('a.txt', 'changed\n', path),
      },
      'a change of the same size and time': {
        holds: 'changes',
        make: () => {
          rig.run(['config', 'core.checkStat', 'minimal']);
          rig.run(['config', 'core.trustctime', 'false']);
          const file = join(path, 'work.txt');
          utimesSync(file, 1e9, 1e9);
          inside(['update-index', '--refresh']);
          rig.write('a.secret', 'WORK\n', path);
          renameSync(join(path, 'a.secret'), file);
          utimesSync(file, 1e9, 1e9);
          assert.equal(inside(['status', '--porcelain']), '');
        },
      },
      'a staged change': {
        holds: 'changes',
        make: () => {
          rig.write('a.txt', 'staged\n', path);
          inside(['add', 'a.txt']);
          rig.write('a.txt', 'first\n', path);
        },
      },
      'a deleted file': { holds: 'changes', make: () => rmSync(join(path, 'a.txt')) },
      'an untracked file': { holds: 'untracked', make: () => rig.write('new file\n.txt', 'new\n', path) },
      'an untracked file that status is told not to show': {
        holds: 'untracked',
        make: () => {
          rig.run(['config', 'status.showUntrackedFiles', 'no']);
          rig.write('deep/new.txt', 'new\n', path);
        },
      },
      'a file that is to be added': {
        holds: 'changes',
        make: () => {
          rig.write('new.txt', 'new\n', path);
          inside(['add', '--intent-to-add', 'new.txt']);
        },
      },
      'an ignored file': {
        holds: 'ignored',
        names: /a\.secret/,
        make: () => rig.write('a.secret', 'x', path),
      },
      'an ignored file in an ignored directory': {
        holds: 'ignored',
        names: /notes\/today/,
        make: () => rig.write('notes/today', 'x', path),
      },
      'a file that only the repository’s own list ignores': {
        holds: 'ignored',
        make: () => {
          appendFileSync(join(rig.commonDir, 'info', 'exclude'), 'local.txt\n');
          rig.write('local.txt', 'x', path);
        },
      },
      'a copy of an ignored file that was changed': {
        holds: 'ignored',
        names: /\.env/,
        make: () => {
          rig.write('.env', 'A=1\n');
          rig.write('.env', 'A=2\n', path);
        },
      },
      'a file hidden by skip-worktree': {
        holds: 'changes',
        make: () => {
          inside(['update-index', '--skip-worktree', 'a.txt']);
          rig.write('a.txt', 'hidden\n', path);
        },
      },
      'a hidden file of the same size, as young as the index': {
        holds: 'changes',
        make: () => {
          const index = join(rig.commonDir, 'worktrees', KEY, 'index');
          // Git trusts sizes and times to the second: all of this has to happen within one.
          rig.write('a.txt', 'first\n', path);
          const { mtime } = statSync(join(path, 'a.txt'));
          inside(['update-index', '--refresh']);
          inside(['update-index', '--skip-worktree', 'a.txt']);
          rig.write('a.txt', 'fir5t\n', path);
          for (const file of [join(path, 'a.txt'), index]) utimesSync(file, mtime, mtime);
        },
      },
      'a file hidden by assume-unchanged': {
        holds: 'changes',
        make: () => {
          inside(['update-index', '--assume-unchanged', 'a.txt']);
          rig.write('a.txt', 'hidden\n', path);
        },
      },
      'a detached head': {
        holds: 'off-branch',
        make: () => void inside(['checkout', '--quiet', '--detach']),
      },
      'another branch': {
        holds: 'off-branch',
        make: () => void inside(['checkout', '--quiet', '-b', 'mine']),
      },
      'a commit that was made on no branch': {
        holds: 'detached',
        make: () => {
          inside(['checkout', '--quiet', '--detach']);
          rig.commit('lost.txt', 'lost\n', path);
          inside(['checkout', '--quiet', BRANCH]);
        },
      },
      'a commit since it was verified': {
        holds: 'commits',
        make: () => void rig.commit('late.txt', 'late\n', path),
      },
      'a merge under way': {
        holds: 'operation',
        make: () => {
          rig.run(['branch', 'other', 'HEAD~2']);
          inside(['merge', '--quiet', '--no-ff', '--no-commit', '-s', 'ours', commitOn('other')]);
        },
      },
      'a rebase under way': {
        holds: 'operation',
        names: /rebase/,
        make: () => assert.throws(() => inside(['rebase', '--quiet', '--exec', 'false', 'HEAD~1'])),
      },
      'patches that were not all applied': {
        holds: 'operation',
        make: () => {
          rig.write('x.patch', PATCH, rig.home);
          assert.throws(() => inside(['am', '--quiet', join(rig.home, 'x.patch')]));
          assert.equal(inside(['status', '--porcelain']), '');
        },
      },
      'a bisection under way': {
        holds: 'operation',
        make: () => void inside(['bisect', 'start', 'HEAD', 'HEAD~1']),
      },
      'a lock of the index': {
        holds: 'operation',
        make: () => writeFileSync(join(rig.commonDir, 'worktrees', KEY, 'index.lock'), ''),
      },
      'a stash of its branch': {
        holds: 'stash',
        names: /stash@\{0\}/,
        make: () => {
          rig.write('a.txt', 'stashed\n', path);
          inside(['stash', '--quiet']);
        },
      },
      'a repository inside': {
        holds: 'repository',
        make: () => {
          inside(['init', '--quiet', 'inner']);
          rig.write('inner/x.txt', 'x', path);
        },
      },
      'a repository inside what is ignored': {
        holds: 'repository',
        names: /notes\/inner/,
        make: () => void inside(['init', '--quiet', 'notes/inner']),
      },
      'a repository inside what is disposable': {
        holds: 'repository',
        names: /node_modules\/a\/b/,
        make: () => void inside(['init', '--quiet', '--bare', 'node_modules/a/b']),
      },
      'a pipe': {
        holds: 'unreadable',
        names: /pipe/,
        make: () => void execFileSync('mkfifo', [join(path, 'deep', 'pipe')]),
      },
      'somebody else’s lock': {
        holds: 'locked',
        names: /my own reason/,
        make: () => {
          rig.run(['worktree', 'unlock', path]);
          rig.run(['worktree', 'lock', '--reason', 'my own reason', path]);
        },
      },
      'its branch is gone': {
        holds: 'foreign',
        make: () => rig.run(['update-ref', '-d', `refs/heads/${BRANCH}`]),
      },
      'its directory was moved, and git knows': {
        holds: 'foreign',
        names: /elsewhere/,
        make: () => {
          renameSync(path, join(rig.home, 'elsewhere'));
          rig.run(['worktree', 'repair', join(rig.home, 'elsewhere')]);
        },
      },
      'its .git file leads elsewhere': {
        holds: 'foreign',
        make: () => writeFileSync(join(path, '.git'), `gitdir: ${rig.commonDir}\n`),
      },
      'a link in its place': {
        holds: 'foreign',
        make: () => {
          renameSync(path, join(rig.home, 'real'));
          symlinkSync(join(rig.home, 'real'), path);
        },
      },
      'a link above it that leads out of the project': {
        holds: 'foreign',
        make: () => {
          renameSync(join(rig.root, '.claude'), join(rig.home, 'out'));
          symlinkSync(join(rig.home, 'out'), join(rig.root, '.claude'));
        },
      },
      'its directory of worktrees is not there': {
        holds: 'unreadable',
        make: () => renameSync(join(rig.root, '.claude'), join(rig.home, 'unmounted')),
      },
      'a link where a directory was': {
        holds: 'changes',
        make: () => {
          renameSync(join(path, 'deep'), join(rig.home, 'deep'));
          symlinkSync(join(rig.home, 'deep'), join(path, 'deep'));
        },
      },
    };
    const commitOn = (branch: string): string => {
      const tree = rig.run(['rev-parse', `${branch}^{tree}`]);
      const commit = rig.run(['commit-tree', tree, '-p', branch, '-m', 'Other']);
      rig.run(['branch', '--force', branch, commit]);
      return commit;
    };
    for (const [name, row] of Object.entries(rows)) {
      it(`${name}: kept, named, nothing changed`, async () => {
        row.make();
        const before = { bytes: bytesBelow(rig.home), refs: rig.refs(), commits: commitsAnywhere() };
        const found = await find(row.place);
        const held = found.held.find(({ kind }) => kind === row.holds);
        assert.ok(held, JSON.stringify(found.held));
        assert.match(held.what, row.names ?? /./);
        assert.notEqual(held.look, '');
        const removal = await remove(row.place);
        assert.equal(removal.removed, false);
        assert.ok(!removal.removed && removal.held.some(({ kind }) => kind === row.holds));
        const after = { bytes: bytesBelow(rig.home), refs: rig.refs(), commits: commitsAnywhere() };
        assert.deepEqual(after, before);
      });
    }
  });

  describe('what goes', () => {
    /** What a removal must have left: nothing of the stream but its commits, below a saved ref. */
    function checkGone(removal: Awaited<ReturnType<typeof remove>>, commits: ReadonlySet<string>): void {
      assert.ok(removal.removed, JSON.stringify(removal));
      assert.ok(!existsSync(path));
      assert.ok(!existsSync(join(rig.commonDir, 'worktrees', KEY)));
      assert.doesNotMatch(rig.refs(), /refs\/heads\/orchestrate\/stream-a/);
      const kept = new Set(rig.run(['rev-list', '--all']).split('\n'));
      assert.deepEqual(
        [...commits].filter((sha) => !kept.has(sha)),
        [],
      );
    }

    it('takes worktree and branch, with what set-up made, copies, links and what is disposable', async () => {
      rig.write('.env', 'A=1\n');
      rig.write('node_modules/big/index.js', 'x');
      rig.write('.env', 'A=1\n', path);
      rig.write('made.secret', 'made by set-up\n', path);
      rig.write('notes/made', 'made by set-up\n', path);
      symlinkSync(join(rig.root, 'node_modules'), join(path, 'node_modules'));
      appendFileSync(join(rig.commonDir, 'info', 'exclude'), '/node_modules\n');
      const made = await rig.git.noteMade(path, []);
      rig.write('deep/node_modules/x/y.js', 'y', path);
      mkdirSync(join(path, 'empty', 'er'), { recursive: true });
      const commits = commitsAnywhere();
      assert.deepEqual((await find({ made })).held, []);
      // As a kill leaves what git no longer knows of.
      mkdirSync(join(rig.commonDir, 'orchestrate-removed-other-1', 'logs'), { recursive: true });
      const before = rig.commands.length;
      const removal = await remove({ made });
      // What all share is asked by six; a command more for each stream is felt.
      assert.ok(rig.commands.length - before <= 6 + 6, rig.commands.slice(before).join('\n'));
      checkGone(removal, commits);
      assert.ok(!readdirSync(rig.commonDir).some((name) => name.startsWith('orchestrate-removed-')));
      assert.ok(removal.removed && removal.saved === `refs/orchestrate/saved/${KEY}/clean`);
      assert.equal(rig.read('node_modules/big/index.js'), 'x');
      // Nothing of a secret went into the object store.
      assert.equal(rig.run(['rev-list', '--objects', '--all']).includes('secret'), false);
      assert.deepEqual(await remove({ made }), { removed: true, worktree: false, branch: null, saved: null });
    });

    it('keeps what set-up made once it was changed, and knows it by its content when it was rewritten', async () => {
      rig.write('made.secret', 'made\n', path);
      const made = await rig.git.noteMade(path, []);
      rig.write('made.secret', 'more\n', path);
      assert.equal((await find({ made })).held[0]?.kind, 'ignored');
      rmSync(join(path, 'made.secret'));
      rig.write('made.secret', 'made\n', path);
      assert.deepEqual((await find({ made })).held, []);
      assert.equal((await find({ made: 'no note of ours' })).held[0]?.kind, 'ignored');
    });

    it('takes what was dirty before the agent began, and keeps its bytes', async () => {
      rig.write('a.txt', 'changed by set-up\n', path);
      rig.write('made.txt', 'made by set-up\n', path);
      await rig.git.noteBornDirty(path);
      checkGone(await remove(), commitsAnywhere());
      const ref = `refs/orchestrate/saved/${KEY}/clean`;
      assert.equal(rig.run(['show', `${ref}:made.txt`]), 'made by set-up');
      assert.equal(rig.run(['show', `${ref}:a.txt`]), 'changed by set-up');
    });

    it('keeps the commits that an amend and a rebase have replaced, by the saved ref', async () => {
      const amended = rig.commit('late.txt', 'first\n', path);
      rig.run(['commit', '--quiet', '--amend', '-m', 'Amended'], path);
      const commits = commitsAnywhere();
      assert.ok(commits.has(amended));
      checkGone(await remove({ contained: [rig.run(['rev-parse', BRANCH])] }), commits);
      rig.run(['reflog', 'expire', '--expire=now', '--all']);
      rig.run(['gc', '--quiet', '--prune=now']);
      assert.equal(rig.run(['cat-file', '-t', amended]), 'commit');
    });

    it('takes what a user has left of it: no directory, no entry, no worktree at all', async () => {
      rmSync(path, { recursive: true });
      // As git once did it, and still reads it.
      const head = join(rig.commonDir, 'worktrees', KEY, 'HEAD');
      rmSync(head);
      symlinkSync(`refs/heads/${BRANCH}`, head);
      const commits = commitsAnywhere();
      checkGone(await remove(), commits);
      assert.equal((await rig.git.savedWork()).length, 1);
      rig.run(['branch', BRANCH]);
      // A branch that somebody else made is theirs, whatever its name.
      assert.deepEqual(await find({ branchMade: false }), { worktree: false, head: null, held: [] });
      await remove({ branchMade: false });
      assert.match(rig.refs(), /refs\/heads\/orchestrate\/stream-a/);
    });

    it('never touches what core.worktree names, and leaves a branch that is checked out elsewhere', async () => {
      const elsewhere = join(rig.home, 'elsewhere');
      mkdirSync(elsewhere);
      writeFileSync(join(elsewhere, 'a.txt'), 'theirs');
      rig.run(['config', 'extensions.worktreeConfig', 'true']);
      rig.run(['config', '--worktree', 'core.worktree', elsewhere], path);
      const commits = commitsAnywhere();
      checkGone(await remove(), commits);
      assert.deepEqual(readdirSync(elsewhere), ['a.txt']);
      rig.run(['branch', BRANCH]);
      rig.run(['switch', '--quiet', BRANCH]);
      assert.equal((await find()).held[0]?.kind, 'foreign');
      assert.equal((await remove()).removed, false);
      assert.equal(rig.run(['symbolic-ref', '--short', 'HEAD']), BRANCH);
    });

    it('works with a submodule, whose commits keep the worktree while only it has them', async () => {
      writeFileSync(join(rig.home, '.gitconfig'), '[user]\nname = A\nemail = a@example.com\n');
      const library = join(rig.home, 'library');
      rig.run(['init', '--quiet', library]);
      rig.commit('lib.txt', 'lib\n', library);
      const add = ['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'lib'];
      rig.run(add, path);
      rig.run(['commit', '--quiet', '-m', 'Add lib'], path);
      rig.run(['merge', '--quiet', '--ff-only', BRANCH]);
      assert.deepEqual((await find()).held, []);
      rig.write('lib/.git-is-a-file', 'x', path);
      assert.equal((await find()).held[0]?.kind, 'submodule');
      rmSync(join(path, 'lib', '.git-is-a-file'));
      const lost = rig.commit('lib.txt', 'changed\n', join(path, 'lib'));
      rig.run(['checkout', '--quiet', 'HEAD~1'], join(path, 'lib'));
      assert.equal(rig.run(['status', '--porcelain'], path), '');
      assert.equal((await find()).held[0]?.kind, 'submodule');
      const push = ['push', '--quiet', 'origin', `${lost}:refs/heads/kept`];
      // Without a checkout the store is there still, be it that of the submodule alone or the whole worktree's.
      const lib = join(path, 'lib');
      rig.run(['submodule', '--quiet', 'deinit', '--force', 'lib'], path);
      assert.deepEqual(readdirSync(lib), []);
      assert.equal((await remove()).removed, false);
      assert.equal((await find()).held[0]?.kind, 'submodule');
      renameSync(path, `${path}-away`);
      assert.equal((await remove()).removed, false);
      assert.equal((await find()).held[0]?.kind, 'submodule');
      renameSync(`${path}-away`, path);
      const store = join(rig.commonDir, 'worktrees', KEY, 'modules', 'lib');
      const inStore = ['--git-dir', store, '--work-tree', rig.home];
      rig.run([...inStore, ...push]);
      assert.deepEqual((await find()).held, []);
      renameSync(join(store, 'HEAD'), join(store, 'HEAD.away'));
      assert.equal((await find()).held[0]?.kind, 'unreadable');
      renameSync(join(store, 'HEAD.away'), join(store, 'HEAD'));
      rig.run(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init'], path);
      const commits = commitsAnywhere();
      checkGone(await remove(), commits);
    });

    it('puts everything back when something appears while it is being removed', async () => {
      const before = bytesBelow(rig.home);
      const others = () => {
        writeFileSync(join(path, 'zz-late.txt'), 'late');
        return [];
      };
      const removal = await rig.git.remove(place(), await rig.git.shared(), {
        stream: 'Stream-A',
        reason: 'a test',
        others,
      });
      assert.ok(!removal.removed && /put back/.test(removal.held[0]?.what ?? ''));
      rmSync(join(path, 'zz-late.txt'));
      assert.deepEqual(bytesBelow(rig.home), before);
      assert.equal(rig.run(['status', '--porcelain'], path), '');
      checkGone(await remove(), commitsAnywhere());
    });

    it('puts everything back also where something stands in its way, as soon as it does not', async () => {
      const others = () => {
        rmSync(join(path, 'deep'), { recursive: true });
        symlinkSync('deep', join(path, 'deep'));
        return [];
      };
      const request = { stream: 'Stream-A', reason: 'a test', others };
      const removal = await rig.git.remove(place(), await rig.git.shared(), request);
      assert.ok(!removal.removed && /ELOOP/.test(removal.held[0]?.what ?? ''));
      assert.equal(readlinkSync(join(path, 'deep')), 'deep');
      rmSync(join(path, 'deep'));
      const busy: Held = { kind: 'agent', what: 'an agent', look: 'true' };
      assert.equal((await remove({}, [busy])).removed, false);
      assert.equal(rig.run(['status', '--porcelain'], path), '');
    });

    it('takes the time from the disk that the worktree is on, whose clock may be another', async () => {
      const parent = join(path, '..');
      utimesSync(parent, 1e9, 1e9);
      const busy: Held = { kind: 'agent', what: 'an agent', look: 'true' };
      assert.equal((await remove({}, [busy])).removed, false);
      assert.ok(statSync(parent).mtimeMs > 1e12, 'something was made there to be looked at');
      assert.deepEqual(readdirSync(parent), [KEY]);
    });

    it('deletes no file that was written after the look, and puts the others back', async () => {
      const others = () => {
        writeFileSync(join(path, 'work.txt'), 'written while we looked\n');
        return [];
      };
      const removal = await rig.git.remove(place(), await rig.git.shared(), {
        stream: 'Stream-A',
        reason: 'a test',
        others,
      });
      assert.equal(removal.removed, false);
      assert.equal(rig.read('work.txt', path), 'written while we looked\n');
      assert.equal(rig.read('deep/er/file.txt', path), 'deep\n');
      assert.equal((await find()).held[0]?.kind, 'changes');
    });
  });

  describe('saved work', () => {
    const as = { key: KEY, label: 'clean', stream: 'Stream A "1"\u0007', reason: 'a\ntest' };

    it('keeps every byte, and brings it back as a branch and a worktree that were not there', async () => {
      rig.run(['config', 'core.autocrlf', 'true']);
      writeFileSync(join(path, 'lines.txt'), 'a\r\nb\n');
      writeFileSync(join(path, 'new\n, file.txt'), Buffer.from([0, 13, 10, 255]));
      rig.write('a.secret', 'x', path);
      rig.write('node_modules/x.js', 'x', path);
      rig.write('work.txt', '#!/bin/sh\n', path);
      chmodSync(join(path, 'work.txt'), 0o755);
      rmSync(join(path, 'deep'), { recursive: true });
      symlinkSync('no where', join(path, 'deep'));
      rmSync(join(path, 'b.txt'));
      mkdirSync(join(path, 'b.txt'));
      rig.write('b.txt/inside', 'was a file', path);
      rig.run(['update-index', '--skip-worktree', 'a.txt'], path);
      rig.write('a.txt', 'hidden', path);
      const before = bytesBelow(path).filter(([name]) => name !== '.git' && !name.startsWith('node_modules'));
      const index = readFileSync(join(rig.commonDir, 'worktrees', KEY, 'index'));
      const spare = { made: null, disposable: ['node_modules/'] };
      const ref = await rig.git.saveSnapshot({ path, as, spare });
      assert.equal(ref, `refs/orchestrate/saved/${KEY}/clean`);
      assert.equal(await rig.git.saveSnapshot({ path, as, spare }), `${ref}-2`);
      assert.deepEqual(readFileSync(join(rig.commonDir, 'worktrees', KEY, 'index')), index);
      const [saved] = await rig.git.savedWork();
      assert.ok(saved);
      assert.deepEqual(
        { key: saved.key, stream: saved.stream, reason: saved.reason, files: saved.files },
        { key: KEY, stream: as.stream, reason: as.reason, files: 7 },
      );
      rig.run(['config', 'core.autocrlf', 'false']);
      rig.run(['gc', '--quiet', '--prune=now']);
      const back = { key: 'back', path: rig.worktree('back'), branch: 'orchestrate/back' };
      await rig.git.bringBack(saved, back);
      assert.deepEqual(
        bytesBelow(back.path).filter(([name]) => name !== '.git'),
        before,
      );
      assert.equal(rig.run(['rev-parse', 'HEAD'], back.path), rig.run(['rev-parse', BRANCH]));
      await assert.rejects(rig.git.bringBack(saved, back), { exitCode: 5 });
      await assert.rejects(rig.git.bringBack(saved, { ...back, branch: 'free' }), { exitCode: 5 });
      const mine = `${BRANCH.replaceAll('/', '-')}-mine`;
      rig.run(['branch', mine]);
      const remains = await rig.git.remains([{ path, branch: BRANCH, branchMade: true }]);
      assert.deepEqual(remains.worktrees.toSorted(), [back.path, path].toSorted());
      assert.deepEqual(remains.branches, [BRANCH]);
      assert.equal(remains.keepFirst, `git branch -m ${BRANCH} ${mine}-2`);
      await rig.git.forgetSaved(await rig.git.savedWork());
      assert.deepEqual((await rig.git.remains([])).refs, []);
    });
  });

  describe('a removal that was cut off', () => {
    it('is finished by the next one, wherever a kill at a git call ends it', async () => {
      for (let call = 1; ; call += 1) {
        const key = `s-${call}`;
        const branch = `orchestrate/${key}`;
        await rig.ensure(key);
        rig.commit('k.txt', `${call}\n`, rig.worktree(key));
        const change = { key, branch, path: rig.worktree(key), contained: [branch] };
        const contained = [rig.run(['rev-parse', branch])];
        const commits = commitsAnywhere();
        const shared = await rig.git.shared();
        const unshim = shimGit(
          rig,
          `n=$(($(cat "${rig.home}/count" 2>/dev/null || echo 0) + 1)); echo $n > "${rig.home}/count"
         [ $n -ge ${call} ] && exit 137; exec $GIT "$@"`,
        );
        const ask = { stream: key, reason: 'a test', others: () => [] };
        const ended = await rig.git.remove({ ...place(change), contained }, shared, ask).then(
          () => true,
          () => false,
        );
        unshim();
        rmSync(join(rig.home, 'count'));
        const again = await rig.git.remove({ ...place(change), contained }, await rig.git.shared(), ask);
        assert.ok(again.removed, JSON.stringify(again));
        assert.ok(!existsSync(change.path));
        assert.ok(!rig.refs().includes(`refs/heads/${branch}`));
        const kept = new Set(rig.run(['rev-list', '--all']).split('\n'));
        assert.deepEqual(
          [...commits].filter((sha) => !kept.has(sha)),
          [],
        );
        if (ended) break;
      }
    });

    it('is finished with half of the files gone, all of them, and the directory', async () => {
      for (const [key, half] of [
        ['h-1', (at: string) => rmSync(join(at, 'a.txt'))],
        [
          'h-2',
          (at: string) => {
            for (const name of readdirSync(at)) rmSync(join(at, name), { recursive: true });
          },
        ],
        ['h-3', (at: string) => rmSync(at, { recursive: true })],
      ] as const) {
        await rig.ensure(key);
        const at = rig.worktree(key);
        const change = { key, branch: `orchestrate/${key}`, path: at, contained: ['main'] };
        const head = rig.run(['rev-parse', 'HEAD'], at);
        rig.run(['update-ref', `refs/orchestrate/saved/${key}/clean`, head]);
        const note = `${head} refs/orchestrate/saved/${key}/clean\n`;
        half(at);
        assert.equal((await find(change)).held.length > 0, key === 'h-1' || key === 'h-2');
        writeFileSync(join(rig.commonDir, 'worktrees', key, 'orchestrate-removal'), note);
        assert.ok((await remove(change)).removed);
        assert.ok(!existsSync(at));
      }
    });

    it('keeps by a new saved ref what came since it was cut off', async () => {
      const saved = `refs/orchestrate/saved/${KEY}/clean`;
      const head = rig.run(['rev-parse', 'HEAD'], path);
      rig.run(['update-ref', saved, head]);
      writeFileSync(join(rig.commonDir, 'worktrees', KEY, 'orchestrate-removal'), `${head} ${saved}\n`);
      const late = rig.commit('late.txt', 'late\n', path);
      rig.run(['reset', '--quiet', '--hard', head], path);
      const removal = await remove();
      assert.ok(removal.removed && removal.saved === `${saved}-2`, JSON.stringify(removal));
      rig.run(['merge-base', '--is-ancestor', late, removal.saved]);
    });

    it('is given up, with all put back, when work was added meanwhile', async () => {
      const head = rig.run(['rev-parse', 'HEAD'], path);
      const marker = join(rig.commonDir, 'worktrees', KEY, 'orchestrate-removal');
      writeFileSync(marker, `${head} refs/heads/main\n`);
      rmSync(join(path, 'a.txt'));
      rig.write('new.txt', 'new', path);
      assert.equal((await remove()).removed, false);
      assert.equal(rig.read('a.txt', path), 'first\n');
      assert.ok(!existsSync(marker));
      writeFileSync(marker, `${head} refs/heads/main\n`);
      rmSync(join(path, 'a.txt'));
      // The stream was wanted again: its worktree is made whole before anybody works in it.
      assert.equal(await rig.ensure(KEY, { ours: true }), 'repaired');
      assert.equal(rig.read('a.txt', path), 'first\n');
      assert.ok(!existsSync(marker));
    });
  });

  describe('disposable patterns', () => {
    const rows: readonly [
      patterns: readonly string[],
      path: string,
      isDirectory: boolean,
      matches: boolean,
    ][] = [
      [['node_modules/'], 'node_modules', true, true],
      [['node_modules/'], 'a/b/node_modules', true, true],
      [['node_modules/'], 'node_modules', false, false],
      [['node_modules/'], 'my_node_modules', true, false],
      [['*.pyc'], 'a/b.pyc', false, true],
      [['*.pyc'], 'a/b.pyc.txt', false, false],
      [['/dist'], 'dist', true, true],
      [['/dist'], 'a/dist', true, false],
      [['a/*/c'], 'a/b/c', false, true],
      [['a/*/c'], 'a/b/b/c', false, false],
      [['a/**/c'], 'a/c', false, true],
      [['a/**/c'], 'a/x/y/c', false, true],
      [['build/', '!keep/build/'], 'build', true, true],
      [['build', '!/keep/build'], 'keep/build', true, false],
      [['a?c'], 'abc', false, true],
      [['a.c'], 'abc', false, false],
      [['', '/', '!'], 'x', true, false],
    ];
    for (const [patterns, path, isDirectory, matches] of rows)
      it(`${patterns.join(' ')} ${matches ? 'names' : 'does not name'} ${path}`, () =>
        assert.equal(disposableRule(patterns)(path, isDirectory), matches));
  });

  describe('whatever was done in a worktree', () => {
    /** Things that agents and users do; what git refuses at the time is left undone. */
    const DEEDS: Readonly<Record<string, () => void>> = {
      edit: () => rig.write('a.txt', `${Math.random()}\n`, path),
      add: () => rig.write('new.txt', 'new\n', path),
      ignored: () => rig.write('x.secret', 'secret\n', path),
      disposable: () => rig.write('node_modules/x.js', 'x\n', path),
      hide: () => {
        rig.run(['update-index', '--skip-worktree', 'b.txt'], path);
        rig.write('b.txt', 'hidden\n', path);
      },
      commit: () => void rig.commit('c.txt', `${Math.random()}\n`, path),
      amend: () => void rig.run(['commit', '--quiet', '--amend', '-m', `Amended ${Math.random()}`], path),
      reset: () => void rig.run(['reset', '--quiet', '--hard', 'HEAD~1'], path),
      clean: () => void rig.run(['clean', '--quiet', '-fdx'], path),
      restore: () => void rig.run(['checkout', '--quiet', '--', '.'], path),
      detach: () => void rig.run(['checkout', '--quiet', '--detach'], path),
      back: () => void rig.run(['checkout', '--quiet', BRANCH], path),
      stash: () => void rig.run(['stash', '--quiet', '--include-untracked'], path),
      pop: () => void rig.run(['stash', 'pop', '--quiet'], path),
      rebase: () => void rig.run(['rebase', '--quiet', 'HEAD~1', '--exec', 'false'], path),
      abort: () => void rig.run(['rebase', '--abort'], path),
      gc: () => void rig.run(['gc', '--quiet', '--prune=now']),
      land: () => void rig.run(['merge', '--quiet', '--no-edit', BRANCH]),
      vanish: () => rmSync(path, { recursive: true, force: true }),
    };

    it('a removal leaves every commit reachable, and every byte in the worktree or in what is saved', async () => {
      let removals = 0;
      const deeds = fc.array(fc.constantFrom(...Object.keys(DEEDS)), { minLength: 1, maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(deeds, async (names) => {
          rig.remove();
          rig = createRig();
          rig.commit('.gitignore', 'node_modules/\n*.secret\n');
          await rig.ensure(KEY);
          path = rig.worktree(KEY);
          rig.commit('work.txt', 'work\n', path);
          for (const name of [...names, 'land']) attempt(DEEDS[name]);
          const [before, commits] = [bytesOfWorktree(), commitsAnywhere()];
          const removal = await remove();
          if (!removal.removed) assert.deepEqual(bytesOfWorktree(), before);
          else {
            removals += 1;
            checkKept(before, commits, String(removal.saved));
          }
        }),
        { numRuns: 12, seed: 20260701 },
      );
      assert.ok(removals > 0, `${removals} removals`);
    });

    const bytesOfWorktree = () =>
      existsSync(path) ? bytesBelow(path).filter(([name]) => name !== '.git') : [];

    function checkKept(
      bytes: readonly [string, string][],
      commits: ReadonlySet<string>,
      saved: string,
    ): void {
      const kept = new Set(rig.run(['rev-list', '--all']).split('\n'));
      assert.deepEqual(
        [...commits].filter((sha) => !kept.has(sha)),
        [],
      );
      const worth = bytes.filter(([name]) => !name.startsWith('node_modules'));
      for (const [name, sum] of worth)
        assert.equal(sha256(execFileSync('git', ['show', `${saved}:${name}`], { cwd: rig.root })), sum, name);
    }

    function attempt(deed: (() => void) | undefined): void {
      try {
        deed?.();
      } catch (error) {
        if (!(error instanceof Error)) throw error;
      }
    }
  });
});
