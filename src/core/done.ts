/** What makes a stream done and what is missing, once: for the stop gate, verification, `verify` and `status`; reads nothing itself. */
import { listed, plural, printable } from './printable.ts';
import { shellWord } from './shell-word.ts';
import type { FailedGate, PlanStream, Run, Snapshot, StreamRecord, Task, Verdict } from './types.ts';

/** What the work of a stream has come to: its tasks in the store, its worktree in git. */
export type Standing = {
  readonly tasks: readonly Pick<Task, 'id' | 'title' | 'status'>[];
  readonly declaresNoChanges: boolean;
  /** Branch that the stream's work belongs on. */
  readonly branch: string;
  /** Changes of tracked files are committed by us, so that they are no left-overs. */
  readonly commitsLeftovers: boolean;
  readonly worktree: {
    readonly path: string;
    readonly exists: boolean;
    readonly intact: boolean;
    readonly branch: string | null;
    readonly operation: string | null;
    readonly changed: readonly string[];
    readonly changedCount: number;
    readonly untracked: readonly string[];
    readonly untrackedCount: number;
    readonly commitsSinceBase: number;
    /** What the head has to contain (its base, its dependencies' verified heads) and does not. */
    readonly missingParents: readonly string[];
    /** What the commits name and nobody else can get. */
    readonly unshared: readonly {
      readonly kind: 'submodule' | 'big file';
      readonly path: string;
      readonly sha: string;
    }[];
  };
};

/** One thing that keeps a stream from being done: a stable cause, and the words for the agent and the user alike. */
export type Missing = { readonly cause: NonNullable<Verdict['cause']> | 'tasks'; readonly message: string };

/** Most names in one sentence, and longest name. */
const NAMED = 10;
const LONGEST_NAME = 120;
const SHORT_SHA = 10;

/** Everything that is missing short of the gates, the most fundamental first; empty when only they are left to run. */
export function missing(standing: Standing): readonly Missing[] {
  const { worktree } = standing;
  const tasks = missingTasks(standing.tasks);
  if (!worktree.exists)
    return [...tasks, { cause: 'worktree-missing', message: `its worktree ${worktree.path} is gone` }];
  if (!worktree.intact)
    return [
      ...tasks,
      { cause: 'tampered', message: `${worktree.path}/.git no longer points to this repository` },
    ];
  return [...tasks, ...missingOnBranch(standing), ...missingInHistory(standing)];
}

/** Open tasks. A blocked one is none: it is a reason to stop, and keeps the stream from being complete all the same. */
function missingTasks(tasks: Standing['tasks']): Missing[] {
  const open = tasks.filter(({ status }) => status === 'pending' || status === 'in_progress');
  const lines = open.map(
    ({ id, title, status }) => `task ${id} "${printable(title, LONGEST_NAME)}" is ${status}`,
  );
  const more = lines.length - NAMED;
  const shown = more > 0 ? [...lines.slice(0, NAMED), `and ${plural(more, 'more task')}`] : lines;
  return shown.map((message) => ({ cause: 'tasks', message }));
}

function missingOnBranch({ worktree, branch, commitsLeftovers }: Standing): Missing[] {
  const { operation, changed, changedCount, untracked, untrackedCount } = worktree;
  const found: Missing[] = [];
  if (operation !== null)
    found.push({ cause: 'operation-in-progress', message: `a ${operation} is in progress` });
  if (worktree.branch !== branch) {
    const message = `its worktree is on ${worktree.branch ?? 'no branch'}, not on ${branch}`;
    found.push({ cause: 'off-branch', message });
  }
  const count = commitsLeftovers ? untrackedCount : changedCount + untrackedCount;
  const files = commitsLeftovers ? untracked : [...changed, ...untracked];
  if (count > 0) found.push({ cause: 'dirty', message: `uncommitted: ${listed(files, { count })}` });
  return found;
}

