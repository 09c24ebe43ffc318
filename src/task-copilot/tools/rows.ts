/** What every statement over Task Copilot's tables shares: the connection, rows, times, ids, metadata, the activity log; decides nothing. */
import { randomUUID } from 'node:crypto';
import { fieldsOf } from '../../core/json-fields.ts';
import type { RunScope, ScopedTask } from '../../core/scope.ts';
import type { TaskStatus } from '../../core/types.ts';
import type { Db } from '../../sqlite/database.ts';

/** The store as one use of it sees it, inside a transaction. */
export type CopilotDb = {
  readonly sql: Db;
  /** The moment of the use, ISO-8601 UTC with milliseconds. */
  readonly now: string;
  /** The run that asks, which bounds what may be changed; null for a user. */
  readonly scope: RunScope | null;
};

/** An input that the store does not take; the message is the whole text that the caller is shown. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** A new id of the given kind, as Task Copilot forms them. */
export function newId(kind: 'INIT' | 'PRD' | 'TASK' | 'WP'): string {
  return `${kind}-${randomUUID()}`;
}

const WITHOUT_ZONE = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2}(?:\.\d+)?)$/;

/** Milliseconds since the epoch of a time column (UTC, also where it names no zone); 0 when it holds no time. */
export function parseTime(value: unknown): number {
  if (typeof value !== 'string') return 0;
  const ms = Date.parse(value.endsWith('Z') ? value : value.replace(WITHOUT_ZONE, '$1T$2Z'));
  return Number.isNaN(ms) ? 0 : ms;
}

/** The text to store for a moment: ISO-8601 UTC with milliseconds and `Z`. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

/** Free metadata of a PRD, task or work product. */
export type Metadata = Readonly<Record<string, unknown>>;

/** A row of `tasks`, with its stream and the initiative of its PRD. */
export type TaskRow = {
  readonly id: string;
  readonly prd_id: string | null;
  readonly parent_id: string | null;
  readonly title: string;
  readonly description: string | null;
  readonly assigned_agent: string | null;
  readonly status: TaskStatus;
  readonly blocked_reason: string | null;
  readonly notes: string | null;
  readonly metadata: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly archived: number;
  readonly archived_at: string | null;
  readonly archived_by_initiative_id: string | null;
  readonly stream_id: string | null;
  readonly initiative_id: string | null;
};

/** The stream id of a task `t`: a text (or a number as it is written) in well-formed metadata, else NULL. */
export const STREAM_ID = `CASE WHEN json_valid(t.metadata)
    AND json_type(t.metadata, '$.streamId') IN ('text', 'integer', 'real')
  THEN CAST(json_extract(t.metadata, '$.streamId') AS TEXT) END`;

/** The start of a query over tasks `t` and their PRDs `p`. */
export const SELECT_TASKS = `SELECT t.*, ${STREAM_ID} AS stream_id, p.initiative_id AS initiative_id
  FROM tasks t LEFT JOIN prds p ON p.id = t.prd_id`;

/** Times come in two spellings of ISO 8601; as text only SQLite's own functions order them together. */
export const OLDEST_FIRST = 'ORDER BY julianday(t.created_at), t.rowid';

/** One task, or null. */
export function taskRow(db: CopilotDb, id: string): TaskRow | null {
  return (db.sql.prepare(`${SELECT_TASKS} WHERE t.id = ?`).get(id) as TaskRow | undefined) ?? null;
}

/** The task as the scope of a run looks at it. */
export function scopedTask(row: TaskRow): ScopedTask {
  return {
    id: row.id,
    status: row.status,
    streamId: row.stream_id,
    initiativeId: row.initiative_id,
    metadata: parseMetadata(row.metadata),
  };
}

/** What a metadata column holds, or why it cannot be read; SQLite lets every column hold every type. */
export function readMetadata(raw: unknown): { readonly value: unknown; readonly error: string | null } {
  const text = columnText(raw);
  if (text === null) return { value: null, error: null };
  try {
    return { value: JSON.parse(text), error: null };
  } catch (error) {
    if (error instanceof SyntaxError) return { value: null, error: error.message };
    throw error;
  }
}

/** The stream that a task's metadata, already read, name; null for none. */
export function streamNamedIn(value: unknown): string | null {
  return columnText(fieldsOf(value)['streamId']);
}

/** Metadata as an object; what is none (another writer's damage) reads as empty. */
export function parseMetadata(raw: unknown): Metadata {
  return fieldsOf(readMetadata(raw).value);
}

/** The text of a column, whatever type its value has; null for NULL. */
export function columnText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return Buffer.isBuffer(value) ? value.toString('utf8') : null;
}

/** The texts of a list in metadata; anything else in it, and anything that is no list, is left out. */
export function textList(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** A text in metadata, or undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/**
 * Readers look at one of the two dependency keys or the other, so both are to hold all that either was given. What is no
 * list stays as it is: the plan names it as a problem.
 */
export function withBothDependencyKeys(metadata: Metadata): Metadata {
  const lists = [metadata['dependencies'], metadata['streamDependencies']].filter(
    (value) => value !== undefined && value !== null,
  );
  if (lists.length === 0 || !lists.every((value) => Array.isArray(value))) return metadata;
  const all = [...new Set(lists.flat())];
  return { ...metadata, dependencies: all, streamDependencies: all };
}

/** `null` as a field that is left out of an answer. */
export function given<T>(value: T | null): T | undefined {
  return value ?? undefined;
}

/** The first characters of a long text. */
export function excerpt(content: string, characters: number): string {
  return content.length > characters ? `${content.slice(0, characters)}...` : content;
}

/** Adds one line to the activity log of an initiative, which Task Copilot's summaries are made of. */
export function logActivity(
  db: CopilotDb,
  entry: {
    readonly initiativeId: string;
    readonly type: string;
    readonly entityId: string;
    readonly entityType: 'initiative' | 'prd' | 'task' | 'work_product';
    readonly summary: string;
  },
): void {
  db.sql
    .prepare(
      `INSERT INTO activity_log (id, initiative_id, type, entity_id, entity_type, summary, created_at)
       VALUES (@id, @initiativeId, @type, @entityId, @entityType, @summary, @now)`,
    )
    .run({ ...entry, id: randomUUID(), now: db.now });
}
