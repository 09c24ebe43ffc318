/** What a worktree is dirty with before its agent begins does not count; what is changed since does. */
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createRig, type GitRig } from '../support/git-rig.ts';

let rig: GitRig;
let path: string;
let base: string;
describe('git born dirty', () => {
  /** Committed with CRLF before .gitattributes said otherwise. */
  beforeEach(async () => {
    rig = createRig();
    rig.commit('crlf.txt', 'one\r\ntwo\r\n');
    rig.commit('other.txt', 'x\r\ny\r\n');
    rig.commit('package-lock.json', '{}\n');
    base = rig.commit('.gitattributes', '*.txt text eol=lf\n');
    await rig.ensure('k', { baseSha: base });
    path = rig.worktree('k');
    // Else git trusts the times of a file that was written in an earlier second than the index.
    for (const name of ['crlf.txt', 'other.txt']) utimesSync(join(path, name), 1_700_000_000, 1_700_000_000);
  });
  afterEach(() => rig.remove());

  const facts = async () => {
    const found = await rig.git.inspect({ path, branch: 'orchestrate/k', baseSha: base, parents: [base] });
    return { changed: found.changed, untracked: found.untracked, born: found.bornDirty };
  };

  it('what the repository and set-up make dirty is told apart, and left out while it is unchanged', async () => {
    rig.write('package-lock.json', '{"set": "up"}\n', path);
    rig.write('made by set-up/x', 'x', path);
    assert.deepEqual(await rig.git.noteBornDirty(path), {
      repository: ['crlf.txt', 'other.txt'],
      setup: ['package-lock.json', 'made by set-up/x'],
    });
    const born = ['crlf.txt', 'other.txt', 'package-lock.json', 'made by set-up/x'];
    assert.deepEqual(await facts(), { changed: [], untracked: [], born });
    utimesSync(join(path, 'package-lock.json'), 1, 1);
    assert.deepEqual(await facts(), { changed: [], untracked: [], born }, 'touched, not changed');
    appendFileSync(join(path, 'crlf.txt'), 'by the agent\r\n');
    rig.write('package-lock.json', '{"by": "agent"}\n', path);
    rig.write('made by set-up/x', 'longer', path);
    rig.write('new.txt', 'new\n', path);
    assert.deepEqual(await facts(), {
      changed: ['crlf.txt', 'package-lock.json'],
      untracked: ['made by set-up/x', 'new.txt'],
      born: ['other.txt'],
    });
    rig.run(['add', 'other.txt'], path);
    assert.ok((await facts()).changed.includes('other.txt'), 'staged by the agent');
  });

  it('a note that somebody wrote over says nothing: what it was about counts as changed', async () => {
    rig.write('package-lock.json', '{"set": "up"}\n', path);
    await rig.git.noteBornDirty(path);
    const note = join(
      rig.run(['rev-parse', '--absolute-git-dir'], path).trim(),
      'orchestrate-born-dirty.json',
    );
    for (const text of [
      '{"half',
      '[1]',
      '{"package-lock.json": {"0": 1}}',
      '{"package-lock.json": [1, 2, 3]}',
    ]) {
      writeFileSync(note, text);
      const { changed, born } = await facts();
      assert.deepEqual([changed, born], [['package-lock.json'], ['crlf.txt', 'other.txt']], text);
    }
  });

  it('what somebody changed before a set-up that is done again stays theirs, what a failed one left does not', async () => {
    rig.write('package-lock.json', '{"set": "up"}\n', path);
    await rig.git.noteBornDirty(path, []);
    rig.write('b.txt', 'by the user\n', path);
    rig.write('new.txt', 'by the user\n', path);
    const dirty = await rig.git.dirtyFiles(path);
    assert.deepEqual([...dirty], ['b.txt', 'new.txt']);
    rig.write('made', 'by set-up', path);
    await rig.git.noteBornDirty(path, ['crlf.txt', ...dirty]);
    const born = ['crlf.txt', 'other.txt', 'package-lock.json', 'made'];
    assert.deepEqual(await facts(), { changed: ['b.txt'], untracked: ['new.txt'], born });
  });

  it('a file that only git calls modified is left out, noted or not, and a changed mode is not', async () => {
    assert.deepEqual(await facts(), { changed: [], untracked: [], born: ['crlf.txt', 'other.txt'] });
    chmodSync(join(path, 'crlf.txt'), 0o755);
    assert.deepEqual((await facts()).changed, ['crlf.txt']);
  });

  it('left-overs are committed without what was dirty from the start', async () => {
    await rig.git.noteBornDirty(path);
    rig.write('a.txt', 'left\n', path);
    const head = await rig.git.commitTracked(path, 'Left over');
    assert.equal(rig.run(['diff', '--name-only', base, head]), 'a.txt');
    assert.equal(await rig.git.commitTracked(path, 'Again'), head);
  });

  it('a commit that comes out dirty is found beforehand, and nothing is left of the look', async () => {
    const before = rig.run(['status', '--porcelain', '--ignored']) + rig.run(['worktree', 'list']);
    assert.deepEqual(await rig.git.dirtyWhenCheckedOut(base), ['crlf.txt', 'other.txt']);
    assert.equal(rig.run(['status', '--porcelain', '--ignored']) + rig.run(['worktree', 'list']), before);
    assert.deepEqual(
      readdirSync(rig.commonDir).filter((name) => name.startsWith('orchestrate-')),
      [],
    );
    rig.run(['add', '--renormalize', '.']);
    rig.run(['commit', '--quiet', '-m', 'Normalize']);
    assert.deepEqual(await rig.git.dirtyWhenCheckedOut(rig.run(['rev-parse', 'HEAD'])), []);
  });
});
