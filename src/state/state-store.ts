/** orchestrate's own memory (state.db): streams, runs, events, gate results, the poller; decides nothing. */
import { eventKindOf, type OrchestrateEvent } from '../core/events.ts';
import { type Db, dataVersionOf } from '../sqlite/database.ts';
import { guarded, unusable } from '../sqlite/failures.ts';
import type { Row } from './columns.ts';
import { createRecords } from './records.ts';
import { openStateDatabase, type StateOptions, statePlace } from './state-schema.ts';
import type { GateResult, PollerRow, StateStore } from './types.ts';

/** How many events are kept; older ones go. */
const EVENTS_KEPT = 20_000;
/** Old events are looked for once in so many. */
const EVENTS_BETWEEN_TRIMS = 256;
const EVENTS_SHOWN = 200;

/** Opens orchestrate's memory at `path`. Throws exit 3, 4 or 6 as `openStateDatabase` says; so do all its methods. */
export function openStateStore(path: string, options: StateOptions = {}): StateStore {
  const db = openStateDatabase(path, options);
  const place = statePlace(path, options);
  const records = createRecords(db);
  const parts = {
    ...records,
    ...createEvents(db),
    ...createGates(db),
    ...createFacts(db),
    setIntent: (key, intent, atMs) => records.patchStream(key, { intent, intentAtMs: atMs }),
    changeToken: dataVersionOf(db),
  } satisfies Omit<StateStore, 'path' | 'close'>;
  const run = <T>(work: () => T): T => {
    try {
      return guarded(place, work);
    } catch (error) {
      // A column of ours that is no JSON: the file was changed by something else.
      throw error instanceof SyntaxError ? unusable(place, error.message, error) : error;
    }
  };
  return { path, ...guardAll(parts, run), close: () => db.close() };
}

/** Wraps every method of `parts` in `run`. */
function guardAll<Parts extends object>(parts: Parts, run: <T>(work: () => T) => T): Parts {
  const wrapped = Object.entries(parts).map(([name, method]) => [
    name,
    (...args: unknown[]) => run(() => (method as (...args: unknown[]) => unknown)(...args)),
  ]);
  return Object.fromEntries(wrapped) as Parts;
}

function createEvents(db: Db): Pick<StateStore, 'addEvent' | 'events'> {
  const insert = db.prepare('INSERT INTO events (at_ms, key, run, kind, message) VALUES (?, ?, ?, ?, ?)');
  const trim = db.prepare('DELETE FROM events WHERE id <= ?');
  const newest = db.prepare(
    `SELECT * FROM events WHERE (@key IS NULL OR key = @key) AND id > @since ORDER BY id DESC LIMIT @limit`,
  );
  return {
    addEvent: (event) => {
      const { lastInsertRowid } = insert.run(event.atMs, event.key, event.run, event.kind, event.message);
      const id = Number(lastInsertRowid);
      if (id % EVENTS_BETWEEN_TRIMS === 0) trim.run(id - EVENTS_KEPT);
    },
    events: ({ key, sinceId, limit }) => {
      const rows = newest.all({
        key: key ?? null,
        since: sinceId ?? 0,
        limit: limit ?? EVENTS_SHOWN,
      }) as Row[];
      return rows.reverse().map(eventOf);
    },
  };
}

function eventOf(row: Row): OrchestrateEvent {
  return {
    id: Number(row['id']),
    atMs: Number(row['at_ms']),
    key: row['key'] === null ? null : String(row['key']),
    run: row['run'] === null ? null : Number(row['run']),
    kind: eventKindOf(String(row['kind'])),
    message: String(row['message']),
  };
}

function createGates(db: Db): Pick<StateStore, 'gateResults' | 'addGateResult'> {
  const insert = db.prepare(
    `INSERT INTO gate_results (key, sha, name, command, exit_code, timed_out, log, started_at_ms, ended_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const select = db.prepare(
    'SELECT * FROM gate_results WHERE key = @key AND (@sha IS NULL OR sha = @sha) ORDER BY rowid',
  );
  return {
    gateResults: (key, sha) => (select.all({ key, sha: sha ?? null }) as Row[]).map(gateResultOf),
    addGateResult: (result) => {
      insert.run(
        result.key,
        result.sha,
        result.name,
        result.command,
        result.exitCode,
        result.timedOut ? 1 : 0,
        result.log,
        result.startedAtMs,
        result.endedAtMs,
      );
    },
  };
}

function gateResultOf(row: Row): GateResult {
  return {
    key: String(row['key']),
    sha: String(row['sha']),
    name: String(row['name']),
    command: String(row['command']),
    exitCode: row['exit_code'] === null ? null : Number(row['exit_code']),
    timedOut: row['timed_out'] === 1,
    log: String(row['log']),
    startedAtMs: Number(row['started_at_ms']),
    endedAtMs: Number(row['ended_at_ms']),
  };
}

/** Single facts: bases of initiatives, named values, the poller. */
function createFacts(
  db: Db,
): Pick<StateStore, 'initiativeBase' | 'setInitiativeBase' | 'getMeta' | 'setMeta' | 'poller' | 'setPoller'> {
  const baseOf = db.prepare('SELECT branch, sha FROM initiative_bases WHERE initiative_id = ?');
  const addBase = db.prepare(
    'INSERT OR IGNORE INTO initiative_bases (initiative_id, branch, sha) VALUES (?, ?, ?)',
  );
  const metaOf = db.prepare('SELECT value FROM meta WHERE name = ?').pluck();
  const pollerRow = db.prepare(
    'SELECT pid, start, since_ms AS sinceMs, config_hash AS configHash FROM poller',
  );
  const initiativeBase: StateStore['initiativeBase'] = (initiativeId) =>
    (baseOf.get(initiativeId) as { branch: string; sha: string } | undefined) ?? null;
  return {
    initiativeBase,
    setInitiativeBase: (initiativeId, base) => {
      addBase.run(initiativeId, base.branch, base.sha);
      return initiativeBase(initiativeId) ?? base;
    },
    getMeta: (name) => (metaOf.get(name) as string | undefined) ?? null,
    setMeta: (name, value) => {
      if (value === null) db.prepare('DELETE FROM meta WHERE name = ?').run(name);
      else db.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)').run(name, value);
    },
    poller: () => (pollerRow.get() as PollerRow | undefined) ?? null,
    setPoller: (row) => {
      if (row === null) db.prepare('DELETE FROM poller').run();
      else {
        db.prepare(
          'INSERT OR REPLACE INTO poller (one, pid, start, since_ms, config_hash) VALUES (1, ?, ?, ?, ?)',
        ).run(row.pid, row.start, row.sinceMs, row.configHash);
      }
    },
  };
}
