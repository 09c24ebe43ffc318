/** Makes a stream's branch and tells ours from others' by what the branch's own log says of its making. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { asideName, shellWord } from '../core/shell-word.ts';
import { checkedSha, noObject } from './checked-names.ts';
import type { Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { HEADS, refsBelow } from './refs.ts';

/** First entry in the log of every branch we make: it is written together with the branch, so no kill can part them. */
const MADE = 'orchestrate: made for a stream';

export type BranchFacts = {
  /** Its tip; null when there is no such branch. */
  readonly tip: string | null;
  /** It exists and is ours: by our records, or because its log says that we made it. */
  readonly ours: boolean;
};

/**
 * Looks at a branch. Throws exit 5 when another branch's name stands in its way.
 *
 * @param recorded whether our records say that we made it; its log is asked only when they don't.
 */
export async function readBranch(door: Door, branch: string, recorded: boolean): Promise<BranchFacts> {
  const ref = `refs/heads/${branch}`;
  const parts = ref.split('/');
  const above = parts.slice(2, -1).map((_, index) => parts.slice(0, index + 3).join('/'));
  const tips = await refsBelow(door, ...above, ref);
  const inTheWay = [...tips.keys()].find((name) => above.includes(name) || name.startsWith(`${ref}/`));
  if (inTheWay !== undefined) throw await blockedName(door, inTheWay.slice(HEADS.length), branch);
  const tip = tips.get(ref) ?? null;
  const ours = tip !== null && (recorded || (await firstLogEntry(door, ref)) === MADE);
  return { tip, ours };
}

async function firstLogEntry(door: Door, ref: string): Promise<string | null> {
  const args = ['log', '--walk-reflogs', '--no-show-signature', '--format=%gs', ref, '--'];
  const result = await door.ask(args);
  return result.code === 0 ? (result.out.trimEnd().split('\n').at(-1) ?? null) : null;
}

/** Makes a branch at a commit, only if there is none of that name. */
export async function makeBranch(door: Door, branch: string, sha: string): Promise<void> {
  await door.write(creation(branch, sha));
}

function creation(branch: string, sha: string): string[] {
  const ref = `refs/heads/${branch}`;
  return ['update-ref', '--create-reflog', '-m', MADE, ref, checkedSha(sha), noObject(sha)];
}

/** Makes a branch at a commit, or finds the one that we made before; returns its tip. Throws exit 5 for one that is not ours, or in its way. */
export async function claimBranch(
  door: Door,
  branch: string,
  sha: string,
  recorded: boolean,
): Promise<string> {
  const args = creation(branch, sha);
  const result = await door.attempt(args);
  if (result.code === 0) return sha;
  // Asked only now: as a rule there is none.
  const found = await readBranch(door, branch, recorded);
  if (found.tip === null) throw gitFailure(args, result);
  if (!found.ours) throw await foreignBranch(door, branch);
  return found.tip;
}

/** The refusal for a branch that exists and that we did not make. */
export async function foreignBranch(door: Door, branch: string): Promise<OrchestrateError> {
  return new OrchestrateError(
    EXIT.refused,
    `the branch "${branch}" exists already and was not made by orchestrate; it was left as it is`,
    moveAside(branch, await refsBelow(door, HEADS)),
  );
}

async function blockedName(door: Door, inTheWay: string, branch: string): Promise<OrchestrateError> {
  return new OrchestrateError(
    EXIT.refused,
    `the branch "${inTheWay}" stands in the way of "${branch}": git cannot have both (another "branchPrefix" in .claude/orchestrator/config.json helps too)`,
    moveAside(inTheWay, await refsBelow(door, HEADS)),
  );
}

/** Renames a branch so that its new name is that of none of `heads`, and in the way of none, ready to paste. */
export function moveAside(branch: string, heads: ReadonlyMap<string, string>): string {
  const taken = [...heads.keys()].map((ref) => `${ref}/`);
  const isTaken = (name: string): boolean => taken.some((ref) => ref.startsWith(`${HEADS}${name}/`));
  return `git branch -m ${shellWord(branch)} ${shellWord(asideName(branch.replaceAll('/', '-'), isTaken))}`;
}
