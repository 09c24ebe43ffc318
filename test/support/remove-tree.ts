/** Takes a test's directory away, also while programs that were told to end still write into it. */
import { rmSync } from 'node:fs';

/** Tries again for twenty seconds, each time a little later: to end takes a busy machine long. */
export function removeTree(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 20 });
}
