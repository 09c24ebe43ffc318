/** Checks of the tools around us: Node, the SQLite driver, git, tmux, and the repository itself. */
import { type Project, type Surroundings, toolVersions } from '../app/project.ts';
import { isNativeModuleFailure, nativeModuleMissing, sqliteDriver } from '../sqlite/native.ts';
import { attempt, type Check, failed, ok } from './check.ts';

/** The Node that runs this; one that is too old doesn't get here. */
export function checkNode(): Check {
  return ok('node', `Node ${process.versions.node} (${process.execPath})`);
}

/** The SQLite driver with its native part. */
export function checkNative(): Check {
  const name = 'native module';
  try {
    const database = new (sqliteDriver())(':memory:');
    const version = database.prepare('SELECT sqlite_version()').pluck().get();
    database.close();
    return ok(name, `better-sqlite3 with SQLite ${version}`);
  } catch (error) {
    return failed(name, isNativeModuleFailure(error) ? nativeModuleMissing(error) : error);
  }
}

/** git and tmux: there, and new enough. */
export async function checkTools(surroundings: Surroundings): Promise<Check[]> {
  const versions = toolVersions(surroundings);
  return [
    await attempt('git', async () => ok('git', `git ${await versions.git()}`)),
    await attempt('tmux', async () => ok('tmux', `tmux ${await versions.tmux()}`)),
  ];
}

/** The checkout has a commit that streams can start from. */
export function checkRepository(project: Project): Promise<Check> {
  return attempt('repository', async () => {
    const { createGit } = await import('../git/git.ts');
    const git = createGit({ root: project.root, commonDir: project.commonDir });
    const { branch, sha } = await git.baseTip(project.config().baseBranch);
    return ok('repository', `${project.root}: streams start from ${branch} (${sha.slice(0, 10)})`);
  });
}
