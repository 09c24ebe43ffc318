/**
 * Tells what a worktree was dirty with before its agent began (line endings, filters, what set-up left) from what was changed
 * since; kept in the worktree's own git directory, so that it goes when the worktree goes.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, type Stats, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { parseObject } from '../core/json-fields.ts';
import { lstatIfPresent, readIfPresent } from '../files/present.ts';
import { scratchDirectory } from '../files/scratch.ts';
import { NO_DOWNLOAD } from './big-files.ts';
import { checkedSha } from './checked-names.ts';
import { type Door, inChunks } from './door.ts';
import { gitFailure } from './failure.ts';
import type { BornDirty } from './types.ts';
import { inWorktree, requireLink, type WorktreeLink } from './worktree-link.ts';
import { readStatus, type Status } from './worktree-status.ts';

const FILE = 'orchestrate-born-dirty.json';
/** What git's record said, the file by its inode, size and times, and (of tracked files) its content: the same is unchanged. */
type Mark = readonly [record: string, stat: string, content: string | null];
/** More files than this are not compared with what a checkout would write. */
const MOST_COMPARED = 500;
/** A repository with more files is not checked out to see whether it comes out dirty. */
const MOST_CHECKED_OUT = 5_000;

/** See `Git.noteBornDirty`. */
export async function noteBornDirty(
  door: Door,
  path: string,
  others: readonly string[] = [],
): Promise<BornDirty> {
  const link = requireLink(door, path);
  const status = await readStatus(door, link);
  const natural = await asCheckedOut(
    door,
    link,
    status.changed.map((entry) => entry.path),
  );
  const before = new Set(others.filter((name) => !natural.has(name)));
  const changed = status.changed.filter((entry) => !before.has(entry.path));
  const untracked = status.untracked.filter((name) => !before.has(name));
  const marks: Record<string, Mark> = {};
  for (const { path: name, record } of changed) marks[name] = markOf(link, name, record);
  for (const name of untracked) marks[name] = markOf(link, name, null);
  writeFileSync(join(link.gitDir, FILE), JSON.stringify(marks), { mode: 0o600 });
  const names = changed.map((entry) => entry.path);
  return {
    repository: names.filter((name) => natural.has(name)),
    setup: [...names.filter((name) => !natural.has(name)), ...untracked],
  };
}

/** See `Git.dirtyFiles`. */
export async function dirtyFiles(door: Door, path: string): Promise<readonly string[]> {
  const link = requireLink(door, path);
  const { changed, untracked } = await withoutBornDirty(door, link, await readStatus(door, link));
  return [...changed.map((entry) => entry.path), ...untracked];
}

/** A status in two: what was changed since the agent began, and what is as it was then, or as every checkout has it. */
export async function withoutBornDirty(
  door: Door,
  link: WorktreeLink,
  status: Status,
): Promise<Pick<Status, 'changed' | 'untracked'> & { readonly born: readonly string[] }> {
  if (status.changed.length + status.untracked.length === 0) return { ...status, born: [] };
  const marks = marksOf(link);
  const isBorn = (name: string, record: string | null): boolean => {
    const mark = marks.get(name);
    return mark !== undefined && isUnchanged(link, name, record, mark);
  };
  const changed = status.changed.filter((entry) => !isBorn(entry.path, entry.record));
  const untracked = status.untracked.filter((name) => !isBorn(name, null));
  // Git looks at a file's content only when its times make it doubt, so that it may see one later that was so from the start.
  const unstaged = changed.filter(({ record, submodule }) => record.startsWith('1 .M') && !submodule);
  const natural = await asCheckedOut(
    door,
    link,
    unstaged.slice(0, MOST_COMPARED).map((entry) => entry.path),
  );
  const own = changed.filter(({ path }) => !natural.has(path));
  const kept = new Set([...own.map(({ path }) => path), ...untracked]);
  const all = [...status.changed.map(({ path }) => path), ...status.untracked];
  return { changed: own, untracked, born: all.filter((path) => !kept.has(path)) };
}

function marksOf(link: WorktreeLink): ReadonlyMap<string, Mark> {
  const marks = Object.entries(parseObject(readIfPresent(join(link.gitDir, FILE)) ?? '') ?? {});
  return new Map(marks.flatMap(([name, mark]) => (isMark(mark) ? [[name, mark] as const] : [])));
}

