/** Rows of Task Copilot's tables and the pieces of SQL and JSON that its tools share; decides nothing. */
import type { TaskStatus } from '../../core/types.ts';
import type { CopilotDb } from './tool-database.ts';

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

/** Metadata as an object; what isn't one (another writer's damage) reads as empty. */
export function parseMetadata(text: string | null): Metadata {
  if (text === null) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** The texts of a list in metadata; anything else in it, and anything that is no list, is left out. */
export function textList(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** A text in metadata, or undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** `null` as a field that is left out of an answer. */
export function given<T>(value: T | null): T | undefined {
  return value ?? undefined;
}

/** The first characters of a long text. */
export function excerpt(content: string, characters: number): string {
  return content.length > characters ? `${content.slice(0, characters)}...` : content;
}
