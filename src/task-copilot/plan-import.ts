/** Brings a whole plan into the store in one transaction: links its initiative, writes PRD and tasks, or changes nothing. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { plural } from '../core/printable.ts';
import type { LinkedInitiative } from './plan-draft.ts';
import type { Repository } from './repository.ts';
import { currentInitiative, findInitiative, linkInitiative } from './tools/initiatives.ts';
import { problemsOf, refuseNewProblems } from './tools/plan-checks.ts';
import { currentPlan } from './tools/plan-rows.ts';
import { contentOf, insertPrd, newestPrd, rewritePrd } from './tools/prds.ts';
import {
  type CopilotDb,
  type Metadata,
  newId,
  parseMetadata,
  type TaskRow,
  withBothDependencyKeys,
} from './tools/rows.ts';
import { insertTask } from './tools/task-create.ts';
import { rewriteTask } from './tools/task-update.ts';
import type { PlanInput, PlanStore } from './types.ts';

type TaskInput = PlanInput['tasks'][number];
type KnownTasks = Map<string, TaskRow[]>;
type Result = ReturnType<PlanStore['importPlan']>;

/** Stands for a plan that says nothing of what it is about. */
const UNTITLED = 'Plan';

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
  repository: Repository,
  plan: PlanInput,
  how: { readonly update: boolean; readonly dryRun: boolean; readonly again?: string },
): Result {
  try {
    return repository.write((db) => {
      const result = importNow(db, plan, how);
      if (how.dryRun) throw new DryRun(result);
      return result;
    });
  } catch (error) {
    if (error instanceof DryRun) return error.result;
    throw error;
  }
}

function importNow(
  db: CopilotDb,
  plan: PlanInput,
  { update, again = 'orchestrate import plan.yaml --update' }: Parameters<typeof importPlan>[2],
): Result {
  const problemsBefore = problemsOf(currentPlan(db));
  const initiative = initiativeOf(db, plan);
  const { archivedTasks } = linkInitiative(db, {
    initiativeId: initiative.id,
    title: initiative.title,
    description: initiative.description ?? undefined,
  });
  const existing = currentPlan(db);
  if (existing.streams.length > 0 && !update) {
    throw new OrchestrateError(
      EXIT.input,
      `initiative ${initiative.id} has a plan already (${plural(existing.streams.length, 'stream')}): add to it and change what has not started, or give the plan ${plan.initiative === null ? 'an initiative of its own' : 'another initiative id'}`,
      again,
    );
  }
  const known = knownTasks(db, initiative.id);
  const prd = existing.streams.length > 0 ? updatedPrd(db, initiative.id, plan, known) : null;
  const into = prd ?? newPrd(db, initiative.id, plan);
  const counts = importTasks(db, { prd: into, tasks: plan.tasks }, known);
  refuseNewProblems(problemsBefore, currentPlan(db));
  const streams = new Set(plan.tasks.map((task) => task.metadata['streamId'] ?? null));
  streams.delete(null);
  return { prd: into, streams: streams.size, tasks: plan.tasks.length, ...counts, archivedTasks };
}

/** The initiative that is linked: it keeps its title where the plan says none. */
function initiativeOf(db: CopilotDb, plan: PlanInput): LinkedInitiative {
  const { initiative } = plan;
  if (initiative === null) return currentInitiative(db) ?? derivedInitiative(plan);
  const title = initiative.title ?? findInitiative(db, initiative.id)?.title ?? initiative.id;
  return { ...initiative, title };
}

function derivedInitiative(plan: PlanInput): LinkedInitiative {
  return { id: newId('INIT'), title: plan.prd.title ?? UNTITLED, description: plan.prd.description };
}

/** Creates a PRD; the initiative stands in for what the plan does not say. */
function newPrd(db: CopilotDb, initiativeId: string, { initiative, prd }: PlanInput): string {
  const title = prd.title ?? initiative?.title ?? initiative?.id ?? UNTITLED;
  const description = prd.description ?? initiative?.description ?? null;
  const content = prd.content ?? contentOf({ title, description });
  const texts = { title, description, content, metadata: { scopeLocked: false } };
  return insertPrd(db, initiativeId, texts, 'Imported plan');
}

/**
 * The PRD that an update goes to: the one whose tasks the plan names again, which gets the plan's texts; else the newest,
 * which somebody else wrote and which keeps its own. Null when there is none.
 */
function updatedPrd(
  db: CopilotDb,
  initiativeId: string,
  { prd, tasks }: PlanInput,
  known: KnownTasks,
): string | null {
  const counts = new Map<string, number>();
  for (const { title, metadata } of tasks) {
    const id = known.get(nameOf(metadata['streamId'], title))?.[0]?.prd_id ?? null;
    if (id !== null) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  if (most === undefined) return newestPrd(db, initiativeId)?.id ?? null;
  const [id] = most;
  rewritePrd(db, id, prd);
  return id;
}

/** Matches the tasks to those of the initiative by stream and title; tells how many were added and changed. */
function importTasks(
  db: CopilotDb,
  plan: { prd: string; tasks: readonly TaskInput[] },
  known: KnownTasks,
): { added: number; changed: number } {
  let added = 0;
  let changed = 0;
  for (const task of plan.tasks) {
    const metadata = withBothDependencyKeys(task.metadata);
    const match = known.get(nameOf(metadata['streamId'], task.title))?.shift();
    if (match === undefined) {
      insertTask(db, { ...task, prdId: plan.prd, metadata });
      added++;
    } else if (match.status === 'pending' && changeTask(db, match, task, metadata)) {
      changed++;
    }
  }
  return { added, changed };
}

/** The initiative's tasks by stream and title; several of one name are matched in their order. */
function knownTasks(db: CopilotDb, initiativeId: string): KnownTasks {
  const rows = db.sql
    .prepare(
      `SELECT t.* FROM tasks t LEFT JOIN prds p ON p.id = t.prd_id
       WHERE coalesce(t.archived, 0) = 0 AND (t.prd_id IS NULL OR p.initiative_id = ?) ORDER BY t.rowid`,
    )
    .all(initiativeId) as TaskRow[];
  const known = new Map<string, TaskRow[]>();
  for (const row of rows) {
    const name = nameOf(parseMetadata(row.metadata)['streamId'], row.title);
    const same = known.get(name);
    if (same === undefined) known.set(name, [row]);
    else same.push(row);
  }
  return known;
}

function nameOf(stream: unknown, title: string): string {
  return JSON.stringify([stream ?? null, title]);
}

/** Writes what the plan says of a task that is pending; false when it says nothing new. Other keys of its metadata stay. */
function changeTask(db: CopilotDb, row: TaskRow, task: TaskInput, metadata: Metadata): boolean {
  const merged = JSON.stringify({ ...parseMetadata(row.metadata), ...metadata });
  const same =
    row.description === task.description &&
    row.assigned_agent === task.assignedAgent &&
    row.metadata === merged;
  if (same) return false;
  rewriteTask(db, row.id, { ...task, metadata: merged });
  return true;
}
