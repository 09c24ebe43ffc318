/** Lists what was saved, brings it back, and lets go of it; and tells what git still holds of ours. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import { parseJson } from '../../core/json-fields.ts';
import { isKey } from '../../core/stream-key.ts';
import { checkedSha } from '../checked-names.ts';
import type { Door } from '../door.ts';
import { gitFailure } from '../failure.ts';
import { HEADS, OURS, refsBelow } from '../refs.ts';
import { ABSENT, SUBMODULE, type TreeChange, treeChanges } from '../tree-changes.ts';
import type { Git } from '../types.ts';
import { foreignBranch, moveAside } from '../worktree-branch.ts';
import {
  foreignPath,
  inWorktree,
  kindAt,
  lockReason,
  requireLink,
  worktreeEntries,
} from '../worktree-link.ts';
import { SAVED } from './saved-work.ts';
import type { Remains, SavedWork, Tidy } from './types.ts';

/** See `Tidy.savedWork`. Refs of another form are shown by what git says of their commit. */
export async function savedWork(door: Door): Promise<SavedWork[]> {
  const format = '%(objectname)%00%(refname)%00%(committerdate:unix)%00%(contents)%00%01';
  const out = await door.read(['for-each-ref', `--format=${format}`, SAVED]);
  const found = out.split('\u0000\u0001\n').flatMap((record): SavedWork[] => {
    const [sha = '', ref = '', seconds = '', message = ''] = record.split('\u0000');
    const key = ref.slice(SAVED.length).split('/', 1)[0] ?? '';
    if (!isKey(key)) return [];
    const [stream, reason] = [textIn(message, 'Stream') ?? key, textIn(message, 'Reason') ?? ''];
    const [files, bytes] = [numberIn(message, 'Files'), numberIn(message, 'Bytes')];
    return [{ ref, sha, key, stream, reason, atMs: Number(seconds) * 1000, files, bytes }];
  });
  return found.sort((a, b) => b.atMs - a.atMs || a.ref.localeCompare(b.ref));
}

function valueIn(message: string, name: string): unknown {
  const line = message.split('\n').find((each) => each.startsWith(`${name}: `));
  return line === undefined ? null : parseJson(line.slice(name.length + 2));
}

function textIn(message: string, name: string): string | null {
  const value = valueIn(message, name);
  return typeof value === 'string' ? value : null;
}

function numberIn(message: string, name: string): number {
  const value = valueIn(message, name);
  return typeof value === 'number' ? value : 0;
}

/** See `Tidy.forgetSaved`. */
export async function forgetSaved(
  door: Door,
  saved: readonly Pick<SavedWork, 'ref' | 'sha'>[],
): Promise<void> {
  for (const { ref, sha } of saved) {
    const args = ['update-ref', '-d', ref, sha];
    const result = await door.attempt(args);
    if (result.code !== 0) throw gitFailure(args, result);
  }
}

/** See `Tidy.bringBack`. `ensure` makes the worktree, on a branch that must not be there yet. */
export async function bringBack(
  door: Door,
  { sha }: Pick<SavedWork, 'sha'>,
  place: Parameters<Tidy['bringBack']>[1],
  ensure: Git['ensureWorktree'],
): Promise<void> {
  const commit = checkedSha(sha);
  const taken = await door.ask(['rev-parse', '--verify', '--quiet', `refs/heads/${place.branch}`]);
  if (taken.code === 0) throw await foreignBranch(door, place.branch);
  if (kindAt(place.path) !== 'missing') throw foreignPath(place.path);
  const parents = (await door.read(['rev-list', '--no-walk', '--parents', commit, '--'])).trim().split(' ');
  const head = parents[1];
  if (head === undefined)
    throw new OrchestrateError(
      EXIT.state,
      `${commit} keeps the work of a branch without a commit, as files alone`,
      `git show ${commit}`,
    );
  await ensure({ ...place, baseSha: head, ours: false });
  await writeDifferences(door, place.path, head, commit);
}

/** Writes what the commit has and the head has not, byte for byte, and deletes what it lacks. */
async function writeDifferences(door: Door, path: string, head: string, commit: string): Promise<void> {
  const link = requireLink(door, path);
  const differences = await treeChanges(door, head, commit, inWorktree(link, door.commonDir));
  // What goes makes room for what comes: a directory in the place of a file, or the other way round.
  const gone = differences.filter(({ newMode }) => newMode === ABSENT);
  for (const { path: name } of gone) removeWithParents(link.path, name);
  for (const difference of differences)
    if (!gone.includes(difference)) await writeOne(door, link.path, difference);
}

function removeWithParents(root: string, path: string): void {
  unlinkSync(join(root, path));
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    if (readdirSync(join(root, parent)).length > 0) return;
    rmdirSync(join(root, parent));
  }
}

async function writeOne(
  door: Door,
  root: string,
  { newMode: mode, newObject: sha, path }: TreeChange,
): Promise<void> {
  const file = join(root, path);
  if (mode === SUBMODULE) return;
  if (kindAt(file) !== 'missing') unlinkSync(file);
  mkdirSync(dirname(file), { recursive: true });
  const bytes = await door.bytes(['cat-file', 'blob', sha]);
  if (mode === '120000') {
    symlinkSync(bytes, file);
    return;
  }
  writeFileSync(file, bytes, { flag: 'wx' });
  if (mode === '100755') chmodSync(file, 0o755);
}

/** See `Tidy.forgetContained`. */
export async function forgetContained(door: Door): Promise<string[]> {
  const kept: string[] = [];
  for (const [ref, sha] of await refsBelow(door, OURS)) {
    const others = ['--branches', '--tags', '--remotes', `--glob=${SAVED}*`];
    const own = ref.startsWith(SAVED)
      ? 'kept'
      : await door.read(['rev-list', '--max-count=1', sha, '--not', ...others, '--']);
    if (own !== '') kept.push(ref);
    else await forgetSaved(door, [{ ref, sha }]);
  }
  return kept;
}

/** See `Tidy.remains`. */
export async function remains(door: Door, places: Parameters<Tidy['remains']>[0]): Promise<Remains> {
  const [ours, heads] = await Promise.all([refsBelow(door, OURS), refsBelow(door, HEADS)]);
  const paths = new Set(places.map(({ path }) => path));
  const entries = worktreeEntries(door.commonDir).filter(
    ({ path, lock }) => lock?.startsWith(lockReason('')) === true || (path !== null && paths.has(path)),
  );
  const branches = places
    .filter(({ branch, branchMade }) => branchMade && heads.has(`${HEADS}${branch}`))
    .map((place) => place.branch);
  return {
    worktrees: entries.map(({ path, gitDir }) => path ?? gitDir),
    branches,
    keepFirst: branches[0] === undefined ? null : moveAside(branches[0], heads),
    refs: [...ours.keys()],
  };
}
