/** Takes a test's directory away, also while programs that were told to end still write into it. */
import { rmSync } from 'node:fs';
import { blockFor } from '../../src/core/block.ts';

/** For twenty seconds in all, each time a little later: to end takes a busy machine long. */
const TRIES = 20;
const STEP_MS = 100;

/** From the beginning each time: the retries of `rmSync` only try the directory again, with what was written meanwhile still in it. */
export function removeTree(path: string): void {
  for (let tries = 1; ; tries += 1) {
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (thrown) {
      const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
      if (tries === TRIES || (code !== 'ENOTEMPTY' && code !== 'ENOENT')) throw thrown;
      blockFor(tries * STEP_MS);
    }
  }
}
