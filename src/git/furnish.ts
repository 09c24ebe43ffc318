/** Makes a fresh worktree fit to work in: copies chosen ignored files and links big directories of the main checkout. */
import {
  constants,
  copyFileSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { dirname, isAbsolute, join, normalize, relative, sep } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { fieldsOf, parseObject } from '../core/json-fields.ts';
import { printable } from '../core/printable.ts';
import { lstatIfPresent, readIfPresent } from '../files/present.ts';
import { replaceFile } from '../files/replace-file.ts';
import { startTheSame } from '../files/same-content.ts';
import { type CommandOptions, type Door, inChunks } from './door.ts';
import { exclude, excludePattern } from './exclude.ts';
import { asText, isText, listedBytes } from './path-bytes.ts';
import type { Git } from './types.ts';
import { inWorktree, isWithin, kindAt, realParent, requireLink, type WorktreeLink } from './worktree-link.ts';

const INCLUDE_FILE = '.worktreeinclude';
/** Beyond this many copies only those that git would show get a line of their own: long lists make git slow. */
const MOST_LINES = 200;

/**
 * In the worktree's own git directory: what copies and their originals looked like when they were made; before that their originals
 * alone, so that half a file which a kill left is known for ours.
 */
const COPIES = 'orchestrate-copies.json';
const UNDER_WAY = '';
type Stamps = { readonly original: string; readonly copy: string };
type Copies = Record<string, Stamps>;

/**
 * See `Git.furnishWorktree`. Nothing that exists in the worktree is overwritten, but copies of ours that nobody has changed and
 * whose original was changed since; doing it again changes nothing.
 */
export async function furnishWorktree(
  door: Door,
  request: Parameters<Git['furnishWorktree']>[0],
): Promise<string[]> {
  const link = requireLink(door, request.path);
  const warnings: string[] = [];
  const included = await includedFiles(door, link);
  for (const name of included.unreadable) warnings.push(`${name} was not copied: its name is not UTF-8`);
  const { copied, copies } = copyAll(door.root, link, included.files, warnings);
  const linked: string[] = [];
  for (const path of request.symlink) {
    const problem = linkInto(door.root, link.path, path);
    if (problem === null) linked.push(path);
    else warnings.push(problem);
  }
  const lines = copied.length > MOST_LINES ? await shownFiles(door, link, copied) : copied;
  const patterns = [...lines, ...linked].map(excludePattern).filter((pattern) => pattern !== null);
  if (patterns.length > 0) exclude(door.commonDir, patterns);
  // Until here a kill has them copied, and left out of git's sight, once more.
  if (copied.length > 0) writeCopies(link, copies);
  return warnings;
}

/** Copies the files, and returns those that were, with the note to be made of all; what could not be is added to the warnings. */
function copyAll(
  root: string,
  link: WorktreeLink,
  paths: readonly string[],
  warnings: string[],
): { readonly copied: readonly string[]; readonly copies: Copies } {
  const copies = readCopies(link);
  const copied: string[] = [];
  for (const path of paths) takeBackOutdated(root, link.path, path, copies[path]);
  const missing = paths.filter((path) => kindAt(join(link.path, path)) === 'missing');
  if (missing.length === 0) return { copied, copies };
  const begun = missing.map((path) => [path, { original: stampAt(join(root, path)), copy: UNDER_WAY }]);
  writeCopies(link, { ...copies, ...Object.fromEntries(begun) });
  for (const path of missing) {
    const problem = copyInto(root, link.path, path);
    if (problem === null) {
      copied.push(path);
      copies[path] = stampsOf(root, link.path, path);
    } else if (problem !== 'exists') warnings.push(problem);
  }
  return { copied, copies };
}

function writeCopies({ gitDir }: WorktreeLink, copies: Copies): void {
  replaceFile(join(gitDir, COPIES), JSON.stringify(copies), 0o600);
}

function readCopies(link: WorktreeLink): Copies {
  const noted = Object.entries(parseObject(readIfPresent(join(link.gitDir, COPIES)) ?? '') ?? {});
  return Object.fromEntries(
    noted.flatMap(([path, stamps]) => {
      const { original, copy } = fieldsOf(stamps);
      return typeof original === 'string' && typeof copy === 'string' ? [[path, { original, copy }]] : [];
    }),
  );
}

function stampsOf(root: string, worktree: string, path: string): Stamps {
  return { original: stampAt(join(root, path)), copy: stampAt(join(worktree, path)) };
}

function stampAt(path: string): string {
  const stats = lstatIfPresent(path);
  return stats === null ? '' : [stats.ino, stats.size, stats.mtimeMs, stats.mode].join(' ');
}

/** Removes a copy that is as we made it, while its original is not, and one that was not finished: it is made again. */
function takeBackOutdated(root: string, worktree: string, path: string, noted: Stamps | undefined): void {
  const [original, copy] = [join(root, path), join(worktree, path)];
  if (noted === undefined || kindAt(copy) !== 'file') return;
  const now = stampsOf(root, worktree, path);
  const outdated = now.copy === noted.copy && now.original !== noted.original;
  if (outdated || (noted.copy === UNDER_WAY && isHalf(copy, original))) unlinkSync(copy);
}

/** True for what a copy that was broken off leaves: the beginning of the original, and nothing else. */
function isHalf(copy: string, original: string): boolean {
  if (kindAt(original) !== 'file') return false;
  const bytes = statSync(copy).size;
  return bytes <= statSync(original).size && startTheSame(copy, original, bytes);
}

type Included = {
  readonly files: readonly string[];
  /** Those whose names are not UTF-8, so that nothing here can open them: as a shell's `$'…'` takes them. */
  readonly unreadable: readonly string[];
};

/** Files of the main checkout that `.worktreeinclude` names and that git ignores, outside all worktrees. */
async function includedFiles(door: Door, link: WorktreeLink): Promise<Included> {
  const include = join(door.root, INCLUDE_FILE);
  if (kindAt(include) !== 'file') return { files: [], unreadable: [] };
  const args = ['ls-files', '-z', '--others', '--ignored', `--exclude-from=${include}`];
  const { names, unreadable } = namesIn(await door.bytes(args));
  const root = realParent(door.root) ?? door.root;
  const worktrees = relative(root, dirname(link.path));
  const isOutside = (path: string): boolean =>
    !path.endsWith('/') && path.split(sep)[0] !== '.git' && !(worktrees !== '' && isWithin(worktrees, path));
  const files = await ignoredOf(door, names.filter(isOutside), {});
  return { files, unreadable: unreadable.filter(isOutside) };
}

/** The names in a list with zero bytes between them, those apart that are not UTF-8. */
function namesIn(list: Buffer): {
  readonly names: readonly string[];
  readonly unreadable: readonly string[];
} {
  const all = listedBytes(list).filter(Boolean);
  const names = all.filter(isText).map(asText);
  const unreadable = all.filter((bytes) => !isText(bytes)).map(asText);
  return { names, unreadable };
}

/** Those of the files that git would show as untracked in the worktree. */
async function shownFiles(door: Door, link: WorktreeLink, paths: readonly string[]): Promise<string[]> {
  const ignored = new Set(await ignoredOf(door, paths, inWorktree(link, door.commonDir)));
  return paths.filter((path) => !ignored.has(path));
}

/** Those of the untracked files that git ignores, there where the command runs. */
async function ignoredOf(door: Door, paths: readonly string[], where: CommandOptions): Promise<string[]> {
  const ignored: string[] = [];
  // Paths are names, not patterns.
  const literal = { ...where, env: { ...where.env, GIT_LITERAL_PATHSPECS: '1' } };
  for (const chunk of inChunks(paths)) {
    const args = ['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--', ...chunk];
    ignored.push(...(await door.read(args, literal)).split('\0').filter(Boolean));
  }
  return ignored;
}

/** Copies a file, or a link as a link. Returns null when it is there now, `exists` when something was, else a warning. */
function copyInto(root: string, worktree: string, path: string): string | null {
  const source = join(root, path);
  const target = join(worktree, path);
  if (kindAt(target) !== 'missing') return 'exists';
  try {
    const blocked = prepareParent(worktree, target);
    if (blocked) return `${printable(path)} was not copied: its directory leads out of the worktree`;
    if (kindAt(source) === 'symlink') symlinkSync(readlinkSync(source), target);
    else copyFileSync(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return null;
  } catch (error) {
    return `${printable(path)} was not copied: ${messageOf(error)}`;
  }
}

/** Makes a relative link to a path of the main checkout. Returns null when it is there now, else a warning. */
function linkInto(root: string, worktree: string, path: string): string | null {
  const clean = normalize(path).replace(/\/+$/, '');
  const source = join(root, clean);
  const label = `worktree.symlink ${JSON.stringify(path)}`;
  if (!isInside(clean)) return `${label} was left out: it is not a path inside the project`;
  if (kindAt(source) === 'missing')
    return `${label} was left out: the main checkout has no such file or directory`;
  try {
    if (!isWithin(realpathSync(root), realpathSync(source))) {
      return `${label} was left out: it leads out of the project`;
    }
    const target = join(worktree, clean);
    if (kindAt(target) === 'symlink' && realpathSync(target) === realpathSync(source)) return null;
    if (kindAt(target) !== 'missing')
      return `${label} was left out: the worktree has something there already`;
    if (prepareParent(worktree, target))
      return `${label} was left out: its directory leads out of the worktree`;
    symlinkSync(relative(realpathSync(dirname(target)), source), target);
    return null;
  } catch (error) {
    return `${label} was left out: ${messageOf(error)}`;
  }
}

/** True for a relative path that stays inside and names something other than the project itself or git's own files. */
function isInside(path: string): boolean {
  const first = path.split('/')[0] ?? '';
  return !isAbsolute(path) && !['', '.', '..', '.git'].includes(first) && !path.includes('\0');
}

/** Makes the parent directories; true when a link among them leads out of the worktree, and then nothing is made. */
function prepareParent(worktree: string, target: string): boolean {
  let existing = dirname(target);
  while (kindAt(existing) === 'missing') existing = dirname(existing);
  if (!isWithin(worktree, realpathSync(existing))) return true;
  mkdirSync(dirname(target), { recursive: true });
  return false;
}
