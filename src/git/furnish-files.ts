/** Copies and links single paths from the main checkout into a worktree, never over anything and never out of either. */
import { constants, copyFileSync, mkdirSync, readlinkSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize, relative } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { kindAt } from './worktree-link.ts';
import { isWithin } from './worktree-place.ts';

/** Copies a file, or a link as a link. Returns null when it is there now, `exists` when something was, else a warning. */
export function copyInto(root: string, worktree: string, path: string): string | null {
  const source = join(root, path);
  const target = join(worktree, path);
  if (kindAt(target) !== 'missing') return 'exists';
  try {
    const blocked = prepareParent(worktree, target);
    if (blocked) return `${printable(path)} was not copied: its directory leads out of the worktree`;
    if (kindAt(source) === 'symlink') symlinkSync(readlinkSync(source), target);
    else copyFileSync(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return null;
  } catch (error) {
    return `${printable(path)} was not copied: ${messageOf(error)}`;
  }
}

/** Makes a relative link to a path of the main checkout. Returns null when it is there now, else a warning. */
export function linkInto(root: string, worktree: string, path: string): string | null {
  const clean = normalize(path).replace(/\/+$/, '');
  const source = join(root, clean);
  const label = `worktree.symlink ${JSON.stringify(path)}`;
  if (!isInside(clean)) return `${label} was left out: it is not a path inside the project`;
  if (kindAt(source) === 'missing')
    return `${label} was left out: the main checkout has no such file or directory`;
  try {
    if (!isWithin(realpathSync(root), realpathSync(source))) {
      return `${label} was left out: it leads out of the project`;
    }
    const target = join(worktree, clean);
    if (kindAt(target) === 'symlink' && realpathSync(target) === realpathSync(source)) return null;
    if (kindAt(target) !== 'missing')
      return `${label} was left out: the worktree has something there already`;
    if (prepareParent(worktree, target))
      return `${label} was left out: its directory leads out of the worktree`;
    symlinkSync(relative(realpathSync(dirname(target)), source), target);
    return null;
  } catch (error) {
    return `${label} was left out: ${messageOf(error)}`;
  }
}

/** True for a relative path that stays inside and names something other than the project itself or git's own files. */
function isInside(path: string): boolean {
  const first = path.split('/')[0] ?? '';
  return !isAbsolute(path) && !['', '.', '..', '.git'].includes(first) && !path.includes('\0');
}

/** Makes the parent directories; true when a link among them leads out of the worktree, and then nothing is made. */
function prepareParent(worktree: string, target: string): boolean {
  let existing = dirname(target);
  while (kindAt(existing) === 'missing') existing = dirname(existing);
  if (!isWithin(worktree, realpathSync(existing))) return true;
  mkdirSync(dirname(target), { recursive: true });
  return false;
}
