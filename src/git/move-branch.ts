/** Moves a branch, and with it the index and files of the worktrees in which it is checked out; what was cut off by a kill is finished. */
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { ifPresent } from '../files/present.ts';
import { checkedBranch, checkedSha, isSha } from './checked-names.ts';
import { checkOverwrites, mixedIndex, readTree } from './checked-out.ts';
import type { Door } from './door.ts';
import { gitFailure, lockFileOf } from './failure.ts';
import { operationIn } from './inspect.ts';
import { canBeTyped } from './path-bytes.ts';
import { OURS, refsBelow, requireFiles, resolveCommit } from './refs.ts';
import type { BranchMove } from './types.ts';
import {
  fileText,
  kindAt,
  readLink,
  type WorktreeEntry,
  type WorktreeLink,
  worktreeEntries,
} from './worktree-link.ts';

/** Where lines are kept until their branch has moved. */
export const LANDING = `${OURS}landing/`;
/** Files in a worktree's git directory while its branch moves: what moves, and the index to be. */
const JOURNAL = 'orchestrate-landing.json';
const NEXT_INDEX = 'orchestrate-landing.index';
const LOCK = 'index.lock';
/** What the lock says to whoever looks into it. */
const LOCK_TEXT = 'orchestrate is landing work here; if it was killed, orchestrate merge finishes it\n';
/** How long another git process is waited for. */
const LOCK_WAIT_MS = 5_000;
const LOCK_ASK_MS = 50;

/**
 * See `Git.moveBranch`. Git's own fast-forward (`advance`, for a stream in its own worktree) knows one checkout, and leaves the
 * others of the same branch behind; here every one of them is looked at and locked first, then all move or none.
 */
export async function moveBranch(door: Door, move: BranchMove): Promise<boolean> {
  const held: WorktreeLink[] = [];
  // While git was told to move the branch and has not said whether it did.
  let unsure = false;
  let moved = false;
  try {
    for (const place of await placesOf(door, move.branch)) {
      await takeLock(place);
      held.push(place);
      noteMove(place, move);
      await checkPlace(door, place, move, nextIndex(place));
    }
    unsure = true;
    moved = await updateBranch(door, move, held[0]);
    unsure = false;
    if (!moved) return false;
    for (const place of held) await carry(door, place, move);
    return true;
  } finally {
    // Once the branch has moved, what could not be carried along is left locked for the next run to finish.
    if (!moved && !(unsure && (await mayBeAt(door, move)))) for (const place of held) release(place);
  }
}

/** False only when the branch was seen elsewhere: git may have been killed after it had moved it. */
function mayBeAt(door: Door, { branch, to }: BranchMove): Promise<boolean> {
  return resolveCommit(door, `refs/heads/${branch}`).then(
    (tip) => tip === to,
    () => true,
  );
}

/**
 * Throws what `moveBranch` would refuse before it changes anything; nothing is locked or written but the copy of an index at
 * `folder`.
 */
export async function checkMove(door: Door, move: BranchMove, folder: string): Promise<void> {
  for (const [index, place] of (await placesOf(door, move.branch)).entries())
    await checkPlace(door, place, move, join(folder, `index-${index}`));
}

/** See `Git.finishMoves`. */
export async function finishMoves(door: Door): Promise<void> {
  for (const place of allPlaces(door)) {
    const journal = readJournal(place);
    if (journal === null) {
      if (isOurLock(place)) release(place);
      continue;
    }
    if (!isOurLock(place)) await takeLock(place);
    const tip = await resolveCommit(door, `refs/heads/${journal.branch}`);
    const there = refOfHead(place) === `refs/heads/${journal.branch}`;
    if (there && tip !== null && tip !== journal.from) await finish(door, place, { ...journal, to: tip });
    release(place);
  }
  for (const ref of (await refsBelow(door, LANDING)).keys()) await door.write(['update-ref', '-d', ref]);
}

/** Goes on from files and an index of which some are as before and some as after. */
async function finish(door: Door, place: WorktreeLink, move: BranchMove): Promise<void> {
  try {
    await mixedIndex(door, place, move, nextIndex(place));
    await carry(door, place, move);
  } catch (error) {
    // The user has to do something there first, for which the index must be free; the journal stays.
    rmSync(join(place.gitDir, LOCK), { force: true });
    throw error;
  }
}

