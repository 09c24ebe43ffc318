/** Brings a whole plan into the store in one transaction: links its initiative, writes PRD and tasks, or changes nothing. */

import { EXIT, OrchestrateError } from '../core/errors.ts';
import { buildPlan } from '../core/plan/plan.ts';
import type { Plan } from '../core/types.ts';
import type { Db } from '../sqlite/database.ts';
import { timeText } from './clock-text.ts';
import { importTasks, latestPrd } from './plan-import-tasks.ts';
import { readPlanRows } from './task-rows.ts';
import { logActivity } from './tools/activity.ts';
import { prdType } from './tools/classify.ts';
import { currentInitiative, linkInitiative } from './tools/initiatives.ts';
import { type CopilotDb, newId } from './tools/tool-database.ts';
import type { PlanInput, PlanStore } from './types.ts';

type Result = ReturnType<PlanStore['importPlan']>;

/** Thrown to undo a dry run; carries its answer out of the transaction. */
class DryRun extends Error {
  readonly result: Result;
  constructor(result: Result) {
    super('dry run');
    this.result = result;
  }
}

/**
 * Imports `plan`. Throws exit 7 when its initiative has a plan already (unless `update`), or when the merged plan would
 * have a problem that neither had before. A dry run gives the same answers and changes nothing.
 */
export function importPlan(
  db: Db,
  plan: PlanInput,
  how: { readonly update: boolean; readonly dryRun: boolean },
): Result {
  const work = db.transaction(() => {
    const result = importNow({ sql: db, now: timeText(Date.now()) }, plan, how.update);
    if (how.dryRun) throw new DryRun(result);
    return result;
  });
  try {
    return work.immediate();
  } catch (error) {
    if (error instanceof DryRun) return error.result;
    throw error;
  }
}

function importNow(db: CopilotDb, plan: PlanInput, update: boolean): Result {
  const problemsBefore = problemsOf(planNow(db));
  const initiative = plan.initiative ?? currentInitiative(db) ?? derivedInitiative(plan);
  linkInitiative(db, {
    initiativeId: initiative.id,
    title: initiative.title,
    description: initiative.description ?? undefined,
  });
  const existing = planNow(db);
  if (existing.streams.length > 0 && !update) {
    throw new OrchestrateError(
      EXIT.input,
      `initiative ${initiative.id} has a plan already (${existing.streams.length} streams)`,
      plan.initiative === null
        ? 'add what has not started with --update, or give the plan an initiative of its own (initiative: {id: …, title: …})'
        : 'add and change what has not started with: orchestrate import --update, or give the plan another initiative id',
    );
  }
  const known = existing.streams.length > 0 ? latestPrd(db, initiative.id) : null;
  const prd = known ?? createPrd(db, initiative.id, plan.prd);
  if (known !== null) updatePrd(db, known, plan.prd);
  const counts = importTasks(db, { initiativeId: initiative.id, prd, tasks: plan.tasks });
  refuseNewProblems(problemsBefore, planNow(db));
  const streams = new Set(plan.tasks.map((task) => task.metadata['streamId'] ?? null));
  streams.delete(null);
  return { prd, streams: streams.size, tasks: plan.tasks.length, ...counts };
}

function derivedInitiative(plan: PlanInput): NonNullable<PlanInput['initiative']> {
  return { id: newId('INIT'), title: plan.prd.title, description: plan.prd.description };
}

/** The plan of the current initiative, as it is inside the transaction. */
export function planNow(db: CopilotDb): Plan {
  const current = currentInitiative(db);
  const rows = readPlanRows(db.sql, { initiativeId: current?.id ?? null, which: 'current' });
  return buildPlan(rows, current, 0);
}

/** The problems of a plan, by their messages. */
export function problemsOf(plan: Plan): ReadonlySet<string> {
  return new Set(plan.problems.map((problem) => problem.message));
}

/** Old and new parts of a plan can be sound by themselves and yet close a cycle together: exit 7. */
export function refuseNewProblems(before: ReadonlySet<string>, plan: Plan): void {
  const news = plan.problems.filter((problem) => !before.has(problem.message));
  // That there is no root follows from a cycle, and says less.
  const found = news.find((problem) => problem.code !== 'no-root') ?? news[0];
  if (found === undefined) return;
  throw new OrchestrateError(
    EXIT.input,
    `the plan can't be imported: ${found.message}`,
    'correct the plan and import it again; nothing was changed',
  );
}

function createPrd(db: CopilotDb, initiativeId: string, prd: PlanInput['prd']): string {
  const id = newId('PRD');
  // Task Copilot refuses tasks by any agent but its planner under a PRD whose scope is locked.
  const metadata = { prdType: prdType(`${prd.title} ${prd.description ?? ''}`), scopeLocked: false };
  db.sql
    .prepare(
      `INSERT INTO prds (id, initiative_id, title, description, content, metadata, status, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, 'active', ?, ?)`,
    )
    .run(id, initiativeId, prd.title, prd.description, prd.content, JSON.stringify(metadata), db.now, db.now);
  logActivity(db, {
    initiativeId,
    type: 'prd_created',
    entityId: id,
    entityType: 'prd',
    summary: `Imported plan: ${prd.title}`,
  });
  return id;
}

function updatePrd(db: CopilotDb, id: string, prd: PlanInput['prd']): void {
  db.sql
    .prepare(
      `UPDATE prds SET title = @title, description = @description, content = @content, updated_at = @now
       WHERE id = @id AND (title IS NOT @title OR description IS NOT @description OR content IS NOT @content)`,
    )
    .run({ id, title: prd.title, description: prd.description, content: prd.content, now: db.now });
}
