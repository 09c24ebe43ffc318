/** Lays the landing line: what a branch would be with streams' work on top, as objects alone; no ref, index or file is touched but to keep it. */
import { join } from 'node:path';
import { OrchestrateError } from '../core/errors.ts';
import { mergeTrees } from './base-merge.ts';
import { checkedBranch, checkedSha, isSha } from './checked-names.ts';
import { type Committer, committer } from './commit.ts';
import { containedIn, type History, historyOf } from './contained.ts';
import { type Door, inChunks } from './door.ts';
import { gitFailure } from './failure.ts';
import { checkMove, LANDING } from './move-branch.ts';
import { treeOf } from './refs.ts';
import { type Scratch, syntheticCommit, withScratchObjects } from './scratch-objects.ts';
import type { Layer, Line, LineClash, LineRequest, LineStream } from './types.ts';

/** See `Git.layLine`. */
export async function layLine(door: Door, request: LineRequest): Promise<Line> {
  return withScratchObjects(door, async (scratch) => {
    const history = await historyOf(scratch, request.tip, request.streams);
    const line = await layIn(scratch, request, history);
    if (line.tip === line.from) return line;
    if (!request.keep) return { ...line, refusal: await refusalOf(scratch, request, line) };
    await keep(door, scratch.objects, line, { request, history });
    return line;
  });
}

async function refusalOf(
  scratch: Scratch,
  { branch }: LineRequest,
  { from, tip: to }: Line,
): Promise<Error | null> {
  try {
    await checkMove(scratch, { branch, from, to }, scratch.objects);
    return null;
  } catch (error) {
    if (error instanceof OrchestrateError) return error;
    throw error;
  }
}

/** Where the line has come to. */
type Top = {
  readonly tip: string;
  readonly tree: string;
  /** A commit of the same tree that has every head landed so far in its history, however it went in: merges start from it. */
  readonly known: string;
};

/** A line as it is laid. */
type Laying = {
  readonly request: LineRequest;
  readonly commit: Committer;
  top: Top;
  readonly layers: Layer[];
  readonly contained: string[];
  /** Keys of what does not land: not wanted, or built on such. */
  readonly out: Set<string>;
  /** Bases that the line's history has, and will have when what comes before has landed. */
  readonly based: ReadonlySet<string>;
  /** What clashes, or builds on what does (null), by key; until something comes that contains it and resolved it. */
  readonly stuck: Map<string, LineClash | null>;
};

async function layIn(door: Scratch, request: LineRequest, history: History): Promise<Line> {
  const { tip: from, streams, wanted } = request;
  const there = await containedIn(door, from, streams, history);
  const others = streams.filter(({ key }) => !there.has(key));
  const line: Laying = {
    request,
    // What is not kept needs nobody's name.
    commit: request.keep
      ? await committer(door, request.unsigned)
      : (_, { tree, parents }) => Promise.resolve(syntheticCommit(door, tree, parents)),
    ...(await startOf(door, request, history, there)),
    layers: [],
    stuck: new Map(),
    contained: [...there],
    out: new Set(others.flatMap(({ key }) => (wanted.has(key) ? [] : [key]))),
  };
  for (const stream of others) {
    if (stream.after.some((key) => line.out.has(key))) line.out.add(stream.key);
    if (!line.out.has(stream.key)) await layOne(door, line, stream);
  }
  const { top, layers } = line;
  const clashes = [...line.stuck.values()].filter((clash) => clash !== null);
  return { from, tip: top.tip, tree: top.tree, layers, contained: line.contained, clashes, refusal: null };
}

