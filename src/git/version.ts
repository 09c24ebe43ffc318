/** Checks that git is there and new enough. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { NotStarted, run } from '../process/run.ts';
import { missingGit } from './door.ts';

/** The first version whose `merge-tree` merges without a worktree. */
const OLDEST = { major: 2, minor: 38 } as const;

const LONGEST_MS = 30_000;

/** See `Git.checkVersion`. */
export async function checkVersion(): Promise<string> {
  const said = await askVersion();
  // Builds put their own words behind it: "git version 2.39.3 (Apple Git-146)", "git version 2.45.1.windows.1".
  const found = /^git version (\d+)\.(\d+)(?:\.(\d+))?/.exec(said);
  if (found === null) {
    throw new OrchestrateError(
      EXIT.environment,
      `git --version said ${JSON.stringify(printable(said.trim(), 80))}, which names no version`,
      'put git 2.38 or newer first in PATH',
    );
  }
  const [major = 0, minor = 0, patch = 0] = found.slice(1).map((part) => Number(part ?? 0));
  const version = `${major}.${minor}.${patch}`;
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return version;
  throw new OrchestrateError(
    EXIT.environment,
    `git ${version} is too old: 2.38 or newer is needed`,
    'install a newer git (apt-get install git, brew install git)',
  );
}

async function askVersion(): Promise<string> {
  try {
    const { stdout } = await run({
      file: 'git',
      args: ['--version'],
      cwd: '/',
      env: process.env,
      timeLimitMs: LONGEST_MS,
    });
    return stdout.toString();
  } catch (thrown) {
    throw thrown instanceof NotStarted && thrown.obstacle === 'no program' ? missingGit() : thrown;
  }
}
