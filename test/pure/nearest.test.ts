/** The word that a mistyped one may have meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../src/core/nearest.ts';

const words = ['status', 'start', 'stop', 'title', 'dependencies'];

test('one slip of the finger is forgiven: a letter too many, too few, wrong or swapped', () => {
  assert.equal(nearest('statuss', words), 'status');
  assert.equal(nearest('stats', words), 'status');
  assert.equal(nearest('stxp', words), 'stop');
  assert.equal(nearest('titel', words), 'title');
  assert.equal(nearest('dependancies', words), 'dependencies');
});

test('the beginning of a word means that word, something else means none', () => {
  assert.equal(nearest('depend', words), 'dependencies');
  assert.equal(nearest('owner', words), null);
  assert.equal(nearest('', words), null);
});
