/** What would keep agents from working is found before they are started. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createRig, type GitRig } from '../support/git-rig.ts';

let rig: GitRig;
describe('git readiness', () => {
  beforeEach(() => {
    rig = createRig();
  });
  afterEach(() => rig.remove());

  const head = () => rig.run(['rev-parse', 'HEAD']);
  const absent = () => rig.git.absentInWorktrees(head());

  it('says in the words of git that it knows no name', async () => {
    assert.equal(await rig.git.identityTrouble(), null);
    rig.run(['config', '--unset', 'user.email']);
    rig.run(['config', 'user.useConfigOnly', 'true']);
    assert.match(
      (await rig.git.identityTrouble()) ?? '',
      /^no email was given and auto-detection is disabled/,
    );
  });

  it('tells which names git ignores, one by one, whatever they hold', async () => {
    rig.write('.gitignore', '*.ign\n');
    const names = ['a.ign', 'new\nline.ign', '-rf.ign', 'a.txt', 'dir/"b".ign'];
    const ignored = names.filter((name) => name.endsWith('.ign'));
    assert.deepEqual(await rig.git.ignored(names), ignored);
    assert.deepEqual(await rig.git.ignored(['a.txt']), []);
  });

  it('knows how a branch stands to its upstream, by what was fetched, and when that is gone', async () => {
    const standing = () => rig.git.baseStanding('main');
    assert.equal(await standing(), null);
    const start = head();
    rig.commit('a.txt', '1\n');
    rig.run(['update-ref', 'refs/remotes/origin/main', rig.commit('a.txt', '2\n')]);
    rig.run(['reset', '--quiet', '--hard', start]);
    const behind = { upstream: 'origin/main', ahead: 0, behind: 2, gone: false };
    assert.deepEqual(await standing(), behind, 'of the branch of that name, without an upstream');
    rig.run(['remote', 'add', 'origin', '/nonexistent']);
    rig.run(['branch', '--quiet', '--set-upstream-to=origin/main']);
    rig.commit('b.txt', 'own\n');
    assert.deepEqual(await standing(), { ...behind, ahead: 1 });
    rig.run(['update-ref', '-d', 'refs/remotes/origin/main']);
    assert.deepEqual(await standing(), { upstream: 'origin/main', ahead: 0, behind: 0, gone: true });
    assert.equal(await rig.git.baseStanding('origin/main'), null);
  });

  it('finds names and places that are taken or unusable, and makes nothing', async () => {
    const check = (part: object = {}) =>
      rig.git.checkNames({
        path: rig.worktree('k'),
        branch: 'orchestrate/k',
        key: 'k',
        ours: false,
        ...part,
      });
    /** Types what a refusal says. */
    const typed = (refused: Promise<void>) =>
      refused.catch(({ fix }: { fix: string }) => execFileSync('sh', ['-c', fix], { cwd: rig.root }));
    await check();
    rig.run(['branch', 'orchestrate']);
    await assert.rejects(check(), { exitCode: 5, message: /"orchestrate" stands in the way/ });
    await check({ branch: 'agents/k' });
    rig.run(['branch', 'agents/k']);
    await assert.rejects(check({ branch: 'agents/k' }), { exitCode: 5, message: /exists already/ });
    await check({ branch: 'agents/k', ours: true });
    await typed(check({ branch: 'agents/k' }));
    await check({ branch: 'agents/k' });
    writeFileSync(join(rig.root, 'file'), '');
    const inFile = check({ branch: 'x/k', path: join(rig.root, 'file', 'k') });
    await assert.rejects(inFile, { exitCode: 3, fix: /worktree\.root/ });
    symlinkSync(rig.home, join(rig.root, 'out'));
    await assert.rejects(check({ branch: 'x/k', path: join(rig.root, 'out', 'k') }), { exitCode: 5 });
    mkdirSync(rig.worktree('k'), { recursive: true });
    await assert.rejects(check({ branch: 'x/k' }), { exitCode: 5, message: /was left as it is/ });
    await typed(check({ branch: 'x/k' }));
    await check({ branch: 'x/k' });
  });

  it('names what a worktree will lack: submodules, big files, hooks, ignored settings', async () => {
    assert.deepEqual(await absent(), { submodules: [], bigFiles: null, hooks: null, ignored: [] });
    const inner = createRig();
    try {
      const local = ['-c', 'protocol.file.allow=always'];
      rig.run([...local, 'submodule', '--quiet', 'add', inner.root, 'vendor/a lib']);
    } finally {
      inner.remove();
    }
    rig.write('.gitignore', 'hooks/\n.env\n*.local\nnode_modules/\n');
    rig.write('.gitattributes', '*.bin filter=lfs\n');
    const oid = (digit: string) => digit.repeat(64);
    for (const digit of ['1', '2'])
      rig.write(
        `${digit}.bin`,
        `version https://git-lfs.github.com/spec/v1\noid sha256:${oid(digit)}\nsize 3\n`,
      );
    rig.run(['add', '.']);
    rig.run(['commit', '--quiet', '-m', 'All']);
    rig.write(`.git/lfs/objects/11/11/${oid('1')}`, 'one');
    rig.write('hooks/pre-commit', '#!/bin/sh\n');
    for (const path of ['.env', 'config/db.local', 'notes.txt.local', 'node_modules/x/.env'])
      rig.write(path, 'x');
    rig.run(['config', 'core.hooksPath', 'hooks']);
    const lacks = {
      submodules: ['vendor/a lib'],
      bigFiles: { files: 2, absent: 1, smudges: false },
      hooks: 'hooks',
      ignored: ['.env', 'config/db.local', 'notes.txt.local'],
    };
    assert.deepEqual(await absent(), lacks);
    rig.write('.worktreeinclude', '*.local\n');
    rig.run(['config', 'core.hooksPath', 'gone']);
    rig.run(['config', 'filter.lfs.smudge', 'git-lfs smudge -- %f']);
    const { ignored, hooks, bigFiles } = await absent();
    assert.deepEqual([ignored, hooks, bigFiles?.smudges], [['.env'], null, true]);
  });
});
