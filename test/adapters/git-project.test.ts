/** The project is found from wherever a person or a worker stands, by reading files alone. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { explainNoProject, findProject } from '../../src/git/project.ts';
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

  it('works with no git in PATH, since it starts no process', () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nonexistent';
    try {
      assert.equal(findProject(join(rig.home, 'side'))?.root, rig.root);
    } finally {
      process.env['PATH'] = path;
    }
  });

  it('finds a submodule as a project of its own, also from a worktree of it', () => {
    const inner = createRig();
    try {
      rig.run(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'module']);
      const module = join(rig.root, 'module');
      assert.equal(findProject(module)?.root, module);
      assert.equal(findProject(module)?.commonDir, join(rig.root, '.git', 'modules', 'module'));
      rig.run(['worktree', 'add', '--quiet', '-b', 'x', join(rig.home, 'module-side')], module);
      assert.equal(findProject(join(rig.home, 'module-side'))?.root, module);
    } finally {
      inner.remove();
    }
  });

  it('answers null outside any repository and explains with exit 3 what to type', () => {
    assert.equal(findProject(rig.home), null);
    const error = explainNoProject(rig.home);
    assert.equal(error.exitCode, 3);
    assert.match(error.message, /not inside a git repository/);
    assert.match(error.fix, /git init/);
  });

  it('answers null in a bare repository and in a worktree of it, and says that it is bare', () => {
    const bare = join(rig.home, 'bare.git');
    rig.run(['clone', '--quiet', '--bare', rig.root, bare]);
    rig.run(['worktree', 'add', '--quiet', '-b', 'y', join(rig.home, 'of-bare')], bare);
    for (const place of [bare, join(bare, 'refs'), join(rig.home, 'of-bare')]) {
      assert.equal(findProject(place), null, place);
      assert.match(explainNoProject(place).message, /is bare/);
    }
  });

  it('answers null where a .git file points nowhere, rather than taking the repository around it', () => {
    const broken = join(rig.root, 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, '.git'), 'gitdir: /nonexistent/worktrees/x\n');
    assert.equal(findProject(broken), null);
    assert.match(explainNoProject(broken).message, /points to a git directory that does not exist/);
    rmSync(broken, { recursive: true });
  });

  it('answers null for a directory that does not exist', () => {
    assert.equal(findProject(join(rig.home, 'gone')), null);
    assert.match(explainNoProject(join(rig.home, 'gone')).message, /no such directory/);
  });
});
