/** The directory that stands first on the PATH of workers, setup commands and gates: it holds the `orchestrate` launcher alone. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lstatIfPresent } from '../files/present.ts';

const NAME = 'orchestrate';

/** Where the launcher's directory is, made or not. */
export function launcherPlace(parent: string): string {
  return join(parent, NAME, 'bin');
}

/**
 * `<parent>/orchestrate/bin`, made right: ours, closed to others, with `script` as its only file. Not in the checkout, where
 * a commit could put a `git` beside the launcher; looked at before every use, since a worker can write here too. Throws the
 * file system's error where it cannot be made so.
 */
export function launcherDirectory(parent: string, script: string): string {
  const home = ownDirectory(join(parent, NAME));
  const bin = ownDirectory(launcherPlace(parent));
  for (const name of readdirSync(bin)) {
    if (name !== NAME) rmSync(join(bin, name), { recursive: true, force: true });
  }
  const launcher = join(bin, NAME);
  if (!isLauncher(launcher, script)) {
    // Not beside the launcher, where another process that looks at this moment would clear it away.
    const draft = join(home, `${NAME}.${process.pid}`);
    rmSync(draft, { recursive: true, force: true });
    writeFileSync(draft, script, { mode: 0o700, flag: 'wx' });
    chmodSync(draft, 0o700);
    rmSync(launcher, { recursive: true, force: true });
    renameSync(draft, launcher);
  }
  return bin;
}

/** Makes the directory, in place of whatever else is there; another user's stays, and is an error. */
function ownDirectory(path: string): string {
  const found = lstatIfPresent(path);
  if (found !== null && !found.isDirectory()) rmSync(path, { force: true });
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  return path;
}

function isLauncher(path: string, script: string): boolean {
  const found = lstatIfPresent(path);
  if (found?.isFile() !== true || (found.mode & 0o777) !== 0o700) return false;
  return found.size === Buffer.byteLength(script) && readFileSync(path, 'utf8') === script;
}
