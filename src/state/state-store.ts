/** orchestrate's own memory (state.db): streams, runs, events, gate results, the poller; decides nothing. */

import { EXIT, OrchestrateError } from '../core/errors.ts';
import { eventKindOf, type OrchestrateEvent } from '../core/events.ts';
import { type Db, dataVersionOf } from '../sqlite/database.ts';
import { guarded, type StoreFile, unusable } from '../sqlite/failures.ts';
import { fileAt, isSameFile } from '../sqlite/same-file.ts';
import {
  landingColumns,
  landingOf,
  type ProjectFacts,
  pollerColumns,
  pollerOf,
  projectOf,
} from './columns.ts';
import { createRecords, type Records } from './records.ts';
import { IN_MEMORY, openStateDatabase, type StateOptions, statePlace } from './state-schema.ts';
import type { GateResult, NewLanding, StateStore } from './types.ts';
import { type Row, UnreadableValue } from './value-checks.ts';

/** How many events are kept; older ones go. */
const EVENTS_KEPT = 20_000;
/** Old events are looked for once in so many. */
const EVENTS_BETWEEN_TRIMS = 256;
/** How many results are kept of one gate of a stream, and of all its gates; of what is verified the last ones stay too. */
const RESULTS_KEPT = { ofGate: 20, ofStream: 200 };

/** Opens orchestrate's memory at `path`. Throws exit 3, 4 or 6 as `openStateDatabase` says; so do all its methods. */
export function openStateStore(path: string, options: StateOptions = {}): StateStore {
  const db = openStateDatabase(path, options);
  let place = statePlace(path, options);
  const { forgetSteps, ...records } = createRecords(db);
  const parts = {
    ...records,
    ...createEvents(db),
    ...createGates(db),
    ...createLandings(db),
    ...createFacts(db, { forgetSteps }),
    setIntent: (key, intent, atMs, reason = null) =>
      records.patchStream(key, { intent, intentAtMs: atMs, intentReason: reason }),
    changeToken: dataVersionOf(db),
    waitAtMost: (ms) => {
      db.pragma(`busy_timeout = ${ms}`);
      place = statePlace(path, { ...options, busyTimeoutMs: ms });
    },
  } satisfies Omit<StateStore, 'path' | 'isLost' | 'close'>;
  const opened = fileAt(path);
  const isLost = (): boolean => path !== IN_MEMORY && !isSameFile(opened, fileAt(path));
  const run = <T>(work: () => T): T => {
    try {
      if (isLost()) throw fileLost(place);
      return guarded(place, work);
    } catch (error) {
      throw error instanceof UnreadableValue ? unusable(place, error.message, error) : error;
    }
  };
  return { path, ...guardAll(parts, run), isLost, close: () => db.close() };
}

