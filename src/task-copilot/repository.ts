/** The one way into Task Copilot's store: a connection to the file that is there now, and a transaction around every use of it. */
import { blockFor } from '../core/block.ts';
import type { RunScope } from '../core/scope.ts';
import { type Db, dataVersionOf } from '../sqlite/database.ts';
import { guarded, isBusy } from '../sqlite/failures.ts';
import { openOnFile } from '../sqlite/same-file.ts';
import { type CopilotOptions, copilotPlace, NoPlan, openCopilotDatabase } from './store-schema.ts';
import { type CopilotDb, timeText } from './tools/rows.ts';

/** How to open the store. */
export type RepositoryOptions = CopilotOptions & {
  /** Called before a file is opened or created; throws when it must not be. */
  readonly beforeOpening?: () => void;
};

/**
 * Task Copilot's store. Nothing is opened before the first use; a file that was replaced since the last use is opened again.
 * Everything throws exit 3, 4 or 6 as `openCopilotDatabase` says, also when the file becomes unreadable later.
 */
export type Repository = {
  readonly path: string;
  /** Reads, all of it from one moment. */
  read<T>(work: (db: CopilotDb) => T): T;
  /** Changes the store, undone as a whole when `work` throws; for a worker within the scope of its run. */
  write<T>(work: (db: CopilotDb) => T, scope?: RunScope | null): T;
  /** A read that is done again only when the store has changed since. */
  kept<T>(work: (db: CopilotDb) => T): () => T;
  /** Changes whenever another connection has committed or the file is another one; costs microseconds. */
  changeToken(): number;
  /** From now on each use waits for another's lock for so long at most, in ms. */
  waitAtMost(ms: number): void;
  close(): void;
};

/** Tokens of the data of one file stay below this, so that those of the next one differ. */
const VERSIONS_PER_FILE = 2 ** 32;

/** The repository of the store at `path` (a tasks.db). */
export function openRepository(path: string, options: RepositoryOptions): Repository {
  let place = copilotPlace(path, options.busyTimeoutMs);
  let openings = 0;
  let writes = 0;
  const connection = openOnFile(path, () => {
    options.beforeOpening?.();
    // One that was there and is gone is said to be.
    const how = { ...options, busyTimeoutMs: place.busyTimeoutMs };
    const sql = openCopilotDatabase(path, openings === 0 ? { missing: () => new NoPlan(), ...how } : how);
    sql.pragma('busy_timeout = 0');
    openings += 1;
    return { sql, dataVersion: dataVersionOf(sql), close: () => sql.close() };
  });
  const opened = () => guarded(place, connection.get);
  const within = <T>(mode: 'deferred' | 'immediate', sql: Db, work: () => T): T =>
    guarded(place, () => whileBusy(place.busyTimeoutMs, () => sql.transaction(work)[mode]()));

  return {
    path,
    read: (work) => {
      const { sql } = opened();
      return within('deferred', sql, () => work(viewOf(sql, null)));
    },
    write: (work, scope = null) => {
      const { sql } = opened();
      writes += 1;
      return within('immediate', sql, () => work(viewOf(sql, scope)));
    },
    kept: (work) =>
      whileTokenHolds((before) => {
        const { sql, dataVersion } = opened();
        const token = () => `${openings} ${writes} ${dataVersion()}`;
        if (before !== null && before.token === guarded(place, token)) return before;
        return within('deferred', sql, () => ({ value: work(viewOf(sql, null)), token: token() }));
      }),
    changeToken: () => {
      const { dataVersion } = opened();
      return openings * VERSIONS_PER_FILE + guarded(place, dataVersion);
    },
    waitAtMost: (ms) => {
      place = copilotPlace(path, ms);
    },
    close: () => connection.close(),
  };
}

type Kept<Value> = { readonly token: string; readonly value: Value };

/** Asks with what was found before; the answer is kept for the next time. */
function whileTokenHolds<Value>(ask: (before: Kept<Value> | null) => Kept<Value>): () => Value {
  let last: Kept<Value> | null = null;
  return () => {
    last = ask(last);
    return last.value;
  };
}

function viewOf(sql: Db, scope: RunScope | null): CopilotDb {
  return { sql, now: timeText(Date.now()), scope };
}

/** Pauses between two tries; SQLite's own grow to 100 ms, and starve some of many writers. */
const SHORTEST_MS = 1;
const LONGEST_MS = 10;

/**
 * Runs `work` again and again while another connection holds the lock it needs, for `waitMs` at most; blocks the thread
 * meanwhile. `work` must have no effect when it fails. The connection's own busy timeout should be short.
 */
function whileBusy<T>(waitMs: number, work: () => T): T {
  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      blockFor(SHORTEST_MS + Math.random() * (LONGEST_MS - SHORTEST_MS));
    }
  }
}
