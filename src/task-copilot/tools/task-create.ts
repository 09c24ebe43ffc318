/** Creating tasks: one alone, with what Task Copilot adds to its metadata, or as a row of a plan. */
import { requireAllowedCreation, requireOwnTask, ScopeRefusal } from '../../core/scope.ts';
import { activationMode } from './classify.ts';
import { refuseCycle, withoutEffectOnPlan } from './plan-checks.ts';
import { findPrd, type PrdRow } from './prds.ts';
import {
  type CopilotDb,
  logActivity,
  type Metadata,
  newId,
  parseMetadata,
  Refusal,
  scopedTask,
  taskRow,
  withBothDependencyKeys,
} from './rows.ts';
import { streamPrd } from './streams.ts';

/** A task to create. */
export type NewTask = {
  readonly title: string;
  readonly description?: string | null | undefined;
  readonly prdId?: string | null | undefined;
  readonly parentId?: string | null | undefined;
  readonly assignedAgent?: string | null | undefined;
  readonly notes?: string | null | undefined;
  readonly metadata?: Metadata | undefined;
};

/**
 * Creates a task; a worker's goes into its own stream and that stream's PRD. Throws Refusal for a PRD or parent that is
 * not there, a locked scope, or a cycle of streams, ScopeRefusal for what a run may not add.
 */
export function createTask(db: CopilotDb, input: NewTask) {
  return withoutEffectOnPlan(db, () => create(db, ownTask(db, input)));
}

function ownTask(db: CopilotDb, input: NewTask): NewTask {
  const { scope } = db;
  if (scope === null) return input;
  requireAllowedCreation(scope, input.metadata ?? {});
  const own = streamPrd(db, scope);
  if (input.prdId != null && input.prdId !== own) {
    throw new ScopeRefusal(scope, `This run may only add tasks to the PRD of its stream, ${own ?? 'none'}.`);
  }
  const parent = input.parentId == null ? null : taskRow(db, input.parentId);
  if (parent !== null) requireOwnTask(scope, scopedTask(parent));
  return { ...input, prdId: own, metadata: { streamId: scope.streamId, ...input.metadata } };
}

function create(db: CopilotDb, input: NewTask) {
  const prdId = input.prdId ?? undefined;
  const parentId = input.parentId ?? undefined;
  const prd = prdId === undefined ? null : requirePrd(db, prdId);
  if (parentId !== undefined && taskRow(db, parentId) === null) {
    throw new Refusal(`parentId: there is no task ${parentId}`);
  }
  if (prd !== null) refuseLockedScope(prd, input.assignedAgent);
  const metadata = completed(input);
  refuseCycle(db, { id: null, title: input.title, initiativeId: prd?.initiative_id ?? null, metadata });
  const id = insertTask(db, { ...input, metadata });
  if (prd !== null) {
    logActivity(db, {
      initiativeId: prd.initiative_id,
      type: 'task_created',
      entityId: id,
      entityType: 'task',
      summary: `Created task: ${input.title}`,
    });
  }
  return { id, prdId, parentId, status: 'pending', createdAt: db.now };
}

/** Adds the row of a pending task as it is given and returns its id (a new one unless `as` says another). */
export function insertTask(
  db: CopilotDb,
  task: NewTask,
  as: { readonly id: string; readonly createdAt: string } = { id: newId('TASK'), createdAt: db.now },
): string {
  db.sql
    .prepare(
      `INSERT INTO tasks (id, prd_id, parent_id, title, description, assigned_agent, status, notes, metadata, created_at, updated_at)
       VALUES (@id, @prdId, @parentId, @title, @description, @assignedAgent, 'pending', @notes, @metadata, @createdAt, @now)`,
    )
    .run({
      ...as,
      prdId: task.prdId ?? null,
      parentId: task.parentId ?? null,
      title: task.title,
      description: task.description ?? null,
      assignedAgent: task.assignedAgent ?? null,
      notes: task.notes ?? null,
      metadata: JSON.stringify(task.metadata ?? {}),
      now: db.now,
    });
  return as.id;
}

function requirePrd(db: CopilotDb, id: string): PrdRow {
  const prd = findPrd(db, id);
  if (prd === null) throw new Refusal(`prdId: there is no PRD ${id}`);
  return prd;
}

function refuseLockedScope(prd: PrdRow, agent: string | null | undefined): void {
  if (parseMetadata(prd.metadata)['scopeLocked'] !== true || agent === 'ta') return;
  throw new Refusal(
    `Scope is locked for PRD ${prd.id}. Only @agent-ta can create tasks. Use scope_change_request to request scope changes.`,
  );
}

/** The metadata as given, then what Task Copilot and the readers of either dependency key expect. */
function completed(input: NewTask): Metadata {
  const metadata = input.metadata ?? {};
  const words = `${input.title} ${input.description ?? ''}`;
  const isComplex = metadata['complexity'] === 'High' || metadata['complexity'] === 'Very High';
  return {
    ...withBothDependencyKeys(metadata),
    activationMode: activationMode(metadata['activationMode'], words),
    ...(isComplex && metadata['verificationRequired'] === undefined ? { verificationRequired: true } : {}),
  };
}
