/** Reads tasks and plans from the store's rows, tolerating what other writers leave in them. */
import { buildPlan, type PlanRow } from '../../core/plan/plan.ts';
import { type Initiative, type Plan, type PlanStream, TASK_STATUSES, type Task } from '../../core/types.ts';
import { currentInitiative } from './initiatives.ts';
import {
  type CopilotDb,
  columnText,
  parseMetadata,
  parseTime,
  readMetadata,
  streamNamedIn,
  type TaskRow,
  textList,
  textOf,
} from './rows.ts';

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

const fromScope = ({ which }: TaskScope): string =>
  `FROM tasks t LEFT JOIN prds p ON p.id = t.prd_id WHERE ${CHOSEN[which]} ORDER BY t.rowid`;

/** The columns of `readPlanRows`, in their order; arrays cost half of what objects do. */
type RawPlanRow = readonly [row: number, ...columns: unknown[]];

/** Metadata by its text, as the last read parsed it: that is most of the cost of a read, rarely changes, and tasks of a stream often share it. */
export type MetadataCache = { byText: ReadonlyMap<unknown, Parsed> };

type Parsed = ReturnType<typeof readMetadata>;

/** The rows a plan is built of, in the order in which they were added. Give the same `cache` to every read of a store. */
export function readPlanRows(
  db: CopilotDb,
  scope: TaskScope,
  cache: MetadataCache = { byText: new Map() },
): PlanRow[] {
  const statement = db.sql
    .prepare(
      `SELECT t.rowid, t.id, t.title, t.status, t.notes, t.blocked_reason, t.metadata,
         t.created_at, t.updated_at ${fromScope(scope)}`,
    )
    .raw();
  return withParser(cache, (parsed) =>
    (statement.all(...bound(scope)) as RawPlanRow[]).map((columns) => planRow(columns, parsed)),
  );
}

/** Reads with a parser of metadata; what it was asked for is in the cache afterwards, and nothing else. */
function withParser<T>(cache: MetadataCache, read: (parsed: (text: unknown) => Parsed) => T): T {
  const byText = new Map<unknown, Parsed>();
  const found = read((text) => {
    const parsed = byText.get(text) ?? cache.byText.get(text) ?? readMetadata(text);
    byText.set(text, parsed);
    return parsed;
  });
  cache.byText = byText;
  return found;
}

/** The plan of the current initiative. */
export function currentPlan(db: CopilotDb, cache?: MetadataCache): Plan {
  const current = currentInitiative(db);
  const rows = readPlanRows(db, { initiativeId: current?.id ?? null, which: 'current' }, cache);
  return buildPlan(rows, namedInitiative(current), countArchivedStreamTasks(db));
}

/** The plans of every other initiative that has streams, the latest first; that of tasks without a PRD last. */
export function earlierPlans(db: CopilotDb): Plan[] {
  const others = db.sql
    .prepare(
      'SELECT id, title FROM initiatives WHERE id IS NOT NULL AND id IS NOT ? ORDER BY updated_at DESC',
    )
    .all(currentInitiative(db)?.id ?? null) as Initiative[];
  return [...others, null]
    .map((initiative) => {
      const rows = readPlanRows(db, { initiativeId: initiative?.id ?? null, which: 'earlier' });
      return buildPlan(rows, initiative, 0);
    })
    .filter(({ streams }) => streams.length > 0);
}

/** The initiative as plans name it. */
export function namedInitiative(row: Initiative | null): Initiative | null {
  return row === null ? null : { id: row.id, title: row.title };
}

/**
 * Full tasks of the current initiative (or of `all`), oldest first; with `stream` only that stream's. A stream is named in the
 * metadata alone: with the `cache` of the store's other reads it costs a small part of reading all.
 */
export function readTasks(
  db: CopilotDb,
  which: 'current' | 'all',
  stream: string | undefined,
  cache: MetadataCache,
): Task[] {
  const scope = { initiativeId: currentInitiative(db)?.id ?? null, which };
  const rows = stream === undefined ? allRows(db, scope) : rowsOfStream(db, scope, stream, cache);
  return rows.map(taskOf).sort((a, b) => a.createdAtMs - b.createdAtMs);
}

