/** What an untrusted text may still contain when it is printed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printable } from '../../src/core/printable.ts';

test('terminal sequences leave no trace', () => {
  assert.equal(printable('\u001b[31mred\u001b[0m'), 'red');
  assert.equal(printable('a\u001b]0;title\u0007b'), 'ab');
  assert.equal(printable('a\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\b'), 'alinkb');
  assert.equal(printable('a\u009b31mb'), 'ab');
  assert.equal(printable('a\u001bP1;2|payload\u001b\\b'), 'ab');
  assert.equal(printable('a\u001bcb'), 'ab');
});

test('an unterminated sequence hides nothing of the text after it', () => {
  assert.equal(printable('\u001b]0;rest of the title'), '0;rest of the title');
});

test('line breaks become a space, other controls and direction marks go', () => {
  assert.equal(printable('a\r\nb\tc\u2028d'), 'a b c d');
  assert.equal(printable('a\u0000\u0008\u007fb\u202eev\ud800il\ufeff'), 'abevil');
  assert.equal(printable('👩‍💻 é 日本'), '👩‍💻 é 日本');
});

test('a limit counts characters and shows that something was cut', () => {
  assert.equal(printable('abcdef', 6), 'abcdef');
  assert.equal(printable('abcdefg', 6), 'abcde…');
  assert.equal(printable('😀😀😀', 3), '😀😀😀');
  assert.equal(printable('😀😀😀😀', 3), '😀😀…');
});

test('property: nothing printed can move a cursor, and cleaning twice changes nothing', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\u001b', '\u001b[', '\u001b]', '\u009b', '\u0007', '\u001b\\', '31m', '\n', '\u202e'),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = printable(pieces.join(''));
      assert.doesNotMatch(text, /[\p{Cc}\u2028\u2029\u202a-\u202e]/u);
      assert.equal(printable(text), text);
    }),
    { numRuns: 1000 },
  );
});

test('ten megabytes of escapes are cleaned', () => {
  for (const opening of ['\u001b]', '\u001b['])
    assert.doesNotMatch(printable(opening.repeat(2_000_000)), /\p{Cc}/u);
});
