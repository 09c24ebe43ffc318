/** Keeps everything a worktree holds in one commit under `refs/orchestrate/saved/`, byte for byte, changing nothing in it. */
import { readlinkSync, rmSync, type Stats, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import { lstatIfPresent } from '../../files/present.ts';
import { scratchDirectory } from '../../files/scratch.ts';
import { checkedKey, noObject } from '../checked-names.ts';
import { author } from '../commit.ts';
import { type CommandOptions, type Door, inChunks } from '../door.ts';
import { gitFailure } from '../failure.ts';
import { OURS, treeOf } from '../refs.ts';
import { inWorktree, requireLink } from '../worktree-link.ts';
import { clearFlags, copyIndex, flaggedFiles, readContents } from '../worktree-status.ts';
import { sortIgnored } from './ignored-files.ts';
import { looseCommits } from './loose-commits.ts';
import type { SavedAs, Tidy } from './types.ts';

/** What saved refs are named below; a key and a label follow. */
export const SAVED = `${OURS}saved/`;

/** Refs tried for one label before giving up; each snapshot takes a new one. */
const MOST_OF_A_LABEL = 1_000;

/** What there is to save of a worktree, as it was looked at. */
export type Unsaved = {
  /** Options that bind git to the worktree, whose directory may be gone. */
  readonly here: CommandOptions;
  readonly gitDir: string;
  readonly path: string;
  readonly headSha: string | null;
  /** The index may differ from the head. */
  readonly staged: boolean;
  /** Paths that are not as in the head. */
  readonly paths: readonly string[];
  /** Commits that only this worktree knows. */
  readonly loose: readonly string[];
};

/**
 * See `Tidy.saveSnapshot`. Throws exit 5 when there is something that one commit cannot hold (a submodule's changes, a
 * repository inside).
 */
export async function saveSnapshot(
  door: Door,
  request: Parameters<Tidy['saveSnapshot']>[0],
): Promise<string> {
  const link = requireLink(door, request.path);
  const here = inWorktree(link, door.commonDir);
  const status = await readContents(door, link);
  const ignored = sortIgnored(link, status.ignored, request.spare, door.root);
  const loose = await looseCommits(door, {
    there: here,
    gitDir: link.gitDir,
    head: status.headSha,
    branch: status.branch,
    onItsBranch: status.branch !== null,
    known: [],
  });
  const inside =
    status.changed.find((entry) => entry.submodule)?.path ??
    status.untracked.find((name) => name.endsWith('/')) ??
    ignored.repositories[0];
  if (inside !== undefined) throw unsavable(request.path, inside);
  return saveWork(
    door,
    {
      here,
      gitDir: link.gitDir,
      path: link.path,
      headSha: status.headSha,
      staged: status.changed.length > 0,
      paths: [...status.changed.map((entry) => entry.path), ...status.untracked, ...ignored.counting],
      loose: loose.tips,
    },
    request.as,
    await author(door),
  );
}

/**
 * Keeps it under a new ref, whose name is returned: a commit with the head as its first parent; further parents are the
 * staged state, where it differs, and the commits that only this worktree knows.
 */
export async function saveWork(
  door: Door,
  unsaved: Unsaved,
  as: SavedAs,
  who: Readonly<Record<string, string>>,
): Promise<string> {
  const name = `${SAVED}${checkedKey(as.key)}/${checkedKey(as.label)}`;
  const { here, headSha, staged, paths, loose } = unsaved;
  const env = { ...here.env, ...who };
  const heads = headSha === null ? [] : [headSha];
  if (!staged && paths.length === 0 && headSha !== null) {
    const message = messageFor(as, { files: 0, bytes: 0 });
    const tree = `${headSha}^{tree}`;
    return nameIt(door, name, await makeCommit(door, { ...here, env }, tree, [...heads, ...loose], message));
  }
  const folder = scratchDirectory('snapshot', door.commonDir);
  try {
    const index = join(folder, 'index');
    copyIndex(unsaved, index);
    const there = { ...here, env: { ...env, GIT_INDEX_FILE: index } };
    const stagedAs = await stagedCommit(door, there, heads);
    await clearFlags(door, await flaggedFiles(door, there), there);
    const stored = await storeFiles(door, unsaved.path, { there, folder, paths });
    const tree = (await door.write(['write-tree'], there)).trim();
    const parents = [...heads, ...stagedAs, ...loose];
    return await nameIt(door, name, await makeCommit(door, there, tree, parents, messageFor(as, stored)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function unsavable(path: string, inside: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.refused,
    `${JSON.stringify(path)} cannot be saved: ${JSON.stringify(inside)} in it is a repository with work of its own`,
    'commit and push there, or move it away',
  );
}

/** A commit of the index, when it differs from HEAD; an index in the middle of a merge has no tree and gives none. */
async function stagedCommit(door: Door, there: CommandOptions, heads: readonly string[]): Promise<string[]> {
  const result = await door.attempt(['write-tree'], there);
  if (result.code !== 0) {
    if (/unmerged|error building trees/.test(result.err)) return [];
    throw gitFailure(['write-tree'], result);
  }
  const tree = result.out.trim();
  const [head] = heads;
  const same = head !== undefined && (await treeOf(door, head)) === tree;
  return same ? [] : [await makeCommit(door, there, tree, heads, 'Staged changes')];
}

async function makeCommit(
  door: Door,
  there: CommandOptions,
  tree: string,
  parents: readonly string[],
  message: string,
): Promise<string> {
  const links = parents.flatMap((parent) => ['-p', parent]);
  return (await door.write(['commit-tree', tree, ...links, '-m', message], there)).trim();
}

/** What was stored beside the commits. */
type Stored = { readonly files: number; readonly bytes: number };

/** The commit's own words, by which it is found again (`savedWork`). */
function messageFor({ key, label, stream, reason }: SavedAs, { files, bytes }: Stored): string {
  const facts = { Stream: stream, Reason: reason, Files: files, Bytes: bytes };
  const lines = Object.entries(facts).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return [`Saved worktree of ${key} (${label})`, '', ...lines].join('\n');
}

/** Gives the commit a ref that no other has: the name, or the name and a number. */
async function nameIt(door: Door, name: string, commit: string): Promise<string> {
  for (let number = 1; number <= MOST_OF_A_LABEL; number += 1) {
    const ref = number === 1 ? name : `${name}-${number}`;
    const args = ['update-ref', '--create-reflog', '-m', 'saved', ref, commit, noObject(commit)];
    const result = await door.attempt(args);
    if (result.code === 0) return ref;
    if (!/reference already exists/.test(result.err)) throw gitFailure(args, result);
  }
  throw new OrchestrateError(EXIT.state, `${name} has too many snapshots`, 'orchestrate recover --expire 30');
}

type Target = {
  /** Options that name the index to write. */
  readonly there: CommandOptions;
  /** A private directory for the texts of links. */
  readonly folder: string;
  readonly paths: readonly string[];
};

type FileToStore = { readonly path: string; readonly mode: string; readonly source: string };

/** Stores the files at `paths` (relative to the worktree); a path that is gone, or a directory now, leaves the index. */
async function storeFiles(door: Door, root: string, target: Target): Promise<Stored> {
  const gone: string[] = [];
  const present: FileToStore[] = [];
  let bytes = 0;
  for (const path of new Set(target.paths)) {
    const stats = lstatIfPresent(join(root, path));
    if (stats === null || stats.isDirectory()) gone.push(checkedGone(path));
    else {
      present.push(storedAs(root, path, stats, join(target.folder, `link-${present.length}`)));
      bytes += stats.size;
    }
  }
  for (const paths of inChunks(gone)) {
    await door.write(['update-index', '--force-remove', '--', ...paths], target.there);
  }
  const bySource = new Map(present.map((file) => [file.source, file]));
  for (const sources of inChunks([...bySource.keys()])) {
    const hashed = await door.write(['hash-object', '-w', '--no-filters', '--', ...sources], target.there);
    const names = hashed.trim().split('\n');
    const entries = sources.flatMap((source, index) => {
      const file = bySource.get(source);
      return file === undefined ? [] : ['--cacheinfo', `${file.mode},${names[index]},${file.path}`];
    });
    await door.write(['update-index', '--add', '--replace', ...entries], target.there);
  }
  return { files: present.length, bytes };
}

function storedAs(root: string, path: string, stats: Stats, linkText: string): FileToStore {
  if (!stats.isSymbolicLink()) {
    return { path, mode: (stats.mode & 0o100) !== 0 ? '100755' : '100644', source: path };
  }
  // Git keeps a link as its text; hashing the path itself would follow it.
  writeFileSync(linkText, readlinkSync(join(root, path), { encoding: 'buffer' }));
  return { path, mode: '120000', source: linkText };
}

/** A name that is not UTF-8 cannot be found again by its text; taking it for deleted would lose the file. */
function checkedGone(path: string): string {
  if (!path.includes('\ufffd')) return path;
  throw new OrchestrateError(
    EXIT.refused,
    `the file ${JSON.stringify(path)} cannot be saved: its name is not UTF-8`,
    'rename it in the worktree, then run the command again',
  );
}
