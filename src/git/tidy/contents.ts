/** Looks at the files of a stream's worktree and of the submodules in it: which hold something, and which may go with it. */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { shellWord } from '../../core/shell-word.ts';
import { withoutBornDirty } from '../born-dirty.ts';
import type { Door } from '../door.ts';
import { operationIn } from '../inspect.ts';
import { fileText, kindAt, type WorktreeLink } from '../worktree-link.ts';
import { readContents, type Status } from '../worktree-status.ts';
import type { Doomed } from './delete-files.ts';
import { type Ignored, isRepository, sortIgnored } from './ignored-files.ts';
import { readMarker } from './marker.ts';
import type { Held, Spare } from './types.ts';

/** Names in one sentence. */
const NAMED = 5;
const LONGEST_NAME = 120;

/** What one checkout holds: the worktree itself, or a submodule in it. */
export type CheckoutContents = Doomed & {
  readonly status: Status;
  readonly held: readonly Held[];
  /** Files that are not as in the head, and were so before the agent began. */
  readonly born: readonly string[];
};

/** `main`: the same place in the main checkout; null where it has none. */
export async function see(
  door: Door,
  link: WorktreeLink,
  rules: Spare,
  main: string | null,
): Promise<CheckoutContents> {
  const { index, ...status } = await readContents(door, link);
  const ignored = sortIgnored(link, status.ignored, rules, main);
  const paths = index.map(({ path }) => path);
  const submodules = index
    .flatMap(({ path, submodule }) => (submodule ? [path] : []))
    .filter((path) => kindAt(join(link.path, path, '.git')) !== 'missing');
  const spare = [...ignored.spare];
  // What was so before the agent began, and is so still, is no work.
  const whole = halfRemoved(link, status);
  const own = main === null ? { ...whole, born: [] } : await withoutBornDirty(door, link, whole);
  const held = heldFiles(link.path, own, ignored);
  const tracked = [...new Set([...paths, ...own.born])];
  for (const path of submodules) {
    const inside = await seeSubmodule(door, link, path, rules);
    held.push(...inside.held);
    tracked.push(...inside.tracked);
    spare.push(...inside.spare);
  }
  const directories: string[] = [];
  if (held.length === 0) held.push(...unlisted(link.path, new Set([...tracked, '.git']), spare, directories));
  return { status, held, tracked, spare, directories, born: own.born };
}

/** What a removal of ours that was cut off took away already is not missing. */
function halfRemoved(link: WorktreeLink, status: Status): Status {
  const marker = readMarker(link.gitDir);
  if (marker === null || marker.head !== status.headSha) return status;
  const there = status.changed.filter(({ path }) => kindAt(join(link.path, path)) !== 'missing');
  return { ...status, changed: there };
}

function heldFiles(path: string, status: Pick<Status, 'changed' | 'untracked'>, ignored: Ignored): Held[] {
  const repositories = [...status.untracked.filter((name) => name.endsWith('/')), ...ignored.repositories];
  const untracked = status.untracked.filter((name) => !name.endsWith('/'));
  const submodules = status.changed.filter(({ submodule }) => submodule).map((entry) => entry.path);
  const changed = status.changed.filter(({ submodule }) => !submodule).map((entry) => entry.path);
  const rows: readonly [Held['kind'], string, readonly string[], string][] = [
    ['changes', 'uncommitted changes', changed, 'status'],
    ['untracked', 'untracked files', untracked, 'status --untracked-files=all'],
    ['ignored', 'ignored files that no set-up made', ignored.counting, 'status --ignored'],
    ['submodule', 'submodules with commits or changes of their own', submodules, 'submodule status'],
    ['repository', 'repositories of their own', repositories, 'status --ignored'],
  ];
  return rows.flatMap(([kind, what, names, command]) =>
    names.length === 0 ? [] : [{ kind, what: `${what}: ${listed(names)}`, look: gitAt(path, command) }],
  );
}

/** A submodule's checkout; what its store has is `seeStores`' to tell. */
async function seeSubmodule(
  door: Door,
  parent: WorktreeLink,
  path: string,
  rules: Spare,
): Promise<Pick<CheckoutContents, 'held' | 'tracked' | 'spare'>> {
  const directory = join(parent.path, path);
  const target = /^gitdir: ([\s\S]+)$/.exec(fileText(join(directory, '.git')) ?? '')?.[1];
  const gitDir = target === undefined ? null : resolve(directory, target);
  const alone: Held = {
    kind: 'repository',
    what: `repositories of their own: ${listed([path])}`,
    look: gitAt(directory, 'log -3'),
  };
  if (gitDir === null || !gitDir.startsWith(join(parent.gitDir, 'modules', '/')))
    return { held: [alone], tracked: [], spare: [] };
  const link = { path: directory, gitDir };
  const inner: Door = { ...door, commonDir: gitDir };
  const seen = await see(inner, link, { ...rules, made: null }, null);
  const what = `changes that only the submodule ${printable(path, LONGEST_NAME)} here has`;
  const lost = operationIn(link) !== null || seen.held.length > 0;
  const held: Held[] = lost ? [{ kind: 'submodule', what, look: gitAt(directory, 'status --ignored') }] : [];
  const within = (name: string) => join(path, name) + (name.endsWith('/') ? '/' : '');
  return {
    held,
    tracked: [...seen.tracked.map(within), join(path, '.git')],
    spare: seen.spare.map((name) => within(name).replace(/\/+$/, '/')),
  };
}

