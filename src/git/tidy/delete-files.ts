/** Deletes what was seen in a worktree, file by file, and nothing that was written or came since. */
import {
  lstat,
  type NoParamCallback,
  readdir,
  readdirSync,
  rmdir,
  rmdirSync,
  rmSync,
  type Stats,
  unlink,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isAbsent } from '../../files/present.ts';
import { kindAt } from '../worktree-link.ts';

/** What goes: files and directories by their paths in the worktree. */
export type Doomed = {
  readonly tracked: readonly string[];
  /** A directory, which goes whole, ends in a slash. */
  readonly spare: readonly string[];
  /** Directories that hold none but these, each before what is in it. */
  readonly directories: readonly string[];
};

/** Something changed under our hands: nothing more is taken away. */
export class Touched extends Error {}

/** As many are deleted at the same time; the system does a few at once while we prepare the next. */
const AT_ONCE = 128;

/**
 * Deletes them and the worktree's directory itself, `.git` last. Throws `Touched` for a file that has changed since `beganMs`,
 * by the time of its disk, and for what nobody has seen; also what the system says.
 */
export async function deleteFiles(root: string, doomed: Doomed, beganMs: number): Promise<void> {
  const isOurs = directoryCheck(root);
  const files = [...doomed.tracked, ...doomed.spare.filter((name) => !name.endsWith('/'))];
  // Gone with its directory, or never there: a sparse checkout.
  await forEach(
    files.filter((name) => isOurs(dirname(name))),
    (name, done) => deleteFile(join(root, name), name, beganMs, done),
  );
  for (const name of doomed.spare.filter((each) => each.endsWith('/'))) {
    const directory = name.slice(0, -1);
    if (isOurs(dirname(directory)) && kindAt(join(root, directory)) === 'directory')
      rmSync(join(root, directory), { recursive: true, force: true });
  }
  for (const level of deepestFirst(doomed.directories))
    await forEach(level, (name, done) => rmdir(join(root, name), unlessFull(root, name, done)));
  unlinkSync(join(root, '.git'));
  await forEach([''], (name, done) => rmdir(root, unlessFull(root, name, done)));
}

type Act = (name: string, done: NoParamCallback) => void;

/** Does something to all of them, some at a time; throws the first failure once nothing is under way any more. */
async function forEach(names: readonly string[], act: Act): Promise<void> {
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const failure = await atOnce(names.slice(at, at + AT_ONCE), act);
    if (failure !== null) throw failure;
  }
}

/** Does it to all at the same time; the first failure, null without one. What is gone already is as it should be. */
function atOnce(names: readonly string[], act: Act): Promise<Error | null> {
  return new Promise((resolve) => {
    let open = names.length;
    let failure: Error | null = null;
    const done: NoParamCallback = (error) => {
      if (error !== null && !isAbsent(error)) failure ??= error;
      open -= 1;
      if (open === 0) resolve(failure);
    };
    for (const name of names) act(name, done);
  });
}

function deleteFile(file: string, name: string, beganMs: number, done: NoParamCallback): void {
  lstat(file, (error, stats: Stats | undefined) => {
    // A submodule that is not checked out is an empty directory.
    if (stats === undefined || stats.isDirectory()) done(error);
    else if (stats.ctimeMs > beganMs) done(new Touched(`${name} was written just now`));
    else unlink(file, done);
  });
}

/** What to say of a directory that cannot be removed: that something has come there, where something has. */
function unlessFull(root: string, name: string, done: NoParamCallback): NoParamCallback {
  return (error) => {
    if (error === null) return done(null);
    readdir(join(root, name), (_unread, names: string[] | undefined) => {
      const [first] = names ?? [];
      done(first === undefined ? error : new Touched(`${join(name, first)} appeared just now`));
    });
  };
}

/** Directories by how deep they are, so that each comes before the one it is in. */
function deepestFirst(directories: readonly string[]): readonly (readonly string[])[] {
  const levels = new Map<number, string[]>();
  for (const directory of directories) {
    const depth = directory.split('/').length;
    const level = levels.get(depth);
    if (level === undefined) levels.set(depth, [directory]);
    else level.push(directory);
  }
  return [...levels].sort(([a], [b]) => b - a).map(([, level]) => level);
}

/** Whether a directory below `root` is there and no link is on the way to it; each is asked for once. */
function directoryCheck(root: string): (directory: string) => boolean {
  const asked = new Map<string, boolean>();
  const check = (directory: string): boolean => {
    if (directory === '.') return true;
    const known = asked.get(directory);
    if (known !== undefined) return known;
    const answer = check(dirname(directory)) && kindAt(join(root, directory)) === 'directory';
    asked.set(directory, answer);
    return answer;
  };
  return check;
}

/** Removes directories that hold nothing but directories, below `root`. Throws `Touched` for one that holds anything. */
export function removeEmptyDirectories(root: string): void {
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    const path = join(root, entry.name);
    if (!entry.isDirectory()) {
      if (entry.name === '.git') continue;
      throw new Touched(`${entry.name} appeared just now`);
    }
    removeEmptyDirectories(path);
    rmdirSync(path);
  }
}
