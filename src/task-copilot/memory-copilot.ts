/** Memory Copilot's database, read only: whether there is one, whether it knows an initiative, and which is active; never written by us. */
import { existsSync } from 'node:fs';
import { type Db, openDatabase } from '../sqlite/database.ts';

/** Whether Memory Copilot's database at `path` has the initiative; `absent` when there is no such database. */
export function knownToMemoryCopilot(path: string, initiativeId: string): 'absent' | 'known' | 'unknown' {
  if (!existsSync(path)) return 'absent';
  return withInitiatives(
    path,
    (db) => {
      const found = db.prepare('SELECT 1 FROM initiatives WHERE id = ?').get(initiativeId);
      return found === undefined ? 'unknown' : 'known';
    },
    'unknown',
  );
}

/** An initiative as Memory Copilot keeps it. */
export type MemoryInitiative = {
  readonly id: string;
  readonly name: string | null;
  readonly goal: string | null;
};

/** The initiative that is under way there, else a blocked one, else one not started; the newest of these. */
export function activeInMemoryCopilot(path: string): 'absent' | MemoryInitiative | null {
  if (!existsSync(path)) return 'absent';
  return withInitiatives<MemoryInitiative | null>(
    path,
    (db) => {
      const row = db
        .prepare(
          `SELECT id, name, goal FROM initiatives
           WHERE id IS NOT NULL AND status IN ('IN PROGRESS', 'BLOCKED', 'NOT STARTED')
           ORDER BY CASE status WHEN 'IN PROGRESS' THEN 0 WHEN 'BLOCKED' THEN 1 ELSE 2 END,
             julianday(created_at) DESC, rowid DESC LIMIT 1`,
        )
        .get() as MemoryInitiative | undefined;
      return row ?? null;
    },
    null,
  );
}

/** What `look` finds in the database, `missing` when it has no initiatives at all. */
function withInitiatives<T>(path: string, look: (db: Db) => T, missing: T): T {
  const db = openDatabase(path, {
    create: false,
    readonly: true,
    label: "Memory Copilot's database",
    missingFix: 'start the initiative in Memory Copilot',
    inspect: () => undefined,
  });
  try {
    const hasTable = db
      .prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'initiatives'`)
      .get();
    return hasTable === undefined ? missing : look(db);
  } finally {
    db.close();
  }
}
