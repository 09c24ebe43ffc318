/** Finds the main checkout from any directory of it or of its worktrees, by reading files only; starts no process. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { ifPresent, lstatIfPresent, readIfPresent, statIfPresent } from '../files/present.ts';

export type FoundProject = { readonly root: string; readonly commonDir: string };

type Search = { readonly project: FoundProject } | { readonly project: null; readonly why: string };

/** The main checkout's top level and git directory (real paths), seen from `cwd`; null when there is none. */
export function findProject(cwd: string): FoundProject | null {
  return search(cwd).project;
}

/** The error (exit 3) for a directory in which `findProject` found nothing: no repository, a bare one, a broken one. */
export function explainNoProject(cwd: string): OrchestrateError {
  const found = search(cwd);
  const why = found.project === null ? found.why : 'the project could not be read';
  return new OrchestrateError(
    EXIT.environment,
    `${JSON.stringify(cwd)}: ${why}`,
    'run orchestrate inside a git checkout (cd there, or -C DIR); a new one: git init && git commit --allow-empty -m Start',
  );
}

function search(cwd: string): Search {
  const start = ifPresent(() => realpathSync(cwd));
  if (start === null) return { project: null, why: 'there is no such directory' };
  for (let directory = start; ; directory = dirname(directory)) {
    const found = look(directory);
    if (found !== null) return found;
    if (dirname(directory) === directory) return { project: null, why: 'not inside a git repository' };
  }
}

/** What one directory is: a checkout, a git directory, or (null) neither. */
function look(directory: string): Search | null {
  const dotGit = join(directory, '.git');
  const kind = kindOf(dotGit);
  if (kind === 'directory' && isGitDir(dotGit)) return fromCommonDir(realpathSync(dotGit), directory);
  if (kind === 'file') return fromGitFile(dotGit, directory);
  if (isGitDir(directory)) return fromCommonDir(directory, null);
  return null;
}

/** A `.git` file: a worktree's (its git directory names the common one), a submodule's, or `--separate-git-dir`. */
function fromGitFile(dotGit: string, directory: string): Search {
  const target = /^gitdir: ([\s\S]+?)[\r\n]*$/.exec(readIfPresent(dotGit) ?? '')?.[1];
  const gitDir = target === undefined ? null : resolve(directory, target);
  if (gitDir === null || kindOf(gitDir) !== 'directory') {
    return { project: null, why: `${JSON.stringify(dotGit)} points to a git directory that does not exist` };
  }
  const common = readIfPresent(join(gitDir, 'commondir'));
  if (common === null) return fromCommonDir(realpathSync(gitDir), directory);
  const commonDir = resolve(gitDir, common.replace(/[\r\n]+$/, ''));
  if (!isGitDir(commonDir)) {
    return { project: null, why: `the git directory ${JSON.stringify(commonDir)} is not usable` };
  }
  return fromCommonDir(realpathSync(commonDir), null);
}

/**
 * The checkout that belongs to a common git directory.
 *
 * @param checkout where the search came from when that is the main checkout itself; null when it must be derived.
 */
function fromCommonDir(commonDir: string, checkout: string | null): Search {
  const config = readIfPresent(join(commonDir, 'config')) ?? '';
  if (coreSetting(config, 'bare') === 'true') {
    return {
      project: null,
      why: `the repository ${JSON.stringify(commonDir)} is bare: it has no checkout to work on`,
    };
  }
  const worktree = coreSetting(config, 'worktree');
  if (worktree !== null) return { project: { root: resolve(commonDir, worktree), commonDir } };
  if (checkout !== null) return { project: { root: checkout, commonDir } };
  if (basename(commonDir) === '.git') return { project: { root: dirname(commonDir), commonDir } };
  return {
    project: null,
    why: `the repository ${JSON.stringify(commonDir)} does not say where its main checkout is`,
  };
}

/** A value of `[core]` in a git configuration text: the last one wins; quotes and comments are taken off. */
function coreSetting(config: string, name: string): string | null {
  let inCore = false;
  let value: string | null = null;
  for (const line of config.split('\n')) {
    const section = /^\s*\[([^\]]*)\]/.exec(line)?.[1];
    if (section !== undefined) inCore = section.trim().toLowerCase() === 'core';
    const setting = /^\s*([A-Za-z][A-Za-z0-9-]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (!inCore || setting?.[1]?.toLowerCase() !== name) continue;
    value = (setting[2] ?? '').replace(/\s+[#;].*$/, '').replace(/^"(.*)"$/, '$1');
  }
  return value;
}

function isGitDir(path: string): boolean {
  return (
    kindOf(join(path, 'HEAD')) !== null &&
    kindOf(join(path, 'objects')) === 'directory' &&
    kindOf(join(path, 'refs')) === 'directory'
  );
}

/** What is at a path, links followed; a dangling link counts as a file, since git itself stops at it. */
function kindOf(path: string): 'file' | 'directory' | null {
  if (lstatIfPresent(path) === null) return null;
  return statIfPresent(path)?.isDirectory() === true ? 'directory' : 'file';
}
