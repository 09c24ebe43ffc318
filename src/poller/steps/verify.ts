/** Checks a stream's work: its worktree, its commits, its gates on that very commit; records the verified head or what is missing. */
import { dependencyHeads, type Missing, missing, openAssignment, redGate } from '../../core/done.ts';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import { plural, printable } from '../../core/printable.ts';
import { commandFor, shellWord } from '../../core/shell-word.ts';
import type { PlanStream, StreamRecord, Verdict, VerifyAnswer } from '../../core/types.ts';
import type { WorktreeFacts } from '../../git/types.ts';
import { landedKeys } from '../../look/landed.ts';
import { initiativeOf } from '../../look/snapshot.ts';
import { adopt, holdsWork, recordVerified } from './adopt.ts';
import { findBase, isCleaned } from './base.ts';
import { commitObstacle } from './commit-obstacle.ts';
import { runGates } from './gates.ts';
import { refuseChangedGitConfig } from './git-config.ts';
import { restAtLook, wentToWork } from './rest.ts';
import type { Step } from './step.ts';
import { note, recordOf, refuseWhileRemoved, streamOf } from './step.ts';
import { foreseeSetUps, prepareWorktree } from './worktree.ts';

type Found = Pick<Verdict, 'sha' | 'message'> & {
  readonly cause: Verdict['cause'] | 'tasks';
  readonly gate?: Verdict['gate'];
  readonly parents?: Verdict['parents'];
};

/** Verifies the stream; `run` is the run the verdict is kept with (null: only the stream's record changes). Returns how it went. */
export async function verify(step: Step, key: string, run: number | null): Promise<VerifyAnswer> {
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
  if (isCleaned(record, step.snapshot)) return stillLanded(step, record);
  refuseWhileRemoved(step, key);
  await refuseChangedGitConfig(step.ports);
  // What could not be foreseen is asked again by the next look, which says so.
  const judged = judge(step, record, stream, run);
  await Promise.allSettled([judged, foreseeLanding(step, record), foreseeSetUps(step, record)]);
  return judged;
}

/** Checks the work, and records what was found. */
async function judge(
  step: Step,
  record: StreamRecord,
  stream: PlanStream,
  run: number | null,
): Promise<VerifyAnswer> {
  const found = await check(step, record, stream);
  if (found.cause === 'tasks') return unsaid(step, record, run, found.message);
  const rest = run === null ? null : restAtLook(step, { key: record.key, number: run });
  if (await wentToWork(step, record.key, run, rest))
    return unsaid(step, record, run, 'its agent went to work again while it was checked');
  const { sha, cause, message, gate = null, parents = [] } = found;
  const atMs = step.ports.now();
  const verdict: Verdict = { sha, cause, message, gate, parents, rest, ok: cause === null, atMs };
  await conclude(step, record, run, verdict);
  return { ok: verdict.ok, message: verdict.message };
}

/**
 * Takes up a stream whose tasks are complete and of which no run is known. With work of its own, of runs that were forgotten, it
 * is checked like any other, in its worktree; without, it is done at its base. Throws exit 5 with what is missing.
 */
export async function takeUp(step: Step, key: string): Promise<VerifyAnswer> {
  const { ports, snapshot } = step;
  const record = recordOf(step, key);
  const stream = streamOf(step, record);
  const head = seenHead(snapshot, key);
  const base = stream === null || head === null ? null : await findBase(ports, stream, record, snapshot);
  if (head === null || !base?.ok || !(await holdsWork(step, record, base.sha, head))) return adopt(step, key);
  await prepareWorktree(step, record, 0, base.sha);
  ports.state.patchStream(key, { base: { sha: base.sha, parents: base.parents, atMs: ports.now() } });
  const answer = await verify(step, key, null);
  if (answer.ok) return answer;
  const verb = commandFor('verify', record);
  const look = `git -C ${shellWord(record.worktree)} status`;
  throw new OrchestrateError(EXIT.refused, answer.message, `${look} && ${verb}`);
}

