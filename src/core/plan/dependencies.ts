/** Resolves what the tasks of each stream declare into dependencies between streams. */

import type { PlanProblem } from '../types.ts';
import type { Meaning } from './dependency-spelling.ts';
import { dependencyMeaning } from './dependency-spelling.ts';
import type { StreamTask } from './plan-row.ts';
import { quoted } from './plan-row.ts';

/** For each dependency of a stream, by id, the ids of the tasks that declare it. */
export type DeclaredBy = ReadonlyMap<string, readonly string[]>;

/**
 * The dependencies of every stream, by stream id. Unknown ones are kept as spelled; they and dependencies of a stream on
 * itself are passed to `report`, but for streams that are cancelled.
 */
export function resolveDependencies(
  groups: ReadonlyMap<string, readonly StreamTask[]>,
  report: (problem: PlanProblem) => void,
): ReadonlyMap<string, DeclaredBy> {
  const meaningOf = dependencyMeaning(groups);
  const resolved = new Map<string, DeclaredBy>();
  for (const [id, group] of groups) {
    const declared = new Map<string, string[]>();
    const unknown = new Map<string, Meaning>();
    const note = (spelling: string, task: StreamTask) => {
      // Most name a stream by its id.
      if (groups.has(spelling)) return declare(declared, spelling, task.row.id);
      const meaning = meaningOf(spelling, task);
      if (meaning.kind === 'sibling') return;
      const on = meaning.kind === 'stream' ? meaning.id : spelling;
      if (meaning.kind !== 'stream') unknown.set(on, meaning);
      declare(declared, on, task.row.id);
    };
    for (const task of group) {
      for (const spelling of task.dependencies) note(spelling, task);
    }
    // What is cancelled never starts.
    if (group.some(({ row }) => row.status !== 'cancelled')) reportProblems(id, declared, unknown, report);
    resolved.set(id, declared);
  }
  return resolved;
}

function declare(declared: Map<string, string[]>, on: string, task: string): void {
  const declaring = declared.get(on);
  if (declaring === undefined) declared.set(on, [task]);
  else if (declaring.at(-1) !== task) declaring.push(task);
}

function reportProblems(
  id: string,
  declared: DeclaredBy,
  unknown: ReadonlyMap<string, Meaning>,
  report: (problem: PlanProblem) => void,
): void {
  for (const [on, tasks] of declared) {
    const meaning = unknown.get(on);
    if (on === id) {
      const message = `stream ${quoted(id)} depends on itself`;
      report({ code: 'self-dependency', message, streams: [id], tasks });
    } else if (meaning?.kind === 'unknown') {
      const message = `stream ${quoted(id)} depends on ${quoted(on)}, ${whyUnknown(meaning.why)}`;
      report({ code: 'unknown-dependency', message, streams: [id], tasks });
    }
  }
}

function whyUnknown(why: 'no-such-stream' | 'ambiguous-title'): string {
  if (why === 'ambiguous-title') return 'which is the title of tasks in several streams';
  return 'which is no stream of the plan';
}
