/** A plan that is still being made in a store of its own: reads it whole, and brings it into the real store at once or not at all. */
import { existsSync } from 'node:fs';
import { buildPlan } from '../core/plan/plan.ts';
import type { Plan } from '../core/types.ts';
import { openRepository } from './repository.ts';
import { currentInitiative, linkInitiative } from './tools/initiatives.ts';
import { problemsOf, refuseNewProblems, refuseSecondPlan } from './tools/plan-checks.ts';
import { currentPlan, readPlanRows } from './tools/plan-rows.ts';
import { insertPrd, type PrdRow } from './tools/prds.ts';
import { type CopilotDb, parseMetadata, type TaskRow, withBothDependencyKeys } from './tools/rows.ts';
import { insertTask } from './tools/task-create.ts';

/** An initiative as it is linked. */
export type LinkedInitiative = {
  readonly id: string;
  readonly title: string;
  readonly description: string | null;
};

/** What a draft store holds: its current initiative, and the PRDs and tasks that are neither archived nor cancelled. */
export type Draft = {
  readonly initiative: LinkedInitiative | null;
  readonly prds: readonly PrdRow[];
  readonly tasks: readonly TaskRow[];
  /** The plan of the tasks. */
  readonly plan: Plan;
};

/** A draft that can become the plan. */
export type SoundDraft = Draft & { readonly initiative: LinkedInitiative };

/** What came of bringing a draft in. */
export type Adopted = {
  readonly initiative: LinkedInitiative;
  /** The PRD of most tasks. */
  readonly prd: string;
  readonly streams: number;
  readonly tasks: number;
  /** Stream tasks of earlier initiatives that linking archived. */
  readonly archivedTasks: number;
  readonly plan: Plan;
};

/** Makes an empty store at `path` whose current initiative is `initiative`. */
export function createDraft(path: string, initiative: LinkedInitiative): void {
  const store = openRepository(path, { create: true });
  try {
    store.write((db) => link(db, initiative));
  } finally {
    store.close();
  }
}

/** Everything in the draft at `path`; an empty one where there is no file. */
export function readDraft(path: string): Draft {
  if (!existsSync(path)) return { initiative: null, prds: [], tasks: [], plan: buildPlan([], null, 0) };
  const store = openRepository(path, { create: false });
  try {
    return store.read(draftOf);
  } finally {
    store.close();
  }
}

const KEPT = `coalesce(archived, 0) = 0 AND status <> 'cancelled'`;

function draftOf(db: CopilotDb): Draft {
  const current = currentInitiative(db);
  const tasks = db.sql
    .prepare(`SELECT * FROM tasks WHERE id IS NOT NULL AND ${KEPT} ORDER BY rowid`)
    .all() as TaskRow[];
  const kept = new Set(tasks.map(({ id }) => id));
  const rows = readPlanRows(db, { initiativeId: null, which: 'all' }).filter(({ id }) => kept.has(id));
  const initiative =
    current === null ? null : { id: current.id, title: current.title, description: current.description };
  return {
    initiative,
    prds: db.sql.prepare(`SELECT * FROM prds WHERE id IS NOT NULL ORDER BY rowid`).all() as PrdRow[],
    tasks,
    plan: buildPlan(rows, initiative, 0),
  };
}

/**
 * Links the draft's initiative in the store at `path` (created when missing) and copies its PRDs and tasks, in one
 * transaction. Throws exit 7, with the store as it was, when the initiative has a plan already or the whole would have a
 * problem.
 */
export function adoptDraft(path: string, draft: SoundDraft): Adopted {
  const store = openRepository(path, { create: true });
  try {
    return store.write((db) => adopt(db, draft));
  } finally {
    store.close();
  }
}

function adopt(db: CopilotDb, draft: SoundDraft): Adopted {
  const { initiative, tasks } = draft;
  const before = problemsOf(currentPlan(db));
  const archivedTasks = link(db, initiative);
  refuseSecondPlan(currentPlan(db), initiative.id);
  const prds = usedPrds(draft);
  const [main] = prds;
  if (main === undefined) throw new TypeError('a draft without a PRD was to be adopted');
  for (const prd of prds) copyPrd(db, prd, initiative.id);
  copyTasks(db, tasks, main.id);
  const plan = currentPlan(db);
  refuseNewProblems(before, plan);
  return { initiative, prd: main.id, streams: plan.streams.length, tasks: tasks.length, archivedTasks, plan };
}

function link(db: CopilotDb, { id, title, description }: LinkedInitiative): number {
  return linkInitiative(db, { initiativeId: id, title, description: description ?? undefined }).archivedTasks;
}

/** The PRDs that tasks belong to, the one with most tasks first; the newest where no task names any. */
function usedPrds({ prds, tasks }: Draft): PrdRow[] {
  const counts = new Map<string, number>();
  for (const { prd_id } of tasks) if (prd_id !== null) counts.set(prd_id, (counts.get(prd_id) ?? 0) + 1);
  const count = (prd: PrdRow): number => counts.get(prd.id) ?? 0;
  const used = prds.filter((prd) => count(prd) > 0).sort((a, b) => count(b) - count(a));
  return used.length > 0 ? used : prds.slice(-1);
}

function copyPrd(db: CopilotDb, prd: PrdRow, initiativeId: string): void {
  // Under a locked scope Task Copilot takes tasks from its planner only.
  const metadata = { ...parseMetadata(prd.metadata), scopeLocked: false };
  const as = { id: prd.id, createdAt: prd.created_at };
  insertPrd(db, initiativeId, { ...prd, metadata }, 'Generated plan', as);
}

/** Every task begins as pending. One without a PRD goes under `prd`, since Task Copilot lists streams by their PRD. */
function copyTasks(db: CopilotDb, tasks: readonly TaskRow[], prd: string): void {
  const copied = new Set<string>();
  for (const { id, prd_id, parent_id, assigned_agent, created_at, ...task } of tasks) {
    const metadata = withBothDependencyKeys(parseMetadata(task.metadata));
    const parentId = parent_id !== null && copied.has(parent_id) ? parent_id : null;
    const { title, description, notes } = task;
    insertTask(
      db,
      { title, description, notes, metadata, prdId: prd_id ?? prd, parentId, assignedAgent: assigned_agent },
      { id, createdAt: created_at },
    );
    copied.add(id);
  }
}
