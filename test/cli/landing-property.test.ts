/** Random plans, random work, kills at random git calls and a user who commits, rebases and is in the way: nothing is lost, nothing lands twice. */
import { test } from 'node:test';
import { landAtRandom } from '../support/landing-sweep.ts';
import { createShim } from '../support/shim.ts';

// A sample; `scripts/sweep landing` takes as many as wanted.
for (const seed of [1, 2])
  test(`whatever happens, seed ${seed}`, async () => {
    using shim = createShim(['merge', 'clean']);
    await landAtRandom(seed, shim);
  });
