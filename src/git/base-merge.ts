/** Computes the commit a stream starts from out of its dependencies' heads, without a worktree and without touching any ref. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { checkedSha, isSha } from './checked-names.ts';
import { commitTree } from './commit.ts';
import type { Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { resolveCommit } from './refs.ts';
import type { BaseResult, Git } from './types.ts';

/** See `Git.mergeBases`. Parents are merged one after the other; one that another contains adds nothing. */
async function mergeBases(door: Door, parents: readonly string[], message: string): Promise<BaseResult> {
  const [first, ...others] = [...new Set(parents.map(checkedSha))];
  if (first === undefined) throw new Error('a base needs at least one parent');
  await Promise.all([first, ...others].map((sha) => checkCommit(door, sha)));
  let merged = first;
  for (const other of others) {
    const result = await mergeTwo(door, merged, other, message);
    if (!result.ok) return result;
    merged = result.sha;
  }
  return { ok: true, sha: merged };
}

/**
 * Remembers the merges that were made: of a worktree made ahead it is asked again at the hand-off. All that it names is looked for
 * once more, since nobody keeps a commit that no ref has.
 */
export function rememberMerges(door: Door): Git['mergeBases'] {
  const made = new Map<string, { readonly sha: string; readonly settings: string }>();
  const settingsNow = async (): Promise<string> => (await door.ask(SETTINGS)).out;
  return async (parents, message) => {
    const question = JSON.stringify([parents, message]);
    const before = made.get(question);
    if (before !== undefined) {
      const all = [before.sha, ...parents];
      const [settings, isThere] = await Promise.all([settingsNow(), areThere(door, all)]);
      if (isThere && settings === before.settings) return { ok: true, sha: before.sha };
    }
    const [settings, result] = await Promise.all([settingsNow(), mergeBases(door, parents, message)]);
    if (result.ok) made.set(question, { sha: result.sha, settings });
    return result;
  };
}

/** Who commits, and whether and how it is signed. */
const SETTINGS = [
  'config',
  '-z',
  '--get-regexp',
  '^(commit\\.gpgsign|user\\.|author\\.|committer\\.|gpg\\.)',
];

async function areThere(door: Door, commits: readonly string[]): Promise<boolean> {
  const found = await Promise.all(commits.map((sha) => resolveCommit(door, sha)));
  return commits.every((sha, at) => found[at] === sha);
}

async function checkCommit(door: Door, sha: string): Promise<void> {
  if ((await resolveCommit(door, sha)) === sha) return;
  throw new OrchestrateError(
    EXIT.state,
    `the commit ${sha} is not in the repository, and has to be brought back`,
    'git fsck',
  );
}

async function mergeTwo(door: Door, ours: string, theirs: string, message: string): Promise<BaseResult> {
  const [common, seconds] = await Promise.all([
    mergeBase(door, ours, theirs),
    latestSeconds(door, ours, theirs),
  ]);
  if (common === theirs) return { ok: true, sha: ours };
  if (common === ours) return { ok: true, sha: theirs };
  const merged = await mergeTrees(door, ours, theirs);
  if (merged.files !== null) return { ok: false, files: merged.files };
  // Whenever it is made: the same parents give the same commit, unless a signature differs.
  const date = `${seconds} +0000`;
  const dates = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  const commit = { tree: merged.tree, parents: [ours, theirs], message };
  return { ok: true, sha: await commitTree(door, commit, dates) };
}

/** The tree of a merge of two commits, written without a worktree; `files`: where they clash, null when they do not. */
export async function mergeTrees(
  door: Door,
  ours: string,
  theirs: string,
): Promise<{ readonly tree: string; readonly files: readonly string[] | null }> {
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--allow-unrelated-histories'];
  const result = await door.attempt([...args, ours, theirs]);
  const [tree = '', ...rest] = result.out.split('\0');
  // Exit 1 is a clash, but also some failures: only a clash comes with a tree. And git 2.39 exits 0, with a tree that
  // lacks half of the work, when it cannot read an object: then there is an error on stderr.
  const broken = /^(?:error|fatal):/m.test(result.err);
  if (result.code > 1 || broken || !isSha(tree)) throw gitFailure(args, result);
  return { tree, files: result.code === 1 ? [...new Set(rest.slice(0, rest.indexOf('')))] : null };
}

async function mergeBase(door: Door, ours: string, theirs: string): Promise<string | null> {
  const args = ['merge-base', ours, theirs];
  const result = await door.ask(args);
  if (result.code === 0) return result.out.trim();
  if (result.code === 1) return null;
  throw gitFailure(args, result);
}

/** The later of two commits' times: a merge is never older than what it merges, as history walks expect. */
async function latestSeconds(door: Door, ours: string, theirs: string): Promise<number> {
  const out = await door.read(['rev-list', '--no-walk', '--timestamp', ours, theirs, '--']);
  return Math.max(
    ...out
      .trim()
      .split('\n')
      .map((line) => Number.parseInt(line, 10)),
  );
}