async function layOne(door: Scratch, line: Laying, stream: LineStream): Promise<void> {
  const { request, commit, top, layers, stuck } = line;
  const { key, head } = stream;
  const carries = stuckBelow(line, stream);
  const ours = carries.length === 0 ? await withBase(door, line, stream) : top.known;
  const { tree, files } = await mergeTrees(door, ours, checkedSha(head));
  if (files !== null) {
    const clash = { key, files, against: await touching(door, request.tip, layers, files) };
    stuck.set(key, carries.length === 0 ? clash : null);
    return;
  }
  for (const each of carries) stuck.delete(each);
  const commits = tree === top.tree ? [] : await written(door, commit, { request, top, stream, tree });
  const tip = commits.at(-1) ?? top.tip;
  if (commits.length > 0) layers.push({ key, head, carries, commits, tip, tree });
  else line.contained.push(key, ...carries);
  const inHistory = request.strategy === 'merge' && commits.length > 0 && top.known === top.tip;
  const known = inHistory ? tip : syntheticCommit(door, tree, [top.known, tip, head]);
  line.top = { tip, tree, known };
}

/**
 * Where the line has come to, as a commit that has the stream's base in its history: what lands is its own change since then,
 * also when the user has rewritten that part of the branch.
 */
async function withBase(door: Scratch, { top, based }: Laying, { base }: LineStream): Promise<string> {
  return based.has(base) ? top.known : syntheticCommit(door, top.tree, [top.known, base]);
}

/** Keys of what is stuck and the stream builds on: its head contains that, and may have resolved it. */
function stuckBelow({ request, stuck }: Laying, stream: LineStream): string[] {
  const byKey = new Map(request.streams.map((each) => [each.key, each]));
  const below = new Set<string>();
  const visit = (keys: readonly string[]): void => {
    for (const key of keys) {
      if (below.has(key) || !stuck.has(key)) continue;
      below.add(key);
      visit(byKey.get(key)?.after ?? []);
    }
  };
  visit(stream.after);
  return [...below];
}

/** Where a line begins: the branch as it is, with the heads that landed before in its history, as what they once were. */
async function startOf(
  door: Scratch,
  { tip, streams }: LineRequest,
  { present, reachable }: History,
  there: ReadonlySet<string>,
): Promise<Pick<Laying, 'top' | 'based'>> {
  const tree = await treeOf(door, tip);
  const landed = streams.flatMap(({ key, head, landings }) => [
    ...(there.has(key) ? [head] : []),
    ...landings.filter(({ commits }) => commits.every((sha) => reachable.has(sha))).map((each) => each.head),
  ]);
  const heads = landed.filter((sha) => present.has(sha) && !reachable.has(sha));
  const known = heads.length === 0 ? tip : syntheticCommit(door, tree, [tip, ...heads]);
  // A base that is a head lands first; one that is gone cannot be told.
  const bases = streams.map(({ base }) => base).filter((base) => !present.has(base));
  return {
    top: { tip, tree, known },
    based: new Set([...reachable, ...bases, ...streams.map(({ head }) => head)]),
  };
}

/** Layers whose own change is in one of the files. */
async function touching(
  door: Door,
  from: string,
  layers: readonly Layer[],
  files: readonly string[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [index, layer] of layers.entries()) {
    for (const chunk of inChunks(files)) {
      const args = ['diff-tree', '-r', '--quiet', layers[index - 1]?.tip ?? from, layer.tip, '--', ...chunk];
      const result = await door.ask(args, { env: { GIT_LITERAL_PATHSPECS: '1' } });
      if (result.code > 1) throw gitFailure(args, result);
      if (result.code === 0) continue;
      found.push(layer.key);
      break;
    }
  }
  return found;
}

type Writing = {
  readonly request: LineRequest;
  readonly top: Top;
  readonly stream: LineStream;
  /** What the branch is to be with the stream. */
  readonly tree: string;
};

/** The commits that bring a stream's work onto the line, the oldest first. */
async function written(door: Scratch, commit: Committer, writing: Writing): Promise<readonly string[]> {
  const { request, top, stream, tree } = writing;
  const { message } = stream;
  if (request.strategy === 'merge')
    return [await commit(door, { tree, parents: [top.tip, stream.head], message })];
  if (request.strategy === 'squash') return [await commit(door, { tree, parents: [top.tip], message })];
  return replayed(door, commit, writing);
}

