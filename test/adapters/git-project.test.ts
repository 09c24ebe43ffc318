/** The project is found from wherever a user or an agent stands, by what git says. */
import assert from 'node:assert/strict';
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findProject, forgetProject, rememberProject } from '../../src/git/find-project.ts';
import { plainRepository } from '../../src/git/plain-repository.ts';
import { createRig, type GitRig } from '../support/git-rig.ts';

const notRoot = process.getuid?.() === 0 ? false : 'only root may give a directory to another user';

describe('findProject', () => {
  let rig: GitRig;
  before(() => {
    rig = createRig({ name: 'pro ject 🚀' });
    mkdirSync(join(rig.root, 'src', 'deep'), { recursive: true });
    rig.run(['worktree', 'add', '--quiet', '-b', 'side', join(rig.home, 'side')]);
  });
  after(() => rig.remove());

  it('finds the main checkout from the top, from below, from inside .git and from a worktree', () => {
    const expected = { root: rig.root, commonDir: rig.commonDir };
    mkdirSync(join(rig.home, 'side', 'sub'));
    for (const place of [
      rig.root,
      join(rig.root, 'src', 'deep'),
      join(rig.root, '.git', 'refs'),
      join(rig.home, 'side'),
      join(rig.home, 'side', 'sub'),
    ]) {
      assert.deepEqual(findProject(place), expected, place);
    }
  });

  it('says that git is missing when it is', () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nonexistent';
    try {
      assert.throws(() => findProject(join(rig.root, '.git')), { exitCode: 3, message: /git was not found/ });
    } finally {
      process.env['PATH'] = path;
    }
  });

  it('finds a submodule as a project of its own, also from a worktree of it', () => {
    const inner = createRig();
    try {
      rig.run(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'module']);
      const module = join(rig.root, 'module');
      assert.equal(findProject(module).root, module);
      assert.equal(findProject(module).commonDir, join(rig.root, '.git', 'modules', 'module'));
      rig.run(['worktree', 'add', '--quiet', '-b', 'x', join(rig.home, 'module-side')], module);
      assert.equal(findProject(join(rig.home, 'module-side')).root, module);
    } finally {
      inner.remove();
    }
  });

  const fails = (place: string, message: RegExp) =>
    assert.throws(() => findProject(place), { exitCode: 3, message });

  it('says outside any repository what to type', () => {
    fails(rig.home, /not inside a git repository/);
    assert.throws(
      () => findProject(rig.home),
      (error: Error) => /git init/.test(Reflect.get(error, 'fix')),
    );
    fails(join(rig.home, 'gone'), /no such directory/);
  });

  it('says so where a .git file points nowhere, rather than taking the repository around it', () => {
    const broken = join(rig.root, 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, '.git'), 'gitdir: /nonexistent/worktrees/x\n');
    fails(broken, /points to a git directory that does not exist/);
    rmSync(broken, { recursive: true });
  });

  it('takes, of a bare repository, the worktree in which init was run, from any of them; above them it names them', () => {
    const layout = join(rig.home, 'layout');
    const commonDir = join(layout, '.bare');
    rig.run(['clone', '--quiet', '--bare', rig.root, commonDir]);
    writeFileSync(join(layout, '.git'), 'gitdir: ./.bare\n');
    fails(layout, /is bare: it has no checkout/);
    for (const name of ['one', 'two'])
      rig.run(['worktree', 'add', '--quiet', '-b', name, join(layout, name)], layout);
    const [one, two] = [join(layout, 'one'), join(layout, 'two')];
    assert.deepEqual(findProject(one), { root: one, commonDir });
    assert.deepEqual(findProject(two), { root: two, commonDir });
    rememberProject({ root: one, commonDir });
    assert.deepEqual(findProject(two), { root: one, commonDir });
    for (const place of [layout, commonDir, join(commonDir, 'refs')])
      fails(place, /its worktrees are .*one, .*two/);
    rig.run(['worktree', 'remove', one], layout);
    assert.deepEqual(findProject(two), { root: two, commonDir }, 'the remembered one is gone');
  });

  it('takes what git itself says of core.bare, core.worktree and a git directory elsewhere', () => {
    const [app, store, side] = ['app', 'store.git', 'of-app'].map((name) => join(rig.home, name)) as [
      string,
      string,
      string,
    ];
    rig.run(['init', '--quiet', '--separate-git-dir', store, app], rig.home);
    const named = ['-c', 'user.name=a', '-c', 'user.email=a@example.com'];
    rig.run([...named, 'commit', '--quiet', '--allow-empty', '-m', 'Start'], app);
    rig.run(['worktree', 'add', '--quiet', '-b', 'side', side], app);
    assert.deepEqual(findProject(app), { root: app, commonDir: store });
    fails(side, /does not say where its main checkout is/);
    assert.deepEqual(
      findProject(side, app),
      { root: app, commonDir: store },
      'in a run its project is known',
    );
    rememberProject({ root: app, commonDir: store });
    assert.deepEqual(findProject(side), { root: app, commonDir: store });
    forgetProject({ commonDir: store });
    fails(side, /does not say/);
    rig.run(['config', 'extensions.worktreeConfig', 'true'], app);
    rig.run(['config', '--worktree', 'core.worktree', app], app);
    assert.deepEqual(findProject(side), { root: app, commonDir: store });
    rig.run(['config', '--worktree', '--unset', 'core.worktree'], app);
    rig.run(['config', '--worktree', 'core.bare', 'true'], app);
    assert.deepEqual(findProject(side), { root: side, commonDir: store }, 'there is no main checkout');
  });

  it('stays with the project of a run in its worktrees, its submodules and outside, and nowhere else', () => {
    const other = createRig();
    try {
      const expected = { root: rig.root, commonDir: rig.commonDir };
      for (const place of [rig.root, join(rig.home, 'side'), join(rig.root, 'module'), rig.home])
        assert.deepEqual(findProject(place, rig.root), expected, place);
      assert.equal(findProject(other.root, rig.root).root, other.root);
      assert.equal(findProject(other.root, join(rig.home, 'gone')).root, other.root);
    } finally {
      other.remove();
    }
  });

  it('reads off its files what git says of an ordinary repository, and asks git about every other', () => {
    const asGit = (place: string) =>
      rig
        .run(['rev-parse', '--path-format=absolute', '--git-common-dir', '--show-toplevel'], place)
        .split('\n');
    const own = createRig();
    const config = join(own.commonDir, 'config');
    const plain = readFileSync(config, 'utf8');
    const read = (place = own.root) => plainRepository(place, {});
    try {
      const side = join(own.home, 'side');
      own.run(['worktree', 'add', '--quiet', '--detach', side]);
      mkdirSync(join(own.root, 'deep', 'er'), { recursive: true });
      own.run(['remote', 'add', 'origin', 'https://example.com/a b']);
      for (const place of [own.root, join(own.root, 'deep', 'er'), side]) {
        const found = read(place);
        assert.deepEqual([found?.commonDir, found?.top], asGit(place), place);
        assert.equal(found?.root, own.root);
      }
      for (const unusual of [
        '[core]\n\tbare = true\n',
        '[core]\n\tbare\n',
        '[core]\n\tworktree = ../elsewhere\n',
        '[core] worktree = ../elsewhere\n',
        '[core]\n\tWorkTree = ../elsewhere\n',
        '[core]\n\tworktree = 0\n',
        '[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha1\n',
        '[include]\n\tpath = more\n',
        '[a]\n\tb = "c\n',
        '[a]\n\tb = c\\\n[core]\n\tbare = true\n',
        'nonsense here\n',
      ]) {
        writeFileSync(config, `${plain}${unusual}`);
        assert.equal(read(), null, unusual);
      }
      writeFileSync(config, plain);
      assert.notEqual(read(), null);
      const common = join(own.commonDir, 'commondir');
      writeFileSync(common, `${rig.commonDir}\n`);
      assert.equal(asGit(own.root)[0], rig.commonDir);
      assert.equal(findProject(own.root).commonDir, rig.commonDir, 'it has the objects and refs of another');
      rmSync(common);
      assert.equal(plainRepository(own.root, { GIT_DISCOVERY_ACROSS_FILESYSTEM: '1' }), null);
      for (const place of [own.home, own.commonDir, join(own.commonDir, 'refs'), join(rig.root, 'module')])
        assert.equal(read(place), null, place);
      mkdirSync(join(own.root, 'deep', '.git'));
      assert.equal(read(join(own.root, 'deep')), null, 'git goes on upwards from an empty one');
      assert.equal(findProject(join(own.root, 'deep')).root, own.root);
      writeFileSync(join(own.commonDir, 'HEAD'), 'nonsense\n');
      assert.equal(read(), null);
    } finally {
      own.remove();
    }
  });

  it('leaves it to git whether the repository of another user is trusted', { skip: notRoot }, () => {
    const own = createRig();
    try {
      chownSync(own.root, 12345, 12345);
      assert.equal(plainRepository(own.root, {}), null);
      assert.throws(() => findProject(own.root), { exitCode: 3, message: /dubious ownership/ });
    } finally {
      chownSync(own.root, 0, 0);
      own.remove();
    }
  });
});
