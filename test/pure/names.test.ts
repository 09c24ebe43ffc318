/** Keys: safe everywhere, distinct within an initiative, plain where the id allows it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { branchName, isKey, streamIdProblem, streamKey, worktreePath } from '../../src/core/stream-key.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const keyOf = (id: string, taken: Iterable<string> = [], initiative = 'i1') => {
  const set = new Set(taken);
  return streamKey(initiative, id, sha256, (key) => set.has(key));
};
const HOSTILE = [
  '../../x', '-rf', '$(touch pwn)', '#(touch pwn)', 'a;b', 'x;', '{start}', '1', '.', 'a.lock', '--', '@{-1}', 'HEAD',
  'a b', 'a/b', '😀', 'İ', '\u212a', 'Straße', '-', 'x'.repeat(200), `${'x'.repeat(32)}-----${'y'.repeat(50)}`, "it's", '"', '~^:?*[\\',
]; // biome-ignore format: one list
const idText = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
  fc.stringMatching(/^[-A-Za-z0-9 ./]{1,60}$/),
  fc.constantFrom(...HOSTILE),
);

test('a key differs from its id only in letter case where nothing else had to go', () => {
  assert.equal(keyOf('Stream-A'), 'stream-a');
  assert.equal(keyOf('1'), '1');
  assert.equal(keyOf('a--b-'), 'a--b-');
});

test('an id that loses more than letter case gets six digits of the hash of its initiative and itself', () => {
  const hash = sha256('i1\u0000a b').slice(0, 6);
  assert.equal(keyOf('a b'), `a-b-${hash}`);
  assert.notEqual(keyOf('a b', [], 'i2'), keyOf('a b'));
});

test('a key that is taken is told apart by the hash', () => {
  assert.match(keyOf('stream-a', ['stream-a']), /^stream-a-[0-9a-f]{6}$/);
});

test('a long id is cut without leaving dashes at the seam', () => {
  assert.match(keyOf(`${'x'.repeat(32)} ${'y'.repeat(50)}`), /^x{32}-[0-9a-f]{6}$/);
});

test('an id of which nothing is left is called s and its hash', () => {
  assert.equal(keyOf('😀😀'), `s-${sha256('i1\u0000😀😀').slice(0, 6)}`);
});

test('names of the orchestrator itself are never a key', () => {
  assert.match(keyOf('Orchestrator'), /^orchestrator-[0-9a-f]{6}$/);
  assert.match(keyOf('status'), /^status-[0-9a-f]{6}$/);
  // Nor is the name of the log of notify.command, which has a dot.
  assert.ok(!isKey('notify.command'));
});

test('where six digits are taken too, more are used; where everything is taken, it is said', () => {
  const first = keyOf('a b');
  const second = keyOf('a b', [first]);
  assert.ok(isKey(second) && second !== first && second.length > first.length);
  assert.throws(() => streamKey('i', 'a b', sha256, () => true), /taken/);
});

test('property: any id gives a key that is safe as a name', () => {
  fc.assert(
    fc.property(idText, (id) => {
      const key = keyOf(id);
      assert.match(key, /^[a-z0-9][a-z0-9-]{0,39}$/);
      assert.ok(isKey(key));
    }),
    { numRuns: 2000 },
  );
});

test('property: distinct ids of one initiative get distinct keys in any order', () => {
  fc.assert(
    fc.property(fc.uniqueArray(idText, { maxLength: 20 }), (ids) => {
      const keys = new Set<string>();
      for (const id of ids) keys.add(streamKey('i1', id, sha256, (key) => keys.has(key)));
      assert.equal(keys.size, ids.length);
    }),
    { numRuns: 300 },
  );
});

test('ids that read alike are distinct streams', () => {
  for (const pair of [
    ['a b', 'a-b'],
    ['Stream-A', 'stream-a'],
    ['a', 'a/b'],
    ['a.', 'a'],
  ] as const) {
    const first = keyOf(pair[0]);
    assert.notEqual(keyOf(pair[1], [first]), first);
  }
});

test('git takes the branch of every hostile id', () => {
  for (const id of HOSTILE) {
    execFileSync('git', ['check-ref-format', `refs/heads/${branchName('orchestrate/', keyOf(id))}`]);
  }
});

test('an id is refused only for what no store or terminal could carry', () => {
  for (const id of HOSTILE) assert.equal(streamIdProblem(id), null, id);
  assert.equal(streamIdProblem('é'.repeat(200)), null);
  assert.equal(streamIdProblem('😀'.repeat(200)), null);
  for (const [id, words] of [
    ['', /empty/],
    ['a\nb', /line break/],
    ['a\u2028b', /line break/],
    ['a\u0000', /NUL/],
    ['a\u001b[31m', /control/],
    ['\u007f', /control/],
    ['\u009b1m', /control/],
    ['a\ud800', /surrogate/],
    ['x'.repeat(201), /200/],
    ['x'.repeat(10_000), /200/],
  ] as const) {
    assert.match(streamIdProblem(id) ?? 'accepted', words);
  }
});

test('a key is recognised, and nothing else is', () => {
  for (const key of ['a', '0', 'a-b', 'x'.repeat(40)]) assert.ok(isKey(key));
  for (const text of ['', '-a', 'A', 'a_b', 'a/b', 'a\n', 'x'.repeat(41)]) assert.ok(!isKey(text), text);
});

test('branch and worktree are the key in its place', () => {
  assert.equal(branchName('orchestrate/', 'stream-a'), 'orchestrate/stream-a');
  assert.equal(worktreePath('/p/.claude/worktrees', 'stream-a'), '/p/.claude/worktrees/stream-a');
});