/** Asks whether the work has landed while it is being checked: the next look wants to know that before dependents start. */
async function foreseeLanding({ ports, snapshot }: Step, record: StreamRecord): Promise<void> {
  const { landing, plan, keys } = snapshot;
  const sha = seenHead(snapshot, record.key);
  if (landing === null || sha === null) return;
  const verified = { sha, atMs: 0, adopted: false, run: 0, parents: [] };
  const records = new Map([...snapshot.records, [record.key, { ...record, verified }]]);
  await landedKeys(ports, { plan, keys, records, initiative: initiativeOf(plan), ...landing });
}

/** The branch's tip as the look saw it. */
function seenHead({ heads }: Step['snapshot'], key: string): string | null {
  return heads.known ? (heads.value.get(key) ?? null) : null;
}

/** What was verified has landed, and was cleaned away since: there is nothing to look into, and nothing amiss. */
function stillLanded({ ports }: Step, { key, verified }: StreamRecord): VerifyAnswer {
  ports.state.patchStream(key, { verifyRequested: false, syncRequested: false });
  const sha = verified?.sha.slice(0, 7) ?? '';
  return { ok: true, message: `its work has landed (${sha}), and its worktree was removed since` };
}

/** A task was opened since the check was decided, or its agent went on: nothing is said of the work, which is not complete. */
function unsaid(step: Step, record: StreamRecord, run: number | null, message: string): VerifyAnswer {
  step.ports.state.patchStream(record.key, { verifyRequested: false });
  note(step, record.key, run, 'not-verified', message);
  return { ok: false, message };
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
    const [base, changes] = await Promise.all([
      baseOfNow(step, record),
      changesOf(step, record, verdict.sha),
      recordVerified(step, record.key, verdict.sha),
    ]);
    state.patchStream(record.key, {
      verified: {
        sha: verdict.sha,
        atMs: verdict.atMs,
        adopted: false,
        run: record.runs.at(-1)?.number ?? 0,
        parents: foundations(step, record),
      },
      base,
      ...(changes === null ? {} : { changes }),
      conflict: null,
      resolve: false,
      assignment: openAssignment(recordOf(step, record.key)),
      verifyRequested: false,
      syncRequested: false,
    });
  } else {
    state.patchStream(record.key, { verifyRequested: false, syncRequested: false });
  }
  if (run !== null) state.patchRun(record.key, run, { verdict });
  note(step, record.key, run, verdict.ok ? 'done' : 'not-verified', verdict.message);
}

/** What the head holds beyond the base, as the check has just read it: for every report, and for its dependents' prompts. */
async function changesOf(
  { ports }: Step,
  { base }: StreamRecord,
  head: string,
): Promise<StreamRecord['changes']> {
  if (base === null) return null;
  const { commits, added, removed } = await ports.git.changes(base.sha, head);
  return { base: base.sha, head, commits, added, removed };
}

async function check(step: Step, record: StreamRecord, stream: PlanStream): Promise<Found> {
  const facts = await tidy(step, record, await inspect(step, record));
  const onBranch = facts.branch === record.branch;
  // What the verdict is of is the branch, wherever the worktree is.
  const sha = onBranch ? facts.headSha : await step.ports.git.resolve(`refs/heads/${record.branch}`);
  const left = missing({
    tasks: step.ports.plan.listTasks({ stream: stream.id }),
    worktree: { ...facts, path: record.worktree },
    branch: record.branch,
    declaresNoChanges: stream.declaresNoChanges,
    // They were committed by now, where we may.
    commitsLeftovers: false,
  });
  const [first] = left;
  if (first !== undefined) {
    const parents = first.cause === 'missing-parents' ? facts.missingParents : [];
    return { sha, cause: first.cause, parents, message: await missingText(step, record, left) };
  }
  if (sha === null) return { sha, cause: 'worktree-missing', message: 'its worktree has no commit' };
  const answer = await runGates(step, record, sha, () => changedFrom(step, record, sha));
  if (answer !== null && 'changed' in answer) return answer.changed;
  if (answer !== null) {
    const { name, log, message } = answer.failed;
    const before = redGate(record);
    const times = 1 + (before?.name === name ? before.times : 0);
    return { sha, cause: 'gate', message, gate: { name, log, times } };
  }
  return { sha, cause: null, message: passedText(step.ports.config.gates.length, sha, facts.bornDirty) };
}

