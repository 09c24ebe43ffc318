/** Tells when another process has committed to one of several databases; does not know what changed. */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** A database to watch: its path, and a token that changes with every commit of another connection. */
export type WatchedDatabase = { readonly path: string; readonly check: () => number };

export type WatchOptions = {
  /** How often to look besides the file events; the default is a second. */
  readonly slowPollMs?: number;
};

/** The file event comes before the commit can be seen, and no other follows; on a busy machine the gap is longer. */
const FIRST_RECHECK_MS = 2;
const LATER_RECHECKS_MS = [20, 150] as const;
/** Besides the events. */
const SLOW_POLL_MS = 1000;
/** Where the directory cannot be watched. */
const FAST_POLL_MS = 50;

/**
 * Calls `onChange` after every commit to any of `databases`, within milliseconds; commits in quick succession may share a
 * call. A check that throws counts as a change, so that whoever reads next meets the error. Keeps no process alive.
 */
export function watchDatabases(
  databases: readonly WatchedDatabase[],
  onChange: () => void,
  { slowPollMs = SLOW_POLL_MS }: WatchOptions = {},
): { close(): void } {
  const watched = databases.map((database) => watchOne(database, onChange, slowPollMs));
  return {
    close() {
      for (const one of watched) one.close();
    },
  };
}

function watchOne(database: WatchedDatabase, onChange: () => void, slowPollMs: number): { close(): void } {
  let seen = tokenOf(database);
  let first: NodeJS.Timeout | null = null;
  let again = false;
  let last: NodeJS.Timeout | null = null;

  const check = () => {
    const token = tokenOf(database);
    if (token === seen) return;
    seen = token;
    onChange();
  };
  const recheckSoon = () => {
    again = first !== null;
    if (first !== null) return;
    first = setTimeout(() => {
      first = null;
      check();
      if (again) recheckSoon();
    }, FIRST_RECHECK_MS).unref();
  };
  const recheckLater = ([delay, ...others]: readonly number[]) => {
    if (last !== null) clearTimeout(last);
    if (delay === undefined) return;
    last = setTimeout(() => {
      recheckLater(others);
      check();
    }, delay).unref();
  };
  const onEvent = () => {
    recheckSoon();
    recheckLater(LATER_RECHECKS_MS);
    check();
  };
  let poll = setInterval(check, slowPollMs).unref();
  const pollFast = () => {
    clearInterval(poll);
    poll = setInterval(check, FAST_POLL_MS).unref();
  };
  const watcher = watchDirectory(database.path, onEvent, pollFast);
  return {
    close() {
      watcher?.close();
      clearInterval(poll);
      if (first !== null) clearTimeout(first);
      if (last !== null) clearTimeout(last);
      again = false;
    },
  };
}

/** Watches the directory, since the log file beside the database comes and goes; null when that cannot be done. */
function watchDirectory(path: string, onEvent: () => void, onFailure: () => void): FSWatcher | null {
  const name = basename(path);
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_event, file) => {
      if (file === null || file.startsWith(name)) onEvent();
    });
    watcher.on('error', () => {
      watcher.close();
      onFailure();
    });
    return watcher;
  } catch {
    onFailure();
    return null;
  }
}

function tokenOf(database: WatchedDatabase): number | null {
  try {
    return database.check();
  } catch {
    return null;
  }
}
