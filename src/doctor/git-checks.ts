/** Checks of what git would make of a plan here: who commits, what the base is, which names are free, what worktrees will lack; for `doctor`, and the quick ones for `start`. */
import { existsSync } from 'node:fs';
import { type Config, setupCommands } from '../app/config/load.ts';
import type { Project } from '../app/project.ts';
import { OrchestrateError } from '../core/errors.ts';
import { listed, plural, printable } from '../core/printable.ts';
import { RENORMALISE, shellWord } from '../core/shell-word.ts';
import { branchName, streamKey, worktreePath } from '../core/stream-key.ts';
import { sha256 } from '../files/sha256.ts';
import type { Absent, Git } from '../git/types.ts';
import { copyHooks, SUBMODULES } from '../init/proposals.ts';
import { initiativeOf, streamNames } from '../look/snapshot.ts';
import { attempt, type CheckResult, failed, ok } from './tool-checks.ts';

type Base = Awaited<ReturnType<Git['baseTip']>>;

/** What the checks look at. */
type Ground = { readonly git: Git; readonly config: Config };

/**
 * Those that are quick enough to be made at each start; one that fails is a failed check. `trusted`: git may run the programs
 * that the repository's settings name. Throws where there is no base.
 */
export async function quickGitChecks({ git, config }: Ground, trusted: boolean): Promise<CheckResult[]> {
  return checksOn(await git.baseTip(config.baseBranch), { git, config }, trusted);
}

async function checksOn(
  { branch, sha }: Base,
  { git, config }: Ground,
  trusted: boolean,
): Promise<CheckResult[]> {
  const [identity, signing, base, absent] = await Promise.all([
    attempt('identity', () => identityCheck(git)),
    trusted ? attempt('signing', () => signingCheck(git)).then((check) => [check]) : [],
    attempt('base', () => baseCheck(git, branch)),
    git.absentInWorktrees(sha).then(
      (found) => absentChecks(found, config),
      (error: unknown) => [failed('worktrees', error)],
    ),
  ]);
  return [identity, ...signing, base, ...absent];
}

/** All of them; one that fails is a failed check. */
export async function gitChecks(project: Project): Promise<CheckResult[]> {
  const { createGit } = await import('../git/git.ts');
  const git = createGit({ root: project.root, commonDir: project.commonDir });
  const config = project.config();
  const base = await git.baseTip(config.baseBranch).catch(saidElsewhere);
  // The first commit, too, needs a name to be made by.
  if (base === null) return [await identityCheck(git).catch(saidElsewhere)].filter((check) => check !== null);
  const settings = await attempt('git settings', () => settingsCheck(project, git));
  const trusted = settings.level === 'ok';
  return [
    ...(trusted ? [] : [settings]),
    ...(await checksOn(base, { git, config }, trusted)),
    await attempt('refs', () => refsCheck(git)),
    await attempt('names', () => namesCheck(project, git)),
    ...(trusted ? [await attempt('checkout', () => checkoutCheck(git, base.sha))] : []),
  ];
}

/** Where git or a base is missing, the checks of the tool and of the repository say so. */
function saidElsewhere(error: unknown): null {
  if (error instanceof OrchestrateError) return null;
  throw error;
}

/** Fails where an agent may have made git run a program. */
async function settingsCheck(project: Project, git: Git): Promise<CheckResult> {
  const state = await project.openState();
  const { refuseGitConfigOfAgents } = await import('../poller/steps/git-config.ts');
  if (state !== null) await refuseGitConfigOfAgents({ git, state, paths: project.paths });
  return ok('git settings', 'as they were when the first agent started');
}

async function identityCheck(git: Git): Promise<CheckResult> {
  const trouble = await git.identityTrouble();
  if (trouble === null) return ok('identity', 'git knows who commits');
  return {
    name: 'identity',
    level: 'fail',
    message: `agents cannot commit: ${printable(trouble)}`,
    fix: 'git config --global user.name "Your Name" && git config --global user.email you@example.com',
  };
}

async function signingCheck(git: Git): Promise<CheckResult> {
  const trouble = await git.signingTrouble();
  if (trouble === null) return ok('signing', 'commits need no passphrase');
  return {
    name: 'signing',
    level: 'warn',
    message: `commits are to be signed, which an agent cannot do without being asked for something: ${printable(trouble, 300)}; unlock the key (ssh-add, or sign once in this terminal), or do not sign here`,
    fix: 'git config commit.gpgSign false',
  };
}

async function refsCheck(git: Git): Promise<CheckResult> {
  const storage = await git.refStorage();
  if (storage === 'files') return ok('refs', 'kept in files');
  return {
    name: 'refs',
    level: 'warn',
    message: `refs are kept as ${printable(storage)}: orchestrate merge cannot land here`,
    fix: 'git refs migrate --ref-format=files',
  };
}