/** A commit to be replayed, as its author made it. */
type Original = {
  readonly sha: string;
  readonly parents: string;
  readonly message: string;
  readonly env: Record<string, string>;
};

/**
 * The stream's own commits, one by one, by their authors. What does not go on by itself (a merge that its agent resolved, a
 * commit that clashes on the way although the whole does not) comes as one last commit, so that the tree is the whole's.
 */
async function replayed(
  door: Scratch,
  commit: Committer,
  { top, stream, tree }: Writing,
): Promise<readonly string[]> {
  const commits: string[] = [];
  let [tip, now] = [top.tip, top.tree];
  for (const original of await originals(door, top.known, stream.head)) {
    if (original.parents === tip) {
      // It stands where it is to stand: it stays as it is, signature and all.
      tip = original.sha;
      now = await treeOf(door, tip);
      commits.push(tip);
      continue;
    }
    if (!/^[0-9a-f]+$/.test(original.parents)) break;
    const ours = syntheticCommit(door, now, [original.parents]);
    const merged = await mergeTrees(door, ours, original.sha);
    if (merged.files !== null) break;
    if (merged.tree === now) continue;
    now = merged.tree;
    tip = await commit(door, { tree: now, parents: [tip], message: original.message }, original.env);
    commits.push(tip);
  }
  if (now !== tree) commits.push(await commit(door, { tree, parents: [tip], message: stream.message }));
  return commits;
}

const FIELDS = 6;

/** The commits of `head` that `known` lacks, the oldest first; merges are left out. */
async function originals(door: Door, known: string, head: string): Promise<Original[]> {
  const format = '--format=%H%x00%P%x00%an%x00%ae%x00%ad%x00%B';
  const args = [
    'log',
    '-z',
    '--reverse',
    '--topo-order',
    '--no-merges',
    '--date=raw',
    '--encoding=UTF-8',
    '--no-show-signature',
  ];
  const fields = (await door.read([...args, format, head, `^${known}`, '--'])).split('\0');
  const found: Original[] = [];
  for (let at = 0; at + FIELDS <= fields.length; at += FIELDS) {
    const [sha = '', parents = '', name = '', email = '', date = '', message = ''] = fields.slice(
      at,
      at + FIELDS,
    );
    const env = { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_AUTHOR_DATE: date };
    found.push({ sha, parents, message, env });
  }
  return found;
}

/** Brings the line's own objects into the repository, durable, and names its tip by a ref that keeps them. */
async function keep(
  door: Door,
  folder: string,
  line: Line,
  { request, history }: { readonly request: LineRequest; readonly history: History },
): Promise<void> {
  const heads = request.streams.map(({ head }) => head).filter((head) => history.present.has(head));
  const input = `${[line.tip, ...[line.from, ...heads].map((sha) => `^${sha}`)].join('\n')}\n`;
  const pack = join(door.commonDir, 'objects', 'pack', 'pack');
  await door.write(['pack-objects', '--quiet', '--revs', '--non-empty', '--delta-base-offset', pack], {
    input,
    env: { GIT_ALTERNATE_OBJECT_DIRECTORIES: folder },
  });
  const ref = landingRef(request.branch);
  await door.write(['update-ref', '-m', 'landing', ref, line.tip]);
}

function landingRef(branch: string): string {
  return `${LANDING}${checkedBranch(branch)}`;
}

/** See `Git.forgetLine`. */
export async function forgetLine(door: Door, branch: string): Promise<void> {
  await door.write(['update-ref', '-d', landingRef(branch)]);
}

/** See `Git.trees`. */
export async function treesOf(door: Door, commits: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const asked = [...new Set(commits.map(checkedSha))];
  const input = asked.map((sha) => `${sha}^{tree}\n`).join('');
  const lines = (await door.read(['cat-file', '--batch-check=%(objectname)'], { input })).split('\n');
  return new Map(
    asked.flatMap((sha, index) => (isSha(lines[index] ?? '') ? [[sha, lines[index] ?? '']] : [])),
  );
}
