/** What bringing a checkout from one commit to another would overwrite, by a look of our own, and the doing of it; moves no branch. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ifPresent, lstatIfPresent } from '../files/present.ts';
import { checkedSha } from './checked-names.ts';
import type { CommandOptions, Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { ABSENT, SUBMODULE, type TreeChange, treeChanges } from './tree-changes.ts';
import type { BranchMove } from './types.ts';
import { inWorktree, kindAt, type WorktreeLink } from './worktree-link.ts';
import { copyIndex } from './worktree-status.ts';
import { checkWriting, folded, type Writing } from './writing.ts';

export type Overwriting = Pick<BranchMove, 'from' | 'to'>;

/**
 * The paths at which uncommitted bytes of the checkout are in the way, empty when it can be moved. `index`: where a copy of
 * its index is made, ready for `readTree`.
 */
export async function checkOverwrites(
  door: Door,
  place: WorktreeLink,
  move: Overwriting,
  index: string,
): Promise<readonly string[]> {
  const there = withIndex(door, place, index);
  const changes = await treeChanges(door, move.from, move.to);
  copyAnew(place, index);
  await door.attempt(['update-index', '-q', '--ignore-submodules', '--refresh'], there);
  const own = inTheWay(place.path, changes);
  if (own.length > 0) return own;
  const refused = await readTree(door, place, move, index, { dryRun: true });
  if (refused.length === 0)
    await checkWriting(door, withIndex(door, place, `${index}.probe`), writing(place, move, changes));
  return refused;
}

function writing({ path }: WorktreeLink, { to }: Overwriting, changes: readonly TreeChange[]): Writing {
  const files = changes.filter(({ newMode }) => newMode !== ABSENT && newMode !== SUBMODULE);
  const added = files.filter(({ oldMode }) => oldMode === ABSENT);
  return {
    directory: path,
    to,
    files: files.map((file) => file.path),
    added: added.map((file) => file.path),
  };
}

function withIndex(door: Door, place: WorktreeLink, index: string): CommandOptions {
  const here = inWorktree(place, door.commonDir);
  return { ...here, env: { ...here.env, GIT_INDEX_FILE: index }, config: { 'submodule.recurse': 'false' } };
}

function copyAnew(place: WorktreeLink, index: string): void {
  for (const former of [index, `${index}.lock`]) rmSync(former, { force: true });
  copyIndex(place, index);
}

/**
 * Moves index copy and files from one commit to the other, as `git checkout` does; with `dryRun` nothing is written. Returns
 * the paths that git names as in the way, empty when it is done; throws what else went wrong.
 */
export async function readTree(
  door: Door,
  place: WorktreeLink,
  { from, to }: Overwriting,
  index: string,
  { dryRun }: { readonly dryRun: boolean },
): Promise<readonly string[]> {
  const args = ['read-tree', ...(dryRun ? ['-n'] : []), '-m', '-u', checkedSha(from), checkedSha(to)];
  const result = await door.attempt(args, withIndex(door, place, index));
  if (result.code === 0) return [];
  const named = [
    /^error: Entry '([\s\S]+?)' (?:not uptodate|would be overwritten)/gm,
    /^error: Updating '([\s\S]+?)' would lose/gm,
    /^error: Untracked working tree file '([\s\S]+?)' would be/gm,
    /^error: (?:Cannot update submodule|Updating submodule).*'([\s\S]+?)'/gm,
    /^([^\n]+): needs merge$/gm,
  ].flatMap((pattern) => [...result.err.matchAll(pattern)].map(([, path]) => path ?? ''));
  if (named.length === 0 || !dryRun) throw gitFailure(['read-tree'], result);
  return [...new Set(named)];
}

/** Files that are not tracked where one is to be written; git itself would write over those that are ignored. */
function inTheWay(root: string, changes: readonly TreeChange[]): string[] {
  const removed = new Set(changes.filter(({ newMode }) => newMode === ABSENT).map(({ path }) => path));
  // Where letter case does not count, what is there may be the file that goes away under its former name.
  const goes = (path: string): boolean =>
    removed.has(path) ||
    [...removed].some((former) => folded(former) === folded(path) && isOneFile(root, former, path));
  const found = changes.flatMap(({ path, oldMode, newMode }) => {
    if (oldMode === SUBMODULE && newMode !== SUBMODULE)
      return filesBelow(join(root, path)).length > 0 ? [path] : [];
    return oldMode === ABSENT ? blockers(root, path, goes) : [];
  });
  return [...new Set(found)];
}

