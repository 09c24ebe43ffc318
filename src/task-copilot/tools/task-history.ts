/** The records Task Copilot keeps when a task changes: activity, agents at work, their results, checkpoints. */
import { randomUUID } from 'node:crypto';
import type { TaskStatus } from '../../core/types.ts';
import {
  type CopilotDb,
  logActivity,
  type Metadata,
  parseTime,
  type TaskRow,
  textOf,
  timeText,
} from './rows.ts';

/** What to change; what is left out stays. Metadata is merged key by key, notes are replaced. */
export type TaskChange = {
  readonly status?: TaskStatus | undefined;
  readonly assignedAgent?: string | undefined;
  readonly notes?: string | undefined;
  readonly blockedReason?: string | undefined;
  readonly metadata?: Metadata | undefined;
};

const CHECKPOINTS_KEPT = 5;
const CHECKPOINT_LIFE_MS = 24 * 60 * 60 * 1000;

/** How a task that ended says its agent did; other statuses say nothing. */
const OUTCOMES: Readonly<Partial<Record<TaskStatus, 'success' | 'blocked' | 'failure'>>> = {
  completed: 'success',
  blocked: 'blocked',
  cancelled: 'failure',
};

/** Records that a task was taken from its agent; `metadata` is the task's as it is now. */
export function recordReassignment(
  db: CopilotDb,
  before: TaskRow,
  change: TaskChange,
  metadata: Metadata,
): void {
  const agent = before.assigned_agent;
  if (agent === null || change.assignedAgent === undefined || change.assignedAgent === agent) return;
  addPerformance(db, before.id, agent, 'reassigned', metadata);
}

/** Records what follows from a new status; nothing when it stays. */
export function recordStatusChange(
  db: CopilotDb,
  before: TaskRow,
  change: TaskChange,
  metadata: Metadata,
): void {
  const status = change.status;
  if (status === undefined || status === before.status) return;
  logChange(db, before, status);
  const agent = change.assignedAgent ?? before.assigned_agent;
  if (agent !== null) recordAgent(db, before, status, agent, metadata);
  if (status === 'completed') endActivity(db, before.id);
  if (status === 'in_progress' || status === 'blocked') {
    addCheckpoint(db, before, change.blockedReason ?? before.blocked_reason);
  }
}

function recordAgent(
  db: CopilotDb,
  before: TaskRow,
  status: TaskStatus,
  agent: string,
  metadata: Metadata,
): void {
  if (status === 'in_progress') startActivity(db, before, agent, metadata);
  const outcome = OUTCOMES[status];
  if (outcome !== undefined) addPerformance(db, before.id, agent, outcome, metadata);
}

function logChange(db: CopilotDb, before: TaskRow, status: TaskStatus): void {
  if (before.initiative_id === null) return;
  logActivity(db, {
    initiativeId: before.initiative_id,
    type: status === 'completed' ? 'task_completed' : 'task_updated',
    entityId: before.id,
    entityType: 'task',
    summary: `${before.title}: ${before.status} -> ${status}`,
  });
}

function startActivity(db: CopilotDb, before: TaskRow, agent: string, metadata: Metadata): void {
  const stream = textOf(metadata['streamId']);
  if (stream === undefined) return;
  db.sql
    .prepare(
      `INSERT INTO agent_activity
         (id, stream_id, agent_id, task_id, activity_description, phase, started_at, last_heartbeat)
       VALUES (@id, @stream, @agent, @task, @title, @phase, @now, @now)
       ON CONFLICT (id) DO UPDATE SET stream_id = excluded.stream_id, agent_id = excluded.agent_id,
         activity_description = excluded.activity_description, phase = excluded.phase,
         started_at = excluded.started_at, last_heartbeat = excluded.last_heartbeat, completed_at = NULL`,
    )
    .run({
      id: `ACTIVITY-${before.id}`,
      stream,
      agent,
      task: before.id,
      title: before.title,
      phase: textOf(metadata['streamPhase']) ?? null,
      now: db.now,
    });
}

function endActivity(db: CopilotDb, taskId: string): void {
  db.sql
    .prepare(
      'UPDATE agent_activity SET completed_at = @now, last_heartbeat = @now WHERE task_id = @task AND completed_at IS NULL',
    )
    .run({ now: db.now, task: taskId });
}

function addPerformance(
  db: CopilotDb,
  taskId: string,
  agent: string,
  outcome: 'success' | 'blocked' | 'failure' | 'reassigned',
  metadata: Metadata,
): void {
  const product = db.sql
    .prepare('SELECT type FROM work_products WHERE task_id = ? ORDER BY created_at DESC, rowid DESC LIMIT 1')
    .pluck()
    .get(taskId) as string | undefined;
  db.sql
    .prepare(
      `INSERT INTO agent_performance (id, agent_id, task_id, work_product_type, complexity, outcome, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      randomUUID(),
      agent,
      taskId,
      textOf(metadata['workProductType']) ?? product ?? null,
      textOf(metadata['complexity']) ?? null,
      outcome,
      db.now,
    );
}

/** Keeps the task as it was before the change; the newest five stay. */
function addCheckpoint(db: CopilotDb, before: TaskRow, blockedReason: string | null): void {
  const subtasks = db.sql
    .prepare('SELECT id, status FROM tasks WHERE parent_id = ? ORDER BY rowid')
    .all(before.id);
  db.sql
    .prepare(
      `INSERT INTO checkpoints (id, task_id, sequence, trigger, task_status, task_notes, task_metadata,
         blocked_reason, assigned_agent, subtask_states, created_at, expires_at)
       VALUES (@id, @task, (SELECT coalesce(max(sequence), 0) + 1 FROM checkpoints WHERE task_id = @task),
         'auto_status', @status, @notes, @metadata, @reason, @agent, @subtasks, @now, @expires)`,
    )
    .run({
      id: `CP-${randomUUID()}`,
      task: before.id,
      status: before.status,
      notes: before.notes,
      metadata: before.metadata,
      reason: blockedReason,
      agent: before.assigned_agent,
      subtasks: JSON.stringify(subtasks),
      now: db.now,
      expires: timeText(parseTime(db.now) + CHECKPOINT_LIFE_MS),
    });
  db.sql
    .prepare(
      `DELETE FROM checkpoints WHERE task_id = @task AND sequence <=
         (SELECT max(sequence) FROM checkpoints WHERE task_id = @task) - ${CHECKPOINTS_KEPT}`,
    )
    .run({ task: before.id });
}
