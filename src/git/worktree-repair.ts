/** Finishes a worktree whose making was cut off, or makes a vanished directory again; no byte that is there is overwritten. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, sep } from 'node:path';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { isAbsent, isDenied, listIfPresent, statIfPresent } from '../files/present.ts';
import { scratchDirectory } from '../files/scratch.ts';
import { type CommandOptions, type Door, inChunks } from './door.ts';
import { type GitResult, gitFailure, halfMadeEntryOf } from './failure.ts';
import {
  completeEntry,
  fileText,
  foreignPath,
  inWorktree,
  kindAt,
  readLink,
  type WorktreeEntry,
  type WorktreeLink,
  worktreeEntries,
} from './worktree-link.ts';

/** Where the worktree is, and what its HEAD is to say: a branch (`ref: …`), or a commit. */
type Request = { readonly path: string; readonly head: string };

/** Writes the files of the index that are missing; exits with `SOME_DIFFER` where some that are there are not as in the index. */
export const WRITE_MISSING = ['checkout-index', '--all', '--quiet'] as const;
export const SOME_DIFFER = 1;

/**
 * Removes what a kill left in the first moments of `worktree add`: an entry of ours that names no worktree yet, and the
 * empty directory made for it. Neither can hold anything.
 */
export function clearUnborn(commonDir: string, path: string, reason: string): void {
  for (const entry of worktreeEntries(commonDir)) {
    const names = readdirSync(entry.gitDir);
    if (entry.path !== null || entry.lock !== reason) continue;
    if (names.some((name) => name !== 'gitdir' && name !== 'locked')) continue;
    for (const name of names) unlinkSync(join(entry.gitDir, name));
    rmdirSync(entry.gitDir);
    if (kindAt(path) === 'directory' && readdirSync(path).length === 0) rmdirSync(path);
  }
}

/** Runs a `worktree add`; once more where it died at an entry of ours that a kill left without its text. */
export async function addLocked(
  door: Door,
  args: readonly string[],
  options?: CommandOptions,
): Promise<GitResult> {
  const result = await door.attempt(args, options);
  const halfMade = halfMadeEntryOf(result.err);
  return halfMade !== null && completeEntry(door.commonDir, halfMade) ? door.attempt(args, options) : result;
}

/**
 * Completes the worktree of an entry that is known to be ours. An index that is there is kept as it is (with staged
 * changes, a merge or a rebase under way): only missing files are written from it. Throws exit 5 when the directory
 * holds something that no checkout wrote.
 */
export async function repairWorktree(
  door: Door,
  request: Request,
  entry: WorktreeEntry,
  tip: string,
): Promise<void> {
  const hadIndex = kindAt(join(entry.gitDir, 'index')) === 'file';
  if (!hadIndex) clearIndexLock(entry.gitDir);
  relink(request, entry, hadIndex ? null : tip);
  const link = readLink(request.path, door.commonDir);
  if (link === null) throw foreignPath(request.path);
  const here = inWorktree(link, door.commonDir);
  if (!hadIndex) {
    await door.write(['read-tree', '-m', 'HEAD'], here);
    await removePartialFiles(door, link);
  }
  const written = await door.attempt(WRITE_MISSING, here);
  if (written.code > SOME_DIFFER) throw gitFailure(WRITE_MISSING, written);
  await checkComplete(door, link);
}

/** A lock on an index that was never written belongs to the checkout that was cut off, unless that one still runs. */
function clearIndexLock(gitDir: string): void {
  const lock = join(gitDir, 'index.lock');
  if (kindAt(lock) === 'missing') return;
  if (isLockHeld(lock, Date.now())) {
    throw new OrchestrateError(
      EXIT.environment,
      `a git process is still working on ${JSON.stringify(lock)}`,
      'wait until it has ended, then run the command again',
    );
  }
  unlinkSync(lock);
}

/**
 * Writes those of the files that tie directory and entry together which are missing.
 *
 * @param tip the commit it is on when the entry was never completed, so that HEAD may have to be written too; else null.
 */
function relink(request: Request, entry: WorktreeEntry, tip: string | null): void {
  const kind = kindAt(request.path);
  if (kind === 'file' || kind === 'symlink') throw foreignPath(request.path);
  if (kind === 'missing') mkdirSync(request.path);
  const dotGit = join(request.path, '.git');
  if (kindAt(dotGit) === 'missing') writeFileSync(dotGit, `gitdir: ${entry.gitDir}\n`);
  const common = join(entry.gitDir, 'commondir');
  if (!fileText(common)) writeFileSync(common, '../..\n');
  const head = fileText(join(entry.gitDir, 'HEAD')) ?? '';
  if (tip === null || head === request.head) return;
  // Cut off before HEAD was written: it is missing, empty, or the commit that git puts there for a moment.
  if (head !== '' && head !== tip) throw foreignPath(request.path);
  writeFileSync(join(entry.gitDir, 'HEAD'), `${request.head}\n`);
}

