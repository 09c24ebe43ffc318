/** Loads the SQLite driver on first use, so that a driver that was never built is a clean error and other commands don't pay for it. */
import { createRequire } from 'node:module';
import type BetterSqlite3 from 'better-sqlite3';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';

/** An open database connection. */
export type Db = BetterSqlite3.Database;
type Driver = typeof BetterSqlite3;
type Connect = (path: string, options: BetterSqlite3.Options) => Db;

/** Set by the build: a bundle holds the driver's JavaScript, so that only its native part is looked for where it was installed. */
declare const BUNDLED: true | undefined;

let loaded: Connect | null = null;

/** Opens a connection; throws exit 3 with the remedy when the driver can't be loaded, and whatever SQLite throws. */
export function connect(path: string, options: BetterSqlite3.Options): Db {
  try {
    loaded ??= typeof BUNDLED === 'undefined' ? installedDriver() : bundledDriver();
  } catch (error) {
    throw nativeModuleMissing(error);
  }
  return loaded(path, options);
}

function installedDriver(): Connect {
  const Driver = createRequire(import.meta.url)('better-sqlite3') as Driver;
  return (path, options) => new Driver(path, options);
}

/** The dozen files of the driver and the search for its native part take longer than all that SQLite does for a look. */
function bundledDriver(): Connect {
  const Driver = require('better-sqlite3') as Driver;
  const addon: unknown = createRequire(import.meta.url)('better-sqlite3/build/Release/better_sqlite3.node');
  // The types know its path only; the loaded module is taken as well.
  const nativeBinding = addon as string;
  return (path, options) => new Driver(path, { ...options, nativeBinding });
}

/** True for what the driver throws on its first connection when its native part is absent or built for another Node. */
export function isNativeModuleFailure(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const code = (thrown as { code?: unknown }).code;
  return (
    code === 'ERR_DLOPEN_FAILED' ||
    code === 'MODULE_NOT_FOUND' ||
    /could not locate the bindings file|NODE_MODULE_VERSION|compiled against a different Node/i.test(
      thrown.message,
    )
  );
}

/** The exit 3 error for a driver without its native part. */
export function nativeModuleMissing(thrown: unknown): OrchestrateError {
  return new OrchestrateError(
    EXIT.environment,
    `the native module of better-sqlite3 is not built for Node ${process.versions.node}: ${messageOf(thrown).slice(0, 160)}`,
    'npm rebuild better-sqlite3 (in a global installation: npm i -g --allow-scripts=better-sqlite3 orchestrate-streams)',
    { cause: thrown },
  );
}
