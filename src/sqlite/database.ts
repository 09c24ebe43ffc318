/** Opens an SQLite file so that it is private, bounded in its waiting, and never changed before it is known to be ours to change. */
import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { blockFor } from '../core/block.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import type { Db } from './driver.ts';
import { codeOf, guarded, isBusy, type StoreFile, unusable } from './failures.ts';
import { sqliteDriver } from './load-driver.ts';
import { makePrivateDirectory, makePrivateFile } from './private-files.ts';

export type { Db } from './driver.ts';

/** How long a statement waits for another connection's lock, unless told otherwise. */
export const DEFAULT_BUSY_TIMEOUT_MS = 5000;

/** How to open a database. */
export type OpenOptions = {
  /** Create file and directories when missing (0600, 0700). */
  readonly create: boolean;
  readonly readonly?: boolean;
  readonly busyTimeoutMs?: number;
  /** What the file is, for messages. */
  readonly label: string;
  /** What is thrown when the file is missing (by default an error that says so), and what to type then. */
  readonly missing?: () => OrchestrateError;
  readonly missingFix: string;
  /** Throws for content that must not be touched; sees a read-only connection before anything is written. */
  readonly inspect: (db: Db, place: StoreFile) => void;
};

/**
 * Opens the database at `path`: WAL, foreign keys on, synchronous NORMAL.
 * Throws exit 3 (not readable or writable, native module missing), 4 (locked beyond the busy timeout), 6 (missing, corrupt,
 * truncated, or refused by `inspect`; the file stays as it is).
 */
export function openDatabase(path: string, options: OpenOptions): Db {
  const place = placeOf(path, options);
  return guarded(place, () => {
    const size = existingSize(place, options);
    if (size > 0) {
      const probe = inspected(place, options);
      if (options.readonly === true) return probe;
      probe.close();
    } else if (options.readonly === true) {
      throw unusable(place, 'it is empty');
    }
    return openForWriting(place);
  });
}

/** The place of an open database, for `guarded`. */
export function placeOf(path: string, options: { label: string; busyTimeoutMs?: number }): StoreFile {
  return {
    path,
    label: options.label,
    busyTimeoutMs: options.busyTimeoutMs ?? DEFAULT_BUSY_TIMEOUT_MS,
  };
}

const statements = new WeakMap<Db, Map<string, ReturnType<Db['prepare']>>>();

/** The statement of this text, prepared once for each database: to prepare one takes longer than to run it. */
export function prepared(db: Db, sql: string): ReturnType<Db['prepare']> {
  const known = statements.get(db) ?? new Map<string, ReturnType<Db['prepare']>>();
  statements.set(db, known);
  const statement = known.get(sql) ?? db.prepare(sql);
  known.set(sql, statement);
  return statement;
}

/** A function that returns a number which changes whenever another connection commits; it costs microseconds. */
export function dataVersionOf(db: Db): () => number {
  const statement = db.prepare('PRAGMA data_version').pluck();
  return () => Number(statement.get());
}

/** Size of the file in bytes; creates it (size 0) when asked to. */
function existingSize(place: StoreFile, options: OpenOptions): number {
  const stats = statSync(place.path, { throwIfNoEntry: false });
  if (stats !== undefined) return checkedSize(place, options, stats);
  if (!options.create) {
    const { missing } = options;
    if (missing !== undefined) throw missing();
    throw new OrchestrateError(EXIT.state, `${place.label} ${place.path} does not exist`, options.missingFix);
  }
  // Without a driver nothing is made: an empty file would read as a broken store ever after.
  sqliteDriver();
  makePrivateDirectory(dirname(place.path));
  makePrivateFile(place.path);
  return 0;
}

function checkedSize(place: StoreFile, options: OpenOptions, stats: Stats): number {
  if (!stats.isFile()) throw unusable(place, 'it is not a file');
  // An empty file is a database that another process is just creating, or the rest of one.
  if (stats.size === 0 && !options.create) throw unusable(place, 'it is empty');
  return stats.size;
}

/** A read-only connection to a file that passed `inspect`. */
function inspected(place: StoreFile, options: OpenOptions): Db {
  const deadline = performance.now() + place.busyTimeoutMs;
  for (;;) {
    const db = connect(place, true);
    try {
      db.transaction(() => {
        options.inspect(db, place);
        refuseTruncated(db, place);
      })();
      return db;
    } catch (error) {
      db.close();
      if (!isHalfWritten(error) || performance.now() > deadline) throw error;
      takeBack(place);
    }
  }
}

/**
 * True for what SQLite says to who may only read a file with the journal of a writer that was killed, or of one that has ended this
 * very moment: a file that is made keeps one until it is switched to WAL.
 */
function isHalfWritten(thrown: unknown): boolean {
  return codeOf(thrown).startsWith('SQLITE_READONLY');
}

/** Has SQLite take back what a killed writer had half written, as any program does that opens the file; nothing else is changed. */
function takeBack(place: StoreFile): void {
  const db = connect(place, false);
  try {
    pragmaNumber(db, 'page_count');
  } finally {
    db.close();
  }
}

/** SQLite notices missing whole pages by itself, but reads a page that was cut short as if zeros followed. */
function refuseTruncated(db: Db, place: StoreFile): void {
  const wal = statSync(`${place.path}-wal`, { throwIfNoEntry: false });
  if (wal !== undefined && wal.size > 0) return;
  const expected = pragmaNumber(db, 'page_count') * pragmaNumber(db, 'page_size');
  const size = statSync(place.path, { throwIfNoEntry: false })?.size ?? expected;
  if (size < expected) throw unusable(place, `it is truncated (${size} of ${expected} bytes)`);
}

function pragmaNumber(db: Db, name: 'page_count' | 'page_size'): number {
  return Number(db.pragma(name, { simple: true }));
}

function openForWriting(place: StoreFile): Db {
  const db = connect(place, false);
  try {
    db.pragma('foreign_keys = ON');
    switchToWal(db, place.busyTimeoutMs);
    db.pragma('synchronous = NORMAL');
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

function connect(place: StoreFile, readonly: boolean): Db {
  const Driver = sqliteDriver();
  return new Driver(place.path, { readonly, fileMustExist: true, timeout: place.busyTimeoutMs });
}

/** The switch to WAL needs the file alone and doesn't wait for it by itself, so several processes that open a new file collide. */
function switchToWal(db: Db, waitMs: number): void {
  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      db.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      blockFor(3 + Math.random() * 7);
    }
  }
}
