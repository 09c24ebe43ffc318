/** Takes a stream out of the current plan: cancels its tasks, and lets what depends on it depend on what it was to build on. */
import { dependencyMeaning } from '../../core/plan/dependency-spelling.ts';
import { readRow, type StreamTask } from '../../core/plan/plan-row.ts';
import type { PlanStream } from '../../core/types.ts';
import type { CancelledStream } from '../types.ts';
import { currentInitiative } from './initiatives.ts';
import { currentPlan, readPlanRows } from './plan-rows.ts';
import { type CopilotDb, parseMetadata, taskRow } from './rows.ts';
import { rewriteTask, updateTask } from './task-update.ts';

/** Cancels the stream; a stream that is not in the plan changes nothing. Its completed tasks go too: none of its work is waited for. */
export function cancelStream(db: CopilotDb, streamId: string): CancelledStream {
  const { streams } = currentPlan(db);
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
    const dependencies = [...new Set([...kept, ...inherited(streams, streamId, task.stream)])];
    depend(db, task, dependencies);
    dependents.add(task.stream);
  }
  const open = (groups.get(streamId) ?? []).filter(({ row }) => row.status !== 'cancelled');
  for (const { row } of open) {
    const { kind } = updateTask(db, row.id, { status: 'cancelled' });
    if (kind !== 'updated') throw new Error(`task ${row.id} could not be cancelled: ${kind}`);
  }
  const after = currentPlan(db).streams.filter(({ id }) => dependents.has(id));
  return {
    tasks: open.map(({ row }) => row.id),
    dependents: after.map(({ id, dependencies }) => ({ id, dependencies })),
  };
}

/** What `dependent` depends on in place of the stream, leaving out what is no stream, or waits for `dependent` itself. */
function inherited(streams: readonly PlanStream[], streamId: string, dependent: string): readonly string[] {
  const dependenciesOf = (id: string) => streams.find((each) => each.id === id)?.dependencies ?? [];
  const waitsForIt = (start: string): boolean => {
    const reached = new Set([start]);
    for (const id of reached) for (const on of dependenciesOf(id)) if (on !== streamId) reached.add(on);
    return reached.has(dependent);
  };
  const isKnown = (id: string): boolean => streams.some((each) => each.id === id);
  return dependenciesOf(streamId).filter((id) => id !== streamId && isKnown(id) && !waitsForIt(id));
}

/** Without the usual checks: nothing new is waited for, and this has to work in a plan that already has a cycle. */
function depend(db: CopilotDb, { row: { id } }: StreamTask, dependencies: readonly string[]): void {
  const row = taskRow(db, id);
  if (row === null) throw new Error(`task ${id} vanished inside a transaction`);
  const { description, assigned_agent: assignedAgent } = row;
  const metadata = { ...parseMetadata(row.metadata), dependencies, streamDependencies: dependencies };
  rewriteTask(db, id, { description, assignedAgent, metadata: JSON.stringify(metadata) });
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
