/** Creating a task, with what Task Copilot adds to its metadata; does not know who asks. */
import { logActivity } from './activity.ts';
import { activationMode } from './classify.ts';
import { refuseCycle } from './cycle-refusal.ts';
import { findPrd, type PrdRow } from './prds.ts';
import { type Metadata, parseMetadata, taskRow } from './rows.ts';
import { type CopilotDb, newId, Refusal } from './tool-database.ts';

/** A task to create. */
export type NewTask = {
  readonly title: string;
  readonly description?: string | undefined;
  readonly prdId?: string | undefined;
  readonly parentId?: string | undefined;
  readonly assignedAgent?: string | undefined;
  readonly metadata?: Metadata | undefined;
};

/** Creates a task. Throws Refusal for a PRD or parent that isn't there, a locked scope, or a cycle of streams. */
export function createTask(db: CopilotDb, input: NewTask) {
  const prd = input.prdId === undefined ? null : requirePrd(db, input.prdId);
  if (input.parentId !== undefined && taskRow(db, input.parentId) === null) {
    throw new Refusal(`parentId: there is no task ${input.parentId}`);
  }
  if (prd !== null) refuseLockedScope(prd, input.assignedAgent);
  const metadata = completed(input);
  refuseCycle(db, { id: null, title: input.title, initiativeId: prd?.initiative_id ?? null, metadata });
  const id = newId('TASK');
  db.sql
    .prepare(
      `INSERT INTO tasks (id, prd_id, parent_id, title, description, assigned_agent, status, metadata, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?)`,
    )
    .run(
      id,
      input.prdId ?? null,
      input.parentId ?? null,
      input.title,
      input.description ?? null,
      input.assignedAgent ?? null,
      JSON.stringify(metadata),
      db.now,
      db.now,
    );
  if (prd !== null) {
    logActivity(db, {
      initiativeId: prd.initiative_id,
      type: 'task_created',
      entityId: id,
      entityType: 'task',
      summary: `Created task: ${input.title}`,
    });
  }
  return { id, prdId: input.prdId, parentId: input.parentId, status: 'pending', createdAt: db.now };
}

function requirePrd(db: CopilotDb, id: string): PrdRow {
  const prd = findPrd(db, id);
  if (prd === null) throw new Refusal(`prdId: there is no PRD ${id}`);
  return prd;
}

function refuseLockedScope(prd: PrdRow, agent: string | undefined): void {
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
    ...metadata,
    ...bothKeys(metadata),
    activationMode: activationMode(metadata['activationMode'], words),
    ...(isComplex && metadata['verificationRequired'] === undefined ? { verificationRequired: true } : {}),
  };
}

/** Other readers of the store look at one key only: what is given under one is written under both. */
export function bothKeys(metadata: Metadata): Metadata {
  const { dependencies, streamDependencies } = metadata;
  if (dependencies !== undefined && streamDependencies === undefined)
    return { streamDependencies: dependencies };
  if (dependencies === undefined && streamDependencies !== undefined)
    return { dependencies: streamDependencies };
  return {};
}
