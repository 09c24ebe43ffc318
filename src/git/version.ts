/** Checks that git is there and new enough. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { missingGit } from './door.ts';

/** The first version whose `merge-tree` merges without a worktree. */
const OLDEST = { major: 2, minor: 38 } as const;

/** See `Git.checkVersion`. */
export async function checkVersion(): Promise<string> {
  // Knows how the many builds of git spell their versions; loaded only here, since it takes longer than all of `status`.
  const { simpleGit } = await import('simple-git');
  const { installed, major, minor, patch, agent } = await simpleGit('/').version();
  if (!installed) throw missingGit();
  if (major === 0) {
    throw new OrchestrateError(
      EXIT.environment,
      `git --version said ${JSON.stringify(printable(agent.trim(), 80))}, which names no version`,
      'put git 2.38 or newer first in PATH',
    );
  }
  const version = `${major}.${minor}.${patch}`;
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return version;
  throw new OrchestrateError(
    EXIT.environment,
    `git ${version} is too old: 2.38 or newer is needed`,
    'install a newer git (apt-get install git, brew install git)',
  );
}
