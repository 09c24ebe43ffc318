/** Finds the project from any directory of it or of its worktrees: git says where that is, and we remember only what git cannot know. */

import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { inheritedEnvironment } from '../core/inherited-environment.ts';
import { printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { ifPresent, readIfPresent, statIfPresent } from '../files/present.ts';
import { replaceFile } from '../files/replace-file.ts';
import { NotStarted, runSync } from '../process/run.ts';
import { acceptedVersion, missingGit } from './door.ts';
import { gitFailure } from './failure.ts';
import { plainRepository } from './plain-repository.ts';
import { isWithin } from './worktree-link.ts';

export type FoundProject = { readonly root: string; readonly commonDir: string };

/** What git says of a directory. `top` is null outside a work tree: in a git directory, or in a bare repository. */
type Place = { readonly gitDir: string; readonly commonDir: string; readonly top: string | null };

/** A dead network disk must not hold up a command for ever. */
const LONGEST_MS = 30_000;

/**
 * The project seen from `cwd`: its checkout's top level and the common git directory (real paths). That is the main
 * checkout; of a repository without one, the worktree in which `init` was run, before that the one that `cwd` is in. In a
 * run (`ofRun`: its project), that project wherever the run is in it, in its worktrees and submodules, or in no repository.
 * Throws exit 3 when there is none, and when git is missing or refuses the repository.
 */
export function findProject(cwd: string, ofRun: string | null = null): FoundProject {
  // As the system names it: on a disk that folds case, not as it was typed.
  const start = ifPresent(() => realpathSync.native(cwd));
  if (start === null) throw noProject(cwd, 'there is no such directory');
  if (ofRun === null || statIfPresent(ofRun) === null) return projectAt(start);
  const home = findProject(ofRun);
  if (isWithin(home.root, start)) return home;
  const place = plainRepository(start, process.env) ?? placeOf(start);
  return 'why' in place || isWithin(home.commonDir, place.commonDir) ? home : projectAt(start);
}

function projectAt(directory: string): FoundProject {
  const plain = plainRepository(directory, process.env);
  if (plain !== null) return { root: plain.root, commonDir: plain.commonDir };
  const place = placeOf(directory);
  if ('why' in place) throw noProject(directory, place.why, place.fix);
  const { commonDir, gitDir, top } = place;
  if (top !== null && gitDir === commonDir) return { root: top, commonDir };
  const bare = git(commonDir, ['--git-dir', commonDir, 'rev-parse', '--is-bare-repository']) === 'true';
  const main = bare ? null : mainCheckout(commonDir);
  if (main !== null) return { root: main, commonDir };
  const remembered = top === null && bare ? null : rememberedProject(commonDir);
  const root = remembered ?? (bare ? top : null);
  if (root !== null) return { root, commonDir };
  throw bare ? inBare(directory, commonDir) : unknownCheckout(directory, commonDir);
}

/** Asks git about a directory; `why` it is none of a repository. Throws for every other failure. */
function placeOf(directory: string): Place | { readonly why: string; readonly fix: string } {
  // The last one fails outside a work tree, after the others were printed.
  const args = ['rev-parse', '--path-format=absolute', '--git-dir', '--git-common-dir', '--show-toplevel'];
  const { exitCode, stdout, stderr } = run(directory, args);
  const [gitDir, commonDir, top] = stdout.toString().split('\n');
  if (gitDir !== undefined && commonDir !== undefined && commonDir !== '') {
    const place = { gitDir: realpathSync(gitDir), commonDir: realpathSync(commonDir) };
    return { ...place, top: exitCode === 0 && top !== undefined ? top : null };
  }
  const err = stderr.toString();
  const broken = /not a git repository: ([^\n]+)/.exec(err)?.[1];
  if (broken !== undefined && !broken.startsWith('('))
    return {
      fix: INSIDE,
      why: `its .git file points to a git directory that does not exist (${printable(broken)})`,
    };
  if (/not a git repository/.test(err)) return { fix: A_NEW_ONE, why: 'not inside a git repository' };
  // One that does not even know what it is asked is too old for all the rest.
  acceptedVersion(git(directory, ['--version']) ?? '');
  throw gitFailure(args, { code: exitCode ?? 128, out: '', err });
}

/** The main checkout that belongs to a common git directory; null where git does not say (`--separate-git-dir`). */
function mainCheckout(commonDir: string): string | null {
  const configured = git(commonDir, ['--git-dir', commonDir, 'config', 'core.worktree']);
  const root = configured !== null ? resolve(commonDir, configured) : dirname(commonDir);
  if (configured === null && basename(commonDir) !== '.git') return null;
  return ifPresent(() => realpathSync(root));
}

/** One line that git prints; null when it fails. */
function git(cwd: string, args: readonly string[]): string | null {
  const { exitCode, stdout } = run(cwd, args);
  return exitCode === 0 ? stdout.toString().replace(/\n$/, '') : null;
}

function run(cwd: string, args: readonly string[]): ReturnType<typeof runSync> {
  try {
    const env = { ...inheritedEnvironment(process.env), LC_ALL: 'C' };
    return runSync({ file: 'git', args, cwd, env, timeLimitMs: LONGEST_MS });
  } catch (error) {
    throw error instanceof NotStarted && error.obstacle === 'no program' ? missingGit() : error;
  }
}

/** Where it is written down which checkout the project is, where git cannot know. */
function memory(commonDir: string): string {
  return join(commonDir, 'orchestrate', 'project');
}

/** The checkout in which `init` was run, while it is one of this repository. */
function rememberedProject(commonDir: string): string | null {
  const root = readIfPresent(memory(commonDir))?.trim() ?? '';
  if (root === '' || statIfPresent(root)?.isDirectory() !== true) return null;
  const place = placeOf(root);
  return !('why' in place) && place.commonDir === commonDir && place.top === root ? root : null;
}

/** Writes down which checkout the project is, where git cannot know. */
export function rememberProject({ root, commonDir }: FoundProject): void {
  const bare = git(commonDir, ['--git-dir', commonDir, 'rev-parse', '--is-bare-repository']) === 'true';
  if ((!bare && mainCheckout(commonDir) !== null) || rememberedProject(commonDir) === root) return;
  mkdirSync(dirname(memory(commonDir)), { recursive: true, mode: 0o700 });
  replaceFile(memory(commonDir), `${root}\n`, 0o600);
}

/** Forgets it again. */
export function forgetProject({ commonDir }: Pick<FoundProject, 'commonDir'>): void {
  rmSync(memory(commonDir), { force: true });
}

/** Makes a repository where there is none, with the commit that agents can start from. */
const A_NEW_ONE = 'git init && git commit --allow-empty -m Start';
const INSIDE = 'go to a checkout, or name it with -C';

function noProject(cwd: string, why: string, fix = INSIDE): OrchestrateError {
  return new OrchestrateError(EXIT.environment, `${JSON.stringify(cwd)}: ${why}`, fix);
}

/** In a bare repository, or above its worktrees: which of them there are to work in. */
function inBare(cwd: string, commonDir: string): OrchestrateError {
  const listed = git(commonDir, ['--git-dir', commonDir, 'worktree', 'list', '--porcelain']) ?? '';
  const entries = listed.split('\n\n').filter((entry) => !/^bare$/m.test(entry));
  const worktrees = entries.flatMap((entry) => /^worktree (.+)$/m.exec(entry)?.[1] ?? []);
  const remembered = rememberedProject(commonDir);
  const first = remembered ?? worktrees[0];
  if (first === undefined)
    return noProject(
      cwd,
      'the repository is bare: it has no checkout to work on',
      'git worktree add work && cd work',
    );
  const names = worktrees.slice(0, 10).map((path) => printable(path));
  return noProject(
    cwd,
    `the repository is bare; its worktrees are ${names.join(', ')}`,
    `cd ${shellWord(first)}`,
  );
}

function unknownCheckout(cwd: string, commonDir: string): OrchestrateError {
  return noProject(
    cwd,
    `the repository ${JSON.stringify(commonDir)} does not say where its main checkout is: in that, init is run once, and it is remembered`,
    'orchestrate init',
  );
}
