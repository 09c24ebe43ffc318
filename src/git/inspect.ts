/** Reads what holds of a stream's worktree and commits; runs git only where the worktree is the one we made, and nothing of a worker's. */
import { join } from 'node:path';
import { withoutBornDirty } from './born-dirty.ts';
import { checkedSha } from './checked-names.ts';
import type { Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { ABSENT, DIFF_TREE, isChange, readFields, SUBMODULE, treeChanges } from './tree-changes.ts';
import type { DifferingFile, Git, Unshared, WorktreeFacts } from './types.ts';
import { unsharedSince } from './unshared.ts';
import { inWorktree, kindAt, readLink, requireLink, type WorktreeLink } from './worktree-link.ts';
import { readStatus, type Status } from './worktree-status.ts';

/** Names listed in the facts; the counts are complete. */
const LISTED = 50;

const NOTHING: WorktreeFacts = {
  exists: false,
  intact: false,
  branch: null,
  headSha: null,
  operation: null,
  changed: [],
  changedCount: 0,
  untracked: [],
  untrackedCount: 0,
  bornDirty: [],
  commitsSinceBase: 0,
  missingParents: [],
  unshared: [],
};

/** Files of a worktree's git directory that show an operation under way; a rebase also writes those of a cherry-pick. */
const OPERATIONS = [
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['sequencer', 'cherry-pick'],
  ['BISECT_LOG', 'bisect'],
] as const;

/** What a head holds beyond its base, by the two; both are names of commits, so that it is so for ever. */
export type KnownChanges = {
  ask(base: string, head: string): ReturnType<Git['changes']>;
  note(base: string, head: string, changes: Awaited<ReturnType<Git['changes']>>): void;
};

/** As many are remembered; a plan has fewer streams. */
const REMEMBERED = 1_000;

/** Remembers what was asked before. */
export function rememberChanges(door: Door): KnownChanges {
  const known = new Map<string, Awaited<ReturnType<Git['changes']>>>();
  const note: KnownChanges['note'] = (base, head, found) => {
    if (known.size >= REMEMBERED) known.clear();
    known.set(`${base} ${head}`, found);
  };
  return {
    note,
    async ask(base, head) {
      const found = known.get(`${base} ${head}`) ?? (await changes(door, base, head));
      note(base, head, found);
      return found;
    },
  };
}

/** See `Git.inspect`. */
export async function inspect(
  door: Door,
  request: Parameters<Git['inspect']>[0],
  known: Pick<KnownChanges, 'note'>,
): Promise<WorktreeFacts> {
  const base = checkedSha(request.baseSha);
  const parents = request.parents.map(checkedSha);
  const link = readLink(request.path, door.commonDir);
  if (link === null) return { ...NOTHING, exists: kindAt(request.path) === 'directory' };
  const { status, beyond } = await readAtOnce(door, link, request.seenHead ?? null, (head) =>
    beyondBase(door, link, { base, parents, head }),
  );
  const own = await withoutBornDirty(door, link, status);
  const head = status.headSha;
  if (beyond !== null && head !== null) known.note(base, head, beyond.changes);
  return {
    exists: true,
    intact: true,
    branch: status.branch,
    headSha: head,
    operation: operationIn(link),
    changed: own.changed.slice(0, LISTED).map((entry) => entry.path),
    changedCount: own.changed.length,
    untracked: own.untracked.slice(0, LISTED),
    untrackedCount: own.untracked.length,
    bornDirty: own.born.slice(0, LISTED),
    commitsSinceBase: beyond?.changes.commits ?? 0,
    missingParents: beyond?.missingParents ?? parents,
    unshared: beyond?.unshared ?? [],
  };
}

/** The status, and what its head holds: asked for at the same time where the head is the one that was seen, as most likely it is. */
async function readAtOnce(
  door: Door,
  link: WorktreeLink,
  seen: string | null,
  ask: (head: string) => Promise<Beyond>,
): Promise<{ readonly status: Status; readonly beyond: Beyond | null }> {
  const [read, asked] = await Promise.allSettled([
    readStatus(door, link),
    seen === null ? null : ask(checkedSha(seen)),
  ]);
  if (read.status === 'rejected') throw read.reason;
  const status = read.value;
  const head = status.headSha;
  if (head === seen && asked.status === 'fulfilled') return { status, beyond: asked.value };
  return { status, beyond: head === null ? null : await ask(head) };
}

/** What a head holds beyond its base, and lacks of its parents. */
type Beyond = Pick<WorktreeFacts, 'missingParents' | 'unshared'> & {
  readonly changes: Awaited<ReturnType<Git['changes']>>;
};

async function beyondBase(
  door: Door,
  link: WorktreeLink,
  {
    base,
    parents,
    head,
  }: { readonly base: string; readonly parents: readonly string[]; readonly head: string },
): Promise<Beyond> {
  const others = parents.filter((parent) => parent !== base);
  const [since, missing, { unshared, ...lines }] = await Promise.all([
    commitsSince(door, base, head),
    Promise.all(others.map(async (parent) => !(await contains(door, head, parent)))),
    head === base ? UNCHANGED : differenceOf(door, link, base, head),
  ]);
  const isMissing = (parent: string): boolean =>
    parent === base ? !since.containsBase : missing[others.indexOf(parent)] !== false;
  return {
    changes: { commits: since.count, ...lines },
    missingParents: parents.filter(isMissing),
    unshared,
  };
}

type Difference = Omit<Awaited<ReturnType<Git['changes']>>, 'commits'> & {
  readonly unshared: readonly Unshared[];
};
const UNCHANGED: Difference = { added: 0, removed: 0, files: [], unshared: [] };

/** What changed from one commit to the other, by one listing of files and lines. */
async function differenceOf(door: Door, link: WorktreeLink, base: string, head: string): Promise<Difference> {
  const fields = readFields(await door.read([...DIFF_TREE, '--numstat', base, head, '--']));
  const changed = fields.filter(isChange).filter(({ newMode }) => newMode !== ABSENT);
  const lines = countLines(fields.filter((field) => typeof field === 'string'));
  return { ...lines, unshared: await unsharedSince(door, link, { base, head }, changed) };
}

/** The operation under way in a worktree, null when none is. */
export function operationIn(link: WorktreeLink): string | null {
  return OPERATIONS.find(([name]) => kindAt(join(link.gitDir, name)) !== 'missing')?.[1] ?? null;
}

/** The number of commits of `head` that `base` does not have, and whether it has all of `base`: one question for both. */
async function commitsSince(
  door: Door,
  base: string,
  head: string,
): Promise<{ count: number; containsBase: boolean }> {
  const out = await door.read(['rev-list', '--count', '--left-right', `${base}...${head}`, '--']);
  const [missing = '', count = ''] = out.trim().split('\t');
  return { count: Number(count), containsBase: missing === '0' };
}

/** The number of commits of `head` that `base` does not have. */
async function countCommits(door: Door, base: string, head: string): Promise<number> {
  return Number(await door.read(['rev-list', '--count', head, `^${base}`, '--']));
}

async function contains(door: Door, head: string, commit: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', commit, head];
  const result = await door.ask(args);
  if (result.code > 1) throw gitFailure(args, result);
  return result.code === 0;
}

/** See `Git.diffOfWorktree`. */
export async function diffOfWorktree(door: Door, worktree: string, base: string): Promise<string> {
  const here = inWorktree(requireLink(door, worktree), door.commonDir);
  const plain = ['--no-color', '--no-ext-diff', '--no-textconv', '--stat', '--patch'];
  return door.read(['diff', ...plain, checkedSha(base), '--'], here);
}

/** See `Git.changes`. */
async function changes(door: Door, base: string, head: string): ReturnType<Git['changes']> {
  const range = [checkedSha(base), checkedSha(head)];
  const plain = ['--no-renames', '--no-ext-diff', '--no-textconv', '--ignore-submodules=none'];
  const [commits, out] = await Promise.all([
    countCommits(door, base, head),
    door.read(['diff', '--numstat', '-z', ...plain, ...range, '--']),
  ]);
  return { commits, ...countLines(out.split('\0')) };
}

/** Sums rows of `--numstat -z`. Lines of binary files don't count; a changed file does. */
function countLines(rows: readonly string[]): Omit<Awaited<ReturnType<Git['changes']>>, 'commits'> {
  const fields = rows.filter(Boolean).map((row) => /^(\d+|-)\t(\d+|-)\t([\s\S]*)$/.exec(row) ?? []);
  const sum = (column: 1 | 2) => fields.reduce((total, row) => total + (Number(row[column]) || 0), 0);
  return { added: sum(1), removed: sum(2), files: fields.map((row) => row[3] ?? '') };
}

/** Remembers by two commits, so for ever, what was asked before; one that failed is asked again. */
export function rememberDiffering(door: Door): Git['differing'] {
  const known = new Map<string, ReturnType<Git['differing']>>();
  return (from, to, matching = []) => {
    const question = JSON.stringify([from, to, matching]);
    const asked = known.get(question) ?? differing(door, from, to, matching);
    if (known.size >= REMEMBERED) known.clear();
    known.set(question, asked);
    asked.catch(() => known.delete(question));
    return asked;
  };
}

/** See `Git.differing`. */
async function differing(
  door: Door,
  from: string,
  to: string,
  matching: readonly string[] = [],
): Promise<readonly DifferingFile[]> {
  const paths = matching.map((pattern) => `:(glob)${pattern}`);
  const changes = await treeChanges(door, from, to, { matching: paths });
  return changes.map(({ path, oldMode, newMode }) => ({
    path,
    submodule: oldMode === SUBMODULE || newMode === SUBMODULE,
  }));
}
