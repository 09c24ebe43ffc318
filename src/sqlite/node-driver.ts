/**
 * Node's own SQLite (`node:sqlite`) with the calls, rows and error codes of better-sqlite3, as far as this project uses them:
 * what opens a database does not know which of the two it has.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Db, DriverOptions, SqliteDriver, Statement, StatementResult, Transaction } from './driver.ts';

/** What this file uses of `node:sqlite` (Node 22.13 and newer; the types of Node 20 have none of it). */
type NodeStatement = {
  run(...values: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  all(...values: unknown[]): Record<string, unknown>[];
  setReadBigInts(on: boolean): void;
};
type NodeDatabase = {
  prepare(sql: string): NodeStatement;
  exec(sql: string): void;
  close(): void;
};
type NodeSqlite = { DatabaseSync: new (path: string, options: { readOnly: boolean }) => NodeDatabase };

/** Primary result codes by number (sqlite.org/rescode.html); an extended code carries its primary one in the low byte. */
const CODES = [
  ...[
    'OK',
    'ERROR',
    'INTERNAL',
    'PERM',
    'ABORT',
    'BUSY',
    'LOCKED',
    'NOMEM',
    'READONLY',
    'INTERRUPT',
    'IOERR',
  ],
  ...['CORRUPT', 'NOTFOUND', 'FULL', 'CANTOPEN', 'PROTOCOL', 'EMPTY', 'SCHEMA', 'TOOBIG', 'CONSTRAINT'],
  ...['MISMATCH', 'MISUSE', 'NOLFS', 'AUTH', 'FORMAT', 'RANGE', 'NOTADB'],
];

/** The driver on Node's own SQLite; null where this Node has none. */
export function nodeDriver(): SqliteDriver | null {
  const sqlite = loadQuietly();
  return sqlite === null ? null : driverOf(sqlite);
}

function driverOf(sqlite: NodeSqlite): SqliteDriver {
  return class extends NodeDb {
    constructor(path: string, options: DriverOptions = {}) {
      super(sqlite, path, options);
    }
  };
}

/** Node says on stderr that its SQLite is experimental, which the user of this program can do nothing about. */
function loadQuietly(): NodeSqlite | null {
  const said = process.emitWarning;
  process.emitWarning = () => undefined;
  try {
    return createRequire(import.meta.url)('node:sqlite') as NodeSqlite;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_UNKNOWN_BUILTIN_MODULE') return null;
    throw error;
  } finally {
    process.emitWarning = said;
  }
}

class NodeDb implements Db {
  readonly #database: NodeDatabase;
  #open = true;
  #depth = 0;

  constructor(sqlite: NodeSqlite, path: string, { readonly, fileMustExist, timeout = 5000 }: DriverOptions) {
    if (fileMustExist === true && !existsSync(path))
      throw Object.assign(new Error('unable to open database file'), { code: 'SQLITE_CANTOPEN' });
    this.#database = coded(() => new sqlite.DatabaseSync(path, { readOnly: readonly === true }));
    this.exec(`PRAGMA busy_timeout = ${Math.round(timeout)}`);
  }

  prepare(sql: string): Statement {
    return new NodeStatementOf(coded(() => this.#database.prepare(sql)));
  }

  exec(sql: string): void {
    coded(() => this.#database.exec(sql));
  }

  pragma(text: string, options: { simple?: boolean } = {}): unknown {
    const rows = this.prepare(`PRAGMA ${text}`).all() as Record<string, unknown>[];
    return options.simple === true ? firstOf(rows[0]) : rows;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#database.close();
  }

  transaction<Values extends unknown[], T>(work: (...values: Values) => T): Transaction<Values, T> {
    const as =
      (mode: string) =>
      (...values: Values): T =>
        this.#within(mode, () => work(...values));
    return Object.assign(as('DEFERRED'), { deferred: as('DEFERRED'), immediate: as('IMMEDIATE') });
  }

  /** One within another is a savepoint, as with better-sqlite3. */
  #within<T>(mode: string, work: () => T): T {
    const outer = this.#depth === 0;
    const point = `orchestrate_${this.#depth}`;
    this.exec(outer ? `BEGIN ${mode}` : `SAVEPOINT ${point}`);
    this.#depth += 1;
    try {
      const result = work();
      this.exec(outer ? 'COMMIT' : `RELEASE ${point}`);
      return result;
    } catch (error) {
      this.#rollBack(outer ? 'ROLLBACK' : `ROLLBACK TO ${point}; RELEASE ${point}`);
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  /** Some errors (a full disk) have ended the transaction already: the first error is the one to tell. */
  #rollBack(sql: string): void {
    try {
      this.#database.exec(sql);
    } catch (error) {
      if (!/no transaction is active|no such savepoint/.test(String(error))) throw error;
    }
  }
}

type Shape = 'rows' | 'values' | 'first';

class NodeStatementOf implements Statement {
  readonly #statement: NodeStatement;
  #shape: Shape = 'rows';

  constructor(statement: NodeStatement) {
    this.#statement = statement;
    // As numbers, Node refuses to read whole numbers that a number cannot hold, and one row would hide all others.
    statement.setReadBigInts(true);
  }

  run(...values: unknown[]): StatementResult {
    const { changes, lastInsertRowid } = coded(() => this.#statement.run(...values));
    return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
  }

  /** Steps the statement to its end, so that it holds no lock, as `all` does. */
  get(...values: unknown[]): unknown {
    return this.all(...values)[0];
  }

  all(...values: unknown[]): unknown[] {
    const rows = coded(() => this.#statement.all(...values));
    if (this.#shape === 'first') return rows.map((row) => firstOf(row));
    if (this.#shape === 'values') return rows.map((row) => Object.values(row).map(plain));
    return rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])),
    );
  }

  pluck(): this {
    this.#shape = 'first';
    return this;
  }

  raw(): this {
    this.#shape = 'values';
    return this;
  }
}

function firstOf(row: Record<string, unknown> | undefined): unknown {
  return row === undefined ? undefined : plain(Object.values(row)[0]);
}

/** A value as better-sqlite3 gives it. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

/** Runs a call; its failure carries SQLite's name of it as `code`. */
function coded<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { errcode } = error as { errcode?: unknown };
    if (error instanceof Error && typeof errcode === 'number')
      Object.assign(error, { code: `SQLITE_${CODES[errcode & 0xff] ?? 'ERROR'}` });
    throw error;
  }
}
