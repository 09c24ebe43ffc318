/** Moves a stream's branch on to a commit that contains its tip: with its worktree, never over a byte that is not committed. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { checkedBranch, checkedSha } from './checked-names.ts';
import type { Door } from './door.ts';
import { gitFailure } from './failure.ts';
import type { Git } from './types.ts';
import { inWorktree, requireLink } from './worktree-link.ts';

const MOVED = 'orchestrate: brought up to date';

/**
 * See `Git.advance`. In one call of git, which a kill of ours does not reach: its checkout, then the branch, expecting
 * what it was. Options in the repository's configuration that would make more of it than that are overruled.
 *
 * A landing moves its branch by other means (`moveBranch`): that one may be checked out in several places, whose files are the
 * user's, so that all of them have to be looked at and locked before anything moves. A stream's branch has the one worktree
 * that we made, nobody else moves it, and git's own fast-forward works however refs are kept.
 */
export async function advance(
  door: Door,
  { path, branch, to }: Parameters<Git['advance']>[0],
): Promise<void> {
  checkedSha(to);
  const here = inWorktree(requireLink(door, path), door.commonDir);
  const head = await door.ask(['symbolic-ref', '--quiet', 'HEAD'], here);
  if (head.out.trim() !== `refs/heads/${checkedBranch(branch)}`)
    throw refused(`its worktree is not on ${branch}`, `git -C ${shellWord(path)} switch ${branch}`);
  const plain = [
    '--ff-only',
    '--no-squash',
    '--no-autostash',
    '--no-overwrite-ignore',
    '--no-stat',
    '--quiet',
  ];
  const args = ['merge', ...plain, '--no-verify-signatures', to];
  const result = await door.attempt(args, {
    ...here,
    env: { ...here.env, GIT_REFLOG_ACTION: MOVED },
    config: { 'submodule.recurse': 'false' },
  });
  if (/would be overwritten by merge/.test(result.err)) {
    const names = result.err.split('\n').flatMap((line) => (line.startsWith('\t') ? line.trim() : []));
    throw refused(
      `files of its worktree stand in the way: ${printable(names.slice(0, 5).join(', '))}`,
      `move them out of ${printable(path)}`,
    );
  }
  if (result.code !== 0) throw gitFailure(args, result);
  const now = (await door.read(['rev-parse', '--verify', 'HEAD'], here)).trim();
  if (now !== to)
    throw new OrchestrateError(
      EXIT.busy,
      `${branch} moved while it was brought up to date`,
      'orchestrate status',
    );
}

function refused(message: string, fix: string): OrchestrateError {
  return new OrchestrateError(EXIT.refused, message, fix);
}
