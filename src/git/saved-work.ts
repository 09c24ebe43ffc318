/** Keeps everything a worktree holds in one commit under `refs/orchestrate/saved/`, byte for byte, changing nothing in it. */
import { copyFileSync, mkdtempSync, readlinkSync, rmSync, type Stats, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { lstatIfPresent } from '../files/present.ts';
import { author } from './commit.ts';
import { type CommandOptions, type Door, inChunks } from './door.ts';
import { gitFailure } from './failure.ts';
import { ignoredFiles } from './ignored-files.ts';
import { checkedKey, isSha, noObject } from './names.ts';
import { clearFlags, flaggedFiles, readStatus, type Status } from './status.ts';
import type { Git } from './types.ts';
import { inWorktree, kindAt, requireLink, textOf, type WorktreeLink } from './worktree-link.ts';

/** Refs tried for one label before giving up; each snapshot takes a new one. */
const MOST_OF_A_LABEL = 1_000;

/**
 * See `Git.saveSnapshot`. Its first parent is HEAD; further parents are the staged state, where it differs, and commits
 * that only this worktree knows. Ignored files are kept up to a size; what was left out is named in the message. Throws
 * exit 5 when there is something that one commit can't hold (a submodule's changes, a repository inside).
 */
export async function saveSnapshot(door: Door, request: Parameters<Git['saveSnapshot']>[0]): Promise<string> {
  const name = `refs/orchestrate/saved/${checkedKey(request.key)}/${checkedKey(request.label)}`;
  const link = requireLink(door, request.path);
  const here = inWorktree(link, door.commonDir);
  const status = await readStatus(door, link);
  refuseNested(status, request.path);
  const ignored = await ignoredFiles(door, link);
  const folder = mkdtempSync(join(tmpdir(), 'orchestrate-snapshot-'));
  try {
    const index = join(folder, 'index');
    if (kindAt(join(link.gitDir, 'index')) === 'file') copyFileSync(join(link.gitDir, 'index'), index);
    const there = { ...here, env: { ...here.env, ...(await author(door)), GIT_INDEX_FILE: index } };
    const heads = status.headSha === null ? [] : [status.headSha];
    const staged = await stagedCommit(door, there, heads);
    const loose = await looseCommits(door, link, status.headSha);
    await clearFlags(door, await flaggedFiles(door, there), there);
    const paths = [...status.changed.map((entry) => entry.path), ...status.untracked, ...ignored.files];
    await storeFiles(door, link, { there, folder, paths });
    const tree = (await door.write(['write-tree'], there)).trim();
    const message = messageFor(request, ignored.leftOut);
    const commit = await makeCommit(door, there, tree, [...heads, ...staged, ...loose], message);
    return await nameIt(door, name, commit);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function refuseNested(status: Status, path: string): void {
  const inside =
    status.changed.find((entry) => entry.submodule)?.path ??
    status.untracked.find((name) => name.endsWith('/'));
  if (inside === undefined) return;
  throw new OrchestrateError(
    EXIT.refused,
    `${JSON.stringify(path)} can't be saved: ${JSON.stringify(inside)} in it is a repository with work of its own`,
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
  const same =
    head !== undefined && (await door.read(['rev-parse', '--verify', `${head}^{tree}`])).trim() === tree;
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

function messageFor(request: { key: string; label: string }, leftOut: readonly string[]): string {
  const title = `Saved worktree of ${request.key} (${request.label})`;
  if (leftOut.length === 0) return title;
  const lines = leftOut.map((path) => `- ${JSON.stringify(path)}`);
  return [title, '', 'Ignored files that were too many or too big to keep:', ...lines].join('\n');
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

type Stored = { readonly path: string; readonly mode: string; readonly source: string };

/** Stores the files at `paths` (relative to the worktree); a path that is gone, or a directory now, leaves the index. */
async function storeFiles(door: Door, link: WorktreeLink, target: Target): Promise<void> {
  const gone: string[] = [];
  const present: Stored[] = [];
  for (const path of new Set(target.paths)) {
    const stats = lstatIfPresent(join(link.path, path));
    if (stats === null || stats.isDirectory()) gone.push(checkedGone(path));
    else present.push(storedAs(link, path, stats, join(target.folder, `link-${present.length}`)));
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
}

function storedAs(link: WorktreeLink, path: string, stats: Stats, linkText: string): Stored {
  if (!stats.isSymbolicLink()) {
    return { path, mode: (stats.mode & 0o100) !== 0 ? '100755' : '100644', source: path };
  }
  // Git keeps a link as its text; hashing the path itself would follow it.
  writeFileSync(linkText, readlinkSync(join(link.path, path), { encoding: 'buffer' }));
  return { path, mode: '120000', source: linkText };
}

/** A name that is not UTF-8 can't be found again by its text; taking it for deleted would lose the file. */
function checkedGone(path: string): string {
  if (!path.includes('\ufffd')) return path;
  throw new OrchestrateError(
    EXIT.refused,
    `the file ${JSON.stringify(path)} can't be saved: its name is not UTF-8`,
    'rename it in the worktree, then run the command again',
  );
}

/** Files of a worktree's git directory that name commits. */
const NAMING = [
  'MERGE_HEAD',
  'MERGE_AUTOSTASH',
  'CHERRY_PICK_HEAD',
  'REVERT_HEAD',
  'ORIG_HEAD',
  'rebase-merge/orig-head',
  'rebase-merge/autostash',
  'rebase-apply/orig-head',
  'rebase-apply/autostash',
] as const;

/** As few commits as lead to all of them, without `head` and what it contains. */
async function looseCommits(door: Door, link: WorktreeLink, head: string | null): Promise<string[]> {
  const here = inWorktree(link, door.commonDir);
  const named = NAMING.flatMap((name) => (textOf(join(link.gitDir, name)) ?? '').split('\n'));
  const own = await door.read(
    ['for-each-ref', '--format=%(objectname)', 'refs/worktree/', 'refs/bisect/', 'refs/rewritten/'],
    here,
  );
  const logged = head === null ? '' : await door.read(['rev-list', '--walk-reflogs', 'HEAD', '--'], here);
  const tips = new Set([...named, ...own.split('\n'), ...logged.split('\n')].filter(isSha));
  if (head !== null) tips.add(head);
  if (tips.size < 2) return [...tips].filter((sha) => sha !== head);
  const args = ['merge-base', '--independent', ...tips];
  const result = await door.ask(args, here);
  if (result.code > 1) throw gitFailure(args, result);
  return result.out.split('\n').filter((sha) => isSha(sha) && sha !== head);
}
