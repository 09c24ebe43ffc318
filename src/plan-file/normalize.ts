/** Brings both forms of a plan file into the one form that is stored. */
import type { PlanInput } from '../core/plan/plan-input.ts';
import type { FlatPlan, NestedPlan } from './schema.ts';

type InputTask = PlanInput['tasks'][number];

/** The plan in a nested file; tasks keep their order, stream by stream. */
export function normalizeNested(file: NestedPlan): PlanInput {
  const tasks = file.streams.flatMap((stream) => {
    const dependencies = unique(stream.dependencies ?? []);
    return stream.tasks.map((task) => ({
      title: task.title,
      description: task.description,
      assignedAgent: task.agent,
      metadata: {
        streamId: stream.id,
        streamName: stream.name ?? stream.id,
        streamPhase: stream.phase ?? defaultPhase(dependencies),
        files: stream.files ?? [],
        dependencies,
        streamDependencies: dependencies,
        acceptanceCriteria: task.acceptanceCriteria ?? [],
      },
    }));
  });
  return inputOf(file, tasks);
}

/** The plan in a flat file; what else the metadata holds is kept as it is. */
export function normalizeFlat(file: FlatPlan): PlanInput {
  const dependenciesOf = new Map<string, string[]>();
  for (const { metadata } of file.tasks) {
    const own = [...(metadata.dependencies ?? []), ...(metadata.streamDependencies ?? [])];
    dependenciesOf.set(metadata.streamId, unique([...(dependenciesOf.get(metadata.streamId) ?? []), ...own]));
  }
  const tasks = file.tasks.map((task) => {
    const { streamId, streamName, streamPhase, files, acceptanceCriteria, ...others } = task.metadata;
    const dependencies = unique([
      ...(task.metadata.dependencies ?? []),
      ...(task.metadata.streamDependencies ?? []),
    ]);
    return {
      title: task.title,
      description: task.description,
      assignedAgent: task.assignedAgent,
      metadata: {
        ...others,
        streamId,
        ...(streamName === null ? {} : { streamName }),
        streamPhase: streamPhase ?? defaultPhase(dependenciesOf.get(streamId) ?? []),
        files: files ?? [],
        dependencies,
        streamDependencies: dependencies,
        acceptanceCriteria: acceptanceCriteria ?? [],
      },
    };
  });
  return inputOf(file, tasks);
}

function inputOf(file: Pick<NestedPlan, 'initiative' | 'prd'>, tasks: InputTask[]): PlanInput {
  const { initiative, prd } = file;
  const named = initiative === null ? null : { ...initiative, title: initiative.title ?? initiative.id };
  const title = prd?.title ?? named?.title ?? 'Plan';
  const description = prd?.description ?? named?.description ?? null;
  return {
    initiative: named,
    prd: { title, description, content: prd?.content ?? description ?? title },
    tasks,
  };
}

function defaultPhase(dependencies: readonly string[]): string {
  return dependencies.length === 0 ? 'foundation' : 'parallel';
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