/** The verdict when the work is not what the gates were run for any more; null while it is. */
async function changedFrom(step: Step, record: StreamRecord, sha: string): Promise<Found | null> {
  const after = await inspect(step, record);
  if (after.headSha === sha && after.changedCount === 0) return null;
  return {
    // Said of what the work came to: else a gate that commits would be run again on each of its own commits.
    sha: after.headSha ?? sha,
    cause: 'gate-void',
    message: `the work changed while its gates ran: ${after.changed.slice(0, 5).join(', ') || 'the head moved'}`,
  };
}

/** What is missing in one sentence; work that is uncommitted for a reason says the reason. */
async function missingText(step: Step, record: StreamRecord, left: readonly Missing[]): Promise<string> {
  const uncommitted = left.some(({ cause }) => cause === 'dirty' || cause === 'no-commits');
  const obstacle = uncommitted ? await commitObstacle(step, record.runs.at(-1) ?? null) : null;
  const others =
    obstacle === null ? left : left.filter(({ cause }) => cause !== 'dirty' && cause !== 'no-commits');
  return [...(obstacle === null ? [] : [obstacle]), ...others.map(({ message }) => message)].join('; ');
}

function passedText(gates: number, sha: string, born: readonly string[]): string {
  const passed = gates === 0 ? 'checked, without gates' : gates === 1 ? 'gate passed' : 'gates passed';
  const names = born.slice(0, 5).map((name) => printable(name));
  const dirty = names.length === 0 ? '' : `; dirty from the start and unchanged: ${names.join(', ')}`;
  return `${passed} (${sha.slice(0, 7)})${dirty}`;
}

async function inspect(step: Step, record: StreamRecord): Promise<WorktreeFacts> {
  const base = record.base ?? { sha: '', parents: [] };
  const facts = await step.ports.git.inspect({
    path: record.worktree,
    branch: record.branch,
    baseSha: base.sha,
    parents: [...new Set([base.sha, ...foundations(step, record)])],
    seenHead: seenHead(step.snapshot, record.key),
  });
  return { ...facts, missingParents: await missingIn(step, record, facts.missingParents) };
}

/** Without what the base stands for: dependencies that had landed, as other commits, when the stream began on the landing branch. */
async function missingIn(
  step: Step,
  { base }: StreamRecord,
  missingParents: readonly string[],
): Promise<readonly string[]> {
  if (base === null) return missingParents;
  const isRequired = async (parent: string): Promise<boolean> => {
    if (parent === base.sha) return base.parents.length === 0 || base.parents.includes(base.sha);
    if (!base.parents.includes(parent) || base.parents.includes(base.sha)) return true;
    if (missingParents.includes(base.sha)) return true;
    return (await step.ports.git.changes(base.sha, parent)).commits === 0;
  };
  const required = await Promise.all(missingParents.map(isRequired));
  return missingParents.filter((_, index) => required[index]);
}

/**
 * The base of work that was found to contain all that its dependencies have come to, whoever merged it: its own change is
 * what it has beyond that. A merge of several that only we could make is no commit of its history: then the base stays.
 */
async function baseOfNow(step: Step, record: StreamRecord): Promise<StreamRecord['base']> {
  const { base } = record;
  const stream = streamOf(step, record);
  const heads = (stream === null ? null : dependencyHeads(stream, step.snapshot)) ?? [];
  if (base === null || heads.every((head) => base.parents.includes(head))) return base;
  const merged = await step.ports.git.mergeBases(
    [base.sha, ...heads],
    `Merge the dependencies of ${record.key}`,
  );
  const sha = merged.ok && heads.includes(merged.sha) ? merged.sha : base.sha;
  return { sha, parents: heads, atMs: step.ports.now() };
}

/** What the head has to contain: its base, what its dependencies have come to since, and what the user had it merge. */
function foundations(step: Step, record: StreamRecord): readonly string[] {
  const base = record.base ?? { sha: '', parents: [] };
  const stream = streamOf(step, record);
  const heads = (stream === null ? null : dependencyHeads(stream, step.snapshot)) ?? [];
  // A root's own base too: a history rewritten from there would not merge back.
  const own = base.parents.length === 0 ? [base.sha] : base.parents;
  const given = record.assignment?.merges.map(({ sha }) => sha) ?? [];
  return [...new Set([...own, ...heads, ...given])];
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
    `committed ${plural(facts.changedCount, 'changed file')} that the agent left`,
  );
  return inspect(step, record);
}
