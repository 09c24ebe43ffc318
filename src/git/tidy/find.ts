/** Looks at everything that removing a stream's worktree and branch would lose; does not trust git's own word that a tree is clean. */
import { join } from 'node:path';
import { plural, printable } from '../../core/printable.ts';
import { shellWord } from '../../core/shell-word.ts';
import type { CommandOptions, Door } from '../door.ts';
import { operationIn } from '../inspect.ts';
import { refOfHead } from '../move-branch.ts';
import { readBranch } from '../worktree-branch.ts';
import { inWorktree, kindAt } from '../worktree-link.ts';
import { gitAt, see, seeStores } from './contents.ts';
import type { Doomed } from './delete-files.ts';
import { type LooseCommits, looseCommits } from './loose-commits.ts';
import { readMarker } from './marker.ts';
import { type Here, stashesOf, whereIs } from './place.ts';
import type { Found, Held, Place, Shared } from './types.ts';

/** What was found, with what a removal has to take away. */
export type TidyLook = Found &
  Doomed & {
    readonly here: Here;
    /** Git's view of the worktree: options that bind a command to it, and its head; null where there is none of ours. */
    readonly git: { readonly there: CommandOptions; readonly headSha: string | null } | null;
    readonly loose: readonly string[];
    /** Files that are not as in the head, and were so before the agent began. */
    readonly born: readonly string[];
  };

const NO_FILES = { tracked: [], spare: [], directories: [], born: [] } as const;

/** Looks; changes nothing. */
export async function look(door: Door, place: Place, shared: Shared): Promise<TidyLook> {
  const tip = shared.tips.get(place.branch) ?? null;
  const here = whereIs(door, place, shared);
  const nothing = { here, worktree: false, git: null, loose: [], ...NO_FILES };
  if (here.kind === 'foreign') return { ...nothing, head: tip, held: [here.held] };
  const head = tip !== null && (await isOurs(door, place, here)) ? tip : null;
  if (here.kind === 'nothing' && head === null) return { ...nothing, head, held: [] };
  const path = here.kind === 'nothing' ? null : here.path;
  const elsewhere = (shared.checkouts.get(place.branch) ?? []).filter((each) => each !== path);
  const outside = [
    ...elsewhere.map((each) => checkedOut(place, each)),
    ...stashesOf(place.branch, shared),
    ...(await newCommits(door, place, head)),
  ];
  if (here.kind === 'nothing') {
    const loose = await ofBranchAlone(door, place, head);
    return { ...nothing, head, held: outside, loose: loose.tips };
  }
  if (here.kind === 'gone') return { ...(await lookAtEntry(door, place, here, outside)), head };
  return { ...(await lookInside(door, place, here, outside)), head };
}

/** True for a branch that we made, by our records, by the worktree of ours that is on it, or by its log. */
async function isOurs(door: Door, { branch, branchMade }: Place, here: Here): Promise<boolean> {
  if (branchMade || here.kind === 'inside' || here.kind === 'gone') return true;
  return (await readBranch(door, branch, false)).ours;
}

/** Commits of the branch that are neither in what was verified nor in what landed. */
async function newCommits(door: Door, place: Place, head: string | null): Promise<Held[]> {
  if (head === null || place.contained.includes(head)) return [];
  const args = ['rev-list', '--count', '--ignore-missing', head, '--not', ...place.contained, '--'];
  const count = Number((await door.read(args)).trim());
  if (count === 0) return [];
  const [verified] = place.contained;
  const range = verified === undefined ? place.branch : `${verified.slice(0, 12)}..${place.branch}`;
  return [
    {
      kind: 'commits',
      what: `${plural(count, 'commit')} since its work was verified`,
      look: `git log ${shellWord(range)}`,
    },
  ];
}

function ofBranchAlone(door: Door, { branch }: Place, head: string | null): Promise<LooseCommits> {
  // The main checkout's own head and operations are the user's: only the branch's log is asked.
  return looseCommits(door, { there: {}, gitDir: null, head, branch, onItsBranch: true, known: [] });
}

function checkedOut({ branch }: Place, path: string): Held {
  return {
    kind: 'foreign',
    what: `its branch ${branch} is checked out in ${printable(path)}`,
    look: `git -C ${shellWord(printable(path))} switch --detach`,
  };
}

type Headless = Omit<TidyLook, 'head'>;

