/**
 * Which SQLite a process runs on: better-sqlite3, or Node's own where the native part of that was not built; loaded on first
 * use, so that commands without a database do not pay for it.
 */
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import type { Db, DriverOptions, SqliteDriver } from './driver.ts';
import { nodeDriver } from './node-driver.ts';

type Loaded = { readonly Driver: SqliteDriver; readonly name: 'better-sqlite3' | 'node:sqlite' };

/**
 * Set by the build. `installed`: the bundle holds the driver's JavaScript, so that only its native part is looked for where it
 * was installed. `of-node`: no package belongs to the bundle, and one that happens to lie above it is not its own.
 */
declare const BUNDLED: 'installed' | 'of-node' | undefined;

let loaded: Loaded | null = null;

/** The driver; throws exit 3 with the remedy where there is neither. */
export function sqliteDriver(): SqliteDriver {
  return load().Driver;
}

/** Which driver is in use; throws as `sqliteDriver`. */
export function driverName(): Loaded['name'] {
  return load().name;
}

function load(): Loaded {
  loaded ??= typeof BUNDLED !== 'undefined' && BUNDLED === 'of-node' ? ofNode(null) : betterSqlite3();
  return loaded;
}

/** Node's own; `wanting`: why it is not better-sqlite3. */
function ofNode(wanting: unknown): Loaded {
  const Driver = nodeDriver();
  if (Driver === null) throw noDriver(wanting);
  return { Driver, name: 'node:sqlite' };
}

/** better-sqlite3; Node's own where only the native part of that is wanting. */
function betterSqlite3(): Loaded {
  try {
    const Driver = typeof BUNDLED === 'undefined' ? installedDriver() : bundledDriver();
    return { Driver, name: 'better-sqlite3' };
  } catch (error) {
    if (!isNativeModuleFailure(error)) throw error;
    // The search for it says "not found" of whatever it cannot open.
    if (isOutOfFiles()) throw tooManyFiles(error);
    return ofNode(error);
  }
}

function installedDriver(): SqliteDriver {
  const Driver = createRequire(import.meta.url)('better-sqlite3') as SqliteDriver;
  // The native part is loaded by the first connection.
  new Driver(':memory:').close();
  return Driver;
}

/** The dozen files of the driver and the search for its native part take longer than all that SQLite does for a look. */
function bundledDriver(): SqliteDriver {
  const Driver = require('better-sqlite3') as new (path: string, options: object) => Db;
  const nativeBinding: unknown = createRequire(import.meta.url)(
    'better-sqlite3/build/Release/better_sqlite3.node',
  );
  return class extends Driver {
    constructor(path: string, options: DriverOptions = {}) {
      super(path, { ...options, nativeBinding });
    }
  };
}

/** Files that one database takes: itself, its log, its index, and a journal; and what loading the driver takes. */
const FILES_NEEDED = 8;

/** True when this process may not open as many files as a database takes. */
export function isOutOfFiles(): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < FILES_NEEDED) opened.push(openSync('/dev/null', 'r'));
    return false;
  } catch (error) {
    if (error instanceof Error && 'code' in error && /^E[MN]FILE$/.test(String(error.code))) return true;
    throw error;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

function tooManyFiles(cause: unknown): Error {
  const error = new Error("EMFILE: too many open files, SQLite's driver could not be loaded", { cause });
  return Object.assign(error, { code: 'EMFILE' });
}

/** True for what the driver throws when it is absent, or its native part is absent or built for another Node. */
export function isNativeModuleFailure(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || thrown instanceof OrchestrateError) return false;
  const code = (thrown as { code?: unknown }).code;
  return (
    code === 'ERR_DLOPEN_FAILED' ||
    code === 'MODULE_NOT_FOUND' ||
    /could not locate the bindings file|NODE_MODULE_VERSION|compiled against a different Node/i.test(
      thrown.message,
    )
  );
}

/** The exit 3 error for a Node with neither driver; `wanting`: what better-sqlite3 threw, null where there is none. */
export function noDriver(wanting: unknown): OrchestrateError {
  const why =
    wanting === null
      ? 'the plugin brings none along'
      : `the native module of better-sqlite3 is not built for it: ${messageOf(wanting).slice(0, 160)}`;
  return new OrchestrateError(
    EXIT.environment,
    `Node ${process.versions.node} has no SQLite of its own (22.13 and newer have), and ${why}`,
    'install Node 22.13 or newer (https://nodejs.org), or this program by npm, as its README says',
    wanting === null ? {} : { cause: wanting },
  );
}
