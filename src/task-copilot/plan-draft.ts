/** A plan that is still being made in a store of its own: reads it whole, and brings it into the real store at once or not at all. */
import { existsSync } from 'node:fs';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { buildPlan } from '../core/plan/plan.ts';
import type { Plan } from '../core/types.ts';
import type { Db } from '../sqlite/database.ts';
import { guarded } from '../sqlite/failures.ts';
import { timeText } from './clock-text.ts';
import { planNow, problemsOf, refuseNewProblems } from './plan-import.ts';
import { withBothDependencyKeys } from './plan-import-tasks.ts';
import { copilotPlace, openCopilotDatabase } from './store-schema.ts';
import { readPlanRows } from './task-rows.ts';
import { logActivity } from './tools/activity.ts';
import { currentInitiative, linkInitiative } from './tools/initiatives.ts';
import type { PrdRow } from './tools/prds.ts';
import { parseMetadata, type TaskRow } from './tools/rows.ts';
import type { CopilotDb } from './tools/tool-database.ts';

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
  const db = openCopilotDatabase(path, { create: true });
  try {
    link({ sql: db, now: timeText(Date.now()) }, initiative);
  } finally {
    db.close();
  }
}

/** Everything in the draft at `path`; an empty one where there is no file. */
export function readDraft(path: string): Draft {
  if (!existsSync(path)) return { initiative: null, prds: [], tasks: [], plan: buildPlan([], null, 0) };
  const db = openCopilotDatabase(path, { create: false });
  try {
    return guarded(copilotPlace(path), () => db.transaction(() => draftOf(db))());
  } finally {
    db.close();
  }
}

const KEPT = `coalesce(archived, 0) = 0 AND status <> 'cancelled'`;

function draftOf(db: Db): Draft {
  const current = currentInitiative({ sql: db, now: '' });
  const tasks = db
    .prepare(`SELECT * FROM tasks WHERE id IS NOT NULL AND ${KEPT} ORDER BY rowid`)
    .all() as TaskRow[];
  const kept = new Set(tasks.map(({ id }) => id));
  const rows = readPlanRows(db, { initiativeId: null, which: 'all' }).filter(({ id }) => kept.has(id));
  const initiative =
    current === null ? null : { id: current.id, title: current.title, description: current.description };
  return {
    initiative,
    prds: db.prepare(`SELECT * FROM prds WHERE id IS NOT NULL ORDER BY rowid`).all() as PrdRow[],
    tasks,
    plan: buildPlan(rows, initiative, 0),
  };
}

/**
 * Links the draft's initiative in the store at `path` (created when missing) and copies its PRDs and tasks, in one
 * transaction. Throws exit 7, with the store as it was, when the initiative has a plan already or the whole would have a
 * problem.
 */
export function adoptDraft(path: string, draft: Draft & { readonly initiative: LinkedInitiative }): Adopted {
  const db = openCopilotDatabase(path, { create: true });
  try {
    const work = db.transaction(() => adopt({ sql: db, now: timeText(Date.now()) }, draft));
    return guarded(copilotPlace(path), () => work.immediate());
  } finally {
    db.close();
  }
}

function adopt(db: CopilotDb, draft: Draft & { readonly initiative: LinkedInitiative }): Adopted {
  const { initiative, tasks } = draft;
  const before = problemsOf(planNow(db));
  const archivedTasks = link(db, initiative);
  refuseSecondPlan(planNow(db), initiative.id);
  const prds = usedPrds(draft);
  const [main] = prds;
  if (main === undefined) throw new TypeError('a draft without a PRD was to be adopted');
  for (const prd of prds) copyPrd(db, prd, initiative.id);
  copyTasks(db, tasks, main.id);
  const plan = planNow(db);
  refuseNewProblems(before, plan);
  return { initiative, prd: main.id, streams: plan.streams.length, tasks: tasks.length, archivedTasks, plan };
}

/** Throws exit 7 when the initiative's plan has streams already. */
export function refuseSecondPlan({ streams }: Plan, initiativeId: string): void {
  if (streams.length === 0) return;
  throw new OrchestrateError(
    EXIT.input,
    `initiative ${initiativeId} has a plan already (${streams.length} streams)`,
    'add to it with: orchestrate import --update; or start another initiative first',
  );
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
  const metadata = JSON.stringify({ ...parseMetadata(prd.metadata), scopeLocked: false });
  db.sql
    .prepare(
      `INSERT INTO prds (id, initiative_id, title, description, content, metadata, status, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, 'active', ?, ?)`,
    )
    .run(prd.id, initiativeId, prd.title, prd.description, prd.content, metadata, prd.created_at, db.now);
  logActivity(db, {
    initiativeId,
    type: 'prd_created',
    entityId: prd.id,
    entityType: 'prd',
    summary: `Generated plan: ${prd.title}`,
  });
}

/** Every task begins as pending. One without a PRD goes under `prd`, since Task Copilot lists streams by their PRD. */
function copyTasks(db: CopilotDb, tasks: readonly TaskRow[], prd: string): void {
  const insert = db.sql.prepare(
    `INSERT INTO tasks (id, prd_id, parent_id, title, description, assigned_agent, status, notes, metadata, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?)`,
  );
  const copied = new Set<string>();
  for (const task of tasks) {
    const parent = task.parent_id !== null && copied.has(task.parent_id) ? task.parent_id : null;
    const metadata = JSON.stringify(withBothDependencyKeys(parseMetadata(task.metadata)));
    const { id, prd_id, title, description, assigned_agent, notes, created_at } = task;
    insert.run(
      ...[id, prd_id ?? prd, parent, title, description, assigned_agent, notes],
      ...[metadata, created_at, db.now],
    );
    copied.add(id);
  }
}