/** The directory is gone: its entry still has a head, an index, logs, and may be in the middle of something. */
async function lookAtEntry(
  door: Door,
  place: Place,
  here: Extract<Here, { kind: 'gone' }>,
  outside: readonly Held[],
): Promise<Headless> {
  const { gitDir, ahead } = here;
  const there = {
    cwd: door.commonDir,
    env: { GIT_DIR: gitDir, GIT_COMMON_DIR: door.commonDir, GIT_WORK_TREE: gitDir },
  };
  const branch = branchIn(gitDir);
  const asked = await door.ask(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], there);
  const headSha = asked.code === 0 ? asked.out.trim() : null;
  const onItsBranch = branch === place.branch;
  const known = ahead ? place.contained : [];
  const searched = { there, gitDir, head: headSha, branch: place.branch, onItsBranch, known };
  const loose = await looseCommits(door, searched);
  const held = [
    ...(ahead && branch === null ? [] : offBranch(place, branch)),
    ...operation(place, gitDir),
    ...detachedCommits(place, loose),
    ...(await seeStores(door, gitDir)),
  ];
  const index = kindAt(join(gitDir, 'index')) === 'file' && headSha !== null;
  const cached = ['diff-index', '--cached', '--quiet', '--ignore-submodules=all', 'HEAD', '--'];
  if (index && readMarker(gitDir) === null && (await door.ask(cached, there)).code !== 0) {
    const what = 'changes that were staged in its worktree, whose directory is gone';
    held.push({ kind: 'changes', what, look: `git --git-dir ${shellWord(gitDir)} diff --cached` });
  }
  const git = { there, headSha };
  return {
    here,
    worktree: true,
    git,
    loose: loose.tips,
    ...NO_FILES,
    held: [...held, ...outside],
  };
}

/** The branch that a git directory's head is on; null when it is on none. */
function branchIn(gitDir: string): string | null {
  return /^refs\/heads\/(.+)$/s.exec(refOfHead({ gitDir }) ?? '')?.[1] ?? null;
}

async function lookInside(
  door: Door,
  place: Place,
  here: Extract<Here, { kind: 'inside' }>,
  outside: readonly Held[],
): Promise<Headless> {
  const { link, ahead } = here;
  const there = inWorktree(link, door.commonDir);
  const seen = await see(door, link, place, door.root);
  const branch = seen.status.branch;
  const onItsBranch = branch === place.branch;
  const head = seen.status.headSha;
  const loose = await looseCommits(door, {
    there,
    gitDir: link.gitDir,
    head,
    branch: place.branch,
    onItsBranch,
    known: ahead ? place.contained : [],
  });
  const held: Held[] = [
    ...here.held,
    ...(head === null ? [unborn(place)] : []),
    ...(ahead && branch === null ? [] : offBranch(place, branch)),
    ...operation(place, link.gitDir),
    ...detachedCommits(place, loose),
    ...seen.held,
    ...(await seeStores(door, link.gitDir)),
    ...outside,
  ];
  return {
    here,
    worktree: true,
    git: { there, headSha: head },
    held,
    loose: loose.tips,
    tracked: seen.tracked,
    spare: seen.spare,
    directories: seen.directories,
    born: seen.born,
  };
}

/** Its branch was deleted under it: what it was made of is in the index alone. */
function unborn({ path, branch }: Place): Held {
  return { kind: 'foreign', what: `its branch ${branch} is gone`, look: gitAt(path, 'status') };
}

function offBranch({ branch, path }: Place, actual: string | null): Held[] {
  if (actual === branch) return [];
  const where = actual === null ? 'no branch (a detached head)' : `the branch ${printable(actual)}`;
  return [{ kind: 'off-branch', what: `its worktree is on ${where}`, look: gitAt(path, 'log -3 HEAD') }];
}

function operation({ path }: Place, gitDir: string): Held[] {
  const found = operationIn({ path, gitDir });
  const held: Held[] =
    found === null
      ? []
      : [{ kind: 'operation', what: `a ${found} is in progress`, look: gitAt(path, 'status') }];
  if (kindAt(join(gitDir, 'index.lock')) !== 'missing')
    held.push({
      kind: 'operation',
      what: 'a git process is at work in it, or left its lock',
      look: `ls -l ${shellWord(join(gitDir, 'index.lock'))}`,
    });
  return held;
}

function detachedCommits({ path }: Place, { detached }: LooseCommits): Held[] {
  const [first] = detached;
  if (first === undefined) return [];
  const what = `${plural(detached.length, 'commit')} that no branch has, such as ${first.slice(0, 12)}`;
  return [{ kind: 'detached', what, look: gitAt(path, `log -3 ${first.slice(0, 12)}`) }];
}
