/** What a branch contains of streams' work: as commits, as what they became when they landed, and by content. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Candidate } from '../../src/git/types.ts';
import { createRig, type GitRig } from '../support/git-rig.ts';

describe('contained', () => {
  let rig: GitRig;
  let start: string;
  beforeEach(() => {
    rig = createRig();
    start = rig.run(['rev-parse', 'HEAD']);
  });
  afterEach(() => rig.remove());

  /** A commit on top of another, on no branch. */
  const work = (on: string, path: string, text: string): string => {
    rig.run(['checkout', '--quiet', '--detach', on]);
    const sha = rig.commit(path, text);
    rig.run(['checkout', '--quiet', 'main']);
    return sha;
  };
  const candidate = (key: string, base: string, head: string, more: Partial<Candidate> = {}): Candidate => ({
    key,
    base,
    head,
    after: [],
    landings: [],
    ...more,
  });
  const containedIn = async (...candidates: Candidate[]): Promise<string[]> => [
    ...(await rig.git.contained(rig.run(['rev-parse', 'main']), candidates)),
  ];
  const squash = (sha: string, base: string): string => {
    rig.run(['diff', '--binary', `--output=${rig.root}.patch`, base, sha]);
    rig.run(['apply', '--index', `${rig.root}.patch`]);
    rig.run(['commit', '--quiet', '-m', 'squashed']);
    return rig.run(['rev-parse', 'HEAD']);
  };

  it('finds what is there as commits, and not what is not there or only begun', async () => {
    const a = work(start, 'a1.txt', 'a\n');
    const b = work(start, 'b1.txt', 'b\n');
    const more = work(a, 'a2.txt', 'more\n');
    rig.run(['merge', '--quiet', '--no-ff', '-m', 'merge', a]);
    const before = rig.refs();
    assert.deepEqual(
      await containedIn(candidate('a', start, a), candidate('b', start, b), candidate('more', start, more)),
      ['a'],
    );
    assert.equal(rig.refs(), before);
  });

  it('finds what was squashed, picked or rebased, also when the branch went on in the same files', async () => {
    const a = work(start, 'a1.txt', 'a\nb\nc\n');
    const b = work(work(start, 'b1.txt', '1\n'), 'b2.txt', '2\n');
    rig.commit('other.txt', 'other\n');
    squash(a, start);
    rig.run(['cherry-pick', `${start}..${b}`]);
    assert.deepEqual(await containedIn(candidate('a', start, a), candidate('b', start, b)), ['a', 'b']);
    rig.commit('a1.txt', 'a\nb changed since\nc\n');
    rig.commit('b2.txt', 'rewritten\n');
    assert.deepEqual(await containedIn(candidate('a', start, a), candidate('b', start, b)), ['a', 'b']);
  });

  it('sees work that moves a submodule, also one that git is told to look away from', async () => {
    rig.commit('.gitmodules', '[submodule "lib"]\npath = lib\nurl = ./lib\nignore = all\n');
    const at = (sha: string): string => {
      rig.run(['update-index', '--add', '--cacheinfo', `160000,${sha},lib`]);
      rig.run(['commit', '--quiet', '-m', `lib at ${sha}`]);
      return rig.run(['rev-parse', 'HEAD']);
    };
    const base = at(start);
    rig.run(['checkout', '--quiet', '--detach', base]);
    const moved = at(base);
    rig.run(['checkout', '--quiet', 'main']);
    assert.deepEqual(await containedIn(candidate('a', base, moved)), []);
    at(base);
    assert.deepEqual(await containedIn(candidate('a', base, moved)), ['a']);
  });

  it('tells files apart whose names are not UTF-8', async () => {
    const blobOf = (text: string): string => {
      rig.write('blob.txt', text);
      return rig.run(['hash-object', '-w', 'blob.txt']);
    };
    const add = (blob: string, ...names: number[]): string => {
      const lines = names.flatMap((name) => [Buffer.from(`100644 ${blob}\t`), Buffer.from([name, 0])]);
      const input = Buffer.concat(lines);
      execFileSync('git', ['update-index', '-z', '--add', '--index-info'], { cwd: rig.root, input });
      rig.run(['commit', '--quiet', '-m', 'add']);
      return rig.run(['rev-parse', 'HEAD']);
    };
    const blob = blobOf('work\n');
    const both = add(blob, 0xfe, 0xff);
    rig.run(['reset', '--quiet', '--hard', start]);
    add(blob, 0xff);
    assert.deepEqual(await containedIn(candidate('both', start, both)), []);
    add(blob, 0xfe);
    assert.deepEqual(await containedIn(candidate('both', start, both)), ['both']);
  });

  it('finds work of which every line is there by other commits', async () => {
    rig.commit('long.txt', `${Array.from({ length: 20 }, (_, at) => `line ${at}`).join('\n')}\n`);
    const base = rig.run(['rev-parse', 'main']);
    const changed = (from: number, to: number) =>
      `${Array.from({ length: 20 }, (_, at) => (at === from || at === to ? `new ${at}` : `line ${at}`)).join('\n')}\n`;
    const a = work(base, 'long.txt', changed(2, 2));
    rig.commit('long.txt', changed(2, 17));
    assert.deepEqual(await containedIn(candidate('a', base, a)), ['a']);
  });

  it('counts no work whose lines were taken out again, unless its own record says that it landed', async () => {
    const a = work(start, 'a1.txt', 'a\n');
    const squashed = squash(a, start);
    rig.run(['revert', '--no-edit', squashed]);
    assert.deepEqual(await containedIn(candidate('a', start, a)), []);
    const landings = [{ head: a, commits: [squashed] }];
    assert.deepEqual(await containedIn(candidate('a', start, a, { landings })), ['a']);
    rig.run(['reset', '--quiet', '--hard', start]);
    assert.deepEqual(await containedIn(candidate('a', start, a, { landings })), []);
  });

  it('finds no work by content before what it builds on: it may undo that', async () => {
    const a = work(start, 'a.txt', 'changed by a\n');
    const undone = work(a, 'a.txt', rig.run(['show', `${start}:a.txt`]).concat('\n'));
    const both = [candidate('a', start, a), candidate('b', a, undone, { after: ['a'] })];
    assert.deepEqual(await containedIn(...both), []);
    rig.run(['merge', '--quiet', '--no-ff', '-m', 'merge', undone]);
    assert.deepEqual(await containedIn(...both), ['a', 'b']);
  });

  it('takes a stream that changed nothing for landed once what it builds on is', async () => {
    const a = work(start, 'a1.txt', 'a\n');
    const both = [candidate('a', start, a), candidate('b', a, a, { after: ['a'] })];
    assert.deepEqual(await containedIn(...both), []);
    squash(a, start);
    assert.deepEqual(await containedIn(...both), ['a', 'b']);
  });

  it('says nothing of commits that are gone, and of the others all the same', async () => {
    const a = work(start, 'a1.txt', 'a\n');
    rig.run(['merge', '--quiet', '--ff-only', a]);
    const gone = 'd'.repeat(40);
    const landings = [{ head: gone, commits: [gone] }];
    assert.deepEqual(
      await containedIn(candidate('x', gone, a, { landings }), candidate('y', start, gone, { landings })),
      ['x'],
    );
  });

  it('leaves no object behind when it compares content', async () => {
    const a = work(start, 'a.txt', 'a\n');
    rig.commit('a.txt', 'something else\n');
    const before = rig.run(['count-objects', '-v']);
    assert.deepEqual(await containedIn(candidate('a', start, a)), []);
    assert.equal(rig.run(['count-objects', '-v']), before);
  });
});