/** Every checkout of the repository that is there. Where it has a main one, that is the project's (`findProject`). */
function allPlaces(door: Door): WorktreeLink[] {
  const linked = worktreeEntries(door.commonDir).flatMap(({ path }) => {
    const link = path === null ? null : readLink(path, door.commonDir);
    return link === null ? [] : [link];
  });
  const isMain = readLink(door.root, door.commonDir) === null;
  return isMain ? [{ path: door.root, gitDir: door.commonDir }, ...linked] : linked;
}

/** Where the branch is checked out. Throws exit 5 where it is in the middle of a rebase, a merge and the like, or out of reach. */
async function placesOf(door: Door, branch: string): Promise<WorktreeLink[]> {
  const ref = `refs/heads/${checkedBranch(branch)}`;
  await requireFiles(door);
  for (const entry of worktreeEntries(door.commonDir)) {
    const away = entry.path === null || readLink(entry.path, door.commonDir) === null;
    // Its index would stay behind, and the next commit there would take back all that has landed.
    if (away && branchesIn(entry).includes(ref)) throw outOfReach(entry, branch);
  }
  const places = allPlaces(door);
  for (const place of places) {
    const operation = operationIn(place);
    if (operation !== null && branchesIn(place).includes(ref)) throw inOperation(place, branch, operation);
  }
  return places.filter((place) => refOfHead(place) === ref);
}

/** The ref that a git directory's HEAD is on, as git reads it; null when it is on none. */
export function refOfHead({ gitDir }: Pick<WorktreeLink, 'gitDir'>): string | null {
  const head = join(gitDir, 'HEAD');
  // As git did it once, and still reads it.
  const target = kindAt(head) === 'symlink' ? readlinkSync(head) : '';
  if (target.startsWith('refs/')) return target;
  return /^ref: (\S.*)$/.exec(fileText(head) ?? '')?.[1] ?? null;
}

/** The branch checked out, and those that an operation under way will come back to. */
function branchesIn(place: Pick<WorktreeLink, 'gitDir'>): readonly (string | null)[] {
  const { gitDir } = place;
  const bisected = fileText(join(gitDir, 'BISECT_START'));
  return [
    refOfHead(place),
    fileText(join(gitDir, 'rebase-merge', 'head-name')),
    fileText(join(gitDir, 'rebase-apply', 'head-name')),
    bisected === null ? null : `refs/heads/${bisected}`,
  ];
}

function inOperation({ path }: WorktreeLink, branch: string, operation: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.refused,
    `a ${operation} of ${branch} is in progress in ${printable(path)}: finish or abort it first`,
    `git -C ${shellWord(path)} status`,
  );
}

function outOfReach({ gitDir, path, lock }: WorktreeEntry, branch: string): OrchestrateError {
  const place = printable(path ?? gitDir);
  const kept = lock === null ? '' : ', once it is unlocked';
  return new OrchestrateError(
    EXIT.refused,
    `${branch} is checked out in a worktree that cannot be reached: ${place}; nothing was changed. Bring it back (mount its disk), or tell git where it is now (git worktree repair) or that it is gone (git worktree prune${kept})`,
    'git worktree list',
  );
}

function nextIndex({ gitDir }: WorktreeLink): string {
  return join(gitDir, NEXT_INDEX);
}

async function checkPlace(door: Door, place: WorktreeLink, move: BranchMove, index: string): Promise<void> {
  const inTheWay = await checkOverwrites(door, place, move, index);
  if (inTheWay.length === 0) return;
  const shown = inTheWay.slice(0, 5).map((path) => printable(path));
  const more = inTheWay.length > shown.length ? ` and ${inTheWay.length - shown.length} more` : '';
  throw new OrchestrateError(
    EXIT.refused,
    `${move.branch} is checked out in ${printable(place.path)}, where landing would overwrite what is not committed: ${shown.join(', ')}${more}; nothing was changed: commit it, stash it or move it away`,
    putAside(place, inTheWay),
  );
}

