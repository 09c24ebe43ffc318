/** Finds commits that only one worktree knows: those of an operation under way, of its own refs, and those that only logs still name. */
import { join } from 'node:path';
import { readIfPresent } from '../../files/present.ts';
import { isSha } from '../checked-names.ts';
import { type CommandOptions, type Door, inChunks } from '../door.ts';
import { gitFailure } from '../failure.ts';
import { fileText, kindAt } from '../worktree-link.ts';

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

/** Where to look: `there` are options that bind git to the worktree, whose directory may be gone. */
export type Searched = {
  readonly there: CommandOptions;
  /** The worktree's git directory; null where there is no worktree. */
  readonly gitDir: string | null;
  readonly head: string | null;
  /** The stream's branch, and whether the worktree is on it; null where there is no such branch. */
  readonly branch: string | null;
  readonly onItsBranch: boolean;
  /** Commits and refs besides branches and tags that are nobody's loss, with what they contain. */
  readonly known: readonly string[];
};

export type LooseCommits = {
  /** As few commits as lead to all that `head` does not contain. */
  readonly tips: readonly string[];
  /** Commits that were made on no branch, and that no branch or tag has. What an amend or a rebase replaced is none. */
  readonly detached: readonly string[];
};

/** Finds them. Those that git has thrown away already are none. */
export async function looseCommits(door: Door, searched: Searched): Promise<LooseCommits> {
  const { there, gitDir, head, branch, onItsBranch, known } = searched;
  const [own, ofHead, ofBranch] = await Promise.all([
    gitDir === null ? '' : ownRefs(door, gitDir, there),
    gitDir === null ? [] : readLog(door, gitDir, 'HEAD', there),
    branch === null ? [] : readLog(door, door.commonDir, `refs/heads/${branch}`, there),
  ]);
  const named =
    gitDir === null ? [] : NAMING.flatMap((name) => (fileText(join(gitDir, name)) ?? '').split('\n'));
  const onBranch = new Set(ofBranch.map(({ sha }) => sha));
  const made = ofHead.filter(({ sha, message }) => !onBranch.has(sha) && !REPLACING.test(message));
  const logged = [...ofHead, ...ofBranch].map(({ sha }) => sha);
  const tips = new Set([...named, ...own.split('\n'), ...logged].filter(isSha));
  const suspects = new Set([...made.map(({ sha }) => sha), ...(head === null || onItsBranch ? [] : [head])]);
  const [loose, detached] = await Promise.all([
    unreachable(door, [...tips], head === null ? [] : [head], there),
    unreachable(door, [...suspects], ['--branches', '--tags', '--remotes', ...known], there),
  ]);
  const followed = new Set([...loose.values()].flat());
  return {
    tips: [...loose.keys()].filter((sha) => !followed.has(sha)),
    detached: [...detached.keys()],
  };
}

/** Commits that these steps leave behind were replaced by others on purpose. */
const REPLACING = /^(?:rebase|pull --rebase|pull -r|am)\b/;

type Logged = { readonly sha: string; readonly message: string };

/** True where refs and their logs are files, so that they can be read without asking git. */
function inFiles({ commonDir }: Door): boolean {
  return kindAt(join(commonDir, 'reftable')) === 'missing';
}

/** Refs that a worktree has for itself; git never packs those. */
async function ownRefs(door: Door, gitDir: string, there: CommandOptions): Promise<string> {
  const folders = ['refs/worktree/', 'refs/bisect/', 'refs/rewritten/'];
  if (inFiles(door) && folders.every((folder) => kindAt(join(gitDir, folder)) === 'missing')) return '';
  return door.read(['for-each-ref', '--format=%(objectname)', ...folders], there);
}

/** What a ref was set to, by its log, which is kept with the refs at `folder`. */
async function readLog(door: Door, folder: string, ref: string, there: CommandOptions): Promise<Logged[]> {
  if (inFiles(door)) return parseLog(readIfPresent(join(folder, 'logs', ref)) ?? '');
  const args = ['log', '--walk-reflogs', '--no-show-signature', '--format=%H %gs', ref, '--'];
  const result = await door.ask(args, there);
  // No commit yet, or no such ref: there is nothing to walk.
  if (result.code !== 0 && /bad revision|does not have any commits|unknown revision/.test(result.err))
    return [];
  if (result.code !== 0) throw gitFailure(args, result);
  const lines = result.out.split('\n').filter(Boolean);
  return lines.map((line) => ({
    sha: line.split(' ', 1)[0] ?? '',
    message: line.slice(line.indexOf(' ') + 1),
  }));
}

/** Each line: the commit before, the one after, who did it when, and why. */
function parseLog(text: string): Logged[] {
  return text.split('\n').flatMap((line) => {
    const [, sha = '', message = ''] = /^[0-9a-f]+ ([0-9a-f]+) [^\t]*(?:\t(.*))?$/.exec(line) ?? [];
    // None after: the ref was deleted.
    return isSha(sha) && !/^0+$/.test(sha) ? [{ sha, message }] : [];
  });
}

/** The commits below `tips` that none of `others` has, each with its parents, the latest first. */
async function unreachable(
  door: Door,
  tips: readonly string[],
  others: readonly string[],
  there: CommandOptions,
): Promise<Map<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const chunk of inChunks(tips.filter((tip) => !others.includes(tip)))) {
    const args = ['rev-list', '--ignore-missing', '--parents', ...chunk, '--not', ...others, '--'];
    for (const line of (await door.read(args, there)).split('\n')) {
      const [sha = '', ...parents] = line.split(' ');
      if (isSha(sha)) found.set(sha, parents);
    }
  }
  return found;
}
