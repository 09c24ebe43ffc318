/** Task Copilot stores as other writers leave them: rows are put in as they are, nothing is checked or completed. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Db } from '../../src/sqlite/database.ts';
import { openCopilotDatabase } from '../../src/task-copilot/store-schema.ts';
import { removeTree } from './remove-tree.ts';

/** A temporary directory; removed by `remove`. */
export function tempDir(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'orchestrate-store-'));
  return { path, remove: () => removeTree(path) };
}

/** A store at schema 10 with one initiative `I` and PRD `P`, and what `add` puts into it. */
export function foreignStore(dir: string, add: (rows: ForeignRows) => void): string {
  const path = join(dir, 'tasks.db');
  const db = openCopilotDatabase(path, { create: true });
  const rows = foreignRows(db);
  rows.initiative('I', '2026-01-01T00:00:00.000Z');
  rows.prd('P', 'I');
  add(rows);
  db.close();
  return path;
}

export type ForeignRows = ReturnType<typeof foreignRows>;

/** Adds rows through `db`. */
export function foreignRows(db: Db) {
  let serial = 0;
  return {
    db,
    initiative(id: string, updatedAt: string): void {
      db.prepare('INSERT INTO initiatives (id, title, created_at, updated_at) VALUES (?, ?, ?, ?)').run(
        id,
        `Initiative ${id}`,
        updatedAt,
        updatedAt,
      );
    },
    prd(id: string, initiativeId: string): void {
      db.prepare(
        `INSERT INTO prds (id, initiative_id, title, content, created_at, updated_at) VALUES (?, ?, 'PRD', '', ?, ?)`,
      ).run(id, initiativeId, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
    },
    /** Adds a task to PRD `P` unless told otherwise; an object as metadata becomes JSON. Returns its id. */
    task(
      metadata: Record<string, unknown> | string | null,
      fields: Record<string, string | number | null> = {},
    ): string {
      serial++;
      const id = `TASK-${serial}`;
      const row = {
        id,
        prd_id: 'P',
        title: `Task ${serial}`,
        metadata: typeof metadata === 'string' || metadata === null ? metadata : JSON.stringify(metadata),
        created_at: new Date(Date.UTC(2026, 0, 1, 0, 0, serial)).toISOString(),
        updated_at: '2026-01-01T00:00:00.000Z',
        ...fields,
      };
      const columns = Object.keys(row);
      db.prepare(
        `INSERT INTO tasks (${columns.join(', ')}) VALUES (${columns.map((column) => `@${column}`).join(', ')})`,
      ).run(row);
      return id;
    },
  };
}
