/** Streams and runs in state.db: allocation of names and ports, changes, and who holds a launch token. */

import { EXIT, OrchestrateError } from '../core/errors.ts';
import { branchName, streamKey, worktreePath } from '../core/stream-key.ts';
import { sha256 } from '../files/sha256.ts';
import { type Db, prepared } from '../sqlite/database.ts';
import { runColumns, runOf, streamColumns } from './columns.ts';
import { createRecordCache, type RecordCache, readStream, readStreams } from './record-cache.ts';
import type { RunPlace, StateStore } from './types.ts';
import type { Row } from './value-checks.ts';

const PORTS_PER_STREAM = 10;
const LAST_PORT = 65_535;
/** Runs of a stream that are kept to be looked at, beside the last that failed: of the current initiative, and of others. */
const RUNS_KEPT = { current: 5, others: 1 };

type StreamMethods = Pick<
  StateStore,
  'records' | 'allRecords' | 'unreadable' | 'ensureStream' | 'ensureStreams' | 'patchStream'
>;
type RunMethods = Pick<
  StateStore,
  | 'openRun'
  | 'claimRemoval'
  | 'patchRun'
  | 'endRun'
  | 'openRecords'
  | 'runByTokenHash'
  | 'runPlaces'
  | 'hasOpenRuns'
>;

/** What the state store knows of streams and runs; `forgetSteps` clears what former pollers had under way. */
export type Records = StreamMethods & RunMethods & { forgetSteps(): void };

/** The methods of the state store that deal with streams and runs; SQLite's errors pass through. */
export function createRecords(db: Db): Records {
  const cache = createRecordCache(db);
  const forget = db.prepare('UPDATE streams SET step = NULL WHERE step IS NOT NULL RETURNING key').pluck();
  return {
    ...createStreams(db, cache),
    ...createRuns(db, cache),
    forgetSteps: () => {
      for (const key of forget.all()) cache.touch(String(key));
    },
  };
}

function createStreams(db: Db, cache: RecordCache): StreamMethods {
  const byKey = db.prepare('SELECT * FROM streams WHERE key = ?');
  const every = db.prepare('SELECT * FROM streams ORDER BY rowid');
  const byStream = db.prepare('SELECT key FROM streams WHERE initiative_id = ? AND stream_id = ?').pluck();
  const ensure: StateStore['ensureStreams'] = (initiativeId, streamIds, names) => {
    const keys = new Map<string, string>();
    db.transaction(() => {
      let allocate: ((streamId: string) => string) | null = null;
      for (const id of streamIds) {
        const taken = byStream.get(initiativeId, id) as string | undefined;
        if (taken === undefined) allocate ??= createAllocation(db, initiativeId, names);
        keys.set(id, taken ?? allocate?.(id) ?? '');
      }
    }).immediate();
    for (const key of keys.values()) cache.touch(key);
    return keys;
  };
  return {
    records: (initiativeId) => cache.records(initiativeId).readable,
    allRecords: () => readStreams(db, every.all() as Row[]),
    unreadable: (initiativeId) => cache.records(initiativeId).unreadable,
    ensureStream: (initiativeId, streamId, names) => {
      const known = cache.find(initiativeId, streamId);
      if (known !== null) return known;
      const key = ensure(initiativeId, [streamId], names).get(streamId);
      return readStream(db, byKey.get(key) as Row);
    },
    ensureStreams: ensure,
    patchStream: (key, patch) => {
      const { assignments, values } = streamColumns(patch);
      if (values.length === 0) return;
      const { changes } = prepared(db, `UPDATE streams SET ${assignments} WHERE key = ?`).run(...values, key);
      if (changes === 0) throw unknownRecord(`stream ${key}`);
      cache.touch(key);
    },
  };
}

function createRuns(db: Db, cache: RecordCache): RunMethods {
  // The indexes refuse a second open run of a stream, a number or a token that is taken; what was called off is not opened.
  const insert = db.prepare(
    `INSERT OR IGNORE INTO runs (key, number, token_hash, agent_kind, started_at_ms, boot_id, session_id, base_sha)
     SELECT ?, ?, ?, ?, ?, ?, ?, ? FROM streams WHERE key = ? AND intent = 'none' AND removing IS NULL`,
  );
  const claim = db.prepare(
    `UPDATE streams SET removing = @removing WHERE key = @key
     AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.key = @key AND ended_at_ms IS NULL)`,
  );
  return {
    ...createRunQueries(db),
    openRun: (run) => {
      const { key, number, tokenHash, agentKind, startedAtMs, bootId, sessionId, baseSha } = run;
      const values = [key, number, tokenHash, agentKind, startedAtMs, bootId, sessionId, baseSha, key];
      const { changes } = insert.run(...values);
      cache.touch(key);
      return changes === 1;
    },
    claimRemoval: (key, { pid, start }) => {
      const { changes } = claim.run({ key, removing: JSON.stringify({ pid, start }) });
      cache.touch(key);
      return changes === 1;
    },
    patchRun: (key, number, patch) => {
      const { assignments, values } = runColumns(patch);
      if (values.length === 0) return;
      const statement = prepared(db, `UPDATE runs SET ${assignments} WHERE key = ? AND number = ?`);
      if (statement.run(...values, key, number).changes === 0) throw unknownRecord(`run ${number} of ${key}`);
      cache.touch(key);
    },
    endRun: (key, number, patch) => {
      const { assignments, values } = runColumns(patch);
      const { changes } = db
        .prepare(`UPDATE runs SET ${assignments} WHERE key = ? AND number = ? AND ended_at_ms IS NULL`)
        .run(...values, key, number);
      cache.touch(key);
      return changes === 1;
    },
  };
}

