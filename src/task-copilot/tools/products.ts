/** Work products: storing, showing and listing what tasks brought forth. */
import { requireOwnTask } from '../../core/scope.ts';
import {
  type CopilotDb,
  excerpt,
  logActivity,
  type Metadata,
  newId,
  parseMetadata,
  Refusal,
  scopedTask,
  taskRow,
} from './rows.ts';

const SUMMARY_CHARACTERS = 300;

type ProductRow = {
  readonly id: string;
  readonly task_id: string;
  readonly type: string;
  readonly title: string;
  readonly content: string;
  readonly metadata: string | null;
  readonly created_at: string;
  readonly confidence: number | null;
};

/** Stores a work product of a task. */
export function storeProduct(
  db: CopilotDb,
  input: {
    taskId: string;
    type: string;
    title: string;
    content: string;
    metadata?: Metadata | undefined;
    confidence?: number | undefined;
  },
) {
  const { confidence } = input;
  if (confidence !== undefined && !(confidence >= 0 && confidence <= 1)) {
    throw new Refusal('Confidence must be between 0 and 1');
  }
  const task = taskRow(db, input.taskId);
  if (task === null) throw new Refusal(`taskId: there is no task ${input.taskId}`);
  if (db.scope !== null) requireOwnTask(db.scope, scopedTask(task));
  const id = newId('WP');
  db.sql
    .prepare(
      `INSERT INTO work_products (id, task_id, type, title, content, metadata, created_at, confidence)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      id,
      task.id,
      input.type,
      input.title,
      input.content,
      JSON.stringify(input.metadata ?? {}),
      db.now,
      confidence ?? null,
    );
  if (task.initiative_id !== null) {
    logActivity(db, {
      initiativeId: task.initiative_id,
      type: 'work_product_created',
      entityId: id,
      entityType: 'work_product',
      summary: `Created ${input.type}: ${input.title}`,
    });
  }
  return { id, taskId: task.id, ...summaryOf(input.content), createdAt: db.now };
}

function summaryOf(content: string): { summary: string; wordCount: number } {
  return {
    summary: excerpt(content, SUMMARY_CHARACTERS),
    wordCount: content.match(/\S+/g)?.length ?? 0,
  };
}

/** One work product in full, or null. */
export function getProduct(db: CopilotDb, id: string) {
  const row = db.sql.prepare('SELECT * FROM work_products WHERE id = ?').get(id) as ProductRow | undefined;
  if (row === undefined) return null;
  return {
    id: row.id,
    taskId: row.task_id,
    type: row.type,
    title: row.title,
    content: row.content,
    metadata: parseMetadata(row.metadata),
    createdAt: row.created_at,
    confidence: row.confidence,
  };
}

/** The work products of a task, newest first. */
export function listProducts(db: CopilotDb, taskId: string) {
  const rows = db.sql
    .prepare('SELECT * FROM work_products WHERE task_id = ? ORDER BY julianday(created_at) DESC, rowid DESC')
    .all(taskId) as ProductRow[];
  return rows.map((row) => ({
    id: row.id,
    type: row.type,
    title: row.title,
    ...summaryOf(row.content),
    createdAt: row.created_at,
    confidence: row.confidence,
  }));
}
