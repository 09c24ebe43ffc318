/** Reads `git status --porcelain=v2 -z`, also for files that flags in the index hide from it. */
import { copyFileSync, lstatSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { statIfPresent } from '../files/present.ts';
import { scratchDirectory } from '../files/scratch.ts';
import { type CommandOptions, type Door, inChunks } from './door.ts';
import { SUBMODULE } from './tree-changes.ts';
import { inWorktree, kindAt, type WorktreeLink } from './worktree-link.ts';

export type StatusEntry = {
  readonly path: string;
  /** A submodule with new commits, changes or untracked files of its own. */
  readonly submodule: boolean;
  /** What git says of it: states, modes and object names. */
  readonly record: string;
};

export type Status = {
  readonly branch: string | null;
  readonly headSha: string | null;
  readonly changed: readonly StatusEntry[];
  /** A path that ends in `/` is a repository of its own inside the worktree. */
  readonly untracked: readonly string[];
};

const STATUS = [
  'status',
  '--porcelain=v2',
  '--branch',
  '-z',
  '--untracked-files=all',
  '--no-renames',
  '--ignore-submodules=none',
];

/** The status of a worktree: every tracked file that differs from HEAD, every untracked file that is not ignored. */
export async function readStatus(door: Door, link: WorktreeLink): Promise<Status> {
  return statusBeside(door, link, STATUS, flaggedFiles(door, inWorktree(link, door.commonDir)));
}

/** A file of the index. */
export type IndexEntry = { readonly path: string; readonly submodule: boolean };

/** All that git knows of the files of a worktree. */
export type Contents = Status & {
  /** Ignored files, and directories (with a slash at the end) that go by such a pattern. */
  readonly ignored: readonly string[];
  readonly index: readonly IndexEntry[];
};

/** Reads it, by as many commands as the status alone. */
export async function readContents(door: Door, link: WorktreeLink): Promise<Contents> {
  const listed = door.read(['ls-files', '-v', '--stage', '-z'], inWorktree(link, door.commonDir));
  const entries = listed.then((out) => [...out.matchAll(/(.) (\d+) [0-9a-f]+ \d\t([^\0]+)\0/gs)]);
  const flagged = entries.then((all) =>
    all.flatMap(([, flag = '', , path = '']) => (isFlag(flag) ? [path] : [])),
  );
  const status = await statusBeside(door, link, [...STATUS, '--ignored=matching'], flagged);
  const index = (await entries).map(([, , mode, path = '']) => ({ path, submodule: mode === SUBMODULE }));
  return { ...status, index };
}

/** The status, asked for while it is found out which files git looks away from; and once more where there are any. */
async function statusBeside(
  door: Door,
  link: WorktreeLink,
  args: readonly string[],
  asked: Promise<readonly string[]>,
): Promise<Status & Pick<Contents, 'ignored'>> {
  const here = inWorktree(link, door.commonDir);
  const read = async (where: CommandOptions) => parseStatus(await door.read(args, where));
  // Flags are rare: so both questions are asked at once.
  const [flagged, status] = await Promise.all([asked, read(here)]);
  const existing = flagged.filter((path) => kindAt(join(link.path, path)) !== 'missing');
  return existing.length === 0 ? status : withPlainIndex(door, link, existing, read);
}

/**
 * Does something with an index in which none of the files is marked skip-worktree or assume-unchanged: git looks away
 * from such files, changed or not. The worktree's own index stays as it is.
 */
async function withPlainIndex<T>(
  door: Door,
  link: WorktreeLink,
  flagged: readonly string[],
  work: (there: CommandOptions) => Promise<T>,
): Promise<T> {
  const here = inWorktree(link, door.commonDir);
  const folder = scratchDirectory('index', door.commonDir);
  try {
    const index = join(folder, 'index');
    copyIndex(link, index);
    const there = { ...here, env: { ...here.env, GIT_INDEX_FILE: index } };
    await clearFlags(door, flagged, there);
    return await work(there);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Copies a worktree's index to `index`, which must not be there; without one nothing is copied. */
export function copyIndex({ gitDir }: Pick<WorktreeLink, 'gitDir'>, index: string): void {
  const own = join(gitDir, 'index');
  const stats = statIfPresent(own);
  if (stats === null) return;
  copyFileSync(own, index);
  // Files as young as the index are compared by content; a copy that looked younger would have them pass unread.
  const seconds = Math.floor(stats.mtimeMs / 1000);
  utimesSync(index, seconds, seconds);
}

/** Takes both flags off files of the index that `there` names. */
export async function clearFlags(door: Door, paths: readonly string[], there: CommandOptions): Promise<void> {
  for (const chunk of inChunks(paths)) {
    await door.write(['update-index', '--no-skip-worktree', '--', ...chunk], there);
    await door.write(['update-index', '--no-assume-unchanged', '--', ...chunk], there);
  }
}

/** Skip-worktree (S) or assume-unchanged (lower case). */
const isFlag = (letter: string): boolean => /^[Sa-z]$/.test(letter);

/** Tracked files that the index marks so that git looks away from them. */
export async function flaggedFiles(door: Door, here: CommandOptions): Promise<string[]> {
  const lines = (await door.read(['ls-files', '-v', '-z'], here)).split('\0');
  return lines.filter((line) => isFlag(line.charAt(0))).map((line) => line.slice(2));
}

/** Indexes that mark no file, by git directory, as they were: git puts another file in place of an index that it changes. */
const plainIndexes = new Map<string, string>();

/** True when the index of a worktree marks files; asked of git once for each index that marks none. */
export async function hidesFiles(door: Door, link: WorktreeLink): Promise<boolean> {
  const before = stampOf(link);
  if (before !== null && plainIndexes.get(link.gitDir) === before) return false;
  if ((await flaggedFiles(door, inWorktree(link, door.commonDir))).length > 0) return true;
  if (before !== null && stampOf(link) === before) plainIndexes.set(link.gitDir, before);
  return false;
}

function stampOf({ gitDir }: WorktreeLink): string | null {
  const stat = lstatSync(join(gitDir, 'index'), { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.ino} ${stat.size} ${stat.ctimeNs} ${stat.mtimeNs}`;
}

/** Fields before the path in each kind of record that names a changed file; there are no renames (kind 2). */
const FIELDS_BEFORE_PATH: Readonly<Record<string, number>> = { '1': 8, u: 10 };

/** Parses porcelain v2 with `-z`, as git-status(1) describes it, without renames. */
function parseStatus(out: string): Status & Pick<Contents, 'ignored'> {
  const headers = new Map<string, string>();
  const changed: StatusEntry[] = [];
  const [untracked, ignored]: [string[], string[]] = [[], []];
  const others: Readonly<Record<string, string[]>> = { '?': untracked, '!': ignored };
  for (const record of out.split('\0')) {
    const fields = record.split(' ');
    const [kind = '', name = '', submodule = ''] = fields;
    const before = FIELDS_BEFORE_PATH[kind];
    if (kind === '#') headers.set(name, fields.slice(2).join(' '));
    others[kind]?.push(record.slice(2));
    if (before !== undefined) {
      changed.push({
        path: fields.slice(before).join(' '),
        submodule: submodule.startsWith('S'),
        record: fields.slice(0, before).join(' '),
      });
    }
  }
  const branch = headers.get('branch.head') ?? '(detached)';
  const sha = headers.get('branch.oid') ?? '(initial)';
  return {
    branch: branch === '(detached)' ? null : branch,
    headSha: sha === '(initial)' ? null : sha,
    changed,
    untracked,
    ignored,
  };
}
