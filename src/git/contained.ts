/** Which streams' work a commit contains, by whatever way it came there; asks git a fixed number of times unless content has to be compared. */
import { mergeTrees } from './base-merge.ts';
import { checkedSha, isSha } from './checked-names.ts';
import type { Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { treeOf } from './refs.ts';
import { type Scratch, syntheticCommit, withScratchObjects } from './scratch-objects.ts';
import { ABSENT, DIFF_TREE, isChange, readFields } from './tree-changes.ts';
import type { Candidate, Git } from './types.ts';

/** See `Git.contained`. */
export async function contained(
  door: Door,
  tip: string,
  candidates: readonly Candidate[],
): ReturnType<Git['contained']> {
  return containedIn(door, tip, candidates, await historyOf(door, tip, candidates));
}

/** The same, with the history that was read of these candidates. */
export async function containedIn(
  door: Door,
  tip: string,
  candidates: readonly Candidate[],
  { present, reachable }: History,
): ReturnType<Git['contained']> {
  const found = new Set<string>();
  const asCommits = (candidate: Candidate): boolean =>
    reachable.has(candidate.head) ||
    candidate.landings.some(
      ({ head, commits }) =>
        head === candidate.head && commits.length > 0 && commits.every((sha) => reachable.has(sha)),
    );
  // A history that was rewritten and cleaned up may lack what a record names: nothing can be said of that.
  const others = candidates.filter(
    (each) => !asCommits(each) && present.has(each.head) && present.has(each.base),
  );
  const differences = await compareTrees(door, tip, others);
  for (const candidate of candidates) {
    const difference = differences.get(candidate.key);
    const known = { ...candidate, landings: candidate.landings.filter(({ head }) => present.has(head)) };
    const holds =
      asCommits(candidate) ||
      // Content says nothing of what builds on something else that is not there yet: it may undo that.
      (difference !== undefined &&
        candidate.after.every((key) => found.has(key)) &&
        (await byContent(door, tip, known, difference)));
    if (holds) found.add(candidate.key);
  }
  return found;
}

/** Of the commits that candidates name, and the tip: those that the repository has, and those that the tip contains. */
export type History = { readonly present: ReadonlySet<string>; readonly reachable: ReadonlySet<string> };

/** Reads it; throws exit 3 where the tip itself is not there. */
export async function historyOf(
  door: Door,
  tip: string,
  candidates: readonly Pick<Candidate, 'head' | 'base' | 'landings'>[],
): Promise<History> {
  const named = candidates.flatMap(({ head, base, landings }) => [
    head,
    base,
    ...landings.flatMap((each) => [each.head, ...each.commits]),
  ]);
  const asked = [...new Set(named.filter(isSha))];
  if (asked.length === 0) return { present: new Set(), reachable: new Set() };
  const [kinds, listed] = await Promise.all([
    door.read(['cat-file', '--batch-check=%(objecttype) %(objectname)'], {
      input: `${[...asked, checkedSha(tip)].join('\n')}\n`,
    }),
    // What is not there is left out; it has to be told before it reads them.
    door.read(['rev-list', '--ignore-missing', '--stdin'], {
      input: `${[...asked, `^${tip}`].join('\n')}\n`,
    }),
  ]);
  const present = new Set(
    kinds.split('\n').flatMap((line) => (line.startsWith('commit ') ? [line.slice('commit '.length)] : [])),
  );
  // Without it, everything would seem to be beyond it.
  if (!present.has(tip))
    throw gitFailure(['rev-list'], { code: 1, out: '', err: `fatal: bad object ${tip}\n` });
  const beyond = new Set(listed.split('\n'));
  return { present, reachable: new Set([...present].filter((sha) => !beyond.has(sha))) };
}

/** What one tree has where another has something else: `mode object` by path, in bytes; empty for a deletion. */
type TreeChanges = ReadonlyMap<string, string>;

/** What the work changed, and what `tip` has changed since the same base. */
type Difference = { readonly work: TreeChanges; readonly tip: TreeChanges };

async function compareTrees(
  door: Door,
  tip: string,
  candidates: readonly Candidate[],
): Promise<ReadonlyMap<string, Difference>> {
  if (candidates.length === 0) return new Map();
  const bases = [...new Set(candidates.map(({ base }) => checkedSha(base)))];
  const pairs = [
    ...candidates.map(({ head, base }) => `${checkedSha(head)} ${base}`),
    ...bases.map((base) => `${checkedSha(tip)} ${base}`),
  ];
  const args = [...DIFF_TREE, '--always', '--stdin'];
  const out = await door.bytes(args, { input: `${pairs.join('\n')}\n` });
  // As text, two names that are not UTF-8 may be one.
  const changes = changesByHeading(out.toString('latin1'));
  const none: TreeChanges = new Map();
  const ofTip = new Map(bases.map((base, index) => [base, changes[candidates.length + index] ?? none]));
  return new Map(
    candidates.map(({ key, base }, index) => [
      key,
      { work: changes[index] ?? none, tip: ofTip.get(base) ?? none },
    ]),
  );
}

/** The changes after each heading (the name of a commit), in the order of the headings. */
function changesByHeading(out: string): TreeChanges[] {
  const lists: Map<string, string>[] = [];
  for (const field of readFields(out)) {
    if (!isChange(field)) {
      if (isSha(field.trim())) lists.push(new Map());
      continue;
    }
    const { path, newMode, newObject } = field;
    lists.at(-1)?.set(path, newMode === ABSENT ? '' : `${newMode} ${newObject}`);
  }
  return lists;
}

async function byContent(
  door: Door,
  tip: string,
  candidate: Candidate,
  { work, tip: there }: Difference,
): Promise<boolean> {
  const paths = [...work.keys()];
  if (paths.every((path) => there.get(path) === work.get(path))) return true;
  // A file of the work that is as it was before: the work is not there, or is not there any more.
  if (paths.some((path) => !there.has(path))) return false;
  return withScratchObjects(
    door,
    async (scratch) =>
      (await mergeChangesNothing(scratch, tip, candidate)) || (await hasSamePatches(scratch, tip, candidate)),
  );
}

/** Merging the work into the tip, as if what it builds on were in its history, leaves the tip's tree as it is. */
async function mergeChangesNothing(
  door: Scratch,
  tip: string,
  { base, head, landings }: Candidate,
): Promise<boolean> {
  const tree = await treeOf(door, tip);
  const parents = [tip, base, ...landings.map((each) => each.head)];
  const known = syntheticCommit(door, tree, parents);
  const merged = await mergeTrees(door, known, checkedSha(head));
  return merged.files === null && merged.tree === tree;
}

/** The work as one patch, or each of its commits, is the patch of a commit of the tip. */
async function hasSamePatches(door: Scratch, tip: string, { base, head }: Candidate): Promise<boolean> {
  const tree = await treeOf(door, head);
  const whole = syntheticCommit(door, tree, [base]);
  const marks = ['rev-list', '--cherry-mark', '--right-only', '--no-merges'];
  if ((await door.read([...marks, `${tip}...${whole}`, '--'])).split('\n').includes(`=${whole}`)) return true;
  const each = await door.read([...marks, `${tip}...${head}`, `^${base}`, '--']);
  const lines = each.split('\n').filter((line) => line !== '');
  return lines.length > 0 && lines.every((line) => line.startsWith('='));
}
