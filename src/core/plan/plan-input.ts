/** A plan that someone hands in, and what it would be as a plan, so that its problems are known before a row is stored. */

import { isCancelled } from '../done.ts';
import type { Plan } from '../types.ts';
import type { PlanRow } from './plan.ts';
import { buildPlan } from './plan.ts';

/** A plan as `import` takes it, already validated and normalised; null is what it leaves open. */
export type PlanInput = {
  readonly initiative: {
    readonly id: string;
    readonly title: string | null;
    readonly description: string | null;
  } | null;
  readonly prd: {
    readonly title: string | null;
    readonly description: string | null;
    readonly content: string | null;
  };
  readonly tasks: readonly {
    readonly title: string;
    readonly description: string | null;
    readonly assignedAgent: string | null;
    /** Stored as given: streamId, streamName, streamPhase, files, dependencies, streamDependencies, acceptanceCriteria, … */
    readonly metadata: Readonly<Record<string, unknown>>;
  }[];
};

/**
 * The plan that the input would be. Its tasks have no ids yet and go by their titles, so that the problems name these.
 *
 * @param existing the plan that the input is added to; streams that only this one has can be depended on.
 */
export function planOfInput(input: PlanInput, existing: Plan | null = null): Plan {
  const given = input.tasks.map((task, at) => rowOf(task.title, task.metadata, at));
  const own = new Set(given.map(({ metadata }) => (metadata as { streamId?: unknown }).streamId));
  const others = (existing?.streams ?? [])
    .filter((stream) => !own.has(stream.id))
    .map((stream) => ({
      ...rowOf(stream.name, { streamId: stream.id, dependencies: stream.dependencies }, -1),
      status: isCancelled(stream) ? 'cancelled' : 'pending',
    }));
  const { initiative } = input;
  const named = initiative === null ? null : { ...initiative, title: initiative.title ?? initiative.id };
  return buildPlan([...others, ...given], named, 0);
}

function rowOf(title: string, metadata: unknown, at: number): PlanRow {
  return {
    id: title,
    title,
    status: 'pending',
    notes: null,
    blockedReason: null,
    metadata,
    metadataError: null,
    createdAtMs: at,
    updatedAtMs: at,
  };
}