/** Files that are still missing mean that the checkout failed (a full disk, a broken filter). */
async function checkComplete(door: Door, link: WorktreeLink): Promise<void> {
  const args = ['diff-files', '-z', '--name-only', '--diff-filter=D', '--ignore-submodules=all'];
  const missing = (await door.read(args, inWorktree(link, door.commonDir))).split('\0').filter(Boolean);
  if (missing.length === 0) return;
  const err = `fatal: ${missing.length} files could not be written, ${JSON.stringify(missing[0])} among them`;
  throw gitFailure(['checkout-index'], { code: 1, out: '', err });
}

/**
 * Removes those tracked files of a worktree that are the beginning of what the checkout writes, so that they can be
 * written whole. Throws exit 5, changing nothing, when another file differs from what is checked out.
 */
async function removePartialFiles(door: Door, link: WorktreeLink): Promise<void> {
  const here = inWorktree(link, door.commonDir);
  // The refreshed index knows which files are as they should be; its exit code only says that some are not.
  await door.attempt(['update-index', '-q', '--refresh'], here);
  const args = ['diff-files', '-z', '--name-only', '--diff-filter=MT', '--ignore-submodules=all'];
  const differing = (await door.read(args, here)).split('\0').filter(Boolean);
  if (differing.length === 0) return;
  const expected = scratchDirectory('checkout', door.commonDir);
  try {
    for (const paths of inChunks(differing)) {
      await door.write(['checkout-index', '--quiet', `--prefix=${expected}${sep}`, '--', ...paths], here);
    }
    const foreign = differing.find((path) => !isBeginning(join(link.path, path), join(expected, path)));
    if (foreign !== undefined) throw changedFile(link, foreign);
  } finally {
    rmSync(expected, { recursive: true, force: true });
  }
  for (const path of differing) unlinkSync(join(link.path, path));
}

/** True when a file's bytes are the first ones of the other's. */
function isBeginning(path: string, whole: string): boolean {
  if (kindAt(path) !== 'file' || kindAt(whole) !== 'file') return false;
  const bytes = readFileSync(path);
  return readFileSync(whole).subarray(0, bytes.length).equals(bytes);
}

function changedFile(link: WorktreeLink, path: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.refused,
    `${JSON.stringify(link.path)} was never finished, yet ${JSON.stringify(path)} in it was changed; nothing was touched`,
    'move that file away, then run the command again',
  );
}

/** Files by which git locks what is one worktree's own. */
const OWN_LOCKS = ['index.lock', 'HEAD.lock'];

/**
 * Removes locks that a killed git has left in a worktree in which nobody but us has worked. A lock that some process has open,
 * or may have closed for as long as it goes on (a commit whose message is being written), stays, to be waited for and named.
 */
export function clearDeadLocks({ path, gitDir }: WorktreeLink): void {
  const locks = OWN_LOCKS.map((name) => join(gitDir, name)).filter((lock) => kindAt(lock) !== 'missing');
  if (locks.length === 0 || locks.some((lock) => isLockHeld(lock, Date.now())) || isSomebodyIn(path)) return;
  for (const lock of locks) rmSync(lock, { force: true });
}

/** True when a process is at work at or below a directory. */
function isSomebodyIn(directory: string): boolean {
  return listIfPresent('/proc').some((pid) => {
    const at = /^\d+$/.test(pid) ? unlessHidden(() => readlinkSync(join('/proc', pid, 'cwd'))) : null;
    return at === directory || at?.startsWith(`${directory}/`) === true;
  });
}

/** Where open files cannot be seen, a lock younger than this is taken as held. */
const ASSUMED_HELD_MS = 10 * 60_000;

/** True when some process has the lock file open; without /proc: when the file is young. */
function isLockHeld(lock: string, nowMs: number): boolean {
  const processes = listIfPresent('/proc').filter((name) => /^\d+$/.test(name));
  if (processes.length === 0) {
    const file = statIfPresent(lock);
    return file !== null && nowMs - file.mtimeMs < ASSUMED_HELD_MS;
  }
  return processes.some((pid) => {
    const folder = join('/proc', pid, 'fd');
    const open = unlessHidden(() => readdirSync(folder)) ?? [];
    return open.some((fd) => unlessHidden(() => readlinkSync(join(folder, fd))) === lock);
  });
}

/** What the system says of a process that has ended or is another user's: its files are not ours to see. */
function unlessHidden<T>(look: () => T): T | null {
  try {
    return look();
  } catch (thrown) {
    if (isAbsent(thrown) || isDenied(thrown)) return null;
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return null;
    throw thrown;
  }
}