/** SQLite works on with a file that was removed or replaced: what is written there nobody else sees. */
function fileLost({ label, path }: StoreFile): OrchestrateError {
  return new OrchestrateError(
    EXIT.state,
    `${label} ${path} was removed or replaced while it was in use`,
    'orchestrate start',
  );
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
        limit: limit ?? EVENTS_KEPT,
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
  const trim = db.prepare(
    `DELETE FROM gate_results WHERE rowid IN (
       SELECT id FROM (SELECT rowid AS id, sha,
         row_number() OVER (PARTITION BY name ORDER BY rowid DESC) AS of_gate,
         row_number() OVER (PARTITION BY name, sha ORDER BY rowid DESC) AS of_head,
         row_number() OVER (ORDER BY rowid DESC) AS of_stream
         FROM gate_results WHERE key = @key)
       WHERE (of_gate > @ofGate OR of_stream > @ofStream) AND NOT (of_head = 1 AND sha IS (
         SELECT json_extract(verified, '$.sha') FROM streams WHERE key = @key AND json_valid(verified))))`,
  );
  const select = db.prepare(
    'SELECT * FROM gate_results WHERE key = @key AND (@sha IS NULL OR sha = @sha) ORDER BY rowid',
  );
  return {
    gateResults: (key, sha) => (select.all({ key, sha: sha ?? null }) as Row[]).map(gateResultOf),
    addGateResult: db.transaction((result: GateResult) => {
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
      trim.run({ key: result.key, ...RESULTS_KEPT });
    }),
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

/** What went into which branch as which commits. */
function createLandings(db: Db): Pick<StateStore, 'landings' | 'addLandings'> {
  const select = db.prepare('SELECT * FROM landings WHERE initiative_id = ? ORDER BY number');
  return {
    landings: (initiativeId) => (select.all(initiativeId) as Row[]).map(landingOf),
    addLandings: db.transaction((landings: readonly NewLanding[]) => {
      for (const landing of landings) {
        const columns = landingColumns(landing);
        const names = columns.map(([name]) => name).join(', ');
        db.prepare(
          `INSERT OR REPLACE INTO landings (${names}) VALUES (${columns.map(() => '?').join(', ')})`,
        ).run(...columns.map(([, value]) => value));
      }
    }),
  };
}

type Facts = Pick<
  StateStore,
  | 'initiativeBase'
  | 'setInitiativeBase'
  | 'tmuxServer'
  | 'setTmuxServer'
  | 'gitConfig'
  | 'setGitConfig'
  | 'poller'
  | 'setPoller'
  | 'clearPoller'
  | 'setMaxWorkers'
>;

/** Single facts: bases of initiatives, what is one of its kind in a project, the poller. */
function createFacts(db: Db, records: Pick<Records, 'forgetSteps'>): Facts {
  const baseOf = db.prepare('SELECT branch, sha FROM initiative_bases WHERE initiative_id = ?');
  const addBase = db.prepare(
    'INSERT OR IGNORE INTO initiative_bases (initiative_id, branch, sha) VALUES (?, ?, ?)',
  );
  const project = db.prepare('SELECT * FROM project');
  const setServer = db.prepare('UPDATE project SET tmux_server = ?');
  const setGit = db.prepare('UPDATE project SET git_config = ?');
  const pollerRow = db.prepare('SELECT * FROM poller');
  const clear = db.prepare('DELETE FROM poller WHERE pid = ? AND start = ?');
  const limit = db.prepare('UPDATE poller SET max_workers = ? WHERE pid = ? AND start = ?');
  const initiativeBase: StateStore['initiativeBase'] = (initiativeId) =>
    (baseOf.get(initiativeId) as { branch: string; sha: string } | undefined) ?? null;
  const facts = (): ProjectFacts => projectOf(project.get() as Row);
  return {
    initiativeBase,
    setInitiativeBase: (initiativeId, base) => {
      addBase.run(initiativeId, base.branch, base.sha);
      return initiativeBase(initiativeId) ?? base;
    },
    tmuxServer: () => facts().tmuxServer,
    setTmuxServer: (server) => void setServer.run(server),
    gitConfig: () => facts().gitConfig,
    setGitConfig: (settings) => void setGit.run(JSON.stringify(settings)),
    poller: () => {
      const row = pollerRow.get() as Row | undefined;
      return row === undefined ? null : pollerOf(row);
    },
    setPoller: (row) => {
      const columns = pollerColumns(row);
      const names = columns.map(([name]) => name).join(', ');
      const values = columns.map(([, value]) => value);
      db.transaction(() => {
        db.prepare(
          `INSERT OR REPLACE INTO poller (one, ${names}) VALUES (1${', ?'.repeat(values.length)})`,
        ).run(...values);
        records.forgetSteps();
      })();
    },
    setMaxWorkers: ({ pid, start }, maxWorkers) => limit.run(maxWorkers, pid, start).changes > 0,
    clearPoller: ({ pid, start }) =>
      db.transaction(() => {
        const { changes } = clear.run(pid, start);
        if (changes === 1) records.forgetSteps();
        return changes === 1;
      })(),
  };
}
