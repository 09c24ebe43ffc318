/** Random plans, random work, kills at random git calls and a user who commits, rebases and is in the way: nothing is lost, nothing lands twice. */
import { after, describe, test } from 'node:test';
import { landAtRandom } from '../support/landing-sweep.ts';
import { createShim } from '../support/shim.ts';

const shim = createShim(['merge', 'clean']);
describe('landing property', () => {
  after(() => shim.remove());

  // A sample; `scripts/sweep landing` takes as many as wanted.
  for (const seed of [1, 2])
    test(`whatever happens, seed ${seed}`, async () => {
      await landAtRandom(seed, shim);
    });
});
