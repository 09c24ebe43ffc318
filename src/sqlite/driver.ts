/** What this project uses of an SQLite driver, in the words of better-sqlite3: whichever one a process runs on has it. */

/** What a statement that changes rows did. */
export type StatementResult = { readonly changes: number; readonly lastInsertRowid: number | bigint };

/** A prepared statement. */
export type Statement = {
  run(...values: unknown[]): StatementResult;
  get(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
  /** From now on the first column alone. */
  pluck(): Statement;
  /** From now on each row as an array. */
  raw(): Statement;
};

/** A function that runs its work as one transaction; `immediate` takes the lock for writing at once. */
export type Transaction<Values extends unknown[], T> = ((...values: Values) => T) & {
  readonly deferred: (...values: Values) => T;
  readonly immediate: (...values: Values) => T;
};

/** An open database connection. */
export type Db = {
  prepare(sql: string): Statement;
  exec(sql: string): void;
  pragma(text: string, options?: { simple?: boolean }): unknown;
  transaction<Values extends unknown[], T>(work: (...values: Values) => T): Transaction<Values, T>;
  close(): void;
};

/** `timeout`: how long a statement waits for a lock, in milliseconds. */
export type DriverOptions = {
  readonly readonly?: boolean;
  readonly fileMustExist?: boolean;
  readonly timeout?: number;
};

/** Opens a database file; `:memory:` is one that no file keeps. */
export type SqliteDriver = new (path: string, options?: DriverOptions) => Db;
