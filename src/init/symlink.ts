/** The `watch-status` symlink at the top of the project: made by init, mended by start. */
import { existsSync, lstatSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ProjectPaths } from '../app/paths.ts';
import { type InitStep, kept, unchanged } from './change.ts';
import { replacing } from './file-step.ts';
import { cannotWrite } from './write.ts';

const WHAT = 'watch-status';
const TARGET = join('.claude', 'orchestrator', 'watch-status');

/** `broken`: a symlink that leads nowhere; `other`: something that isn't ours. */
type SymlinkState = 'missing' | 'right' | 'broken' | 'other';

function symlinkState(paths: ProjectPaths): SymlinkState {
  const stat = lstatSync(paths.symlink, { throwIfNoEntry: false });
  if (stat === undefined) return 'missing';
  if (!stat.isSymbolicLink()) return 'other';
  if (readlinkSync(paths.symlink) === TARGET) return 'right';
  return existsSync(paths.symlink) ? 'other' : 'broken';
}

function makeSymlink(paths: ProjectPaths): void {
  try {
    rmSync(paths.symlink, { force: true });
    symlinkSync(TARGET, paths.symlink);
  } catch (error) {
    throw cannotWrite(paths.symlink, error);
  }
}

/** Makes the symlink again when it is missing or leads nowhere; true when it did. Throws exit 3 when it cannot. */
export function repairSymlink(paths: ProjectPaths): boolean {
  const state = symlinkState(paths);
  if (state !== 'missing' && state !== 'broken') return false;
  makeSymlink(paths);
  return true;
}

export const SYMLINK_STEP: InitStep = {
  plan: (context) => {
    const { paths, force } = context;
    const state = symlinkState(paths);
    if (state === 'right') return [unchanged(WHAT)];
    const make = () => makeSymlink(paths);
    if (state !== 'other') {
      return [
        {
          verb: state === 'missing' ? 'create' : 'update',
          what: WHAT,
          note: `symlink to ${TARGET}`,
          apply: make,
        },
      ];
    }
    if (!force) return [kept(WHAT, 'it is not our symlink; --force replaces it and keeps a backup')];
    return [replacing(paths.symlink, context, make)];
  },
  undo: ({ paths }) => {
    const state = symlinkState(paths);
    if (state === 'missing') return [];
    if (state !== 'right') return [kept(WHAT, 'it is not our symlink')];
    return [{ verb: 'remove', what: WHAT, note: null, apply: () => rmSync(paths.symlink) }];
  },
};
