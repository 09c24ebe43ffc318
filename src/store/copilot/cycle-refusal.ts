/** Refuses a task that would close a cycle of streams, with the whole path. */
import { findCycles } from '../../core/cycles.ts';
import { type CopilotDb, Refusal } from './database.ts';
import { namedDependencies, resolveDependency } from './dependency-names.ts';
import { type Metadata, parseMetadata, textOf } from './rows.ts';
import { type StreamGroup, streamGroups } from './stream-rows.ts';

/**
 * Throws Refusal with the whole path when a task with this metadata would make its stream depend on itself, directly or
 * through the streams of the same initiative. `taskId`: the stored task that the metadata replaces, or null.
 */
export function refuseCycle(
  db: CopilotDb,
  task: { taskId: string | null; initiativeId: string | null; metadata: Metadata },
): void {
  const streamId = textOf(task.metadata['streamId']);
  const named = namedDependencies(task.metadata);
  if (streamId === undefined || named.length === 0) return;
  const groups = streamGroups(db, { includeArchived: false });
  const known = new Set([streamId, ...groups.map((group) => group.id)]);
  const resolve = (texts: readonly string[]) => texts.map((text) => resolveDependency(text, known));
  const own = resolve(named);
  if (own.includes(streamId)) refuse([streamId]);
  const stored = new Map(groups.map((group) => [group.id, resolve(storedDependencies(group, task))]));
  // First in the list, so that the cycle found is one through this very stream.
  const nodes = [...known].map((id) => ({
    id,
    dependencies: [...(stored.get(id) ?? []), ...(id === streamId ? own : [])],
  }));
  const cycle = findCycles(nodes).find((path) => path.includes(streamId));
  if (cycle !== undefined) refuse(cycle);
}

function storedDependencies(
  group: StreamGroup,
  task: { taskId: string | null; initiativeId: string | null },
): string[] {
  return group.rows
    .filter((row) => row.id !== task.taskId && row.status !== 'cancelled')
    .filter(
      (row) =>
        task.initiativeId === null || row.initiative_id === null || row.initiative_id === task.initiativeId,
    )
    .flatMap((row) => namedDependencies(parseMetadata(row.metadata)));
}

function refuse(cycle: readonly string[]): never {
  const path = [...cycle, cycle[0]].join(' -> ');
  throw new Refusal(`Circular dependency detected: ${path}`);
}
