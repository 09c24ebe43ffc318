/** The plan as `plan --json` prints it. */
import { isCancelled } from '../../core/done.ts';
import { criticalPath } from '../../core/plan/critical-path.ts';
import { fileOverlaps } from '../../core/plan/file-overlaps.ts';
import { streamDepths, streamLevels } from '../../core/plan/graph.ts';
import { maxParallel } from '../../core/plan/parallelism.ts';
import { addCounts } from '../../core/plan/task-counts.ts';
import type { Plan } from '../../core/types.ts';

/** A value for `JSON.stringify`; ids and titles are as they are in the store. */
export function planJson(plan: Plan) {
  const { streams, problems, initiative } = plan;
  const depths = streamDepths(streams);
  const wanted = streams.filter((stream) => !isCancelled(stream));
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
    criticalPath: criticalPath(wanted),
    maxParallel: maxParallel(wanted),
    overlaps: fileOverlaps(wanted),
    problems,
  };
}
