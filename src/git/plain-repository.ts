/**
 * Says where an ordinary repository is by reading its files, as git would: starting git takes longer than most commands do.
 * Knows only what nearly every repository looks like; wherever anything is unusual it says nothing, and git is asked.
 */
import { readFileSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ifPresent, lstatIfPresent, readIfPresent, statIfPresent } from '../files/present.ts';
import { gitDirNamedAt } from './worktree-link.ts';

/** Where a directory's repository is: the top of the checkout it is in, and its main checkout (real paths). */
export type PlainRepository = {
  readonly root: string;
  readonly gitDir: string;
  readonly commonDir: string;
  readonly top: string;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables by which git looks for, or trusts, a repository otherwise; those that name one never reach git (`inheritedEnvironment`). */
const LOOKED_FOR_OTHERWISE = /^GIT_(DISCOVERY|TEST)_/;

/** Settings by which a repository is another place, or another format, than it looks; and what brings in further ones. */
const UNUSUAL_KEY = /^\s*(worktree\b|(bare|repositoryformatversion)\b(?!\s*=\s*(false|0)\s*$))/i;
const UNUSUAL_SECTION = /^\s*\[\s*(extensions|include|includeif|safe)\b/i;
/** A line of a configuration file in its plain form: without quotes, escapes and comments behind a value. */
const PLAIN_LINE =
  /^\s*([#;].*|\[[a-z0-9.-]+(\s+"([^"\\]|\\["\\])*")?\]|[a-z][a-z0-9-]*(\s*=[^"\\#;]*)?)?\s*$/i;

/** A commit's name, or a reference's: all that HEAD may hold. */
const HEAD = /^(ref: refs\/\S+|[0-9a-f]{40})\n?$/;

/**
 * The ordinary repository that the real path `directory` is in. Null when there is none, when it is not ordinary (bare, a
 * submodule, another format, another user's, beyond a mount point), and when anything of it cannot be read.
 */
export function plainRepository(directory: string, env: Environment): PlainRepository | null {
  if (Object.keys(env).some((name) => LOOKED_FOR_OTHERWISE.test(name))) return null;
  try {
    const top = topOf(directory);
    return top === null ? null : repositoryAt(top);
  } catch {
    return null; // What keeps us from reading it, git names in its own words.
  }
}

/** The nearest directory upwards with a `.git` in it; null when git could stop before it. */
function topOf(directory: string): string | null {
  const device = statIfPresent(directory)?.dev;
  for (let at = directory; ; at = dirname(at)) {
    // A git directory, or something that looks like one, ends the search too.
    if (statIfPresent(at)?.dev !== device || lstatIfPresent(join(at, 'HEAD')) !== null) return null;
    if (lstatIfPresent(join(at, '.git')) !== null) return at;
    if (dirname(at) === at) return null;
  }
}

function repositoryAt(top: string): PlainRepository | null {
  const place = join(top, '.git');
  const found = lstatIfPresent(place);
  const gitDir = found?.isDirectory() === true ? place : gitDirNamedAt(top);
  if (gitDir === null || !isOurs(found) || !isOurs(statIfPresent(top)) || !isOurs(lstatIfPresent(gitDir)))
    return null;
  const named = readIfPresent(join(gitDir, 'commondir'))?.replace(/[\r\n]+$/, '') ?? null;
  // That of a linked worktree names the main one's; that of a main checkout names none.
  if ((named === null) !== (gitDir === place)) return null;
  const commonDir = ifPresent(() => realpathSync(resolve(gitDir, named ?? '.')));
  if (commonDir === null || basename(commonDir) !== '.git' || !isPlain(gitDir, commonDir)) return null;
  return { root: dirname(commonDir), gitDir, commonDir, top };
}

/** Git refuses what another user owns, unless it was told not to. */
function isOurs(found: Stats | null): boolean {
  return found !== null && found.uid === process.geteuid?.();
}

function isPlain(gitDir: string, commonDir: string): boolean {
  const parts = ['objects', 'refs'].map((name) => statIfPresent(join(commonDir, name)));
  return (
    parts.every((part) => part?.isDirectory() === true) &&
    lstatIfPresent(join(gitDir, 'HEAD'))?.isFile() === true &&
    HEAD.test(readIfPresent(join(gitDir, 'HEAD')) ?? '') &&
    lstatIfPresent(join(commonDir, 'config.worktree')) === null &&
    readFileSync(join(commonDir, 'config'), 'utf8').split('\n').every(isPlainLine)
  );
}

function isPlainLine(line: string): boolean {
  return PLAIN_LINE.test(line) && !UNUSUAL_KEY.test(line) && !UNUSUAL_SECTION.test(line);
}
