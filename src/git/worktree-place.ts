/** Decides whether a path may hold a stream's worktree, before anything is made there. */
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, relative, sep } from 'node:path';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { kindAt, realParent } from './worktree-link.ts';

/** True when `path` is `directory` or below it; both must be resolved already. */
export function isWithin(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== '..' && !way.startsWith(`..${sep}`);
}

/**
 * Makes the directory that will hold the worktree and returns the worktree's path with links resolved. Throws exit 5
 * when a link in a path below the project leads out of it (only a configured absolute path may be elsewhere).
 */
export function preparePlace(root: string, path: string): string {
  const parent = dirname(path);
  if (isWithin(root, path)) {
    const existing = nearestExisting(parent);
    if (!isWithin(realpathSync(root), realpathSync(existing))) {
      throw new OrchestrateError(
        EXIT.refused,
        `${JSON.stringify(existing)} is a link that leads out of the project`,
        'replace the link by a directory, or set "worktree.root" in .claude/orchestrator/config.json to an absolute path',
      );
    }
  }
  try {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new OrchestrateError(
      EXIT.environment,
      `can't make the directory ${JSON.stringify(parent)}: ${messageOf(error)}`,
      'make its parent writable, or set "worktree.root" in .claude/orchestrator/config.json',
      { cause: error },
    );
  }
  return realParent(path) ?? path;
}

function nearestExisting(path: string): string {
  let existing = path;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  return existing;
}

/** The refusal for a path at which there is something that is not this stream's worktree. */
export function foreignPath(path: string): OrchestrateError {
  const what = { missing: 'nothing', directory: 'a directory', file: 'a file', symlink: 'a link' }[
    kindAt(path)
  ];
  return new OrchestrateError(
    EXIT.refused,
    `${JSON.stringify(path)} is ${what} that is not this stream's worktree; it was left as it is`,
    `mv ${shellWord(printable(path))} <elsewhere>`,
  );
}
