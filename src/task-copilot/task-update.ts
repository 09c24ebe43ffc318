/** Changes one task the way Task Copilot's own tool does, with every record it keeps of a change; does not know who may do it. */
import type { TaskStatus } from '../core/types.ts';
import { recordReassignment, recordStatusChange, type TaskBefore, type TaskChange } from './task-history.ts';
import { type Metadata, parseMetadata, textList, textOf } from './tools/rows.ts';
import type { CopilotDb } from './tools/tool-database.ts';

export type { TaskChange } from './task-history.ts';

/** What came of an update; only `updated` changed anything. */
export type TaskUpdate =
  | { readonly kind: 'not-found' }
  | { readonly kind: 'archived'; readonly stream: string; readonly byInitiative: string }
  /** The task asks for proof before it counts as completed; `missing` says what it lacks. */
  | { readonly kind: 'unverified'; readonly missing: readonly string[] }
  /** New metadata can't be merged into what is stored, because that is no JSON object. */
  | { readonly kind: 'bad-metadata' }
  | {
      readonly kind: 'updated';
      readonly before: TaskStatus;
      readonly status: TaskStatus;
      readonly updatedAt: string;
    };

/** Updates task `id`. Call it inside a transaction that was begun as IMMEDIATE; SQLite's errors pass through. */
export function updateTaskRow(db: CopilotDb, id: string, change: TaskChange): TaskUpdate {
  const before = db.sql.prepare('SELECT * FROM tasks WHERE id = ?').get(id) as TaskBefore | undefined;
  if (before === undefined) return { kind: 'not-found' };
  const metadata = { ...parseMetadata(before.metadata), ...change.metadata };
  const refused = refusal(db, before, change, metadata);
  if (refused !== null) return refused;
  writeTask(db, id, change, metadata);
  recordReassignment(db, before, change, metadata);
  recordStatusChange(db, before, change, metadata);
  return {
    kind: 'updated',
    before: before.status,
    status: change.status ?? before.status,
    updatedAt: db.now,
  };
}

/** Why the change can't be made, or null. */
function refusal(
  db: CopilotDb,
  before: TaskBefore,
  change: TaskChange,
  metadata: Metadata,
): TaskUpdate | null {
  if (before.archived) {
    return {
      kind: 'archived',
      stream: textOf(metadata['streamId']) ?? 'unknown',
      byInitiative: before.archived_by_initiative_id ?? 'unknown',
    };
  }
  if (change.metadata !== undefined && !isObject(before.metadata)) return { kind: 'bad-metadata' };
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

/** What a task with `verificationRequired` lacks for completion: acceptance criteria, and a proof of any kind. */
function missingProof(db: CopilotDb, before: TaskBefore, change: TaskChange, metadata: Metadata): string[] {
  if (metadata['verificationRequired'] !== true) return [];
  const criteria = metadata['acceptanceCriteria'];
  const hasCriteria = textList(criteria).length > 0 || (textOf(criteria) ?? '').trim() !== '';
  const proven =
    (change.notes ?? before.notes ?? '').trim().length >= 50 ||
    (change.blockedReason ?? before.blocked_reason ?? '') !== '' ||
    db.sql.prepare('SELECT 1 FROM work_products WHERE task_id = ? LIMIT 1').get(before.id) !== undefined;
  return [
    ...(hasCriteria ? [] : ['acceptance criteria in the metadata (acceptanceCriteria)']),
    ...(proven ? [] : ['a proof: a work product, or notes of at least 50 characters']),
  ];
}

function isObject(metadata: string | null): boolean {
  if (metadata === null) return true;
  try {
    const value: unknown = JSON.parse(metadata);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
