/** Reads task rows of the store, tolerating what other writers leave in them; decides nothing about plans. */
import type { PlanRow } from '../core/plan/plan.ts';
import type { Task, TaskStatus } from '../core/types.ts';
import type { Db } from '../sqlite/database.ts';
import { parseTime } from './clock-text.ts';

/** One row as the driver returns it; SQLite lets every column hold every type. */
type RawTask = Readonly<Record<string, unknown>> & { readonly row: number };

/**
 * Which tasks to read. `current`: those of the initiative, and those without a PRD, but no archived ones; `earlier`: those
 * of an initiative that is not current any more (null: archived ones without a PRD), archived or not, since the switch to
 * another one archives them; `all`: every task.
 */
export type TaskScope = {
  readonly initiativeId: string | null;
  readonly which: keyof typeof CHOSEN;
};

const CHOSEN = {
  current: 'coalesce(t.archived, 0) = 0 AND (t.prd_id IS NULL OR p.initiative_id = @initiative)',
  earlier: `CASE WHEN @initiative IS NULL THEN t.prd_id IS NULL AND t.archived = 1
     ELSE p.initiative_id = @initiative END`,
  all: '1',
} as const;

const STATUSES: readonly TaskStatus[] = ['pending', 'in_progress', 'blocked', 'completed', 'cancelled'];

const fromScope = ({ which }: TaskScope): string =>
  `FROM tasks t LEFT JOIN prds p ON p.id = t.prd_id WHERE ${CHOSEN[which]} ORDER BY t.rowid`;

/** The columns of `readPlanRows`, in their order; arrays cost half of what objects do. */
type RawPlanRow = readonly [row: number, ...columns: unknown[]];

/** Metadata by row, as read before: its parsing is most of the cost of a read, and it rarely changes. */
export type MetadataCache = Map<number, { readonly raw: unknown; readonly parsed: Parsed }>;
type Parsed = { readonly value: unknown; readonly error: string | null };

/** The rows a plan is built of, in the order in which they were added. Give the same `cache` to every read of a store. */
export function readPlanRows(db: Db, scope: TaskScope, cache: MetadataCache = new Map()): PlanRow[] {
  const statement = db
    .prepare(
      `SELECT t.rowid, t.id, t.title, t.status, t.notes, t.blocked_reason, t.metadata,
         t.created_at, t.updated_at ${fromScope(scope)}`,
    )
    .raw();
  return (statement.all(bound(scope)) as RawPlanRow[]).map((columns) => planRow(columns, cache));
}

/** Full tasks, oldest first. */
export function readTasks(db: Db, scope: TaskScope): Task[] {
  const rows = db.prepare(`SELECT t.rowid AS row, t.* ${fromScope(scope)}`).all(bound(scope)) as RawTask[];
  return rows.map(taskOf).sort((a, b) => a.createdAtMs - b.createdAtMs);
}

/** One task, archived or not. */
export function readTask(db: Db, id: string): Task | null {
  const row = db.prepare('SELECT rowid AS row, * FROM tasks WHERE id = ?').get(id) as RawTask | undefined;
  return row === undefined ? null : taskOf(row);
}

/** How many archived tasks name a stream; only to explain an empty plan, so the text of the key is enough. */
export function countArchivedStreamTasks(db: Db): number {
  return Number(
    db
      .prepare(`SELECT count(*) FROM tasks WHERE archived = 1 AND instr(metadata, '"streamId"') > 0`)
      .pluck()
      .get(),
  );
}

function bound(scope: TaskScope): { initiative: string | null } {
  return { initiative: scope.initiativeId };
}

function planRow(columns: RawPlanRow, cache: MetadataCache): PlanRow {
  const row = columns[0];
  const metadata = columns[6];
  let parsed = cache.get(row);
  if (parsed === undefined || parsed.raw !== metadata) {
    parsed = { raw: metadata, parsed: parseMetadata(metadata) };
    cache.set(row, parsed);
  }
  return {
    id: textOf(columns[1]) ?? unnamed(row),
    title: textOf(columns[2]) ?? '',
    status: textOf(columns[3]) ?? 'pending',
    notes: textOf(columns[4]),
    blockedReason: textOf(columns[5]),
    metadata: parsed.parsed.value,
    metadataError: parsed.parsed.error,
    createdAtMs: parseTime(columns[7]),
    updatedAtMs: parseTime(columns[8]),
  };
}

function taskOf(raw: RawTask): Task {
  const { value } = parseMetadata(raw['metadata']);
  const metadata: Readonly<Record<string, unknown>> =
    typeof value === 'object' && value !== null ? { ...value } : {};
  return {
    id: textOf(raw['id']) ?? unnamed(raw.row),
    prdId: textOf(raw['prd_id']),
    title: textOf(raw['title']) ?? '',
    description: textOf(raw['description']),
    status: STATUSES.find((status) => status === raw['status']) ?? 'pending',
    stream: textOf(metadata['streamId']),
    assignedAgent: textOf(raw['assigned_agent']),
    blockedReason: textOf(raw['blocked_reason']),
    notes: textOf(raw['notes']),
    acceptanceCriteria: criteriaOf(metadata['acceptanceCriteria']),
    createdAtMs: parseTime(raw['created_at']),
    updatedAtMs: parseTime(raw['updated_at']),
  };
}

function criteriaOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** A primary key of type TEXT admits NULL here. */
function unnamed(row: number): string {
  return `row ${row}`;
}

function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return Buffer.isBuffer(value) ? value.toString('utf8') : null;
}

function parseMetadata(raw: unknown): Parsed {
  const text = textOf(raw);
  if (text === null) return { value: null, error: null };
  try {
    return { value: JSON.parse(text), error: null };
  } catch (error) {
    if (error instanceof SyntaxError) return { value: null, error: error.message };
    throw error;
  }
}
