/** Where a pane's output is logged, under a path that is safe to give to a shell whatever the project's own path is. */
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { projectTag } from './names.ts';

/** The log file's safe path, or why there can be none. */
export type PaneLog = { readonly path: string } | { readonly path: null; readonly why: string };

/**
 * `pane.log` in `runDir` (made 0600 when missing), named through a link `<shared>/orchestrate-<uid>/<tag>` to the
 * project's directory: tmux hands the path to a shell, and a project's path may hold anything. `shared` is a directory
 * that all users can write to, so ours in it is used only when it is a real directory, ours, and closed to others.
 */
export function preparePaneLog(root: string, runDir: string, shared = '/tmp'): PaneLog {
  const inside = relative(root, runDir);
  if (!/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(inside) || inside.startsWith('..')) {
    return { path: null, why: `${JSON.stringify(inside)} cannot be named in a shell command` };
  }
  try {
    const private_ = join(shared, `orchestrate-${process.getuid?.() ?? 0}`);
    const refused = checkPrivate(private_);
    if (refused !== null) return { path: null, why: refused };
    const link = join(private_, projectTag(root));
    pointLink(link, root);
    closeSync(openSync(join(runDir, 'pane.log'), 'a', 0o600));
    return { path: join(link, inside, 'pane.log') };
  } catch (thrown) {
    return { path: null, why: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

/** Makes the directory; null when it is ours alone, else what is wrong with it. */
function checkPrivate(directory: string): string | null {
  mkdirSync(directory, { mode: 0o700, recursive: true });
  const found = lstatSync(directory);
  if (!found.isDirectory()) return `${directory} is not a directory`;
  if (found.uid !== process.getuid?.()) return `${directory} belongs to another user`;
  if ((found.mode & 0o077) !== 0) return `${directory} is open to other users`;
  return null;
}

/** Makes `link` lead to `target`, in one step when it led elsewhere. */
function pointLink(link: string, target: string): void {
  if (linkTarget(link) === target) return;
  const draft = `${link}.${process.pid}`;
  rmSync(draft, { force: true });
  symlinkSync(target, draft);
  renameSync(draft, link);
}

function linkTarget(link: string): string | null {
  const found = lstatSync(link, { throwIfNoEntry: false });
  return found?.isSymbolicLink() === true ? readlinkSync(link) : null;
}
