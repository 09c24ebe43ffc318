/** Commits that name what nobody else can get: a submodule's commit that was not pushed, a big file without its content. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createRig, type GitRig } from '../support/git-rig.ts';

let rig: GitRig;
let lib: GitRig;
let path: string;
let base: string;
describe('git unshared', () => {
  beforeEach(() => {
    rig = createRig();
    lib = createRig();
    rig.run(['config', '--global', 'protocol.file.allow', 'always']);
  });
  afterEach(() => {
    lib.remove();
    rig.remove();
  });

  const unshared = async () =>
    (await rig.git.inspect({ path, branch: 'orchestrate/k', baseSha: base, parents: [base] })).unshared;
  const commitAll = () => {
    rig.run(['add', '--all'], path);
    rig.run(['commit', '--quiet', '-m', 'Work'], path);
  };
  const begin = async () => {
    base = rig.run(['rev-parse', 'HEAD']);
    await rig.ensure('k');
    path = rig.worktree('k');
  };

  it('a commit of a submodule counts as shared once it is pushed, or verified with another stream', async () => {
    rig.run(['submodule', '--quiet', 'add', lib.root, 'vendor/lib']);
    rig.run(['commit', '--quiet', '-m', 'Submodule']);
    await begin();
    rig.run(['submodule', '--quiet', 'update', '--init'], path);
    const inner = join(path, 'vendor/lib');
    rig.run(['config', 'user.name', 'A'], inner);
    rig.run(['config', 'user.email', 'a@example.com'], inner);
    const sha = rig.commit('own.txt', 'own\n', inner);
    assert.deepEqual(await unshared(), [], 'uncommitted outside: dirty, and no more');
    commitAll();
    // What git is told to look away from is asked about all the same.
    rig.run(['config', 'submodule.vendor/lib.ignore', 'all']);
    const lonely = [{ kind: 'submodule', path: 'vendor/lib', sha }];
    assert.deepEqual(await unshared(), lonely);
    await rig.git.setVerified('other', rig.run(['rev-parse', 'HEAD'], path), null);
    assert.deepEqual(await unshared(), []);
    rig.run(['update-ref', '-d', 'refs/orchestrate/verified/other']);
    assert.deepEqual(await unshared(), lonely);
    rig.run(['push', '--quiet', 'origin', 'HEAD:refs/heads/topic'], inner);
    assert.deepEqual(await unshared(), []);
    rig.run(['update-ref', '-d', 'refs/remotes/origin/topic'], inner);
    assert.deepEqual(await unshared(), [], 'the remote is on this machine, and has it');
  });

  it('a repository that was added as it is cannot be got by anybody', async () => {
    await begin();
    rig.run(['init', '--quiet', join(path, 'nested')]);
    rig.run(['config', 'user.name', 'A'], join(path, 'nested'));
    rig.run(['config', 'user.email', 'a@example.com'], join(path, 'nested'));
    const sha = rig.commit('x.txt', 'x\n', join(path, 'nested'));
    commitAll();
    assert.deepEqual(await unshared(), [{ kind: 'submodule', path: 'nested', sha }]);
  });

  it('a pointer needs its content where every worktree finds it, unless it was there before', async () => {
    const pointer = (digit: string) =>
      `version https://git-lfs.github.com/spec/v1\noid sha256:${digit.repeat(64)}\nsize 3\n`;
    rig.commit('.gitattributes', '*.bin filter=lfs\n');
    rig.commit('old.bin', pointer('0'));
    await begin();
    rig.run(['mv', 'old.bin', 'moved.bin'], path);
    rig.write('deep/new file.bin', pointer('1'), path);
    rig.write('stored.bin', pointer('2'), path);
    rig.write(`.git/lfs/objects/22/22/${'2'.repeat(64)}`, 'two');
    commitAll();
    assert.deepEqual(await unshared(), [
      { kind: 'big file', path: 'deep/new file.bin', sha: '1'.repeat(64) },
    ]);
    for (const shown of ['lineNumber', 'column']) rig.run(['config', `grep.${shown}`, 'true']);
    rig.run(['config', 'color.grep', 'always']);
    assert.equal((await unshared()).length, 1, "whatever is set for the user's own searches");
    rig.run(['config', 'grep.lineNumber', 'bogus']);
    await assert.rejects(unshared(), /grep/, 'what could not be searched is not free of pointers');
    rig.run(['config', '--unset', 'grep.lineNumber']);
    rig.write(`.git/worktrees/k/lfs/objects/11/11/${'1'.repeat(64)}`, 'one');
    assert.equal((await unshared()).length, 1, 'only in that worktree');
    rig.write(`.git/lfs/objects/11/11/${'1'.repeat(64)}`, 'one');
    assert.deepEqual(await unshared(), []);
  });
});