/**
 * The stores of a worktree's submodules, be they checked out or not: they go with its git directory, so that a commit which no
 * remote-tracking branch has, or a change that is staged there, would be lost. What cannot be looked at counts as holding it.
 */
export async function seeStores(door: Door, gitDir: string): Promise<Held[]> {
  const held: Held[] = [];
  const { stores, strange } = storesBelow(join(gitDir, 'modules'), '');
  for (const name of strange)
    held.push({
      kind: 'unreadable',
      what: `no store of a submodule, but kept with them: ${printable(name, LONGEST_NAME)}`,
      look: `ls -la ${shellWord(join(gitDir, 'modules', name))}`,
    });
  for (const name of stores) {
    const store = join(gitDir, 'modules', name);
    // Where its checkout was may be nowhere now.
    const env = { GIT_DIR: store, GIT_COMMON_DIR: store, GIT_WORK_TREE: store };
    const there = { cwd: store, env };
    const own = ['rev-list', '--max-count=1', '--all', '--reflog', 'HEAD', '--not', '--remotes', '--'];
    const commits = await door.ask(own, there);
    const cached = ['diff-index', '--cached', '--quiet', '--ignore-submodules=all', 'HEAD', '--'];
    const index = kindAt(join(store, 'index')) !== 'missing';
    const staged = index && readMarker(gitDir) === null && (await door.ask(cached, there)).code !== 0;
    const busy = operationIn({ path: store, gitDir: store }) !== null;
    if (commits.code === 0 && commits.out.trim() === '' && !staged && !busy) continue;
    const what = `commits or staged changes that only the submodule ${printable(name, LONGEST_NAME)} here has`;
    const git = `git --git-dir ${shellWord(store)} --work-tree .`;
    held.push({ kind: 'submodule', what, look: `${git} log --all --reflog HEAD --not --remotes` });
  }
  return held;
}

/** Names of the stores below a directory, those of submodules' submodules too, and of what is neither store nor directory. */
function storesBelow(root: string, name: string): { readonly stores: string[]; readonly strange: string[] } {
  const found = { stores: [] as string[], strange: [] as string[] };
  const enter = (below: string): void => {
    const inside = storesBelow(root, below);
    found.stores.push(...inside.stores);
    found.strange.push(...inside.strange);
  };
  const directory = join(root, name);
  if (kindAt(directory) !== 'directory') return found;
  const entries = readdirSync(directory, { withFileTypes: true });
  if (isRepository(entries)) {
    found.stores.push(name);
    enter(join(name, 'modules'));
    return found;
  }
  for (const entry of entries) {
    const path = join(name, entry.name);
    if (entry.isDirectory()) enter(path);
    else found.strange.push(path);
  }
  return found;
}

/**
 * What is there and that git told of nowhere (pipes, sockets, what may not be read), and names that are not UTF-8. The directories
 * that were entered are added to `directories`.
 */
function unlisted(
  root: string,
  known: ReadonlySet<string>,
  spare: readonly string[],
  directories: string[],
): Held[] {
  const passed = new Set(spare.map((name) => name.replace(/\/$/, '')));
  try {
    const files = filesBelow(root, '', passed, directories);
    // By such a name no file can be told from another, let alone be deleted.
    const odd = files.filter((path) => path.includes('\ufffd'));
    if (odd.length > 0)
      return [
        {
          kind: 'unreadable',
          what: `files whose names are not UTF-8: ${listed(odd)}`,
          look: gitAt(root, 'ls-files'),
        },
      ];
    const found = files.filter((path) => !known.has(path));
    if (found.length === 0) return [];
    const what = `files that git does not list: ${listed(found)}`;
    return [{ kind: 'unreadable', what, look: `ls -la ${shellWord(root)}` }];
  } catch (thrown) {
    const what = `something in it cannot be read: ${messageOf(thrown)}`;
    return [{ kind: 'unreadable', what, look: `ls -laR ${shellWord(root)}` }];
  }
}

/** All that is no directory at and below a directory, but for what is passed over; tells which directories were entered. */
function filesBelow(
  root: string,
  directory: string,
  passed: ReadonlySet<string>,
  entered: string[],
): string[] {
  const entries = readdirSync(join(root, directory), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
    if (passed.has(path)) return [];
    if (!entry.isDirectory()) return [path];
    entered.push(path);
    return filesBelow(root, path, passed, entered);
  });
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).map((name) => printable(name, LONGEST_NAME));
  const more = names.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** A git command in a directory, ready to paste. */
export function gitAt(path: string, words: string): string {
  return `git -C ${shellWord(path)} ${words}`;
}
