/** PRDs: creating, showing and listing them. */
import { requireNoRun } from '../../core/scope.ts';
import { prdType } from './classify.ts';
import { ensureInitiative } from './initiatives.ts';
import { type CopilotDb, excerpt, given, logActivity, type Metadata, newId, parseMetadata } from './rows.ts';

export type PrdRow = {
  readonly id: string;
  readonly initiative_id: string;
  readonly title: string;
  readonly description: string | null;
  readonly content: string;
  readonly metadata: string | null;
  readonly status: string;
  readonly created_at: string;
  readonly updated_at: string;
};

type Counts = { readonly taskCount: number; readonly completedTasks: number | null };

/** One PRD, or null. */
export function findPrd(db: CopilotDb, id: string): PrdRow | null {
  return (db.sql.prepare('SELECT * FROM prds WHERE id = ?').get(id) as PrdRow | undefined) ?? null;
}

/** The PRD of an initiative that was created last, or null. */
export function newestPrd(db: CopilotDb, initiativeId: string): PrdRow | null {
  const row = db.sql
    .prepare(
      'SELECT * FROM prds WHERE initiative_id = ? AND id IS NOT NULL ORDER BY julianday(created_at) DESC, rowid DESC LIMIT 1',
    )
    .get(initiativeId) as PrdRow | undefined;
  return row ?? null;
}

/** Kinds of PRDs whose scope is locked where nothing is said of it. */
const LOCKED_TYPES: ReadonlySet<ReturnType<typeof prdType>> = new Set(['FEATURE', 'EXPERIENCE'] as const);

type NewPrd = {
  readonly title: string;
  readonly content: string;
  readonly description?: string | null | undefined;
  readonly metadata?: Metadata | undefined;
};

/** Creates a PRD in the current initiative, which is made where there is none. */
export function createPrd(db: CopilotDb, input: NewPrd) {
  requireNoRun(db.scope, 'prd_create');
  const initiative = ensureInitiative(db);
  const id = insertPrd(db, initiative.id, input);
  return { id, initiativeId: initiative.id, createdAt: db.now, summary: excerpt(input.content, 200) };
}

/**
 * Adds a PRD to an initiative and returns its id (a new one unless `as` says another). The scope of a
 * feature is locked unless the metadata says "scopeLocked": false, as Task Copilot has it: it takes tasks from its planner
 * only then.
 * `how` begins its line in the activity log.
 */
export function insertPrd(
  db: CopilotDb,
  initiativeId: string,
  prd: NewPrd,
  how = 'Created PRD',
  as: { readonly id: string; readonly createdAt: string } = { id: newId('PRD'), createdAt: db.now },
): string {
  const description = prd.description ?? null;
  const type = prdType(`${prd.title} ${description ?? ''}`);
  const metadata = JSON.stringify({ prdType: type, scopeLocked: LOCKED_TYPES.has(type), ...prd.metadata });
  db.sql
    .prepare(
      `INSERT INTO prds (id, initiative_id, title, description, content, metadata, status, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, 'active', ?, ?)`,
    )
    .run(as.id, initiativeId, prd.title, description, prd.content, metadata, as.createdAt, db.now);
  const summary = `${how}: ${prd.title}`;
  logActivity(db, { initiativeId, type: 'prd_created', entityId: as.id, entityType: 'prd', summary });
  return as.id;
}

/** What stands for the content of a PRD that was given none. */
export function contentOf({ title, description }: Pick<PrdRow, 'title' | 'description'>): string {
  return description ?? title;
}

/** Gives a PRD other texts; null leaves one as it is. A PRD that has them already stays so, its time too. */
export function rewritePrd(
  db: CopilotDb,
  id: string,
  texts: Readonly<Record<'title' | 'description' | 'content', string | null>>,
): void {
  const former = findPrd(db, id);
  if (former === null) return;
  const title = texts.title ?? former.title;
  const description = texts.description ?? former.description;
  const hasOwn = former.content !== contentOf(former);
  const content = texts.content ?? (hasOwn ? former.content : contentOf({ title, description }));
  if (title === former.title && description === former.description && content === former.content) return;
  db.sql
    .prepare('UPDATE prds SET title = ?, description = ?, content = ?, updated_at = ? WHERE id = ?')
    .run(title, description, content, db.now, id);
}

function taskCounts(db: CopilotDb, prdId: string): Counts {
  return db.sql
    .prepare(
      `SELECT count(*) AS taskCount, sum(status = 'completed') AS completedTasks FROM tasks WHERE prd_id = ?`,
    )
    .get(prdId) as Counts;
}

/** One PRD with its counts, or null. */
export function getPrd(db: CopilotDb, id: string, includeContent: boolean) {
  const row = findPrd(db, id);
  if (row === null) return null;
  return {
    id: row.id,
    initiativeId: row.initiative_id,
    title: row.title,
    description: given(row.description),
    content: includeContent ? row.content : undefined,
    metadata: parseMetadata(row.metadata),
    ...taskCounts(db, row.id),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** The PRDs that fit, newest first. */
export function listPrds(
  db: CopilotDb,
  filter: { initiativeId?: string | undefined; status?: string | undefined },
) {
  const rows = db.sql
    .prepare(
      `SELECT * FROM prds WHERE (@initiative IS NULL OR initiative_id = @initiative)
         AND (@status IS NULL OR status = @status) ORDER BY julianday(created_at) DESC, rowid DESC`,
    )
    .all({ initiative: filter.initiativeId ?? null, status: filter.status ?? null }) as PrdRow[];
  return rows.map((row) => {
    const counts = taskCounts(db, row.id);
    return {
      id: row.id,
      title: row.title,
      description: given(row.description),
      ...counts,
      progress: progressOf(counts),
    };
  });
}

function progressOf({ taskCount, completedTasks }: Counts): string {
  if (taskCount === 0) return '0/0';
  const completed = completedTasks ?? 0;
  return `${completed}/${taskCount} (${Math.round((100 * completed) / taskCount)}%)`;
}
