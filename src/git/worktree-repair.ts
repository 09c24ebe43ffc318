/** Finishes a worktree whose making was cut off, or makes a vanished directory again; no byte that is there is overwritten. */
import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { removePartialFiles } from './checkout-remains.ts';
import type { Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { isLockHeld } from './lock-holder.ts';
import type { Git } from './types.ts';
import {
  inWorktree,
  kindAt,
  readLink,
  textOf,
  type WorktreeEntry,
  type WorktreeLink,
} from './worktree-link.ts';
import { foreignPath } from './worktree-place.ts';

type Request = Parameters<Git['ensureWorktree']>[0];

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
  await door.write(['checkout-index', '--all', '--quiet'], here);
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
 * @param tip the branch's commit when the entry was never completed, so that HEAD may have to be written too; else null.
 */
function relink(request: Request, entry: WorktreeEntry, tip: string | null): void {
  const kind = kindAt(request.path);
  if (kind === 'file' || kind === 'symlink') throw foreignPath(request.path);
  if (kind === 'missing') mkdirSync(request.path);
  const dotGit = join(request.path, '.git');
  if (kindAt(dotGit) === 'missing') writeFileSync(dotGit, `gitdir: ${entry.gitDir}\n`);
  const common = join(entry.gitDir, 'commondir');
  if (!textOf(common)) writeFileSync(common, '../..\n');
  const head = textOf(join(entry.gitDir, 'HEAD')) ?? '';
  if (tip === null || head === `ref: refs/heads/${request.branch}`) return;
  // Cut off before HEAD was written: it is missing, empty, or the commit that git puts there for a moment.
  if (head !== '' && head !== tip) throw foreignPath(request.path);
  writeFileSync(join(entry.gitDir, 'HEAD'), `ref: refs/heads/${request.branch}\n`);
}

/** Files that are still missing mean that the checkout failed (a full disk, a broken filter). */
async function checkComplete(door: Door, link: WorktreeLink): Promise<void> {
  const args = ['diff-files', '-z', '--name-only', '--diff-filter=D', '--ignore-submodules=all'];
  const missing = (await door.read(args, inWorktree(link, door.commonDir))).split('\0').filter(Boolean);
  if (missing.length === 0) return;
  const err = `fatal: ${missing.length} files could not be written, ${JSON.stringify(missing[0])} among them`;
  throw gitFailure(['checkout-index'], { code: 1, out: '', err });
}
