/**
 * Worktrees made before their stream can start: on no branch, locked as such, moved only where nothing is lost by it. What says
 * so is the reason of git's own lock, which is written before anything else of a worktree.
 */
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { ifPresent } from '../files/present.ts';
import { replaceFile } from '../files/replace-file.ts';
import { withoutBornDirty } from './born-dirty.ts';
import { checkedBranch, checkedKey, checkedSha, isSha } from './checked-names.ts';
import { beginsAs } from './checked-out.ts';
import type { CommandOptions, Door } from './door.ts';
import { type GitResult, gitFailure } from './failure.ts';
import { clearMarker, readMarker, writeMarker } from './tidy/marker.ts';
import type { Git } from './types.ts';
import { claimBranch, foreignBranch, readBranch } from './worktree-branch.ts';
import {
  aheadReason,
  fileText,
  foreignPath,
  inWorktree,
  kindAt,
  lockReason,
  preparePlace,
  readLink,
  requireLink,
  type WorktreeEntry,
  type WorktreeLink,
  worktreeEntries,
} from './worktree-link.ts';
import { addLocked, clearDeadLocks, clearUnborn, repairWorktree } from './worktree-repair.ts';
import { hidesFiles, readStatus } from './worktree-status.ts';

/** Where it was put is no news to anybody: without a log, nothing in it names commits that have been replaced since. */
const UNLOGGED = { 'core.logAllRefUpdates': 'false' };

type Request = Parameters<Git['makeAhead']>[0];

/** See `Git.makeAhead`. */
export async function makeAhead(
  door: Door,
  request: Request,
  slot: <T>(work: () => Promise<T>) => Promise<T>,
): ReturnType<Git['makeAhead']> {
  const { key, sha } = request;
  checkedKey(key);
  checkedSha(sha);
  const branch = await readBranch(door, checkedBranch(request.branch), false);
  if (branch.tip !== null) throw await foreignBranch(door, request.branch);
  const path = preparePlace(door.root, request.path);
  clearUnborn(door.commonDir, path, aheadReason(key));
  const entry = worktreeEntries(door.commonDir).find((candidate) => candidate.path === path) ?? null;
  if (entry === null ? kindAt(path) !== 'missing' : entry.lock !== aheadReason(key)) throw foreignPath(path);
  return slot(() =>
    entry === null ? add(door, { key, path, sha }) : move(door, { ...request, path }, entry),
  );
}

async function add(
  door: Door,
  { key, path, sha }: { readonly key: string; readonly path: string; readonly sha: string },
): Promise<'made'> {
  const place = ['--quiet', '--detach', '--lock', '--reason', aheadReason(key), '--', path, sha];
  const args = ['worktree', 'add', ...place];
  const result = await addLocked(door, args, { config: UNLOGGED });
  if (result.code !== 0) throw gitFailure(args, result);
  // Known by then, it need not be asked when the worktree is handed over.
  await hidesFiles(door, requireLink(door, path));
  return 'made';
}

/** Finishes one that was left half made, and puts it on the commit. */
async function move(door: Door, request: Request, entry: WorktreeEntry): ReturnType<Git['makeAhead']> {
  const completed = await complete(door, request, entry);
  const link = requireLink(door, request.path);
  const head = headIn(link);
  if (head.kind === 'branch') throw taken(request.path, `it is on the branch ${printable(head.branch)}`);
  if (head.sha === request.sha) return completed ? 'repaired' : 'there';
  await requireOurs(door, link, head.sha, request);
  const here = inWorktree(link, door.commonDir);
  if (await hidesFiles(door, link)) throw taken(request.path, HIDING);
  const whole = await checkout(door, link, ['--detach', request.sha], {
    here: { ...here, config: UNLOGGED },
    commits: [request.sha, ...request.bases],
  });
  await hidesFiles(door, link);
  return completed || !whole ? 'repaired' : 'moved';
}

/** Completes one whose making, or removal, was cut off; true when there was something to complete: what set-up made may be gone. */
async function complete(
  door: Door,
  request: Pick<Request, 'path' | 'branch' | 'sha'>,
  entry: WorktreeEntry,
): Promise<boolean> {
  const link = readLink(request.path, door.commonDir);
  if (link !== null) clearDeadLocks(link);
  const cutOff = readMarker(entry.gitDir) !== null;
  if (link !== null && !cutOff && kindAt(join(link.gitDir, 'index')) === 'file') return false;
  const head = fileText(join(entry.gitDir, 'HEAD')) ?? '';
  const tip = isSha(head) ? head : request.sha;
  await repairWorktree(door, { path: request.path, head: tip }, entry, tip);
  if (cutOff) clearMarker(entry.gitDir);
  return true;
}

const HIDING = 'files in it are marked to be looked away from';

type Head =
  | { readonly kind: 'branch'; readonly branch: string }
  | { readonly kind: 'commit'; readonly sha: string };

function headIn(link: WorktreeLink): Head {
  const text = fileText(join(link.gitDir, 'HEAD')) ?? '';
  const branch = /^ref: refs\/heads\/([\s\S]+)$/.exec(text)?.[1];
  return branch === undefined ? { kind: 'commit', sha: checkedSha(text) } : { kind: 'branch', branch };
}

/** Throws exit 5 when somebody has committed in the worktree: moving on would leave those commits to nobody. */
async function requireOurs(
  door: Door,
  link: WorktreeLink,
  head: string,
  { bases, sha }: Pick<Request, 'bases' | 'sha'>,
): Promise<void> {
  if (bases.includes(head)) return;
  const args = [
    'rev-list',
    '--max-count=1',
    head,
    '--not',
    '--branches',
    '--tags',
    '--remotes',
    checkedSha(sha),
    '--',
  ];
  if ((await door.read(args)).trim() === '') return;
  throw taken(link.path, `it has commits that no branch has, such as ${head.slice(0, 12)}`);
}

