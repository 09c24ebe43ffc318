/** Brings a Task Copilot store to schema 10: creates it, completes an older one after copying it, refuses a newer one untouched. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { NO_PLAN } from '../core/plan/plan.ts';
import { type Db, type OpenOptions, openDatabase, placeOf } from '../sqlite/database.ts';
import { guarded, type StoreFile, tooNew, unusable } from '../sqlite/failures.ts';
import { makePrivateFile } from '../sqlite/private-files.ts';
import { COPILOT_INDEXES, COPILOT_SCHEMA_VERSION, COPILOT_TABLES, type TableShape } from './tables.ts';
import { timeText } from './tools/rows.ts';

const LABEL = 'the Task Copilot store';
/** The store was never made. Its place is of no use to whoever has not planned anything, so it is not named. */
export class NoPlan extends OrchestrateError {
  constructor() {
    super(EXIT.state, NO_PLAN.text, NO_PLAN.remedy);
  }
}

/** How to open the store; `create` makes it (and its directories) when missing. */
export type CopilotOptions = Pick<OpenOptions, 'create' | 'readonly' | 'busyTimeoutMs' | 'missing'>;

/** The store's place, for `guarded`. */
export function copilotPlace(path: string, busyTimeoutMs?: number): StoreFile {
  return placeOf(path, { label: LABEL, ...(busyTimeoutMs === undefined ? {} : { busyTimeoutMs }) });
}

/**
 * Opens Task Copilot's store at schema 10. Several processes may open a new one at once.
 * Throws exit 6 for one that is missing (unless `create`), corrupt, newer than schema 10, or no such store; it stays as it is.
 */
export function openCopilotDatabase(path: string, options: CopilotOptions): Db {
  const place = copilotPlace(path, options.busyTimeoutMs);
  let version = 0;
  const open = (readonly: boolean) =>
    openDatabase(path, {
      ...options,
      readonly,
      label: LABEL,
      missingFix: NO_PLAN.remedy,
      inspect: (db) => {
        version = acceptedVersion(db, place, options.create);
      },
    });
  const db = open(options.readonly === true);
  if (version === COPILOT_SCHEMA_VERSION) return db;
  try {
    if (options.readonly !== true) {
      guarded(place, () => bringUp(db, place));
      return db;
    }
  } catch (error) {
    db.close();
    throw error;
  }
  // A reader needs the columns too: the older store is completed by a writing connection first.
  db.close();
  openCopilotDatabase(path, { ...options, readonly: false }).close();
  return open(true);
}

/** The schema version of a store that may be opened; throws exit 6 for any other file. */
function acceptedVersion(db: Db, place: StoreFile, create: boolean): number {
  const names = new Set(db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).pluck().all());
  const userVersion = Number(db.pragma('user_version', { simple: true }));
  const version = names.has('migrations') ? storedVersion(db) : 0;
  if (userVersion > 0 || version > COPILOT_SCHEMA_VERSION) {
    const found = userVersion > 0 ? `user_version ${userVersion}` : `schema ${version}`;
    throw tooNew(place, found, `schema ${COPILOT_SCHEMA_VERSION}`);
  }
  const blank = names.size === 0 && create;
  // A killed first start of Task Copilot leaves `migrations` alone; it is completed like any older store.
  if (!blank && !names.has('tasks') && !names.has('migrations')) {
    throw unusable(place, 'it is no Task Copilot store');
  }
  return version;
}

function storedVersion(db: Db): number {
  return Number(db.prepare('SELECT max(version) FROM migrations').pluck().get() ?? 0);
}

/** Creates what is missing, all or nothing; an older store with content is copied first. */
function bringUp(db: Db, place: StoreFile): void {
  if (hasTable(db, 'tasks') && needsWork(db)) keepCopy(db, place);
  db.transaction(() => {
    if (!needsWork(db)) return;
    for (const [name, shape] of Object.entries(COPILOT_TABLES)) completeTable(db, name, shape);
    for (const [name, on] of Object.entries(COPILOT_INDEXES)) {
      db.exec(`CREATE INDEX IF NOT EXISTS ${name} ON ${on}`);
    }
    const add = db.prepare('INSERT OR IGNORE INTO migrations (version, applied_at) VALUES (?, ?)');
    const now = timeText(Date.now());
    for (let version = 1; version <= COPILOT_SCHEMA_VERSION; version++) add.run(version, now);
  }).immediate();
}

function needsWork(db: Db): boolean {
  return !hasTable(db, 'migrations') || storedVersion(db) < COPILOT_SCHEMA_VERSION;
}

function hasTable(db: Db, name: string): boolean {
  return db.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`).get(name) !== undefined;
}

function completeTable(db: Db, name: string, shape: TableShape): void {
  const columns = Object.entries(shape.columns);
  const body = [...columns.map(([column, type]) => `${column} ${type}`), ...(shape.constraints ?? [])];
  db.exec(`CREATE TABLE IF NOT EXISTS ${name} (${body.join(', ')})`);
  const present = new Set(db.prepare(`SELECT name FROM pragma_table_info(?)`).pluck().all(name));
  for (const [column, type] of columns) {
    if (!present.has(column)) db.exec(`ALTER TABLE ${name} ADD COLUMN ${column} ${type}`);
  }
}

/** A complete copy (with what is still in the log) beside the store; written under another name first, so it is never half. */
function keepCopy(db: Db, place: StoreFile): void {
  const version = hasTable(db, 'migrations') ? storedVersion(db) : 0;
  const copy = `${place.path}.schema-${version}.backup`;
  if (existsSync(copy)) return;
  const unfinished = `${copy}.${process.pid}`;
  rmSync(unfinished, { force: true });
  makePrivateFile(unfinished);
  db.prepare('VACUUM INTO ?').run(unfinished);
  renameSync(unfinished, copy);
}
