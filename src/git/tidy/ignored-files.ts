/** Tells the ignored files of a worktree that hold something from those that set-up made, that the main checkout has too, and that anyone can make again. */
import { type Dirent, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fieldsOf, parseObject, stringOf } from '../../core/json-fields.ts';
import { ifPresent, lstatIfPresent } from '../../files/present.ts';
import { startTheSame } from '../../files/same-content.ts';
import { sha256 } from '../../files/sha256.ts';
import type { Door } from '../door.ts';
import { inWorktree, kindAt, type WorktreeLink } from '../worktree-link.ts';
import type { Spare } from './types.ts';

export type Ignored = {
  /** Files that hold something, relative to the worktree. */
  readonly counting: readonly string[];
  /** What may go with the worktree; a directory, which goes whole, ends in a slash. */
  readonly spare: readonly string[];
  /** Repositories among the ignored files. */
  readonly repositories: readonly string[];
};

/** Sorts ignored entries of a worktree, whose place in the main checkout is `main`; null where it has none. */
export function sortIgnored(
  link: WorktreeLink,
  ignored: readonly string[],
  { made, disposable }: Spare,
  main: string | null,
): Ignored {
  const known = made === null ? new Map<string, Made>() : parseMade(made);
  const found = { counting: [] as string[], spare: [] as string[], repositories: [] as string[] };
  const goes = disposableRule(disposable);
  const isSpare = (path: string) =>
    goes(path, false) ||
    isAsMade(known.get(path), link.path, path) ||
    (main !== null && isSame(join(main, path), join(link.path, path)));
  const sortDirectory = (path: string): void => {
    if (goes(path, true)) {
      const inside = repositoriesBelow(link.path, path);
      if (inside.length === 0) found.spare.push(`${path}/`);
      found.repositories.push(...inside);
      return;
    }
    const entries = readdirSync(join(link.path, path), { withFileTypes: true });
    if (isRepository(entries)) found.repositories.push(path);
    else for (const each of entries) sort(join(path, each.name), each.isDirectory());
  };
  const sort = (path: string, isDirectory: boolean): void => {
    if (isDirectory) sortDirectory(path);
    else (isSpare(path) ? found.spare : found.counting).push(path);
  };
  for (const entry of ignored) {
    const path = entry.replace(/\/$/, '');
    // What has gone since it was listed holds nothing.
    if (kindAt(join(link.path, path)) !== 'missing') sort(path, entry.endsWith('/'));
  }
  return found;
}

/** True for a directory in which git would see a repository, be it a checkout or a bare one. */
export function isRepository(entries: readonly Dirent[]): boolean {
  const names = new Set(entries.map(({ name }) => name));
  return names.has('.git') || (names.has('HEAD') && names.has('objects') && names.has('refs'));
}

function repositoriesBelow(root: string, path: string): string[] {
  const entries = readdirSync(join(root, path), { withFileTypes: true });
  if (isRepository(entries)) return [path];
  return entries
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => repositoriesBelow(root, join(path, entry.name)));
}

/**
 * True when the main checkout has the very same file: a copy we made and nobody changed. A link to what the main checkout
 * has there is one that we made. Neither needs to be kept, and secrets stay out of the object store.
 */
function isSame(inMain: string, inWorktree: string): boolean {
  const kind = kindAt(inWorktree);
  if (kind === 'symlink') {
    const target = ifPresent(() => realpathSync(inWorktree));
    return target !== null && target === ifPresent(() => realpathSync(inMain));
  }
  if (kind !== 'file' || kindAt(inMain) !== 'file') return false;
  const [here, there] = [lstatIfPresent(inWorktree), lstatIfPresent(inMain)];
  return here !== null && here.size === there?.size && startTheSame(inMain, inWorktree, here.size);
}

/** Up to this size a file is known by its content too, so that one that was rewritten the same is no other. */
const MOST_BYTES = 1 << 20;
/** Files that are noted of one worktree; what is beyond counts as holding something. */
const MOST_NOTED = 20_000;

/** What a file was when it was noted: its inode with size and times, and its content where that is small. */
type Made = { readonly stamp: string; readonly sha: string | null };

