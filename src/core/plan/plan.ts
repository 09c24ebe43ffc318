/** Makes the plan of streams out of task rows, and finds everything that keeps it from being run, in rows and as a whole. */

import { whyBlocked } from '../done.ts';
import { printable } from '../printable.ts';
import type { Initiative, Plan, PlanProblem, PlanStream } from '../types.ts';
import { findCycles } from './cycles.ts';
import { type DeclaredBy, resolveDependencies } from './dependencies.ts';
import type { PlanRow, StreamTask } from './plan-row.ts';
import { readRow } from './plan-row.ts';
import { countTasks } from './task-counts.ts';

export type { PlanRow } from './plan-row.ts';

/**
 * The plan that task rows make up. Streams come in the order of their oldest task. A dependency on a stream that isn't
 * there, or on itself, is a problem and yet stays among the stream's dependencies, so that it is never taken for ready.
 *
 * @param rows tasks that are not archived, in any order; rows without a stream id are no part of the plan.
 * @param archivedStreamTasks how many archived stream tasks the store has, to explain an empty plan.
 */
export function buildPlan(
  rows: readonly PlanRow[],
  initiative: Initiative | null,
  archivedStreamTasks: number,
): Plan {
  const problems: PlanProblem[] = [];
  const report = (problem: PlanProblem) => problems.push(problem);
  const tasks = streamTasks(rows, problems);
  const groups = new Map<string, StreamTask[]>();
  for (const task of tasks) {
    const group = groups.get(task.stream);
    if (group === undefined) groups.set(task.stream, [task]);
    else group.push(task);
  }
  const declared = resolveDependencies(groups, report);
  const streams = [...groups].map(([id, group]) =>
    streamOf(id, group, [...(declared.get(id)?.keys() ?? [])].sort()),
  );
  const whole = graphProblems(streams, declared, archivedStreamTasks, problems);
  return { initiative, streams, problems: [...problems, ...whole] };
}

/**
 * The tasks of streams, oldest first. Rows that share their metadata, as parsed, say the same unless it has problems, which each
 * has; those of a cancelled task keep nothing from running.
 */
function streamTasks(rows: readonly PlanRow[], problems: PlanProblem[]): StreamTask[] {
  const read = new Map<unknown, StreamTask | null>();
  const readOnce = (row: PlanRow): StreamTask | null => {
    if (row.status === 'cancelled') return readRow(row, () => undefined);
    const found = problems.length;
    const task = readRow(row, (problem) => problems.push(problem));
    if (problems.length === found) read.set(row.metadata, task);
    return task;
  };
  return [...rows]
    .sort((a, b) => a.createdAtMs - b.createdAtMs)
    .flatMap((row) => {
      const same = row.metadataError === null ? read.get(row.metadata) : undefined;
      const task = same === undefined ? readOnce(row) : same && { ...same, row };
      return task ?? [];
    });
}

function streamOf(id: string, group: readonly StreamTask[], dependencies: readonly string[]): PlanStream {
  const rows = group.map((task) => task.row);
  const working = rows.filter((row) => row.status === 'in_progress');
  const latest = working.reduce<PlanRow | null>(
    (best, row) => (best === null || row.updatedAtMs >= best.updatedAtMs ? row : best),
    null,
  );
  return {
    id,
    name: group.find((task) => task.name !== null)?.name ?? id,
    phase:
      group.find((task) => task.phase !== null)?.phase ??
      (dependencies.length === 0 ? 'foundation' : 'parallel'),
    dependencies,
    files: [...new Set(group.flatMap((task) => task.files))],
    tasks: countTasks(rows.map((row) => row.status)),
    declaresNoChanges: rows.some((row) => row.notes !== null && /^no-changes:/m.test(row.notes)),
    currentTask: latest?.title ?? null,
    blockedTask: blockedOf(rows),
    openTasks: rows
      .filter((row) => row.status !== 'completed' && row.status !== 'cancelled')
      .map((row) => row.id),
  };
}

function blockedOf(rows: readonly PlanRow[]): PlanStream['blockedTask'] {
  const blocked = rows.filter((row) => row.status === 'blocked');
  const first = blocked.find((row) => row.blockedReason !== null) ?? blocked.find(whyBlocked) ?? blocked[0];
  return first === undefined ? null : { id: first.id, reason: whyBlocked(first) };
}

/** What is said where there is no plan, and what to type: a command that needs nothing to be there. */
export const NO_PLAN = {
  text: 'No plan yet: have Claude make one, or import one of your own (its form is in ORCHESTRATION_GUIDE.md)',
  remedy: 'orchestrate generate',
};

/** Longer cycles are cut in the message; `streams` of the problem has them whole. */
const MAX_SHOWN = 30;

/**
 * Problems that only the whole plan shows.
 *
 * @param declared by stream, which tasks declare its dependencies.
 * @param found the problems of single rows, which may already explain why there is no stream.
 */
function graphProblems(
  streams: readonly PlanStream[],
  declared: ReadonlyMap<string, DeclaredBy>,
  archivedStreamTasks: number,
  found: readonly PlanProblem[],
): PlanProblem[] {
  if (streams.length === 0) {
    return found.some((problem) => problem.code === 'bad-stream-id') ? [] : [noStreams(archivedStreamTasks)];
  }
  const problems: PlanProblem[] = [];
  if (streams.every((stream) => stream.dependencies.length > 0)) {
    const message = 'no stream can start first: every one depends on another';
    problems.push({ code: 'no-root', message, streams: streams.map((stream) => stream.id), tasks: [] });
  }
  for (const cycle of findCycles(streams)) {
    const tasks = cycle.flatMap(
      (id, at) => declared.get(id)?.get(cycle[(at + 1) % cycle.length] ?? '') ?? [],
    );
    const message = `streams depend on each other in a cycle: ${cyclePath(cycle)}`;
    problems.push({ code: 'cycle', message, streams: cycle, tasks: [...new Set(tasks)] });
  }
  return problems;
}

function noStreams(archivedStreamTasks: number): PlanProblem {
  if (archivedStreamTasks === 0) {
    return { code: 'no-streams', message: 'No streams found in Task Copilot', streams: [], tasks: [] };
  }
  const count =
    archivedStreamTasks === 1
      ? 'the one stream task there is'
      : `all ${archivedStreamTasks} stream tasks there are`;
  const message = `No streams found in Task Copilot: ${count} archived`;
  return { code: 'archived-only', message, streams: [], tasks: [] };
}

/** `A → B → A`: each stream depends on the one after the arrow. */
function cyclePath(cycle: readonly string[]): string {
  const names = cycle.map((id) => printable(id, 80));
  const first = names[0] ?? '';
  if (names.length <= MAX_SHOWN) return [...names, first].join(' → ');
  return [...names.slice(0, MAX_SHOWN), `… ${names.length - MAX_SHOWN} more`, first].join(' → ');
}
