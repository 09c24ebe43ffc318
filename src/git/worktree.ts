/** Makes, finds or repairs a stream's worktree; refuses whatever is not ours and never overwrites a byte. */
import { join } from 'node:path';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { takeOver } from './ahead.ts';
import { checkedBranch, checkedKey, checkedSha, isSha } from './checked-names.ts';
import type { Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { clearMarker, readMarker } from './tidy/marker.ts';
import type { Git } from './types.ts';
import { type BranchFacts, foreignBranch, makeBranch, readBranch } from './worktree-branch.ts';
import {
  aheadReason,
  fileText,
  foreignPath,
  kindAt,
  lockReason,
  preparePlace,
  readLink,
  realParent,
  type WorktreeEntry,
  worktreeEntries,
} from './worktree-link.ts';
import { addLocked, clearUnborn, repairWorktree } from './worktree-repair.ts';

type Request = Parameters<Git['ensureWorktree']>[0];
type Ensured = Awaited<ReturnType<Git['ensureWorktree']>>;

/** See `Git.ensureWorktree`. `slot` bounds how many checkouts run at once. */
export async function ensureWorktree(
  door: Door,
  request: Request,
  slot: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<Ensured> {
  checkedKey(request.key);
  checkedSha(request.baseSha);
  checkedBranch(request.branch);
  const ahead = entryAt(door, realParent(request.path));
  if (ahead?.path != null && ahead.lock === aheadReason(request.key)) {
    return slot(() => takeOver(door, { ...request, path: ahead.path ?? request.path }, ahead));
  }
  const branch = await readBranch(door, request.branch, request.ours);
  const path = preparePlace(door.root, request.path);
  for (const reason of [lockReason(request.key), aheadReason(request.key)])
    clearUnborn(door.commonDir, path, reason);
  const entry = entryAt(door, path);
  const owned = request.ours || branch.ours || entry?.lock === lockReason(request.key);
  if (branch.tip !== null && !owned) throw await foreignBranch(door, request.branch);
  if (kindAt(path) !== 'missing' && (entry === null || !owned)) throw foreignPath(path);
  if (entry !== null && !owned) throw foreignPath(path);
  const place = { ...request, path };
  if (entry === null) return slot(() => addWorktree(door, place, branch));
  return slot(() => takeUp(door, place, entry, branch));
}

function entryAt(door: Door, path: string | null): WorktreeEntry | null {
  return worktreeEntries(door.commonDir).find((each) => path !== null && each.path === path) ?? null;
}

async function addWorktree(door: Door, request: Request, branch: BranchFacts): Promise<Ensured> {
  if (branch.tip === null) await makeBranch(door, request.branch, request.baseSha);
  const reason = lockReason(request.key);
  const args = ['worktree', 'add', '--lock', '--reason', reason, '--', request.path, request.branch];
  const result = await addLocked(door, args);
  const elsewhere = /is already (?:checked out|used by worktree) at '([^\n]+)'/.exec(result.err)?.[1];
  if (elsewhere !== undefined) {
    throw new OrchestrateError(
      EXIT.refused,
      `the branch "${request.branch}" is checked out in ${printable(elsewhere)}`,
      `git -C ${shellWord(printable(elsewhere))} switch --detach`,
    );
  }
  if (result.code !== 0) throw gitFailure(args, result);
  verify(door, request.path);
  return branch.tip === null ? 'created' : 'repaired';
}

/** An entry of ours exists: the worktree is there, was left half made, or its directory is gone. */
async function takeUp(
  door: Door,
  request: Request,
  entry: WorktreeEntry,
  branch: BranchFacts,
): Promise<Ensured> {
  if (branch.tip === null) await restoreBranch(door, request, entry);
  const link = readLink(request.path, door.commonDir);
  const cutOff = readMarker(entry.gitDir) !== null;
  const complete = link !== null && !cutOff && kindAt(join(link.gitDir, 'index')) === 'file';
  const head = `ref: refs/heads/${request.branch}`;
  if (!complete)
    await repairWorktree(door, { path: request.path, head }, entry, branch.tip ?? request.baseSha);
  if (cutOff) clearMarker(entry.gitDir);
  const verified = verify(door, request.path);
  if (entry.lock === null) {
    const args = ['worktree', 'lock', '--reason', lockReason(request.key), '--', request.path];
    await door.write(args);
  }
  door.log(`worktree ${verified.path}: ${complete ? 'reused' : 'repaired'}`);
  return complete && branch.tip !== null ? 'reused' : 'repaired';
}

/** A branch deleted under a living worktree is put back where that worktree last was, else at the base. */
async function restoreBranch(door: Door, request: Request, entry: WorktreeEntry): Promise<void> {
  // Each line begins with the commit before and the one after; none after is how the log tells of the deletion itself.
  const line =
    fileText(join(entry.gitDir, 'logs', 'HEAD'))
      ?.split('\n')
      .at(-1) ?? '';
  const last = line.split(' ', 2).findLast((sha) => isSha(sha) && !/^0+$/.test(sha));
  const head = fileText(join(entry.gitDir, 'HEAD'));
  const onBranch = head === `ref: refs/heads/${request.branch}`;
  const known =
    last === undefined || !onBranch ? null : await door.ask(['cat-file', '-e', `${last}^{commit}`]);
  await makeBranch(door, request.branch, known?.code === 0 && last ? last : request.baseSha);
}

/** The finished worktree's link; throws exit 3 when it is not what it must be, before anything runs in it. */
function verify(door: Door, path: string): NonNullable<ReturnType<typeof readLink>> {
  const link = readLink(path, door.commonDir);
  if (link !== null && link.path === path) return link;
  throw new OrchestrateError(
    EXIT.environment,
    `the worktree ${JSON.stringify(path)} was not made properly: mend or move the directory`,
    'git worktree list',
  );
}