/**
 * Checks out a commit or a branch; false when files that set-up had changed, or that a checkout which was cut off had written,
 * had to make way. `commits`: what is checked out, and what was before. Throws exit 5 where other files would have to.
 */
async function checkout(
  door: Door,
  link: WorktreeLink,
  to: readonly string[],
  { here, commits }: { readonly here: CommandOptions; readonly commits: readonly string[] },
): Promise<boolean> {
  const args = [
    'checkout',
    '--quiet',
    '--no-guess',
    '--no-overwrite-ignore',
    '--no-recurse-submodules',
    ...to,
    '--',
  ];
  const first = await door.attempt(args, here);
  const isTakenBack = isInTheWay(first) && (await takeBack(door, link, namesIn(first), commits));
  const result = isTakenBack ? await door.attempt(args, here) : first;
  if (isInTheWay(result))
    throw taken(
      link.path,
      `files in it stand in the way: ${printable(namesIn(result).slice(0, 5).join(', '))}`,
    );
  if (result.code !== 0) throw gitFailure(args, result);
  if (isTakenBack) clearMarker(link.gitDir);
  return !isTakenBack;
}

function isInTheWay({ err }: GitResult): boolean {
  return /would be overwritten by checkout/.test(err);
}

/** The files that git refuses to write over. */
function namesIn({ err }: GitResult): string[] {
  return err.split('\n').flatMap((line) => (line.startsWith('\t') ? line.trim() : []));
}

/**
 * Deletes these files, so that the checkout writes them, where each is as set-up left it, as every checkout has it, or as one of
 * the commits has it, be it in part; false, deleting nothing, when one is not.
 */
async function takeBack(
  door: Door,
  link: WorktreeLink,
  names: readonly string[],
  commits: readonly string[],
): Promise<boolean> {
  const status = await readStatus(door, link);
  const born = new Set((await withoutBornDirty(door, link, status)).born);
  const staged = status.changed.filter(({ record, submodule }) => submodule || !record.startsWith('1 .'));
  const kept = new Set(staged.map(({ path }) => path));
  for (const name of names) {
    if (kept.has(name) || kindAt(join(link.path, name)) === 'directory') return false;
    if (!born.has(name) && !(await isWritten(door, link, name, commits))) return false;
  }
  // A kill from here on leaves what is known to have to be completed.
  writeMarker(link.gitDir, { head: checkedSha(status.headSha ?? ''), saved: '-' });
  for (const name of names) ifPresent(() => unlinkSync(join(link.path, name)));
  return true;
}

/** True for a file that a checkout of one of the commits has written, or begun to write. */
async function isWritten(
  door: Door,
  link: WorktreeLink,
  name: string,
  commits: readonly string[],
): Promise<boolean> {
  for (const commit of commits) {
    const object = `${commit}:${name}`;
    const isThere = (await door.ask(['cat-file', '-e', object])).code === 0;
    if (isThere && (await beginsAs(door, link, join(link.path, name), [object]))) return true;
  }
  return false;
}

function taken(path: string, why: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.refused,
    `the worktree ${JSON.stringify(printable(path))} was made ahead of need, and ${why}; nothing was touched: look at it, and move it out of there`,
    `git -C ${shellWord(printable(path))} status`,
  );
}

/**
 * Gives a worktree made ahead to its stream: makes the branch at the base, or takes the one that a kill left, while the files
 * that differ are written, and puts it on the branch. Each step is found half done by the next call. `repaired`: something had to
 * be completed, so that it has to be set up again. Throws exit 5 where that would lose something.
 */
export async function takeOver(
  door: Door,
  request: Parameters<Git['ensureWorktree']>[0],
  entry: WorktreeEntry,
): Promise<'taken over' | 'repaired'> {
  const { path, key, baseSha } = request;
  const completed = await complete(door, { path, branch: request.branch, sha: baseSha }, entry);
  const link = requireLink(door, path);
  const head = headIn(link);
  if (head.kind === 'branch' && head.branch !== request.branch)
    throw taken(path, `it is on the branch ${printable(head.branch)}`);
  const whole = head.kind !== 'commit' || (await putOnBranch(door, request, link, head.sha));
  replaceFile(join(link.gitDir, 'locked'), `${lockReason(key)}\n`, 0o644);
  return whole && !completed ? 'taken over' : 'repaired';
}

/** Makes the branch at the base and puts the worktree, which is on the commit `head`, on it; answers as `checkout`. */
async function putOnBranch(
  door: Door,
  { branch, baseSha, ours, aheadBases = [] }: Parameters<Git['ensureWorktree']>[0],
  link: WorktreeLink,
  head: string,
): Promise<boolean> {
  const here = inWorktree(link, door.commonDir);
  const commits = [baseSha, ...aheadBases];
  const putOnBase = async (): Promise<boolean> => {
    // No file differs, so that none is touched.
    if (head === baseSha) return true;
    await requireOurs(door, link, head, { bases: aheadBases, sha: baseSha });
    if (await hidesFiles(door, link)) throw taken(link.path, HIDING);
    return checkout(door, link, ['--detach', baseSha], { here: { ...here, config: UNLOGGED }, commits });
  };
  const [whole, tip] = await Promise.all([
    putOnBase(),
    claimBranch(door, checkedBranch(branch), baseSha, ours),
  ]);
  if (tip === baseSha) {
    await door.write(['symbolic-ref', 'HEAD', `refs/heads/${branch}`], here);
    return whole;
  }
  if (await hidesFiles(door, link)) throw taken(link.path, HIDING);
  return (await checkout(door, link, [branch], { here, commits })) && whole;
}
