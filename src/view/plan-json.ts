/** The plan as `plan --json` prints it. */
import { criticalPath } from '../core/critical-path.ts';
import { fileOverlaps } from '../core/file-overlaps.ts';
import { streamDepths, streamLevels } from '../core/graph.ts';
import { maxParallel } from '../core/parallelism.ts';
import { addCounts } from '../core/plan-counts.ts';
import type { Plan } from '../core/types.ts';

/** A value for `JSON.stringify`; ids and titles are as they are in the store. */
export function planJson(plan: Plan) {
  const { streams, problems, initiative } = plan;
  const depths = streamDepths(streams);
  return {
    schemaVersion: 1,
    initiative,
    tasks: addCounts(streams.map((stream) => stream.tasks)),
    streams: streams.map(({ id, name, phase, dependencies, tasks, files }) => ({
      id,
      name,
      phase,
      depth: depths.get(id) ?? 0,
      dependencies,
      tasks,
      files,
    })),
    depths: streamLevels(streams),
    criticalPath: criticalPath(streams),
    maxParallel: maxParallel(streams),
    overlaps: fileOverlaps(streams),
    problems,
  };
}
