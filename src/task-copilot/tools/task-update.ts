/** Changes one task the way Task Copilot's own tool does, with every record it keeps of a change. */
import { requireAllowedUpdate } from '../../core/scope.ts';
import type { TaskStatus } from '../../core/types.ts';
import { activationMode } from './classify.ts';
import { refuseCycle } from './plan-checks.ts';
import {
  type CopilotDb,
  type Metadata,
  parseMetadata,
  readMetadata,
  scopedTask,
  type TaskRow,
  taskRow,
  textList,
  textOf,
  withBothDependencyKeys,
} from './rows.ts';
import { recordReassignment, recordStatusChange, type TaskChange } from './task-history.ts';

type Lack = { readonly text: string; readonly fix: string };

const CRITERIA: Lack = {
  text: 'acceptance criteria in the metadata (acceptanceCriteria)',
  fix: 'give it acceptanceCriteria in its metadata, by the MCP tool task_update',
};
const PROOF: Lack = {
  text: 'a proof: a work product, or notes of at least 50 characters',
  fix: 'say in its notes what was done and how it was checked, in 50 characters or more',
};

/** What came of an update; only `updated` changed anything. */
export type TaskUpdate =
  | { readonly kind: 'not-found' }
  | { readonly kind: 'archived'; readonly stream: string; readonly byInitiative: string }
  /** The task asks for proof before it counts as completed; `missing` says what it lacks, and how it gets that. */
  | { readonly kind: 'unverified'; readonly missing: readonly Lack[] }
  /** New metadata cannot be merged into what is stored, because that is no JSON object. */
  | { readonly kind: 'bad-metadata' }
  | {
      readonly kind: 'updated';
      /** As it was. */
      readonly task: TaskRow;
      readonly status: TaskStatus;
      /** As it is now. */
      readonly metadata: Metadata;
      readonly updatedAt: string;
    };

/**
 * Updates task `id`. Throws ScopeRefusal for what a run may not change, Refusal for an activation mode that does not exist
 * or a cycle of streams.
 */
export function updateTask(db: CopilotDb, id: string, given: TaskChange): TaskUpdate {
  const before = taskRow(db, id);
  if (before === null) return { kind: 'not-found' };
  if (db.scope !== null) requireAllowedUpdate(db.scope, scopedTask(before), given);
  const stored = parseMetadata(before.metadata);
  const change =
    given.metadata === undefined ? given : { ...given, metadata: withBothDependencyKeys(given.metadata) };
  const metadata = { ...stored, ...change.metadata };
  if (change.metadata !== undefined) checkMetadata(db, before, change.metadata, metadata);
  const refused = refusal(db, before, change, metadata);
  if (refused !== null) return refused;
  writeTask(db, id, change, metadata);
  recordReassignment(db, before, change, metadata);
  recordStatusChange(db, before, change, metadata);
  const status = change.status ?? before.status;
  return { kind: 'updated', task: before, status, metadata, updatedAt: db.now };
}

function checkMetadata(db: CopilotDb, task: TaskRow, given: Metadata, merged: Metadata): void {
  if (given['activationMode'] !== undefined) activationMode(given['activationMode'], '');
  refuseCycle(db, { ...task, initiativeId: task.initiative_id, metadata: merged });
}

/** Why the change cannot be made, or null. */
function refusal(db: CopilotDb, before: TaskRow, change: TaskChange, metadata: Metadata): TaskUpdate | null {
  if (before.archived) {
    return {
      kind: 'archived',
      stream: textOf(metadata['streamId']) ?? 'unknown',
      byInitiative: before.archived_by_initiative_id ?? 'unknown',
    };
  }
  if (change.metadata !== undefined && !isMergeable(before.metadata)) return { kind: 'bad-metadata' };
  const completes = change.status === 'completed' && before.status !== 'completed';
  const missing = completes ? missingProof(db, before, change, metadata) : [];
  return missing.length > 0 ? { kind: 'unverified', missing } : null;
}

function writeTask(db: CopilotDb, id: string, change: TaskChange, metadata: Metadata): void {
  db.sql
    .prepare(
      `UPDATE tasks SET status = coalesce(@status, status), assigned_agent = coalesce(@agent, assigned_agent),
         notes = coalesce(@notes, notes), blocked_reason = coalesce(@reason, blocked_reason),
         metadata = coalesce(@metadata, metadata), updated_at = @now WHERE id = @id`,
    )
    .run({
      id,
      now: db.now,
      status: change.status ?? null,
      agent: change.assignedAgent ?? null,
      notes: change.notes ?? null,
      reason: change.blockedReason ?? null,
      metadata: change.metadata === undefined ? null : JSON.stringify(metadata),
    });
}

/** Writes what a plan says of a task that nobody has begun; `metadata` is the text of the whole of it. */
export function rewriteTask(
  db: CopilotDb,
  id: string,
  task: {
    readonly description: string | null;
    readonly assignedAgent: string | null;
    readonly metadata: string;
  },
): void {
  db.sql
    .prepare(
      'UPDATE tasks SET description = ?, assigned_agent = ?, metadata = ?, updated_at = ? WHERE id = ?',
    )
    .run(task.description, task.assignedAgent, task.metadata, db.now, id);
}

/** What a task with `verificationRequired` lacks for completion: acceptance criteria, and a proof of any kind. */
function missingProof(db: CopilotDb, before: TaskRow, change: TaskChange, metadata: Metadata): Lack[] {
  if (metadata['verificationRequired'] !== true) return [];
  const criteria = metadata['acceptanceCriteria'];
  const hasCriteria = textList(criteria).length > 0 || (textOf(criteria) ?? '').trim() !== '';
  const proven =
    (change.notes ?? before.notes ?? '').trim().length >= 50 ||
    (change.blockedReason ?? before.blocked_reason ?? '') !== '' ||
    db.sql.prepare('SELECT 1 FROM work_products WHERE task_id = ? LIMIT 1').get(before.id) !== undefined;
  return [...(hasCriteria ? [] : [CRITERIA]), ...(proven ? [] : [PROOF])];
}

function isMergeable(stored: string | null): boolean {
  const { value, error } = readMetadata(stored);
  return error === null && typeof value === 'object' && !Array.isArray(value);
}
