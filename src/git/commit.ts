/** Commits what a worker left changed in tracked files, as somebody even where git has no name for the user. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import type { Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { operationIn } from './inspect.ts';
import { inWorktree, requireLink } from './worktree-link.ts';

/** See `Git.commitTracked`. Throws exit 5 on no branch or in the middle of a merge or rebase; nothing to commit is fine. */
export async function commitTracked(door: Door, path: string, message: string): Promise<string> {
  const link = requireLink(door, path);
  const here = inWorktree(link, door.commonDir);
  const operation = operationIn(link);
  if (operation !== null) throw notNow(path, `a ${operation} is under way`);
  const branch = await door.ask(['symbolic-ref', '--quiet', 'HEAD'], here);
  if (branch.code !== 0) throw notNow(path, 'it is on no branch');
  const dirty = await door.ask(['diff-index', '--quiet', '--ignore-submodules=dirty', 'HEAD', '--'], here);
  if (dirty.code > 1) throw gitFailure(['diff-index'], dirty);
  if (dirty.code === 1) {
    const args = ['commit', '--all', '--quiet', '--no-verify', '--cleanup=whitespace', '-m', message];
    await door.write(args, { ...here, env: { ...here.env, ...(await author(door)) } });
  }
  return (await door.read(['rev-parse', '--verify', 'HEAD'], here)).trim();
}

/** Variables that name us where the user has configured no name or no address; git would guess, or refuse. */
export async function author(door: Door): Promise<Record<string, string>> {
  const result = await door.ask(['config', '--name-only', '--get-regexp', '^user\\.(name|email)$']);
  const keys = result.out.split('\n');
  if (keys.includes('user.name') && keys.includes('user.email')) return {};
  return {
    GIT_AUTHOR_NAME: 'orchestrate',
    GIT_AUTHOR_EMAIL: 'orchestrate@localhost',
    GIT_COMMITTER_NAME: 'orchestrate',
    GIT_COMMITTER_EMAIL: 'orchestrate@localhost',
  };
}

function notNow(path: string, why: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.refused,
    `the changes in ${JSON.stringify(path)} were not committed: ${why}`,
    'finish or abort it in the worktree, then run the command again',
  );
}
