/** Checks of our files in the project and of the directories we write to. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Project } from '../app/project.ts';
import { missingRequiredFiles } from '../init/required-files.ts';
import { type Check, ok } from './check.ts';

/** The files that `start` asks for. */
export function checkFiles({ paths }: Project): Check {
  const missing = missingRequiredFiles(paths);
  if (missing.length === 0) return ok('files', 'the files of .claude/orchestrator are there');
  return { name: 'files', level: 'fail', message: `missing: ${missing.join(', ')}`, fix: 'orchestrate init' };
}

/** Directories we must be able to write, and files that nobody else should read. */
export function checkPermissions(project: Project): Check {
  const { paths, commonDir } = project;
  const unwritable = [commonDir, paths.root, nearestExisting(paths.orchestratorDir)].filter(
    (path) => !isWritable(path),
  );
  if (unwritable.length > 0) {
    const [path = ''] = unwritable;
    return {
      name: 'permissions',
      level: 'fail',
      message: `can't write to ${unwritable.join(', ')}`,
      fix: `chmod u+rwx '${path}' (or chown it to yourself)`,
    };
  }
  const open = [paths.stateDb, paths.runsDir, paths.logsDir].filter(isOpenToOthers);
  if (open.length > 0) {
    return {
      name: 'permissions',
      level: 'warn',
      message: `others can read ${open.join(', ')}`,
      fix: `chmod -R go-rwx '${paths.orchestratorDir}'`,
    };
  }
  return ok('permissions', 'directories can be written, and only by you');
}

/** The path itself, or the closest directory above it that is there. */
export function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}

/** Whether this user may make files in the directory. */
export function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isOpenToOthers(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && (stat.mode & 0o077) !== 0;
}