async function baseCheck(git: Git, branch: string): Promise<CheckResult> {
  const standing = await git.baseStanding(branch);
  const name = printable(branch);
  if (standing === null) return ok('base', name);
  const upstream = printable(standing.upstream);
  if (standing.gone)
    return {
      name: 'base',
      level: 'warn',
      message: `the upstream of ${name}, ${upstream}, is gone`,
      fix: `git branch --unset-upstream ${shellWord(branch)}`,
    };
  const { ahead, behind } = standing;
  if (behind === 0) return ok('base', `${name} has all of ${upstream}`);
  return {
    name: 'base',
    level: 'warn',
    message: `${name} is ${plural(behind, 'commit')} behind ${upstream}${ahead === 0 ? '' : ` and ${ahead} ahead`}, as last fetched ("baseBranch" in config.json may name ${upstream} instead)`,
    fix: `git switch ${shellWord(branch)} && git merge ${ahead === 0 ? '--ff-only ' : ''}${shellWord(standing.upstream)}`,
  };
}

/** What worktrees will lack, each with what brings it there. */
function absentChecks({ submodules, bigFiles, hooks, ignored }: Absent, config: Config): CheckResult[] {
  const { symlink } = config.worktree;
  const setup = setupCommands(config);
  const warn = (message: string, fix: string): CheckResult => ({
    name: 'worktrees',
    level: 'warn',
    message,
    fix,
  });
  const found: CheckResult[] = [];
  const inSetup = (pattern: RegExp) => setup.some(({ command }) => pattern.test(command));
  const add = (command: string) => `add ${JSON.stringify(command)} to "worktree.setup" in config.json`;
  if (submodules.length > 0 && !inSetup(/\bsubmodule\b/))
    found.push(warn(`submodules are empty in worktrees: ${listed(submodules)}`, add(SUBMODULES)));
  if (bigFiles !== null && bigFiles.files > 0 && !bigFiles.smudges)
    found.push(
      warn(
        `${bigFiles.files} files are only pointers in worktrees: git-lfs is not set up`,
        'git lfs install',
      ),
    );
  else if (bigFiles !== null && bigFiles.absent > 0 && !inSetup(/\blfs\b/))
    found.push(
      warn(`of ${bigFiles.absent} files kept by git-lfs only the pointers are here`, 'git lfs fetch'),
    );
  if (hooks !== null && !symlink.includes(hooks) && !inSetup(/\b(npm|pnpm|yarn|bun|cp|husky|lefthook)\b/))
    found.push(
      warn(
        `worktrees have no ${printable(hooks)} (core.hooksPath): no hook runs there`,
        // In a worktree .git is a file.
        hooks.startsWith('.git/') ? 'git config --unset core.hooksPath' : add(copyHooks(hooks)),
      ),
    );
  const missing = ignored.filter((path) => !symlink.includes(path));
  if (missing.length > 0)
    found.push(
      warn(
        `ignored files that worktrees do not get: ${listed(missing)}`,
        'name them in .worktreeinclude (those that agents may read)',
      ),
    );
  return found.length > 0 ? found : [ok('worktrees', 'a worktree has all that the checkout has')];
}

/** The names and places that the plan's streams will get (without a plan: those of any stream) are free. */
async function namesCheck(project: Project, git: Git): Promise<CheckResult> {
  const names = streamNames({ paths: project.paths, config: project.config() });
  const place = (key: string) => ({
    key,
    branch: branchName(names.branchPrefix, key),
    path: worktreePath(names.worktreeRoot, key),
    ours: false,
  });
  const streams = await plannedStreams(project);
  const unmade = streams.filter(({ made }) => !made);
  // None of a plan's streams has such a key: only what is in the way of all of them is found.
  for (const { key } of streams.length === 0 ? [{ key: 'x-of-no-plan' }] : unmade)
    await git.checkNames(place(key));
  const beginning = printable(names.branchPrefix);
  return ok('names', `branches ${beginning}… and ${printable(names.worktreeRoot)} are free`);
}

/** Keys of the plan's streams, and whether their branches were made. */
async function plannedStreams(project: Project): Promise<readonly { key: string; made: boolean }[]> {
  if (!existsSync(project.workspace().storePath)) return [];
  const plan = (await project.planStore()).readPlan();
  const records = [...((await project.openState())?.records(initiativeOf(plan)).values() ?? [])];
  return plan.streams.map(({ id }) => {
    const record = records.find(({ streamId }) => streamId === id);
    const key = record?.key ?? streamKey(initiativeOf(plan), id, sha256, () => false);
    return { key, made: record?.branchMade ?? false };
  });
}

async function checkoutCheck(git: Git, sha: string): Promise<CheckResult> {
  const dirty = await git.dirtyWhenCheckedOut(sha);
  if (dirty === null) return ok('checkout', 'not tried, since it has many files');
  if (dirty.length === 0) return ok('checkout', 'a fresh worktree is clean');
  return {
    name: 'checkout',
    level: 'warn',
    message: `a fresh worktree is dirty from the start: ${listed(dirty)} (line endings, filters, letter case or modes); to be mended on the base branch`,
    fix: RENORMALISE,
  };
}
