/** Puts the git adapter together for one project. */
import { realpathSync } from 'node:fs';
import { createSlots } from '../core/job-slots.ts';
import { mergeBases } from './base-merge.ts';
import { commitTracked } from './commit.ts';
import { type DoorOptions, openDoor } from './door.ts';
import { createConfigReader } from './executable-config.ts';
import { furnishWorktree } from './furnish.ts';
import { commits } from './history.ts';
import { changes, inspect } from './inspect.ts';
import { baseTip, createRefReader, resolveCommit, setVerified } from './refs.ts';
import { saveSnapshot } from './saved-work.ts';
import type { Git } from './types.ts';
import { checkVersion } from './version.ts';
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
  return {
    root,
    commonDir,
    checkVersion,
    baseTip: (configured) => baseTip(door, configured),
    readRefs: createRefReader(door),
    resolve: (rev) => resolveCommit(door, rev),
    mergeBases: (parents, message) => mergeBases(door, parents, message),
    ensureWorktree: (request) => ensureWorktree(door, request, slot),
    furnishWorktree: (request) => furnishWorktree(door, request),
    inspect: (request) => inspect(door, request),
    commitTracked: (path, message) => commitTracked(door, path, message),
    setVerified: (key, sha, old) => setVerified(door, key, sha, old),
    saveSnapshot: (request) => saveSnapshot(door, request),
    changes: (base, head) => changes(door, base, head),
    commits: (base, head, most) => commits(door, base, head, most),
    executableConfig: createConfigReader(door),
  };
}
