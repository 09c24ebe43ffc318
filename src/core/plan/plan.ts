/** Makes the plan of streams out of task rows, and finds everything that keeps it from being run. */

import type { Initiative, Plan, PlanProblem, PlanStream } from '../types.ts';
import { resolveDependencies } from './dependencies.ts';
import { graphProblems } from './plan-problems.ts';
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
  const tasks: StreamTask[] = [];
  for (const row of [...rows].sort((a, b) => a.createdAtMs - b.createdAtMs)) {
    const task = readRow(row, report);
    if (task !== null) tasks.push(task);
  }
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
  const first = blocked.find((row) => row.blockedReason !== null) ?? blocked[0];
  return first === undefined ? null : { id: first.id, reason: first.blockedReason };
}