function isOneFile(root: string, one: string, other: string): boolean {
  const [first, second] = [lstatIfPresent(join(root, one)), lstatIfPresent(join(root, other))];
  return first !== null && first.ino === second?.ino && first.dev === second.dev;
}

function blockers(root: string, path: string, goes: (path: string) => boolean): string[] {
  const parts = path.split('/');
  for (let count = 1; count < parts.length; count += 1) {
    const parent = parts.slice(0, count).join('/');
    const kind = kindAt(join(root, parent));
    if (kind === 'missing') return [];
    if (kind !== 'directory') return goes(parent) ? [] : [parent];
  }
  const kind = kindAt(join(root, path));
  if (kind === 'missing') return [];
  if (kind === 'directory')
    return filesBelow(join(root, path))
      .map((below) => `${path}/${below}`)
      .filter((below) => !goes(below));
  return goes(path) ? [] : [path];
}

/** Everything below a directory that is not a directory itself. */
function filesBelow(directory: string): string[] {
  const entries = ifPresent(() => readdirSync(directory, { withFileTypes: true })) ?? [];
  return entries.flatMap((entry) =>
    entry.isDirectory()
      ? filesBelow(join(directory, entry.name)).map((below) => `${entry.name}/${below}`)
      : [entry.name],
  );
}

/**
 * Makes at `index` a copy of a checkout's index that fits its files, of which some were moved before a kill and some were not:
 * `readTree` then does the rest. A file that only begins as the new one was cut off by the kill; what is neither as before
 * nor as after was changed by the user since, and stays as it is.
 */
export async function mixedIndex(
  door: Door,
  place: WorktreeLink,
  move: Overwriting,
  index: string,
): Promise<void> {
  const changes = (await treeChanges(door, move.from, move.to)).filter(
    ({ oldMode, newMode }) => oldMode !== SUBMODULE && newMode !== SUBMODULE,
  );
  copyAnew(place, index);
  const [asBefore, asAfter] = [
    await matching(
      door,
      place,
      changes.map(({ path, oldMode, oldObject }) => [path, oldMode, oldObject]),
      index,
    ),
    await matching(
      door,
      place,
      changes.map(({ path, newMode, newObject }) => [path, newMode, newObject]),
      index,
    ),
  ];
  const lines: string[] = [];
  for (const { path, newMode, newObject } of changes) {
    const file = join(place.path, path);
    const kind = kindAt(file);
    if (kind === 'missing' || kind === 'directory' || asBefore.has(path)) continue;
    const cutOff =
      !asAfter.has(path) && newMode !== ABSENT && (await beginsAs(door, place, file, `${move.to}:${path}`));
    if (cutOff) rmSync(file);
    else lines.push(`${newMode === ABSENT ? '0' : newMode} ${newObject}\t${path}`);
  }
  await indexInfo(door, withIndex(door, place, index), lines);
}

type Entry = readonly [path: string, mode: string, object: string];

/** Those of the entries whose file in the checkout is as they say. */
async function matching(
  door: Door,
  place: WorktreeLink,
  entries: readonly Entry[],
  index: string,
): Promise<ReadonlySet<string>> {
  const probe = `${index}.probe`;
  const present = entries.filter(
    ([path, mode]) => mode !== ABSENT && kindAt(join(place.path, path)) !== 'missing',
  );
  const there = withIndex(door, place, probe);
  try {
    await indexInfo(
      door,
      there,
      present.map(([path, mode, object]) => `${mode} ${object}\t${path}`),
    );
    await door.attempt(['update-index', '-q', '--refresh'], there);
    const differ = new Set((await door.read(['diff-files', '--name-only', '-z'], there)).split('\0'));
    return new Set(present.flatMap(([path]) => (differ.has(path) ? [] : [path])));
  } finally {
    rmSync(probe, { force: true });
  }
}

async function indexInfo(door: Door, there: CommandOptions, lines: readonly string[]): Promise<void> {
  const input = lines.map((line) => `${line}\0`).join('');
  await door.write(['update-index', '-z', '--index-info'], { ...there, input });
}

/** True for a file that holds the beginning of what git would write there. */
export async function beginsAs(
  door: Door,
  place: WorktreeLink,
  file: string,
  object: string,
): Promise<boolean> {
  if (kindAt(file) !== 'file') return false;
  const bytes = readFileSync(file);
  if (bytes.length === 0) return true;
  const whole = await door.bytes(['cat-file', '--filters', object], inWorktree(place, door.commonDir));
  return whole.subarray(0, bytes.length).equals(bytes);
}
