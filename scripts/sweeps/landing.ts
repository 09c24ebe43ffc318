/** Random plans, work, kills and acts of the user while finished work lands, seed after seed. */
import { landAtRandom } from '../../test/support/landing-sweep.ts';
import { createShim } from '../../test/support/shim.ts';
import { atEach, type Sweep } from './sweep.ts';

export const landing: Sweep = {
  name: 'landing',
  summary: 'random plans, work, kills and acts of the user while finished work lands',
  obstacle: () => null,
  cases: () => [
    {
      name: 'landing',
      harm: 'kills at random git calls, commits, rebases and files in the way',
      run: (reach) => {
        const seeds = Array.from({ length: reach.quick ? 1 : reach.runs }, (_, at) => reach.seed + at);
        return atEach(
          reach,
          seeds.map((seed) => [`seed ${seed}`, seed] as const),
          async (seed) => {
            const shim = createShim();
            try {
              await landAtRandom(seed, shim);
            } finally {
              shim.remove();
            }
          },
        );
      },
    },
  ],
};