function missingInHistory({ tasks, worktree, declaresNoChanges, commitsLeftovers }: Standing): Missing[] {
  const found: Missing[] = [];
  if (worktree.missingParents.length > 0) {
    const shas = worktree.missingParents.map((sha) => sha.slice(0, SHORT_SHA)).join(', ');
    const message = `its branch lacks what it has to build on: ${shas}`;
    found.push({ cause: 'missing-parents', message });
  }
  for (const { kind, path, sha } of worktree.unshared.slice(0, NAMED)) {
    const name = printable(path, LONGEST_NAME);
    const message =
      kind === 'submodule'
        ? `commit ${sha.slice(0, SHORT_SHA)} of the submodule ${name} is only in this worktree: push it there (git -C ${shellWord(name)} push origin HEAD:refs/heads/<branch>)`
        : `the content of ${name} (git-lfs) is not where other worktrees find it: git lfs push, or add the file again with git-lfs installed`;
    found.push({ cause: 'unshared', message });
  }
  const commits = worktree.commitsSinceBase > 0 || (commitsLeftovers && worktree.changedCount > 0);
  const blocked = tasks.some(({ status }) => status === 'blocked');
  if (!commits && !declaresNoChanges && !blocked) {
    const message =
      'there is no commit yet (a task note line beginning "no-changes:" would say that none is needed)';
    found.push({ cause: 'no-commits', message });
  }
  return found;
}

/** What is missing for the user, in few words: `3 of 3 tasks open, 1 file uncommitted`; empty for nothing. */
export function missingInShort(standing: Standing): string {
  const counted = standing.tasks.filter(({ status }) => status !== 'cancelled');
  const open = missingTasks(standing.tasks).length > 0;
  const completed = counted.filter(({ status }) => status === 'completed').length;
  const others = missing(standing).filter(({ cause }) => cause !== 'tasks');
  const words = others.map(({ cause, message }) => shortOf(cause, message, standing));
  return [...(open ? [openTasksText({ tasks: { total: counted.length, completed } })] : []), ...words].join(
    ', ',
  );
}

function shortOf(cause: Missing['cause'], message: string, { worktree, commitsLeftovers }: Standing): string {
  if (cause === 'no-commits') return 'no commit yet';
  if (cause !== 'dirty') return message;
  const count = worktree.untrackedCount + (commitsLeftovers ? 0 : worktree.changedCount);
  return `${plural(count, 'file')} uncommitted`;
}

/** True when every task that is not cancelled is completed, and there is one. */
export function tasksComplete({ tasks }: Pick<PlanStream, 'tasks'>): boolean {
  return tasks.total > 0 && tasks.completed === tasks.total;
}

/** True for a stream that the plan no longer wants: every task of it is cancelled. */
export function isCancelled({ tasks }: Pick<PlanStream, 'tasks'>): boolean {
  return tasks.total === 0;
}

/** `gate "test" failed 2×`, for reasons. */
export function gateText({ name, times }: FailedGate): string {
  return `gate "${name}" failed${times > 1 ? ` ${times}×` : ''}`;
}

/** The gate that the last check of the stream's work found to fail, whatever head it was of; null when it found something else. */
export function redGate(record: Pick<StreamRecord, 'runs'> | null): FailedGate | null {
  return record?.runs.findLast(({ verdict }) => verdict !== null)?.verdict?.gate ?? null;
}

/** `2 of 3 tasks open`, or `1 task open` of one, for reasons. */
export function openTasksText({
  tasks: { total, completed },
}: {
  readonly tasks: Pick<PlanStream['tasks'], 'total' | 'completed'>;
}): string {
  return total === 1 ? '1 task open' : `${total - completed} of ${total} tasks open`;
}

/** `5 of 6 tasks open: TASK-1, TASK-2 and 3 more`, for reasons. */
export function openTasksNamed(stream: Pick<PlanStream, 'tasks' | 'openTasks'>): string {
  return `${openTasksText(stream)}: ${listed(stream.openTasks)}`;
}

/** Why a blocked task is blocked: its reason, else the first line of its notes; null when neither says anything. */
export function whyBlocked({ blockedReason, notes }: Pick<Task, 'blockedReason' | 'notes'>): string | null {
  return (
    blockedReason?.trim() ||
    notes
      ?.trim()
      .split(/[\r\n]/, 1)[0]
      ?.trim() ||
    null
  );
}

/** `task blocked: needs a key`, for reasons. */
export function blockedText({ blockedTask }: Pick<PlanStream, 'blockedTask'>): string {
  return `task blocked: ${blockedTask?.reason ?? 'no reason given'}`;
}