/** The command that stashes these files, ignored ones too, and no others; for many, or names that cannot be typed, all but ignored ones. */
function putAside({ path }: WorktreeLink, files: readonly string[]): string {
  return files.length <= 5 && files.every((file) => printable(file) === file && canBeTyped(file))
    ? `git --literal-pathspecs -C ${shellWord(path)} stash push --all -- ${files.map(shellWord).join(' ')}`
    : `git -C ${shellWord(path)} stash --include-untracked`;
}

/** Writes down what is about to happen. */
function noteMove({ gitDir }: WorktreeLink, { branch, from, to }: BranchMove): void {
  writeDurably(join(gitDir, JOURNAL), `${JSON.stringify({ branch, from, to })}\n`);
}

/** Locks the index against commits and checkouts of the user. Throws exit 4 naming a lock that stays. */
async function takeLock({ gitDir }: WorktreeLink): Promise<void> {
  const lock = join(gitDir, LOCK);
  const deadline = performance.now() + LOCK_WAIT_MS;
  while (!tryLock(lock)) {
    if (performance.now() > deadline) throw heldByAnother(lock);
    await sleep(LOCK_ASK_MS);
  }
}

function heldByAnother(lock: string): OrchestrateError {
  const fix = 'wait for it, or remove the file when none is running';
  return new OrchestrateError(EXIT.busy, `another git process holds ${printable(lock)}`, fix);
}

function tryLock(lock: string): boolean {
  // It appears with its whole text: a kill never leaves one that nobody knows for ours.
  const draft = `${lock}.${process.pid}-orchestrate`;
  try {
    writeDurably(draft, LOCK_TEXT);
    linkSync(draft, lock);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw new OrchestrateError(
      EXIT.environment,
      `cannot lock the index: ${printable(lock)} could not be made`,
      'make the repository writable for this user',
      { cause: error },
    );
  } finally {
    rmSync(draft, { force: true });
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function isOurLock({ gitDir }: WorktreeLink): boolean {
  const lock = join(gitDir, LOCK);
  return kindAt(lock) === 'file' && fileText(lock) === LOCK_TEXT.trimEnd();
}

function readJournal({ gitDir }: WorktreeLink): BranchMove | null {
  const text = ifPresent(() => fileText(join(gitDir, JOURNAL)));
  if (text === null) return null;
  const found = /^\{"branch":("(?:[^"\\]|\\.)*"),"from":"([0-9a-f]+)","to":"([0-9a-f]+)"\}$/.exec(text);
  const [, branch = '""', from = '', to = ''] = found ?? [];
  return isSha(from) && isSha(to) ? { branch: String(JSON.parse(branch)), from, to } : null;
}

/** Frees the index; the journal goes first, since a lock without one means that nothing is left to be done. */
function release({ gitDir }: WorktreeLink): void {
  for (const name of [JOURNAL, NEXT_INDEX, `${NEXT_INDEX}.lock`, LOCK])
    rmSync(join(gitDir, name), { force: true });
}

/** False when the branch is not where it is expected any more. Throws exit 4 naming a lock on it that stays. */
async function updateBranch(door: Door, move: BranchMove, place: WorktreeLink | undefined): Promise<boolean> {
  const ref = `refs/heads/${checkedBranch(move.branch)}`;
  const args = ['update-ref', '--create-reflog', '-m', 'orchestrate merge', ref];
  // Where it is checked out, the log of HEAD says it too.
  const env = place === undefined ? {} : { GIT_DIR: place.gitDir, GIT_COMMON_DIR: door.commonDir };
  const result = await door.attempt([...args, checkedSha(move.to), checkedSha(move.from)], { env });
  if (result.code === 0) return true;
  if (/but expected|unable to resolve reference|reference is missing/.test(result.err)) return false;
  const lock = lockFileOf(result.err);
  throw lock === null ? gitFailure(args, result) : heldByAnother(lock);
}

/** Brings files and index of a checkout to the branch's new tip; where it was put on another branch meanwhile, they are that one's. */
async function carry(door: Door, place: WorktreeLink, move: BranchMove): Promise<void> {
  if (refOfHead(place) === `refs/heads/${move.branch}`) {
    await readTree(door, place, move, nextIndex(place), { dryRun: false });
    renameSync(nextIndex(place), join(place.gitDir, 'index'));
  }
  release(place);
}
