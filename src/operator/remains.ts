/** What is left of ours when a project is no longer set up: named, with what to type; our memory goes with the last of it. */
import { rmSync } from 'node:fs';
import { relative } from 'node:path';
import type { ProjectPaths } from '../app/paths.ts';
import type { Ports } from '../app/ports.ts';
import { listed, printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { listIfPresent, statIfPresent } from '../files/present.ts';
import type { Git } from '../git/types.ts';
import { streamNames } from '../look/snapshot.ts';
import type { StateStore } from '../state/types.ts';

/** Whose remains are looked for; `worktreeRoot`: the directory of all worktrees. */
export type SearchedProject = {
  readonly paths: ProjectPaths;
  readonly git: Pick<Git, 'remains' | 'forgetContained'>;
  /** Null: there is no memory. */
  readonly state: Pick<StateStore, 'allRecords'> | null;
  readonly worktreeRoot: string;
};

/**
 * Says what is left, a line each with what to type; nothing while the project is set up. With `forget` refs of ours whose
 * commits others have too are let go of first, and when nothing is left our memory is removed.
 */
export async function remainsOf(
  ports: Ports,
  { forget }: { readonly forget: boolean },
): Promise<readonly string[]> {
  const { paths, git, state } = ports;
  // What a user has changed stays when a project is taken out of use; launchers go.
  if (Object.values(paths.launchers).some((path) => statIfPresent(path) !== null)) return [];
  const project = { paths, git, state, worktreeRoot: streamNames(ports).worktreeRoot };
  return takeLeave(project, forget && !ports.lease.isHeld());
}

/** The same for a project of which it is known that it is not to be set up any more. */
export async function takeLeave(project: SearchedProject, forget: boolean): Promise<readonly string[]> {
  const left = await linesOf(project, forget);
  if (left.length > 0) return left;
  if (forget) forgetMemory(project.paths);
  return [];
}

async function linesOf(
  { paths, git, state, worktreeRoot }: SearchedProject,
  forget: boolean,
): Promise<string[]> {
  const records = [...(state?.allRecords().readable.values() ?? [])];
  const places = records.map(({ worktree, branch, branchMade }) => ({ path: worktree, branch, branchMade }));
  const found = await git.remains(places);
  const alone = found.worktrees.length + found.branches.length === 0;
  const refs = forget && alone ? await git.forgetContained() : found.refs;
  const saved = refs.filter((ref) => ref.startsWith('refs/orchestrate/saved/'));
  const others = refs.filter((ref) => !saved.includes(ref));
  const files = alone ? listIfPresent(worktreeRoot) : [];
  const shown = (path: string) => {
    const below = relative(paths.root, path);
    return printable(below.startsWith('..') ? path : below);
  };
  return [
    ...row(
      'worktrees',
      found.worktrees.map(shown),
      'orchestrate clean takes those away that hold nothing else',
    ),
    ...row('branches', found.branches, `orchestrate clean; to keep one for yourself: ${found.keepFirst}`),
    ...row('saved work', saved, 'orchestrate recover; to let go of it: orchestrate recover --expire 0'),
    ...row(
      'refs',
      others,
      `git for-each-ref refs/orchestrate; one by one: git update-ref -d ${others[0] ?? ''}`,
    ),
    ...row(`files in ${shown(worktreeRoot)}`, files, `ls -la ${shellWord(shown(worktreeRoot))}`),
    ...(refs.length + files.length === 0 && alone
      ? []
      : [`left: ${shown(paths.stateDb)}, as long as anything of the above is`]),
  ];
}

function row(what: string, names: readonly string[], then: string): string[] {
  if (names.length === 0) return [];
  return [`left: ${what}: ${listed(names)}`, `  ${then}`];
}

/** Removes what only we read: state, locks, and directories of runs that nobody will look at any more. */
function forgetMemory(paths: ProjectPaths): void {
  for (const file of [paths.stateDb, paths.lockDb, paths.landingLock, paths.published])
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${suffix}`, { force: true });
  for (const directory of [paths.pidsDir, paths.runsDir, paths.spoolDir])
    rmSync(directory, { recursive: true, force: true });
}
