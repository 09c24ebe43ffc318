/** Takes a stream out of the current plan: cancels its tasks, and lets what depends on it depend on what it was to build on. */
import { dependencyMeaning } from '../../core/plan/dependency-spelling.ts';
import { readRow, type StreamTask } from '../../core/plan/plan-row.ts';
import type { CancelledStream } from '../types.ts';
import { currentInitiative } from './initiatives.ts';
import { currentPlan, readPlanRows } from './plan-rows.ts';
import type { CopilotDb } from './rows.ts';
import { updateTask } from './task-update.ts';

/** Cancels the stream; a stream that is not in the plan changes nothing. Its completed tasks go too: none of its work is waited for. */
export function cancelStream(db: CopilotDb, streamId: string): CancelledStream {
  const stream = currentPlan(db).streams.find(({ id }) => id === streamId);
  const groups = streamTasks(db);
  const meaningOf = dependencyMeaning(groups);
  const dependents = new Set<string>();
  for (const task of [...groups.values()].flat()) {
    if (task.stream === streamId) continue;
    const kept = task.dependencies.filter((spelling) => {
      const meaning = meaningOf(spelling, task);
      return meaning.kind !== 'stream' || meaning.id !== streamId;
    });
    if (kept.length === task.dependencies.length) continue;
    const dependencies = [...new Set([...kept, ...(stream?.dependencies ?? [])])];
    change(db, task, { metadata: { dependencies, streamDependencies: dependencies } });
    dependents.add(task.stream);
  }
  const open = (groups.get(streamId) ?? []).filter(({ row }) => row.status !== 'cancelled');
  for (const task of open) change(db, task, { status: 'cancelled' });
  const after = currentPlan(db).streams.filter(({ id }) => dependents.has(id));
  return {
    tasks: open.map(({ row }) => row.id),
    dependents: after.map(({ id, dependencies }) => ({ id, dependencies })),
  };
}

function change(db: CopilotDb, { row }: StreamTask, patch: Parameters<typeof updateTask>[2]): void {
  const { kind } = updateTask(db, row.id, patch);
  if (kind !== 'updated') throw new Error(`task ${row.id} could not be changed: ${kind}`);
}

/** The tasks of the current plan by stream; what cannot be read is the plan's problem, and no part of it. */
function streamTasks(db: CopilotDb): ReadonlyMap<string, readonly StreamTask[]> {
  const initiativeId = currentInitiative(db)?.id ?? null;
  const groups = new Map<string, StreamTask[]>();
  for (const row of readPlanRows(db, { initiativeId, which: 'current' })) {
    const task = readRow(row, () => undefined);
    if (task !== null) groups.set(task.stream, [...(groups.get(task.stream) ?? []), task]);
  }
  return groups;
}
