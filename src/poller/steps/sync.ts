/** Brings a stream onto what its dependencies have come to: their heads merged into its branch, to be checked again; no agent is started. */

import type { Ports } from '../../app/ports.ts';
import { dependencyHeads, missing, movedHeads } from '../../core/done.ts';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import { commandFor, shellWord } from '../../core/shell-word.ts';
import type { PlanStream, StreamRecord, VerifyAnswer } from '../../core/types.ts';
import type { WorktreeFacts } from '../../git/types.ts';
import { adopt } from './adopt.ts';
import { refuseChangedGitConfig } from './git-config.ts';
import type { Step } from './step.ts';
import { note, recordOf, refuseWhileRemoved, streamOf } from './step.ts';
import { verify } from './verify.ts';
import { prepareWorktree } from './worktree.ts';

/** What came of it: `hindered` by what lies in the worktree, which is left as it is. */
export type BroughtUp =
  | { readonly came: 'along' }
  | { readonly came: 'clash'; readonly files: readonly string[] }
  | { readonly came: 'hindered'; readonly why: string };

/**
 * Brings the stream up to date; `run` is its open run or the one that is to be checked, null for a stream that is done.
 * Whatever it is hindered by in a run goes to its agent as the check says it; throws exit 5 where there is nobody to tell. Returns
 * how the check went, null where that is still to come.
 */
export async function sync(step: Step, key: string, run: number | null): Promise<VerifyAnswer | null> {
  const record = recordOf(step, key);
  const stream = streamOf(step, record);
  if (stream === null)
    throw new OrchestrateError(EXIT.state, `${record.streamId} is no longer in the plan`, 'orchestrate plan');
  if (record.runs.length === 0 && record.verified?.adopted !== false) {
    const answer = await adopt(step, key);
    step.ports.state.patchStream(key, { syncRequested: false });
    return answer;
  }
  refuseWhileRemoved(step, key);
  await refuseChangedGitConfig(step.ports);
  // With the move, so that whoever dies before the check leaves it to the next one, be that a `sync` by hand. A stream that was
  // done is checked whatever its last run came to.
  const wishes = { syncRequested: true, ...(run === null ? { verifyRequested: true } : {}) };
  const result = await bringUp(step, record, stream, wishes);
  if (result.came === 'hindered') {
    if (run !== null) return verify(step, key, run);
    throw new OrchestrateError(
      EXIT.refused,
      `it could not be brought up to date: ${result.why}; see to what is left there`,
      `git -C ${shellWord(record.worktree)} status && ${commandFor('sync', record)}`,
    );
  }
  return null;
}

/**
 * Merges what the dependencies have come to into the stream's branch and records what it is built on now. The branch moves
 * first and the record follows, with `wishes`: a kill in between is mended by doing it again, which then finds nothing left to
 * merge.
 */
export async function bringUp(
  step: Step,
  record: StreamRecord,
  stream: PlanStream,
  wishes: Partial<Pick<StreamRecord, 'syncRequested' | 'verifyRequested'>> = {},
): Promise<BroughtUp> {
  const { ports } = step;
  const { key, base } = record;
  const heads = dependencyHeads(stream, step.snapshot);
  if (heads === null || base === null) return { came: 'along' };
  const place = await placeOf(step, record, base.sha);
  const why = hindrance(record, place);
  if (why !== null) return { came: 'hindered', why };
  const tip = place.headSha ?? base.sha;
  const made = await mergeInto(ports, { key, tip, base: base.sha, heads });
  if (!made.ok) {
    ports.state.patchStream(key, { conflict: { parents: heads, files: made.files }, verifyRequested: false });
    const files = made.files.join(', ');
    note(
      step,
      key,
      null,
      'base-conflict',
      `it does not merge with what its dependencies have come to: ${files}`,
    );
    return { came: 'clash', files: made.files };
  }
  const inTheWay = made.head === tip ? null : await moveOn(step, record, made.head);
  if (inTheWay !== null) return { came: 'hindered', why: inTheWay };
  ports.state.patchStream(key, {
    base: { sha: made.base, parents: heads, atMs: ports.now() },
    verified: null,
    conflict: null,
    ...wishes,
  });
  const moved = movedHeads(stream, step.snapshot).map(({ id, sha }) => `${id} at ${sha.slice(0, 10)}`);
  note(step, key, null, 'synced', `brought up to date with ${moved.join(', ')}`);
  return { came: 'along' };
}

/** What holds of its worktree. One that was removed is made again first: git keeps for it what its files were at, and gates need it. */
async function placeOf(step: Step, record: StreamRecord, baseSha: string): Promise<WorktreeFacts> {
  const { worktree: path, branch, verified, runs } = record;
  const look = () => step.ports.git.inspect({ path, branch, baseSha, parents: [] });
  const place = await look();
  if (place.exists) return place;
  await prepareWorktree(step, record, runs.at(-1)?.number ?? 0, verified?.sha ?? baseSha);
  return look();
}

/** Moves the branch, with its worktree; returns what stands in the way of that, null for nothing. */
async function moveOn(
  { ports }: Step,
  { worktree: path, branch }: StreamRecord,
  to: string,
): Promise<string | null> {
  try {
    await ports.git.advance({ path, branch, to });
    return null;
  } catch (error) {
    if (error instanceof OrchestrateError && error.exitCode === EXIT.refused) return error.message;
    throw error;
  }
}

/** What in the worktree keeps its branch from being moved; null for none. */
function hindrance({ branch, worktree: path }: StreamRecord, place: WorktreeFacts): string | null {
  const left = missing({
    tasks: [],
    worktree: { ...place, path },
    branch,
    declaresNoChanges: true,
    commitsLeftovers: false,
  });
  return left.length === 0 ? null : left.map(({ message }) => message).join('; ');
}

type MergeRequest = {
  readonly key: string;
  readonly tip: string;
  readonly base: string;
  readonly heads: readonly string[];
};
type Merged =
  | { readonly ok: true; readonly head: string; readonly base: string }
  | { readonly ok: false; readonly files: readonly string[] };

/**
 * The stream's tip merged with its new base, which is the old one and all heads of its dependencies in one. Heads that
 * clash with each other (its agent merged them once) go into the tip one by one; then the first of them is the base.
 */
export async function mergeInto(
  { git }: Pick<Ports, 'git'>,
  { key, tip, base, heads }: MergeRequest,
): Promise<Merged> {
  const message = `Bring ${key} up to date with its dependencies`;
  const together = await git.mergeBases([base, ...heads], `Merge the dependencies of ${key}`);
  const onto = together.ok ? [together.sha] : heads;
  const merged = await git.mergeBases([tip, ...onto], message);
  if (!merged.ok) return merged;
  return { ok: true, head: merged.sha, base: together.ok ? together.sha : (heads[0] ?? base) };
}