function allRows(db: CopilotDb, scope: TaskScope): RawTask[] {
  return db.sql.prepare(`SELECT t.rowid AS row, t.* ${fromScope(scope)}`).all(...bound(scope)) as RawTask[];
}

function rowsOfStream(db: CopilotDb, scope: TaskScope, stream: string, cache: MetadataCache): RawTask[] {
  const named = db.sql.prepare(`SELECT t.rowid, t.metadata ${fromScope(scope)}`).raw();
  const whole = db.sql.prepare('SELECT rowid AS row, * FROM tasks WHERE rowid = ?');
  return withParser(cache, (parsed) =>
    (named.all(...bound(scope)) as RawPlanRow[]).flatMap(([row, metadata]) => {
      const isOurs = streamNamedIn(parsed(metadata).value) === stream;
      return isOurs ? ([whole.get(row) ?? []].flat() as RawTask[]) : [];
    }),
  );
}

/** One task, archived or not. */
export function readTask(db: CopilotDb, id: string): Task | null {
  const row = db.sql.prepare('SELECT rowid AS row, * FROM tasks WHERE id = ?').get(id) as RawTask | undefined;
  return row === undefined ? null : taskOf(row);
}

/** How many archived tasks name a stream; only to explain an empty plan, so the text of the key is enough. */
function countArchivedStreamTasks(db: CopilotDb): number {
  return Number(
    db.sql
      .prepare(`SELECT count(*) FROM tasks WHERE archived = 1 AND instr(metadata, '"streamId"') > 0`)
      .pluck()
      .get(),
  );
}

/** Only names that the statement has: Node's own driver takes no others. */
function bound(scope: TaskScope): { initiative: string | null }[] {
  return scope.which === 'all' ? [] : [{ initiative: scope.initiativeId }];
}

function planRow(columns: RawPlanRow, parsed: (text: unknown) => Parsed): PlanRow {
  const metadata = parsed(columns[6]);
  return {
    id: columnText(columns[1]) ?? unnamed(columns[0]),
    title: columnText(columns[2]) ?? '',
    status: columnText(columns[3]) ?? 'pending',
    notes: columnText(columns[4]),
    blockedReason: columnText(columns[5]),
    metadata: metadata.value,
    metadataError: metadata.error,
    createdAtMs: parseTime(columns[7]),
    updatedAtMs: parseTime(columns[8]),
  };
}

function taskOf(raw: RawTask): Task {
  const metadata = parseMetadata(raw['metadata']);
  return {
    id: columnText(raw['id']) ?? unnamed(raw.row),
    title: columnText(raw['title']) ?? '',
    description: columnText(raw['description']),
    status: TASK_STATUSES.find((status) => status === raw['status']) ?? 'pending',
    stream: streamNamedIn(metadata),
    assignedAgent: columnText(raw['assigned_agent']),
    blockedReason: columnText(raw['blocked_reason']),
    notes: columnText(raw['notes']),
    acceptanceCriteria: criteriaOf(metadata['acceptanceCriteria']),
    createdAtMs: parseTime(raw['created_at']),
    updatedAtMs: parseTime(raw['updated_at']),
  };
}

function criteriaOf(value: unknown): string[] {
  const text = textOf(value);
  return text === undefined ? textList(value) : [text];
}

/** A primary key of type TEXT admits NULL here. */
function unnamed(row: number): string {
  return `row ${row}`;
}

/** The part of a task's row that its place in the plan follows from. */
export type PlannedTask = Pick<
  TaskRow,
  'id' | 'title' | 'status' | 'notes' | 'blocked_reason' | 'metadata' | 'created_at' | 'updated_at'
>;

/** The streams that the tasks make up, both dependency keys united and every spelling resolved. */
export function planStreams(tasks: readonly PlannedTask[]): readonly PlanStream[] {
  const rows = tasks.map((task) => ({
    id: columnText(task.id) ?? '',
    title: columnText(task.title) ?? '',
    status: columnText(task.status) ?? 'pending',
    notes: columnText(task.notes),
    blockedReason: columnText(task.blocked_reason),
    metadata: parseMetadata(task.metadata),
    metadataError: null,
    createdAtMs: parseTime(task.created_at),
    updatedAtMs: parseTime(task.updated_at),
  }));
  return buildPlan(rows, null, 0).streams;
}
