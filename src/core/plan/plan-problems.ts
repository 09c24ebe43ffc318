/** The problems of a plan as a whole: no streams, no root, cycles. */

import { printable } from '../printable.ts';
import type { PlanProblem, PlanStream } from '../types.ts';
import { findCycles } from './cycles.ts';
import type { DeclaredBy } from './dependencies.ts';

/** Longer cycles are cut in the message; `streams` of the problem has them whole. */
const MAX_SHOWN = 30;

/**
 * Problems that only the whole plan shows.
 *
 * @param declared by stream, which tasks declare its dependencies.
 * @param found the problems of single rows, which may already explain why there is no stream.
 */
export function graphProblems(
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
