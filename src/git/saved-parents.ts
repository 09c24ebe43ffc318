/** Finds commits that only one worktree knows: of its HEAD's log, of an operation under way, of refs of its own. */
import { join } from 'node:path';
import type { Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { isSha } from './names.ts';
import { inWorktree, textOf, type WorktreeLink } from './worktree-link.ts';

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
export async function looseCommits(door: Door, link: WorktreeLink, head: string | null): Promise<string[]> {
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
