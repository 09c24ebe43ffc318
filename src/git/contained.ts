/** Which streams' work a commit contains, by whatever way it came there; asks git a fixed number of times unless content has to be compared. */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { scratchDirectory } from '../files/scratch.ts';
import { mergeTrees } from './base-merge.ts';
import type { Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { checkedSha, isSha } from './names.ts';
import type { Candidate, Git } from './types.ts';

/** See `Git.contained`. */
export async function contained(
  door: Door,
  tip: string,
  candidates: readonly Candidate[],
): ReturnType<Git['contained']> {
  const found = new Set<string>();
  if (candidates.length === 0) return found;
  const named = candidates.flatMap(({ head, base, landings }) => [
    head,
    base,
    ...landings.flatMap((each) => [each.head, ...each.commits]),
  ]);
  const { present, reachable } = await historyOf(door, tip, named);
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

/** Those of the commits that the repository has, and those that `tip` contains. */
export async function historyOf(
  door: Door,
  tip: string,
  commits: readonly string[],
): Promise<{ readonly present: ReadonlySet<string>; readonly reachable: ReadonlySet<string> }> {
  const asked = [...new Set(commits.filter(isSha))];
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

/** What one tree has where another has something else: `mode object` by path; empty for a deletion. */
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
  const args = ['diff-tree', '-r', '--raw', '-z', '--no-renames', '--no-abbrev', '--always', '--stdin'];
  const changes = parseTreeChanges(await door.read(args, { input: `${pairs.join('\n')}\n` }));
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
function parseTreeChanges(out: string): TreeChanges[] {
  const lists: Map<string, string>[] = [];
  const fields = out.split('\0');
  for (let at = 0; at < fields.length; at += 1) {
    const field = fields[at] ?? '';
    const change = /^:\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) ([A-Z])/.exec(field);
    if (change === null) {
      if (isSha(field.trim())) lists.push(new Map());
      continue;
    }
    at += 1;
    lists.at(-1)?.set(fields[at] ?? '', change[3] === 'D' ? '' : `${change[1]} ${change[2]}`);
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
  const tree = (await door.read(['rev-parse', '--verify', `${checkedSha(tip)}^{tree}`])).trim();
  const parents = [tip, base, ...landings.map((each) => each.head)];
  const known = syntheticCommit(door, tree, parents);
  const merged = await mergeTrees(door, known, checkedSha(head));
  return merged.files === null && merged.tree === tree;
}

/** The work as one patch, or each of its commits, is the patch of a commit of the tip. */
async function hasSamePatches(door: Scratch, tip: string, { base, head }: Candidate): Promise<boolean> {
  const tree = (await door.read(['rev-parse', '--verify', `${checkedSha(head)}^{tree}`])).trim();
  const whole = syntheticCommit(door, tree, [base]);
  const marks = ['rev-list', '--cherry-mark', '--right-only', '--no-merges'];
  if ((await door.read([...marks, `${tip}...${whole}`, '--'])).split('\n').includes(`=${whole}`)) return true;
  const each = await door.read([...marks, `${tip}...${head}`, `^${base}`, '--']);
  const lines = each.split('\n').filter((line) => line !== '');
  return lines.length > 0 && lines.every((line) => line.startsWith('='));
}

/** A door whose new objects go into a directory of their own. */
export type Scratch = Door & { readonly objects: string };

const SHA1_LENGTH = 40;
const NOBODY = 'orchestrate <orchestrate@localhost>';

/**
 * A commit that nobody will see: it only says what to take for known. It is written here, without a process, as git's loose
 * objects are: there may be one a stream.
 */
export function syntheticCommit({ objects }: Scratch, tree: string, parents: readonly string[]): string {
  const links = [...new Set(parents)].map((parent) => `parent ${checkedSha(parent)}\n`).join('');
  // No older than its parents: walks through history go by dates.
  const who = `${NOBODY} ${Math.floor(Date.now() / 1000)} +0000`;
  const body = `tree ${checkedSha(tree)}\n${links}author ${who}\ncommitter ${who}\n\nwhat is known\n`;
  const object = `commit ${Buffer.byteLength(body)}\0${body}`;
  const sha = createHash(tree.length === SHA1_LENGTH ? 'sha1' : 'sha256')
    .update(object)
    .digest('hex');
  const folder = join(objects, sha.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, sha.slice(2)), deflateSync(object));
  return sha;
}

/** A door whose new objects go into a directory of their own, which is removed afterwards: nothing is left in the repository. */
export async function withScratchObjects<T>(door: Door, work: (scratch: Scratch) => Promise<T>): Promise<T> {
  const folder = scratchDirectory('objects', door.commonDir);
  mkdirSync(join(folder, 'pack'));
  const env = {
    GIT_OBJECT_DIRECTORY: folder,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(join(door.commonDir, 'objects')),
  };
  try {
    return await work({ ...withEnvironment(door, env), objects: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A path as an element of a list that is separated by colons. */
function quoted(path: string): string {
  return /[:"\n]/.test(path) ? JSON.stringify(path) : path;
}

/** The same door, with variables for every command; nothing it writes has to survive a power cut. */
function withEnvironment(door: Door, env: Readonly<Record<string, string>>): Door {
  const there = (options: Parameters<Door['ask']>[1] = {}) => ({
    ...options,
    env: { ...env, ...options.env },
    config: { 'core.fsync': 'none', ...options.config },
  });
  return {
    ...door,
    ask: (args, options) => door.ask(args, there(options)),
    read: (args, options) => door.read(args, there(options)),
    attempt: (args, options) => door.attempt(args, there(options)),
    write: (args, options) => door.write(args, there(options)),
  };
}
