/** Worktrees made before their stream can start: moved to its base, given to it, taken away; nothing that somebody did there is lost. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createGit } from '../../src/git/git.ts';
import type { Git } from '../../src/git/types.ts';
import { createRig, type GitRig } from '../support/git-rig.ts';

let rig: GitRig;
let path: string;
describe('git ahead', () => {
  beforeEach(() => {
    rig = createRig();
    path = rig.worktree('k');
  });
  afterEach(() => rig.remove());

  const branch = 'orchestrate/k';
  const head = () => rig.run(['rev-parse', 'HEAD']);
  const make = (sha: string, bases: readonly string[] = []) =>
    rig.git.makeAhead({ path, branch, key: 'k', sha, bases });
  const take = (baseSha: string, aheadBases: readonly string[] = []) =>
    rig.git.ensureWorktree({ path, branch, key: 'k', baseSha, ours: false, aheadBases });
  const inside = (...args: string[]) => rig.run(args, path);
  const branches = () => rig.run(['for-each-ref', '--format=%(refname:short)', 'refs/heads/orchestrate']);
  const lock = () => readFileSync(join(rig.commonDir, 'worktrees/k/locked'), 'utf8').trim();
  const discard = async (bases: readonly string[]) => {
    const place = { key: 'k', path, branch, branchMade: false, contained: bases, made: null, disposable: [] };
    const request = { stream: 'K', reason: 'not needed', others: () => [] };
    return rig.git.remove(place, { ...(await rig.git.shared()), tips: new Map() }, request);
  };

  it('is on no branch, follows what its stream will start from, and is on its branch there once that starts', async () => {
    const first = head();
    assert.equal(await make(first), 'made');
    assert.equal(await make(first, [first]), 'there');
    assert.deepEqual([branches(), lock()], ['', 'orchestrate k, ahead of need']);
    await rig.git.checkNames({ path, branch, key: 'k', ours: false });
    const second = rig.commit('b.txt', 'newer\n');
    assert.equal(await make(second, [first]), 'moved');
    const third = rig.commit('c.txt', 'third\n');
    writeFileSync(join(path, 'untouched'), '');
    const before = rig.commands.length;
    assert.equal(await take(third, [second, first]), 'taken over');
    const asked = rig.commands.slice(before);
    assert.ok(!asked.some((line) => /worktree add|for-each-ref|status/.test(line)), asked.join('\n'));
    assert.deepEqual([inside('rev-parse', 'HEAD'), inside('branch', '--show-current')], [third, branch]);
    assert.equal(inside('status', '--porcelain'), '?? untouched');
    assert.equal(lock(), 'orchestrate k');
    assert.equal(
      await rig.git.ensureWorktree({ path, branch, key: 'k', baseSha: third, ours: true }),
      'reused',
    );
  });

  it('touches no file where it is on its base already, also one that somebody has changed', async () => {
    const first = head();
    await make(first);
    rig.write('b.txt', 'mine\n', path);
    const before = rig.commands.length;
    assert.equal(await take(first, [first]), 'taken over');
    assert.ok(!rig.commands.slice(before).some((line) => line.startsWith('git checkout')));
    assert.deepEqual(
      [inside('branch', '--show-current'), inside('status', '--porcelain')],
      [branch, ' M b.txt'],
    );
  });

  it('is finished wherever a kill left it: half made, half given away, its directory gone', async () => {
    const [first, second] = [head(), rig.commit('b.txt', 'newer\n')];
    const log = ['--create-reflog', '-m', 'orchestrate: made for a stream'];
    const creation = ['update-ref', ...log, `refs/heads/${branch}`];
    const cuts: Record<string, (() => void) | null> = {
      'without an index': () => {
        rmSync(join(rig.commonDir, 'worktrees/k/index'));
        writeFileSync(join(path, 'b.txt'), '');
      },
      'without its directory': () => rmSync(path, { recursive: true }),
      'with the branch made': () => void rig.run([...creation, second]),
      'on its branch, locked as before': () => {
        rig.run([...creation, second]);
        inside('checkout', '--quiet', branch);
      },
    };
    for (const [what, cut] of Object.entries(cuts)) {
      await make(first);
      cut?.();
      // Of what had to be completed, what set-up made may be gone.
      const lacks = /without/.test(what);
      if (!branches()) assert.equal(await make(first, [first]), lacks ? 'repaired' : 'there', what);
      cut?.();
      assert.equal(await take(second, [first]), lacks ? 'repaired' : 'taken over', what);
      const state = [
        inside('rev-parse', 'HEAD'),
        inside('branch', '--show-current'),
        inside('status', '--porcelain'),
      ];
      assert.deepEqual([...state, lock()], [second, branch, '', 'orchestrate k'], what);
      rig.run(['worktree', 'unlock', path]);
      rig.run(['worktree', 'remove', path]);
      rig.run(['branch', '--quiet', '-D', branch]);
    }
  });

  it('a removal that was cut off is undone, once, and what is left of it is set up again', async () => {
    const first = head();
    await make(first);
    const cutOff = () => {
      writeFileSync(
        join(rig.commonDir, 'worktrees/k/orchestrate-removal'),
        `${first} refs/orchestrate/saved/k/x\n`,
      );
      for (const name of ['b.txt', '.git']) rmSync(join(path, name));
      rig.write('a.txt', 'mine\n', path);
    };
    const ways = { make: () => make(first, [first]), take: () => take(first, [first]) };
    for (const [what, finish] of Object.entries(ways)) {
      cutOff();
      assert.equal(await finish(), 'repaired', what);
      assert.equal(inside('status', '--porcelain'), ' M a.txt', what);
      // What is deleted there from now on is its agent's doing.
      rmSync(join(path, 'b.txt'));
      assert.equal(await finish(), what === 'make' ? 'there' : 'reused', what);
      assert.equal(inside('status', '--porcelain'), ' M a.txt\n D b.txt', what);
      inside('checkout', '--quiet', 'b.txt');
    }
  });

  it('what set-up changed makes way for what its stream starts from, and is set up again; what was changed since does not', async () => {
    const first = head();
    await make(first);
    const setUp = async () => {
      for (const name of ['b.txt', 'new.txt']) rig.write(name, 'by set-up\n', path);
      await rig.git.noteBornDirty(path);
    };
    const contents = () => ['a.txt', 'b.txt', 'new.txt'].map((name) => rig.read(name, path));
    await setUp();
    rig.write('a.txt', 'mine\n', path);
    const second = rig.commit('b.txt', 'newer\n');
    assert.equal(await make(second, [first]), 'repaired');
    assert.deepEqual(contents(), ['mine\n', 'newer\n', 'by set-up\n']);
    inside('checkout', '--quiet', 'a.txt');
    await setUp();
    const third = rig.commit('new.txt', 'newest\n');
    rig.write('new.txt', 'mine\n', path);
    await assert.rejects(take(third, [second]), /stand in the way: new\.txt/);
    await setUp();
    assert.equal(await take(third, [second]), 'repaired');
    assert.deepEqual([...contents().slice(1), lock()], ['by set-up\n', 'newest\n', 'orchestrate k']);
  });

  it('what a checkout that was cut off had written makes way, also where what its stream starts from has moved since', async () => {
    const first = head();
    await make(first);
    rig.commit('new.txt', 'new\n');
    const second = rig.commit('b.txt', 'newer and longer\n');
    rig.write('b.txt', 'newer and', path);
    rig.write('new.txt', '', path);
    assert.equal(await make(second, [second, first]), 'repaired');
    assert.equal(inside('status', '--porcelain'), '');
    const third = rig.commit('b.txt', 'third\n');
    rig.write('b.txt', 'third', path);
    const fourth = rig.commit('b.txt', 'fourth\n');
    assert.equal(await take(fourth, [third, second]), 'repaired');
    assert.equal(inside('status', '--porcelain'), '');
    assert.equal(rig.read('b.txt', path), 'fourth\n');
  });

  it('a lock that a killed checkout has left goes; one that a process holds, or may come back to, stays and is named', async () => {
    const first = head();
    await make(first);
    const second = rig.commit('b.txt', 'newer\n');
    const held = join(rig.commonDir, 'worktrees/k/index.lock');
    const impatient = createGit({ root: rig.root, commonDir: rig.commonDir, lockWaitMs: 0 });
    const ways = {
      make: (git: Git) => git.makeAhead({ path, branch, key: 'k', sha: second, bases: [first] }),
      take: (git: Git) =>
        git.ensureWorktree({ path, branch, key: 'k', baseSha: second, ours: false, aheadBases: [first] }),
    };
    const processes = {
      'has it open': [`exec 9> '${held}'; echo; exec sleep 600`, rig.root],
      'works there': [`: > '${held}'; echo; exec sleep 600`, path],
    } as const;
    for (const [what, [script, cwd]] of Object.entries(processes)) {
      using other = spawn('sh', ['-c', script], { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
      await once(other.stdout, 'data');
      await assert.rejects(ways.make(impatient), { message: /held up by the lock .*index\.lock/ }, what);
      assert.ok(existsSync(held), what);
      other.kill('SIGKILL');
      await once(other, 'close');
      rmSync(held);
    }
    for (const way of Object.values(ways)) {
      inside('checkout', '--quiet', '--detach', first);
      for (const name of ['index.lock', 'HEAD.lock'])
        writeFileSync(join(rig.commonDir, 'worktrees/k', name), '');
      await way(impatient);
      assert.deepEqual([inside('rev-parse', 'HEAD'), inside('status', '--porcelain')], [second, '']);
    }
  });

  it('what somebody wrote or committed there is never moved over, and never taken away', async () => {
    const first = head();
    await make(first);
    const second = rig.commit('b.txt', 'newer\n');
    const refused = async (what: string, said: RegExp) => {
      const before = [inside('rev-parse', 'HEAD'), readFileSync(join(path, 'b.txt'), 'utf8')];
      await assert.rejects(make(second, [first]), said, what);
      await assert.rejects(take(second, [first]), said, what);
      assert.equal((await discard([first])).removed, false, what);
      assert.deepEqual(
        [inside('rev-parse', 'HEAD'), readFileSync(join(path, 'b.txt'), 'utf8')],
        before,
        what,
      );
      rig.run(['update-ref', '-d', `refs/heads/${branch}`]);
    };
    rig.write('b.txt', 'mine\n', path);
    await refused('a changed file', /files in it stand in the way: b\.txt/);
    inside('update-index', '--assume-unchanged', 'b.txt');
    await refused('a file that git looks away from', /looked away from/);
    inside('update-index', '--no-assume-unchanged', 'b.txt');
    inside('checkout', '--quiet', 'b.txt');
    inside('commit', '--quiet', '--allow-empty', '-m', 'Mine');
    await refused('a commit', /commits that no branch has/);
    inside('reset', '--quiet', '--hard', first);
    rig.write('.git/info/exclude', '*.log\n');
    rig.write('mine.log', 'mine\n', path);
    rig.write('mine.log', 'in the repository\n');
    rig.run(['add', '--force', 'mine.log']);
    rig.run(['commit', '--quiet', '-m', 'Log']);
    await assert.rejects(make(head(), [first]), /stand in the way: mine\.log/, 'an ignored file');
    assert.equal(readFileSync(join(path, 'mine.log'), 'utf8'), 'mine\n');
    rmSync(join(path, 'mine.log'));
    rig.write('mine.txt', 'mine\n', path);
    assert.equal((await discard([first])).removed, false, 'a new file');
    assert.equal(await make(second, [first]), 'moved', 'which is in nobody’s way');
    assert.equal(readFileSync(join(path, 'mine.txt'), 'utf8'), 'mine\n');
  });

  it('is taken away with nothing in it, also where it is on a merge that no branch has; a branch of its name stays', async () => {
    const [first, second] = [head(), rig.commit('b.txt', 'newer\n')];
    const merge = rig.run(['commit-tree', '-p', first, '-p', second, '-m', 'Merge', `${second}^{tree}`]);
    await make(merge);
    rig.run(['branch', branch, first]);
    const removal = await discard([merge]);
    assert.deepEqual([removal.removed, existsSync(path), branches()], [true, false, branch]);
    await assert.rejects(make(first), /was not made by orchestrate/);
  });

  it('names the files that differ, those of submodules too, and those that patterns name', async () => {
    // It says that git is to look away from the submodule.
    const first = rig.commit('.gitmodules', '[submodule "lib"]\npath = lib\nurl = ./lib\nignore = all\n');
    rig.commit('web/package-lock.json', '{}\n');
    rig.run(['update-index', '--add', '--cacheinfo', `160000,${first},lib`]);
    rig.run(['commit', '--quiet', '-m', 'Submodule']);
    const all = await rig.git.differing(first, head());
    assert.deepEqual(all, [
      { path: 'lib', submodule: true },
      { path: 'web/package-lock.json', submodule: false },
    ]);
    assert.deepEqual(await rig.git.differing(first, head(), ['**/*.json']), all.slice(1));
  });

  it('a copy that nobody has changed follows its original', async () => {
    rig.commit('.gitignore', '.env*\n');
    rig.commit('.worktreeinclude', '.env*\n');
    for (const name of ['.env', '.env.mine']) rig.write(name, 'old\n');
    await make(head());
    const furnish = () => rig.git.furnishWorktree({ path, symlink: [] });
    await furnish();
    rig.write('.env.mine', 'changed here\n', path);
    for (const name of ['.env', '.env.mine', '.env.new']) rig.write(name, 'a newer one\n');
    await furnish();
    await furnish();
    assert.deepEqual(
      ['.env', '.env.mine', '.env.new'].map((name) => readFileSync(join(path, name), 'utf8')),
      ['a newer one\n', 'changed here\n', 'a newer one\n'],
    );
  });
});
