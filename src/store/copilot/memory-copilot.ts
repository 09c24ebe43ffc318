/** Memory Copilot's database, read only: whether there is one, and whether it knows an initiative; never written by us. */
import { existsSync } from 'node:fs';
import { openDatabase } from '../database.ts';

/** Whether Memory Copilot's database at `path` has the initiative; `absent` when there is no such database. */
export function knownToMemoryCopilot(path: string, initiativeId: string): 'absent' | 'known' | 'unknown' {
  if (!existsSync(path)) return 'absent';
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
    if (hasTable === undefined) return 'unknown';
    return db.prepare('SELECT 1 FROM initiatives WHERE id = ?').get(initiativeId) === undefined
      ? 'unknown'
      : 'known';
  } finally {
    db.close();
  }
}
