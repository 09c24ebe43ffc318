/** Checks a stream's work: its worktree, its commits, its gates on that very commit; records the verified head or what is missing. */

import { EXIT, OrchestrateError } from '../../core/errors.ts';
import type { PlanStream, StreamRecord, Verdict } from '../../core/types.ts';
import type { WorktreeFacts } from '../../git/types.ts';
import { adopt, recordVerified } from './adopt.ts';
import { runGates } from './gates.ts';
import { refuseChangedGitConfig } from './git-config.ts';
import type { Step } from './step.ts';
import { note, recordOf, streamOf } from './step.ts';

type Found = Pick<Verdict, 'sha' | 'cause' | 'message'>;

/** Verifies the stream; `run` is the run the verdict is kept with (null: only the stream's record changes). */
export async function verify(step: Step, key: string, run: number | null): Promise<void> {
  const record = recordOf(step, key);
  const stream = streamOf(step, record);
  if (stream === null || record.base === null) {
    throw new OrchestrateError(
      EXIT.state,
      `${record.streamId} has no base to be verified against`,
      'orchestrate start',
    );
  }
  // What was never worked on has no worktree to look into.
  if (record.verified?.adopted === true && record.runs.length === 0) return adopt(step, key);
  await refuseChangedGitConfig(step.ports);
  const found = await check(step, record, stream);
  if (step.abort.aborted) return;
  const verdict: Verdict = { ...found, ok: found.cause === null, atMs: step.ports.now() };
  await conclude(step, record, run, verdict);
}

/** The verified ref goes first: a kill after it is mended by verifying again, a record without a ref is never left. */
async function conclude(
  step: Step,
  record: StreamRecord,
  run: number | null,
  verdict: Verdict,
): Promise<void> {
  const { state } = step.ports;
  if (verdict.ok && verdict.sha !== null) {
    await recordVerified(step, record.key, verdict.sha);
    state.patchStream(record.key, {
      verified: { sha: verdict.sha, atMs: verdict.atMs, adopted: false },
      verifyRequested: false,
    });
  } else {
    state.patchStream(record.key, { verifyRequested: false });
  }
  if (run !== null) state.patchRun(record.key, run, { verdict });
  note(step, record.key, run, verdict.ok ? 'done' : 'not-verified', verdict.message);
}

async function check(step: Step, record: StreamRecord, stream: PlanStream): Promise<Found> {
  const facts = await tidy(step, record, await inspect(step, record));
  const missing = missingFrom(facts, record, stream);
  if (missing !== null) return missing;
  const sha = facts.headSha;
  if (sha === null) return { sha, cause: 'worktree-missing', message: 'its worktree has no commit' };
  const failed = await runGates(step, record, sha);
  if (failed !== null) return { sha, cause: 'gate', message: failed };
  const after = step.ports.config.gates.length === 0 ? facts : await inspect(step, record);
  if (after.headSha !== sha || after.changedCount > 0) {
    return {
      sha,
      cause: 'gate-void',
      message: `the work changed while its gates ran: ${after.changed.slice(0, 5).join(', ') || 'the head moved'}`,
    };
  }
  return { sha, cause: null, message: `verified at ${sha.slice(0, 10)}` };
}

function inspect(step: Step, record: StreamRecord): Promise<WorktreeFacts> {
  const base = record.base ?? { sha: '', parents: [] };
  return step.ports.git.inspect({
    path: record.worktree,
    branch: record.branch,
    baseSha: base.sha,
    // A root's own base too: a history rewritten from there would not merge back.
    parents: base.parents.length === 0 ? [base.sha] : base.parents,
  });
}

/** With `leftovers: "commit"`, commits tracked changes that the worker left; never untracked files. */
async function tidy(step: Step, record: StreamRecord, facts: WorktreeFacts): Promise<WorktreeFacts> {
  const { config, git } = step.ports;
  const wanted =
    config.leftovers === 'commit' &&
    facts.intact &&
    facts.branch === record.branch &&
    facts.operation === null;
  if (!wanted || facts.changedCount === 0) return facts;
  await git.commitTracked(
    record.worktree,
    `Commit changes left uncommitted in ${record.key}\n\nCommitted by orchestrate (leftovers: commit).`,
  );
  note(
    step,
    record.key,
    null,
    'leftovers',
    `committed ${facts.changedCount} changed file(s) that the worker left`,
  );
  return inspect(step, record);
}

const list = (names: readonly string[], count: number): string => {
  const shown = names.slice(0, 5).join(', ');
  return count > 5 ? `${shown} and ${count - 5} more` : shown;
};

/** The first thing that keeps a worktree from being done; null when nothing does. */
function missingFrom(facts: WorktreeFacts, record: StreamRecord, stream: PlanStream): Found | null {
  const sha = facts.headSha;
  if (!facts.exists)
    return { sha, cause: 'worktree-missing', message: `its worktree ${record.worktree} is gone` };
  if (!facts.intact)
    return { sha, cause: 'tampered', message: `${record.worktree}/.git no longer points to this repository` };
  if (facts.operation !== null)
    return { sha, cause: 'operation-in-progress', message: `a ${facts.operation} is in progress` };
  if (facts.branch !== record.branch) {
    return {
      sha,
      cause: 'off-branch',
      message: `its worktree is on ${facts.branch ?? 'no branch'}, not on ${record.branch}`,
    };
  }
  const dirty = facts.changedCount + facts.untrackedCount;
  if (dirty > 0)
    return {
      sha,
      cause: 'dirty',
      message: `uncommitted: ${list([...facts.changed, ...facts.untracked], dirty)}`,
    };
  if (facts.missingParents.length > 0) {
    return {
      sha,
      cause: 'missing-parents',
      message: `its branch does not contain what it has to build on: ${facts.missingParents.map((each) => each.slice(0, 10)).join(', ')}`,
    };
  }
  if (facts.commitsSinceBase === 0 && !stream.declaresNoChanges) {
    return {
      sha,
      cause: 'no-commits',
      message:
        'there is no commit since its base (a task note line beginning "no-changes:" would say that none is needed)',
    };
  }
  return null;
}
