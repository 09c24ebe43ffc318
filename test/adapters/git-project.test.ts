/** The project is found from wherever a user or an agent stands, by what git says. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findProject, forgetProject, rememberProject } from '../../src/git/find-project.ts';
import { createRig, type GitRig } from '../support/git-rig.ts';

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
      assert.throws(() => findProject(rig.root), { exitCode: 3, message: /git was not found/ });
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
});