/** See `Tidy.noteMade`. */
export async function noteMade(
  door: Door,
  link: WorktreeLink,
  disposable: readonly string[],
  { before, former }: { readonly before: string | null; readonly former: string | null },
): Promise<string> {
  const others = before === null ? new Map<string, Made>() : parseMade(before);
  const earlier = former === null ? new Map<string, Made>() : parseMade(former);
  const files: Record<string, Made> = {};
  let count = 0;
  const note = (name: string, isDirectory: boolean): void => {
    if (count >= MOST_NOTED) return;
    if (isDirectory) {
      for (const entry of readdirSync(join(link.path, name), { withFileTypes: true }))
        note(join(name, entry.name), entry.isDirectory());
      return;
    }
    const made = madeAt(link.path, name);
    if (made === null) return;
    count += 1;
    if (!others.has(name) && !isAsMade(earlier.get(name), link.path, name)) files[name] = made;
  };
  const goes = disposableRule(disposable);
  // A directory of nothing else is one entry, which ends in a slash.
  const args = ['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--directory'];
  const entries = (await door.read(args, inWorktree(link, door.commonDir))).split('\0').filter(Boolean);
  for (const entry of entries) {
    const name = entry.replace(/\/$/, '');
    if (!goes(name, entry.endsWith('/'))) note(name, entry.endsWith('/'));
  }
  return JSON.stringify({ version: 1, files });
}

function madeAt(root: string, name: string): Made | null {
  const file = join(root, name);
  const stats = lstatIfPresent(file);
  if (stats === null) return null;
  const stamp = [stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs, stats.mode].join(' ');
  if (stats.isSymbolicLink()) return { stamp, sha: sha256(readlinkSync(file)) };
  return { stamp, sha: stats.isFile() && stats.size <= MOST_BYTES ? sha256(readFileSync(file)) : null };
}

/** True while a file is what was noted of it. */
function isAsMade(made: Made | undefined, root: string, name: string): boolean {
  if (made === undefined) return false;
  const now = madeAt(root, name);
  return now !== null && (now.stamp === made.stamp || (now.sha !== null && now.sha === made.sha));
}

/** A note that is none of ours says nothing: then every file counts. */
function parseMade(text: string): Map<string, Made> {
  const note = parseObject(text);
  const files = note?.['version'] === 1 ? fieldsOf(note['files']) : {};
  return new Map(
    Object.entries(files).map(([name, made]): [string, Made] => {
      const { stamp, sha } = fieldsOf(made);
      return [name, { stamp: stringOf(stamp) ?? '', sha: stringOf(sha) }];
    }),
  );
}

type Rule = { readonly matches: RegExp; readonly onlyDirectories: boolean; readonly negated: boolean };

/** Whether a path is disposable by patterns in the syntax of gitignore, of which the last that matches decides. */
export function disposableRule(patterns: readonly string[]): (path: string, isDirectory: boolean) => boolean {
  const rules = patterns.flatMap(ruleOf);
  return (path, isDirectory) => {
    const last = rules.findLast((rule) => (isDirectory || !rule.onlyDirectories) && rule.matches.test(path));
    return last !== undefined && !last.negated;
  };
}

function ruleOf(pattern: string): Rule[] {
  const negated = pattern.startsWith('!');
  const body = pattern.slice(negated ? 1 : 0).trim();
  const onlyDirectories = body.endsWith('/');
  const path = body.replace(/\/+$/, '');
  const anchored = path.includes('/');
  const segments = path.replace(/^\/+/, '').split('/');
  if (path === '') return [];
  const text = segments
    .map((segment, index) => {
      const isLast = index === segments.length - 1;
      if (segment === '**') return isLast ? '.*' : '(?:.*/)?';
      return `${segmentText(segment)}${isLast ? '' : '/'}`;
    })
    .join('');
  return [{ matches: new RegExp(`^${anchored ? '' : '(?:.*/)?'}${text}$`, 's'), onlyDirectories, negated }];
}

function segmentText(segment: string): string {
  return segment
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '[^/]*')
    .replace(/\?/g, '[^/]');
}
