/** Runs a sweep: the same random property as the tests' sample, for as many seeds as are asked for; names each seed that fails. */
import { parseArgs } from 'node:util';
import { landAtRandom } from '../../test/support/landing-sweep.ts';
import { createShim } from '../../test/support/shim.ts';

const USAGE = 'scripts/sweep landing [--runs N] [--seed S]\n';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
  });
  const [runs, seed] = [Number(values.runs), Number(values.seed)];
  if (positionals.join() !== 'landing' || !(runs >= 1) || !Number.isInteger(seed)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const shim = createShim();
  let failed = 0;
  try {
    for (let at = seed; at < seed + runs; at += 1) {
      try {
        await landAtRandom(at, shim);
        process.stdout.write(`seed ${at}: holds\n`);
      } catch (error) {
        failed += 1;
        process.stdout.write(
          `seed ${at}: FAILS\n${error instanceof Error ? error.message : String(error)}\n`,
        );
      }
    }
  } finally {
    shim.remove();
  }
  process.stdout.write(`${runs - failed} of ${runs} hold\n`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