/** False for what somebody else wrote there: what is not known to be as it was counts as changed. */
function isMark(value: unknown): value is Mark {
  return (
    Array.isArray(value) && value.length === 3 && typeof value[0] === 'string' && typeof value[1] === 'string'
  );
}

function markOf(link: WorktreeLink, name: string, record: string | null): Mark {
  const stats = lstatIfPresent(join(link.path, name));
  return [record ?? '?', statText(stats), record === null ? null : contentOf(link, name, stats)];
}

function isUnchanged(link: WorktreeLink, name: string, record: string | null, mark: Mark): boolean {
  const [was, stat, content] = mark;
  if (was !== (record ?? '?')) return false;
  const stats = lstatIfPresent(join(link.path, name));
  return statText(stats) === stat || (content !== null && contentOf(link, name, stats) === content);
}

function statText(stats: Stats | null): string {
  return stats === null ? 'missing' : [stats.ino, stats.mode, stats.size, stats.mtimeMs].join(' ');
}

/** Mode and content of a file; the text of a link. Directories (submodules) are told by git's record alone. */
function contentOf(link: WorktreeLink, name: string, stats: Stats | null): string {
  if (stats === null) return 'missing';
  if (stats.isSymbolicLink()) return `link ${readlinkSync(join(link.path, name))}`;
  if (!stats.isFile()) return 'other';
  const sum = createHash('sha256')
    .update(readFileSync(join(link.path, name)))
    .digest('hex');
  return `${stats.mode & 0o111} ${sum}`;
}

/** Those of the files that are, byte for byte, what git writes when it checks them out. */
async function asCheckedOut(
  door: Door,
  link: WorktreeLink,
  paths: readonly string[],
): Promise<ReadonlySet<string>> {
  if (paths.length === 0) return new Set();
  const here = inWorktree(link, door.commonDir);
  const there = { ...here, env: { ...here.env, ...NO_DOWNLOAD } };
  const folder = scratchDirectory('checkout', door.commonDir);
  const fresh = { path: folder, gitDir: link.gitDir };
  const same = new Set<string>();
  try {
    for (const chunk of inChunks(paths)) {
      // One of them may not be in the index: the others are written all the same.
      await door.attempt(['checkout-index', '--quiet', `--prefix=${folder}${sep}`, '--', ...chunk], there);
      for (const name of chunk) {
        const written = lstatIfPresent(join(folder, name));
        if (written === null) continue;
        const now = contentOf(link, name, lstatIfPresent(join(link.path, name)));
        if (contentOf(fresh, name, written) === now) same.add(name);
      }
    }
    return same;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** See `Git.dirtyWhenCheckedOut`. */
export async function dirtyWhenCheckedOut(door: Door, sha: string): Promise<readonly string[] | null> {
  const listed = await door.read(['ls-tree', '-r', '-z', '--name-only', checkedSha(sha)]);
  const names = listed.split('\0').filter(Boolean);
  if (names.length > MOST_CHECKED_OUT) return null;
  // Where the worktrees will be made there is the same file system: letter case and modes come out the same.
  const folder = mkdtempSync(join(door.commonDir, 'orchestrate-probe-'));
  const at = (index: string) => ({
    env: {
      ...NO_DOWNLOAD,
      GIT_DIR: door.commonDir,
      GIT_WORK_TREE: folder,
      GIT_INDEX_FILE: join(door.commonDir, `${folder.slice(door.commonDir.length + 1)}.${index}`),
    },
    config: { 'core.bare': 'false' },
  });
  try {
    const checkout = ['read-tree', '-m', '-u', sha];
    const result = await door.attempt(checkout, at('index'));
    if (result.code !== 0) throw gitFailure(checkout, result);
    // An index that knows no file's times has git compare all contents; the exit code only says that some differ.
    await door.write(['read-tree', sha], at('compared'));
    await door.attempt(['update-index', '-q', '--refresh'], at('compared'));
    const differing = ['diff-files', '-z', '--name-only', '--ignore-submodules=all'];
    const dirty = (await door.read(differing, at('compared'))).split('\0').filter(Boolean);
    return [...new Set(dirty)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
    for (const index of ['index', 'compared']) rmSync(at(index).env.GIT_INDEX_FILE, { force: true });
  }
}
