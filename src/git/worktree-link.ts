/** Reads how worktrees and their git directories point at one another, from files only, and completes what a kill cut off; decides whether a path may hold one. Nothing in the files is believed unchecked. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { ifPresent, lstatIfPresent, readIfPresent, statIfPresent } from '../files/present.ts';
import { putAside } from '../files/put-aside.ts';
import type { CommandOptions, Door } from './door.ts';

/** A worktree whose `.git` file and git directory agree. `path` is real. */
export type WorktreeLink = { readonly path: string; readonly gitDir: string };

/** One directory below `<commonDir>/worktrees`. */
export type WorktreeEntry = {
  readonly gitDir: string;
  /** Where it says its worktree is; null while git has not written that yet. */
  readonly path: string | null;
  /** Text of its `locked` file, null when not locked. */
  readonly lock: string | null;
};

/** The reason our worktrees are locked with; it says whose they are. */
export function lockReason(key: string): string {
  return `orchestrate ${key}`;
}

/** The reason while the worktree only waits for its stream to start: it is on no branch, and nobody works in it. */
export function aheadReason(key: string): string {
  return `${lockReason(key)}, ahead of need`;
}

/** The text of a small file without its last line break; null when there is none. Throws what else keeps us from reading it. */
export function fileText(path: string): string | null {
  return readIfPresent(path)?.replace(/\n$/, '') ?? null;
}

/** What is at a path, links not followed. */
export function kindAt(path: string | Buffer): 'missing' | 'directory' | 'file' | 'symlink' {
  const found = lstatIfPresent(path);
  if (found === null) return 'missing';
  if (found.isSymbolicLink()) return 'symlink';
  return found.isDirectory() ? 'directory' : 'file';
}

/** The path with links in its parent directory resolved; its last part may be missing. Null when the parent is. */
export function realParent(path: string): string | null {
  const parent = ifPresent(() => realpathSync(dirname(path)));
  return parent === null ? null : join(parent, basename(path));
}

/**
 * The worktree at `path`, when `.git` there names a git directory of ours (`<commonDir>/worktrees/…`) that points back;
 * null for anything else: a missing directory, a swapped `.git` file, another repository's worktree.
 */
export function readLink(path: string, commonDir: string): WorktreeLink | null {
  const real = realParent(path);
  if (real === null || kindAt(real) !== 'directory' || kindAt(join(real, '.git')) !== 'file') return null;
  const gitDir = gitDirNamedAt(real);
  if (gitDir === null || dirname(gitDir) !== join(commonDir, 'worktrees')) return null;
  if (kindAt(gitDir) !== 'directory' || pathOfEntry(gitDir) !== real) return null;
  const common = fileText(join(gitDir, 'commondir'));
  return common !== null && resolve(gitDir, common) === commonDir ? { path: real, gitDir } : null;
}

/** The git directory that the `.git` file in a directory names, whether or not it is there; null without such a file. */
export function gitDirNamedAt(directory: string): string | null {
  const target = /^gitdir: ([\s\S]+)$/.exec(fileText(join(directory, '.git')) ?? '')?.[1];
  return target === undefined ? null : realParent(resolve(directory, target));
}

/** Every entry below `<commonDir>/worktrees`. */
export function worktreeEntries(commonDir: string): WorktreeEntry[] {
  const folder = join(commonDir, 'worktrees');
  if (kindAt(folder) !== 'directory') return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const gitDir = join(folder, name);
      return { gitDir, path: pathOfEntry(gitDir), lock: fileText(join(gitDir, 'locked')) };
    });
}

/**
 * Writes the text that a kill kept from an entry's `commondir`: without it git can add no worktree at all. False for an
 * entry that is not one of ours. Nothing is cut, so that a git process that writes the same text now is not disturbed.
 */
export function completeEntry(commonDir: string, name: string): boolean {
  const gitDir = join(commonDir, 'worktrees', basename(name));
  if (!fileText(join(gitDir, 'locked'))?.startsWith(lockReason(''))) return false;
  if (fileText(join(gitDir, 'commondir')) !== '') return false;
  const file = openSync(join(gitDir, 'commondir'), 'r+');
  try {
    writeSync(file, '../..\n', 0);
  } finally {
    closeSync(file);
  }
  return true;
}

/** The worktree a git directory points back at, with links in its parent resolved. */
function pathOfEntry(gitDir: string): string | null {
  const pointer = fileText(join(gitDir, 'gitdir'));
  if (pointer === null || pointer === '') return null;
  const path = dirname(resolve(gitDir, pointer));
  return realParent(path) ?? path;
}

/** Options that bind a command to one worktree: it cannot run anywhere else, whatever the files there say meanwhile. */
export function inWorktree(link: WorktreeLink, commonDir: string): CommandOptions {
  return {
    cwd: link.path,
    env: { GIT_DIR: link.gitDir, GIT_WORK_TREE: link.path, GIT_COMMON_DIR: commonDir },
  };
}

/** The worktree at a path; throws exit 5 when it is missing or its git files are not the ones we made. */
export function requireLink(door: Door, path: string): WorktreeLink {
  const link = readLink(path, door.commonDir);
  if (link !== null) return link;
  const isMissing = kindAt(path) === 'missing';
  const why = isMissing ? 'is missing' : 'is no longer the worktree that was made';
  throw new OrchestrateError(
    EXIT.refused,
    `the worktree ${JSON.stringify(path)} ${why}`,
    isMissing ? 'orchestrate start' : putAside(path),
  );
}

/** True when `path` is `directory` or below it; both must be resolved already. */
export function isWithin(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== '..' && !way.startsWith(`..${sep}`);
}

/**
 * The worktree's path with links resolved, without making anything. Throws exit 5 when a link in a path below the project
 * leads out of it (only a configured absolute path may be elsewhere), exit 3 when the directory could not be made.
 */
export function checkPlace(root: string, path: string): string {
  const parent = dirname(path);
  const existing = nearestExisting(parent);
  if (isWithin(root, path)) {
    if (!isWithin(realpathSync(root), realpathSync(existing))) {
      throw new OrchestrateError(
        EXIT.refused,
        `${JSON.stringify(existing)} is a link that leads out of the project`,
        'replace the link by a directory, or set "worktree.root" in .claude/orchestrator/config.json to an absolute path',
      );
    }
  }
  const cannot = whyNotBelow(existing);
  if (cannot !== null) throw noPlace(parent, cannot);
  return realParent(path) ?? path;
}

/** Why no directory can be made in `directory`; null when one can. */
function whyNotBelow(directory: string): string | null {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return statIfPresent(directory)?.isDirectory() === true ? null : `${directory} is no directory`;
  } catch (error) {
    return messageOf(error);
  }
}

function noPlace(parent: string, why: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.environment,
    `cannot make the directory ${JSON.stringify(parent)}: ${why}`,
    'make its parent writable, or set "worktree.root" in .claude/orchestrator/config.json',
  );
}

/** Makes the directory that will hold the worktree and returns the worktree's path with links resolved. Throws as `checkPlace` does. */
export function preparePlace(root: string, path: string): string {
  const parent = dirname(path);
  checkPlace(root, path);
  try {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw noPlace(parent, messageOf(error));
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
    putAside(path),
  );
}
