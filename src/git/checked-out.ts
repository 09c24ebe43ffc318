/** What bringing a checkout from one commit to another would overwrite, by a look of our own, and the doing of it; moves no branch. */
import { readdirSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ifPresent, lstatIfPresent } from '../files/present.ts';
import { checkedSha } from './checked-names.ts';
import type { CommandOptions, Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { bytesFor, isText, listedBytes, placeBelow } from './path-bytes.ts';
import { ABSENT, SUBMODULE, type TreeChangeInBytes, treeChanges } from './tree-changes.ts';
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
  await copyAgain(door, place, index);
  await door.attempt(['update-index', '-q', '--ignore-submodules', '--refresh'], there);
  const own = inTheWay(place.path, changes);
  if (own.length > 0) return own;
  const refused = await readTree(door, place, move, index, { dryRun: true });
  if (refused.length === 0)
    await checkWriting(door, withIndex(door, place, `${index}.probe`), writing(place, move, changes));
  return refused;
}

function writing(
  { path }: WorktreeLink,
  { to }: Overwriting,
  changes: readonly TreeChangeInBytes[],
): Writing {
  const files = changes.filter(({ newMode }) => newMode !== ABSENT && newMode !== SUBMODULE);
  const added = files.filter(({ oldMode }) => oldMode === ABSENT);
  return {
    directory: path,
    to,
    files: files.map((file) => file.bytes),
    added: added.map((file) => file.path),
  };
}

function withIndex(door: Door, place: WorktreeLink, index: string): CommandOptions {
  const here = inWorktree(place, door.commonDir);
  return { ...here, env: { ...here.env, GIT_INDEX_FILE: index }, config: { 'submodule.recurse': 'false' } };
}

/**
 * A copy of the checkout's index that can take its place. Git compares files as young as the index by content, and writes down those
 * that differ, unless their stat tells already. Ours looks at more of it than the user's may (`core.trustctime`, `core.checkStat`),
 * so that what tells us would hide the edit from them once the index is younger: it is written down by the laxest look first.
 */
async function copyAgain(door: Door, place: WorktreeLink, index: string): Promise<void> {
  for (const former of [index, `${index}.lock`]) rmSync(former, { force: true });
  copyIndex(place, index);
  if (kindAt(index) === 'missing') return;
  const { config, ...there } = withIndex(door, place, index);
  const lax = { ...config, 'core.trustctime': 'false', 'core.checkStat': 'minimal' };
  await door.write(['update-index', '--force-write-index'], { ...there, config: lax });
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
function inTheWay(root: string, changes: readonly TreeChangeInBytes[]): string[] {
  const removed = new Set(changes.filter(({ newMode }) => newMode === ABSENT).map(({ path }) => path));
  // Where letter case does not count, what is there may be the file that goes away under its former name.
  const goes = (path: string): boolean =>
    removed.has(path) ||
    [...removed].some((former) => folded(former) === folded(path) && isOneFile(root, former, path));
  const found = changes.flatMap(({ bytes, path, oldMode, newMode }) => {
    if (oldMode === SUBMODULE && newMode !== SUBMODULE)
      return filesBelow(join(root, path)).length > 0 ? [path] : [];
    if (oldMode !== ABSENT) return [];
    if (isText(bytes)) return blockers(root, path, goes);
    return isTaken(root, bytes) ? [path] : [];
  });
  return [...new Set(found)];
}

/** True for a path of any bytes at which, or above which, something is in the way, be it something that goes. */
function isTaken(root: string, bytes: string): boolean {
  const parts = bytes.split('/');
  const kinds = parts.map((_, at) => kindAt(placeBelow(root, parts.slice(0, at + 1).join('/'))));
  const last = kinds.pop();
  return last !== 'missing' || kinds.some((kind) => kind !== 'directory' && kind !== 'missing');
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
  await copyAgain(door, place, index);
  const [asBefore, asAfter] = [
    await matching(
      door,
      place,
      changes.map(({ bytes, oldMode, oldObject }) => [bytes, oldMode, oldObject]),
      index,
    ),
    await matching(
      door,
      place,
      changes.map(({ bytes, newMode, newObject }) => [bytes, newMode, newObject]),
      index,
    ),
  ];
  const lines: string[] = [];
  for (const { bytes, path, newMode, newObject } of changes) {
    const file = placeBelow(place.path, bytes);
    const kind = kindAt(file);
    if (kind === 'missing' || kind === 'directory' || asBefore.has(bytes)) continue;
    const cutOff =
      !asAfter.has(bytes) &&
      newMode !== ABSENT &&
      (await beginsAs(door, place, file, [`--path=${path}`, newObject]));
    if (cutOff) unlinkSync(file);
    else lines.push(`${newMode === ABSENT ? '0' : newMode} ${newObject}\t${bytes}`);
  }
  await indexInfo(door, withIndex(door, place, index), lines);
}

type Entry = readonly [bytes: string, mode: string, object: string];

/** The paths of those entries whose file in the checkout is as they say. */
async function matching(
  door: Door,
  place: WorktreeLink,
  entries: readonly Entry[],
  index: string,
): Promise<ReadonlySet<string>> {
  const probe = `${index}.probe`;
  const present = entries.filter(
    ([bytes, mode]) => mode !== ABSENT && kindAt(placeBelow(place.path, bytes)) !== 'missing',
  );
  const there = withIndex(door, place, probe);
  try {
    await indexInfo(
      door,
      there,
      present.map(([bytes, mode, object]) => `${mode} ${object}\t${bytes}`),
    );
    await door.attempt(['update-index', '-q', '--refresh'], there);
    const differ = new Set(listedBytes(await door.bytes(['diff-files', '--name-only', '-z'], there)));
    return new Set(present.flatMap(([bytes]) => (differ.has(bytes) ? [] : [bytes])));
  } finally {
    rmSync(probe, { force: true });
  }
}

async function indexInfo(door: Door, there: CommandOptions, lines: readonly string[]): Promise<void> {
  await door.write(['update-index', '-z', '--index-info'], { ...there, input: bytesFor(lines) });
}

/** True for a file that holds the beginning of what git would write there; `object` names that for `git cat-file`. */
export async function beginsAs(
  door: Door,
  place: WorktreeLink,
  file: string | Buffer,
  object: readonly string[],
): Promise<boolean> {
  if (kindAt(file) !== 'file') return false;
  const bytes = readFileSync(file);
  if (bytes.length === 0) return true;
  const whole = await door.bytes(['cat-file', '--filters', ...object], inWorktree(place, door.commonDir));
  return whole.subarray(0, bytes.length).equals(bytes);
}
