/** Columns of text: never fewer than a terminal gives it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { createStyle } from '../../src/view/style.ts';
import { cut, fit, widthOf } from '../../src/view/text-width.ts';

const { clean } = createStyle({ colour: false, unicode: true });
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);

test('property: a text is never taken for narrower than it is', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const shown = clean(text);
      assert.ok(widthOf(shown) >= stringWidth(shown), JSON.stringify(shown));
    }),
    {
      numRuns: 2000,
      examples: [['\u0dda'], ['a \u0dda'], ['1\ufe0f\u20e3'], ['\u302e'], ['\u{1f1e6}\u{1f1fe}']],
    },
  );
});

test('property: what was cut or filled up has the width asked for', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 60 }), (text, columns) => {
      const shown = clean(text);
      assert.ok(stringWidth(cut(shown, columns, '…')) <= columns);
      assert.ok(widthOf(fit(shown, columns, '…', 'left')) === columns);
    }),
    { numRuns: 1000 },
  );
});

test('what terminals disagree about counts as what the widest gives it', () => {
  for (const [text, columns] of [
    ['\u0dda', 1], // a vowel sign with nothing before it
    ['\u00ad', 1],
    ['\u0601', 1],
    ['\u115f', 2],
    ['\u3248', 2],
    ['e\u0301', 1],
    ['日本', 4],
  ] as const) {
    assert.equal(widthOf(text), columns, JSON.stringify(text));
  }
});
