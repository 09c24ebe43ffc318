/** The commits of a stream, for people: what was made when and by whom; decides nothing on them. */

import { checkedSha } from './checked-names.ts';
import type { Door } from './door.ts';
import type { Git } from './types.ts';

/**
 * See `Git.commits`. simple-git reads the log, loaded only here, since it takes longer than all of `status`; it is let have
 * our environment, whose settings it would take for somebody else's.
 */
export async function commits(
  door: Door,
  base: string,
  head: string,
  most: number,
): ReturnType<Git['commits']> {
  const { simpleGit } = await import('simple-git');
  const git = simpleGit({
    baseDir: door.root,
    unsafe: {
      allowUnsafeConfigEnvCount: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeHooksPath: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeEditor: true,
      allowUnsafePager: true,
      allowUnsafeAskPass: true,
    },
  });
  const log = await git.env(door.environment()).log({
    from: checkedSha(base),
    to: checkedSha(head),
    symmetric: false,
    maxCount: most,
    '--no-show-signature': null,
    '--no-ext-diff': null,
    format: { sha: '%H', author: '%an', at: '%aI', subject: '%s' },
  });
  return log.all.map(({ sha, author, at, subject }) => ({ sha, author, atMs: Date.parse(at), subject }));
}

const PLAIN = ['--no-ext-diff', '--no-textconv', '--ignore-submodules=none'];

/** See `Git.diff`. */
export async function diff(
  door: Door,
  { from, to, paths, colour = false }: Parameters<Git['diff']>[0],
): Promise<string> {
  // Unlike `--merge-base`, this takes one of several: each side may have merged the other.
  const range = `${checkedSha(from)}...${checkedSha(to)}`;
  const only = paths.map((path) => `:(top,literal)${path}`);
  return door.read(['diff', `--color=${colour ? 'always' : 'never'}`, ...PLAIN, range, '--', ...only]);
}

/** See `Git.pager`. */
export async function pager(door: Door): Promise<string> {
  return (await door.read(['var', 'GIT_PAGER'])).trim();
}
