/** Puts the git adapter together for one project. */
import { realpathSync } from 'node:fs';
import { createSlots } from '../core/job-slots.ts';
import { NotStarted, run } from '../process/run.ts';
import { advance } from './advance.ts';
import { makeAhead } from './ahead.ts';
import { rememberMerges } from './base-merge.ts';
import { dirtyFiles, dirtyWhenCheckedOut, noteBornDirty } from './born-dirty.ts';
import { commitTracked, identityTrouble, signingTrouble } from './commit.ts';
import { contained } from './contained.ts';
import { acceptedVersion, type Door, type DoorOptions, missingGit, openDoor } from './door.ts';
import { createConfigReader } from './executable-config.ts';
import { outputOf } from './failure.ts';
import { furnishWorktree } from './furnish.ts';
import { commits, diff, pager } from './history.ts';
import { diffOfWorktree, inspect, rememberChanges, rememberDiffering } from './inspect.ts';
import { forgetLine, layLine, treesOf } from './line.ts';
import { finishMoves, moveBranch } from './move-branch.ts';
import { absentInWorktrees, baseStanding, checkNames } from './readiness.ts';
import { baseTip, readRefs, refStorage, resolveCommit, setVerified } from './refs.ts';
import { removeScratchWorktree, scratchWorktree } from './scratch-worktree.ts';
import { createTidy } from './tidy/tidy.ts';
import type { Git } from './types.ts';
import { ensureWorktree } from './worktree.ts';

/** Checkouts that run at once; more only fight for the disk. */
const CHECKOUTS = 4;

/**
 * Git for the project whose main checkout is at `root` (see `findProject`).
 *
 * @param options `mark`: value of ORCHESTRATE_MARK in every child; `log`: told about each command and its duration.
 */
export function createGit(options: DoorOptions): Git {
  const root = realpathSync(options.root);
  const commonDir = realpathSync(options.commonDir);
  const door = openDoor({ ...options, root, commonDir });
  const slot = createSlots(CHECKOUTS);
  const known = rememberChanges(door);
  const ensure: Git['ensureWorktree'] = (request) => ensureWorktree(door, request, slot);
  return {
    ...createTidy(door, ensure),
    checkVersion,
    baseTip: (configured) => baseTip(door, configured),
    readRefs: (branches, branch) => readRefs(door, branches, branch),
    layLine: (request) => layLine(door, request),
    moveBranch: (move) => moveBranch(door, move),
    finishMoves: () => finishMoves(door),
    refStorage: () => refStorage(door),
    trees: (commits) => treesOf(door, commits),
    scratchWorktree: (path, sha) => slot(() => scratchWorktree(door, path, sha)),
    removeScratchWorktree: (path) => removeScratchWorktree(door, path),
    forgetLine: (branch) => forgetLine(door, branch),
    contained: (tip, candidates) => contained(door, tip, candidates),
    ignored: (paths) => ignored(door, paths),
    resolve: (rev) => resolveCommit(door, rev),
    mergeBases: rememberMerges(door),
    ensureWorktree: ensure,
    makeAhead: (request) => makeAhead(door, request, slot),
    differing: rememberDiffering(door),
    furnishWorktree: (request) => furnishWorktree(door, request),
    noteBornDirty: (path, others) => noteBornDirty(door, path, others),
    dirtyFiles: (path) => dirtyFiles(door, path),
    dirtyWhenCheckedOut: (sha) => dirtyWhenCheckedOut(door, sha),
    advance: (request) => advance(door, request),
    inspect: (request) => inspect(door, request, known),
    commitTracked: (path, message) => commitTracked(door, path, message),
    identityTrouble: () => identityTrouble(door),
    baseStanding: (branch) => baseStanding(door, branch),
    checkNames: (request) => checkNames(door, request),
    absentInWorktrees: (sha) => absentInWorktrees(door, sha),
    signingTrouble: () => signingTrouble(door),
    setVerified: (key, sha, old) => setVerified(door, key, sha, old),
    changes: known.ask,
    diff: (request) => diff(door, request),
    pager: () => pager(door),
    diffOfWorktree: (worktree, base) => diffOfWorktree(door, worktree, base),
    commits: (base, head, most) => commits(door, base, head, most),
    executableConfig: createConfigReader(door),
  };
}

const LONGEST_MS = 30_000;

/** See `Git.checkVersion`. */
async function checkVersion(): Promise<string> {
  return acceptedVersion(await askVersion());
}

async function askVersion(): Promise<string> {
  try {
    const { stdout } = await run({
      file: 'git',
      args: ['--version'],
      cwd: '/',
      env: process.env,
      timeLimitMs: LONGEST_MS,
    });
    return stdout.toString();
  } catch (thrown) {
    throw thrown instanceof NotStarted && thrown.obstacle === 'no program' ? missingGit() : thrown;
  }
}

/** See `Git.ignored`. Exit 1 says that there is none. */
async function ignored(door: Door, paths: readonly string[]): Promise<string[]> {
  const args = ['check-ignore', '-z', '--stdin'];
  const result = await door.ask(args, { input: paths.map((path) => `${path}\0`).join('') });
  return result.code === 1
    ? []
    : outputOf(args, result)
        .split('\0')
        .filter((path) => path !== '');
}