/** What is asked of runs. */
function createRunQueries(
  db: Db,
): Pick<RunMethods, 'runPlaces' | 'openRecords' | 'runByTokenHash' | 'hasOpenRuns'> {
  const byToken = db.prepare(
    `SELECT r.*, s.stream_id, s.initiative_id FROM runs r JOIN streams s ON s.key = r.key WHERE r.token_hash = ?`,
  );
  const anyOpen = db
    .prepare(
      `SELECT EXISTS (SELECT 1 FROM runs r JOIN streams s ON s.key = r.key
         WHERE r.ended_at_ms IS NULL AND s.initiative_id IS NOT ?)`,
    )
    .pluck();
  const open = db.prepare(
    'SELECT s.* FROM streams s JOIN runs r ON r.key = s.key WHERE r.ended_at_ms IS NULL ORDER BY s.rowid',
  );
  const places = db.prepare(
    `SELECT key || '-' || number AS name, CASE
       WHEN ended_at_ms IS NULL THEN 'open'
       WHEN place <= CASE WHEN initiative_id = @initiativeId THEN @current ELSE @others END THEN 'kept'
       WHEN number = last_failed THEN 'kept'
       ELSE 'past' END AS place
     FROM (SELECT r.key, r.number, r.ended_at_ms, s.initiative_id,
       row_number() OVER (PARTITION BY r.key ORDER BY r.number DESC) AS place,
       MAX(CASE WHEN r.outcome = 'failed' THEN r.number END) OVER (PARTITION BY r.key) AS last_failed
       FROM runs r JOIN streams s ON s.key = r.key)`,
  );
  return {
    runPlaces: (initiativeId) => {
      const rows = places.all({ initiativeId, ...RUNS_KEPT }) as { name: string; place: RunPlace }[];
      return new Map(rows.map(({ name, place }) => [name, place]));
    },
    openRecords: () => readStreams(db, open.all() as Row[]),
    runByTokenHash: (tokenHash) => {
      const row = byToken.get(tokenHash) as Row | undefined;
      if (row === undefined) return null;
      return {
        run: runOf(row),
        streamId: String(row['stream_id']),
        initiativeId: String(row['initiative_id']),
      };
    },
    hasOpenRuns: (exceptInitiativeId) => anyOpen.get(exceptInitiativeId ?? null) === 1,
  };
}

function unknownRecord(what: string): OrchestrateError {
  return new OrchestrateError(EXIT.state, `orchestrate's state knows no ${what}`, 'orchestrate status');
}

/** Gives streams their keys, branches, paths and ports; to be used inside one IMMEDIATE transaction. */
function createAllocation(
  db: Db,
  initiativeId: string,
  names: Parameters<StateStore['ensureStream']>[2],
): (streamId: string) => string {
  const isTaken = db.prepare('SELECT 1 FROM streams WHERE key = ?');
  const insert = db.prepare(
    'INSERT INTO streams (key, initiative_id, stream_id, branch, worktree, port) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const nextPort = createPorts(db, initiativeId, names.portBase);
  return (streamId) => {
    const key = streamKey(initiativeId, streamId, sha256, (each) => isTaken.get(each) !== undefined);
    const branch = branchName(names.branchPrefix, key);
    const worktree = worktreePath(names.worktreeRoot, key);
    insert.run(key, initiativeId, streamId, branch, worktree, nextPort());
    return key;
  };
}

/** Gives the lowest ranges that no stream of this initiative holds, nor one of another initiative whose worker still lives. */
function createPorts(db: Db, initiativeId: string, portBase: number): () => number {
  const held = db
    .prepare(
      `SELECT port FROM streams s WHERE initiative_id = ?
         OR EXISTS (SELECT 1 FROM runs r WHERE r.key = s.key AND r.ended_at_ms IS NULL)`,
    )
    .pluck()
    .all(initiativeId);
  const used = new Set(held);
  const ranges = Math.max(1, Math.floor((LAST_PORT + 1 - portBase) / PORTS_PER_STREAM));
  let range = 0;
  let shared = used.size;
  return () => {
    while (range < ranges && used.has(portBase + PORTS_PER_STREAM * range)) range++;
    // More streams than ports: they share, since only a few run at once.
    const port = portBase + PORTS_PER_STREAM * (range < ranges ? range : shared++ % ranges);
    used.add(port);
    return port;
  };
}
