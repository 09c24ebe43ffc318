/** Random plans, work, kills and acts of the user while finished work lands, seed after seed. */
import { landAtRandom } from '../../test/support/landing-sweep.ts';
import { createShim } from '../../test/support/shim.ts';
import { atEachSeed, type Sweep } from './sweep.ts';

export const landing: Sweep = {
  name: 'landing',
  summary: 'random plans, work, kills and acts of the user while finished work lands',
  obstacle: () => null,
  cases: () => [
    {
      name: 'landing',
      harm: 'kills at random git calls, commits, rebases and files in the way',
      run: (reach) =>
        atEachSeed(reach, async (seed) => {
          using shim = createShim(['merge', 'clean']);
          await landAtRandom(seed, shim);
        }),
    },
  ],
};