/** When the stream came to be done: a later check of the same work does not move it. Null when it never was. */
export function doneSinceMs(record: StreamRecord | null): number | null {
  return record?.runs.at(-1)?.endedAtMs ?? record?.verified?.atMs ?? null;
}

/** Ends of a run that say nothing of what it was given to do. */
const CUT_SHORT: ReadonlySet<Run['outcome']> = new Set([
  'stopped',
  'interrupted',
  'limited',
  'denied',
  'closed',
]);

/** True while the user has given its agent something besides its tasks that no run has come to the end of. */
export function isAssigned({ assignment, runs }: Pick<StreamRecord, 'assignment' | 'runs'>): boolean {
  if (assignment === null) return false;
  const last = runs.at(-1);
  return last === undefined || last.number <= assignment.afterRun || CUT_SHORT.has(last.outcome);
}

/** What the user has given its agent besides its tasks and no run has come to the end of; null for nothing. */
export function openAssignment(record: StreamRecord): StreamRecord['assignment'] {
  return isAssigned(record) ? record.assignment : null;
}

/** True when the record says that the stream is done and nothing since contradicts it: no task was opened, no later run began. */
export function isVerified(stream: Pick<PlanStream, 'tasks'>, record: StreamRecord | null): boolean {
  if (record === null || record.verified === null || !tasksComplete(stream) || isAssigned(record))
    return false;
  return record.verified.run >= (record.runs.at(-1)?.number ?? 0);
}

/**
 * The run's verdict, if it was made on this head: a verdict says nothing of any other one. Null for none, and where the
 * head is not known (undefined) or there is none (null).
 */
export function verdictOn(run: Pick<Run, 'verdict'>, head: string | null | undefined): Verdict | null {
  const { verdict } = run;
  if (verdict === null || head === undefined) return null;
  return verdict.sha === head ? verdict : null;
}

/** Verified heads of a stream's dependencies, in the order of their ids, each once; null while one has none. */
export function dependencyHeads(
  stream: Pick<PlanStream, 'dependencies'>,
  snapshot: Pick<Snapshot, 'keys' | 'records'>,
): readonly string[] | null {
  const shas: string[] = [];
  for (const id of stream.dependencies) {
    const verified = snapshot.records.get(snapshot.keys.get(id) ?? '')?.verified;
    if (verified == null) return null;
    if (!shas.includes(verified.sha)) shas.push(verified.sha);
  }
  return shas;
}

type Memory = Pick<Snapshot, 'keys' | 'records'>;

/** Verified heads of dependencies that a started stream does not build on, by dependency: they moved since. */
export function movedHeads(
  stream: Pick<PlanStream, 'id' | 'dependencies'>,
  { keys, records }: Memory,
): readonly { readonly id: string; readonly sha: string }[] {
  const record = records.get(keys.get(stream.id) ?? '');
  if (record?.base == null) return [];
  const contained = [...record.base.parents, ...(record.verified?.parents ?? [])];
  return stream.dependencies.flatMap((id) => {
    const sha = records.get(keys.get(id) ?? '')?.verified?.sha;
    return sha === undefined || contained.includes(sha) ? [] : [{ id, sha }];
  });
}

/**
 * Why each stream of the plan no longer builds on what its dependencies have come to, by id: one was verified again, or
 * builds on one that was, at any distance. Streams that build on what there is, or on nothing yet, are absent.
 *
 * @param order the plan's streams, dependencies before dependents.
 */
export function staleReasons(order: readonly PlanStream[], memory: Memory): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const stream of order) {
    const record = memory.records.get(memory.keys.get(stream.id) ?? '');
    // What is cancelled builds on nothing any more.
    if (record?.base == null || isCancelled(stream)) continue;
    const moved = new Map(movedHeads(stream, memory).map(({ id, sha }) => [id, sha]));
    const reasons = stream.dependencies.flatMap((id) => {
      const head = moved.get(id);
      if (head !== undefined) return [`${id} has moved on to ${head.slice(0, SHORT_SHA)}`];
      return found.has(id) ? [`${id}, which it builds on, is stale`] : [];
    });
    if (reasons.length > 0) found.set(stream.id, reasons.join('; '));
  }
  return found;
}
