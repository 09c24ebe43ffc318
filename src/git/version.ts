/** Checks that git is there and new enough. */

import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import type { Door } from './door.ts';

/** The first version whose `merge-tree` merges without a worktree. */
const OLDEST = { major: 2, minor: 38 } as const;

/** See `Git.checkVersion`. */
export async function checkVersion(door: Door): Promise<string> {
  const said = (await door.read(['--version'])).trim();
  const match = /^git version ((\d+)\.(\d+)(?:\.\d+)*)/.exec(said);
  const [, version, major, minor] = match ?? [];
  if (version === undefined) {
    throw new OrchestrateError(
      EXIT.environment,
      `git --version said ${JSON.stringify(printable(said, 80))}, which names no version`,
      'put git 2.38 or newer first in PATH',
    );
  }
  const newEnough =
    Number(major) > OLDEST.major || (Number(major) === OLDEST.major && Number(minor) >= OLDEST.minor);
  if (newEnough) return version;
  throw new OrchestrateError(
    EXIT.environment,
    `git ${version} is too old: 2.38 or newer is needed`,
    'install a newer git (apt-get install git, brew install git)',
  );
}
