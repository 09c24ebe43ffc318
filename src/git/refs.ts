/** Reads and sets refs: the base branch, the streams' heads, and the verified commits below `refs/orchestrate/`. */

import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { isKey } from '../core/stream-key.ts';
import { checkedBranch, checkedKey, checkedSha, noObject } from './checked-names.ts';
import type { CommandOptions, Door } from './door.ts';
import { gitFailure, outputOf } from './failure.ts';
import type { Git } from './types.ts';

/** What branches are named below. */
export const HEADS = 'refs/heads/';
/** What all refs of ours are named below. */
export const OURS = 'refs/orchestrate/';
/** What verified heads are named below; a key follows. */
export const VERIFIED = `${OURS}verified/`;

/** See `Git.baseTip`. */
export async function baseTip(
  door: Door,
  configured: string | null,
): Promise<{ branch: string; sha: string }> {
  const branch = configured === null ? await currentBranch(door) : checkedBranch(configured);
  for (const ref of baseRefs(branch)) {
    const sha = await resolveCommit(door, ref);
    if (sha !== null) return { branch, sha };
  }
  if (configured !== null) throw await noBase(door, branch);
  throw new OrchestrateError(
    EXIT.environment,
    `the branch "${branch}" has no commit yet`,
    'git commit --allow-empty -m Start',
  );
}

/** The refs that the name of a base may mean, in this order: a branch, a remote's branch, a tag. */
function baseRefs(name: string): readonly string[] {
  return ['heads', 'remotes', 'tags'].map((kind) => `refs/${kind}/${name}`);
}

/** The refusal for a base that is gone or never was; a remote's branch of that name is what was most likely meant. */
async function noBase(door: Door, branch: string): Promise<OrchestrateError> {
  const args = ['for-each-ref', '--format=%(refname:lstrip=2)', `refs/remotes/*/${branch}`];
  const [remote = ''] = (await door.read(args)).split('\n');
  const make =
    remote === ''
      ? `git branch ${shellWord(branch)}`
      : `git branch ${shellWord(branch)} ${shellWord(remote)}`;
  return new OrchestrateError(
    EXIT.environment,
    `the base branch "${branch}" does not exist ("baseBranch" in .claude/orchestrator/config.json names it)`,
    make,
  );
}

async function currentBranch(door: Door): Promise<string> {
  const args = ['symbolic-ref', '--quiet', 'HEAD'];
  const result = await door.ask(args);
  if (result.code === 0) return result.out.trim().replace(/^refs\/heads\//, '');
  if (result.code !== 1) throw gitFailure(args, result);
  throw new OrchestrateError(
    EXIT.environment,
    'the main checkout is on no branch (detached HEAD), and no "baseBranch" is set in .claude/orchestrator/config.json',
    'git switch -',
  );
}

/** The commit a ref or commit-ish names; null when there is none. Throws exit 3 when git itself fails. */
export async function resolveCommit(door: Door, rev: string): Promise<string | null> {
  if (rev === '' || rev.startsWith('-')) return null;
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{commit}`];
  const result = await door.ask(args);
  if (result.code === 0) return result.out.trim();
  // Exit 1 without a word: no such thing. A broken repository has something to say.
  if ((result.code === 1 && result.err === '') || /expected commit type/.test(result.err)) return null;
  throw gitFailure(args, result);
}

/** The tree of a commit that is there; throws exit 3 for any other. */
export async function treeOf(door: Door, commit: string, where: CommandOptions = {}): Promise<string> {
  return (await door.read(['rev-parse', '--verify', `${checkedSha(commit)}^{tree}`], where)).trim();
}

/** See `Git.readRefs`. */
export async function readRefs(
  door: Door,
  branches: ReadonlyMap<string, string>,
  branch: string | null,
): ReturnType<Git['readRefs']> {
  try {
    const bases = branch === null ? [] : baseRefs(checkedBranch(branch));
    const refs = await allRefs(door, branches.values(), bases);
    const tip = refs.get(bases.find((ref) => refs.has(ref)) ?? '') ?? null;
    return {
      known: true,
      value: { heads: headsOf(branches, refs), verified: byKey(refs, VERIFIED), tip },
    };
  } catch (error) {
    return { known: false, why: messageOf(error) };
  }
}

/** The refs in the folders that hold the branches (the prefix may have been changed since some were made), and ours. */
async function allRefs(
  door: Door,
  branches: Iterable<string>,
  bases: readonly string[],
): Promise<Map<string, string>> {
  const folders = new Set([...branches].map((branch) => branch.slice(0, branch.lastIndexOf('/') + 1)));
  const patterns = [...[...folders].map((folder) => `refs/heads/${folder}`), VERIFIED, ...bases];
  return refsBelow(door, ...patterns);
}

/** Names of the refs that match one of the patterns of `for-each-ref`, with their objects, by name. */
export async function refsBelow(door: Door, ...patterns: readonly string[]): Promise<Map<string, string>> {
  const out = await door.read(['for-each-ref', '--format=%(objectname) %(refname)', ...patterns]);
  const lines = out.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]));
}

/** The tips of the branches that exist, by key. */
function headsOf(
  branches: ReadonlyMap<string, string>,
  refs: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const heads = new Map<string, string>();
  for (const [key, branch] of branches) {
    const sha = refs.get(`refs/heads/${branch}`);
    if (sha !== undefined) heads.set(key, sha);
  }
  return heads;
}

/** The refs below a prefix, by what follows it, where that is a key. */
function byKey(refs: ReadonlyMap<string, string>, prefix: string): Map<string, string> {
  const keyed = new Map<string, string>();
  for (const [name, sha] of refs) {
    const key = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    if (isKey(key)) keyed.set(key, sha);
  }
  return keyed;
}

/** See `Git.setVerified`. Setting the value that is there already succeeds whatever `old` says. */
export async function setVerified(
  door: Door,
  key: string,
  sha: string,
  old: string | null,
): Promise<boolean> {
  const ref = `${VERIFIED}${checkedKey(key)}`;
  const expected = old === null ? noObject(sha) : checkedSha(old);
  const args = ['update-ref', '--create-reflog', '-m', 'verified', ref, checkedSha(sha), expected];
  const result = await door.attempt(args);
  if (result.code === 0) return true;
  if (/but expected|reference already exists|unable to resolve reference/.test(result.err)) {
    return (await resolveCommit(door, ref)) === sha;
  }
  throw gitFailure(args, result);
}

/** See `Git.refStorage`. */
export async function refStorage(door: Door): Promise<string> {
  const args = ['config', '--get', 'extensions.refStorage'];
  const result = await door.ask(args);
  // Exit 1: it is not set.
  return result.code === 1 ? 'files' : outputOf(args, result).trim().toLowerCase();
}

/** Throws exit 3 where a worktree's HEAD is not in the file of that name. */
export async function requireFiles(door: Door): Promise<void> {
  const storage = await refStorage(door);
  if (storage === 'files') return;
  throw new OrchestrateError(
    EXIT.environment,
    `this repository keeps its refs as ${printable(storage)}, where orchestrate cannot land; nothing was changed`,
    'git refs migrate --ref-format=files',
  );
}
