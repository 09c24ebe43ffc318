/** Streams and runs in state.db: allocation of names and ports, changes, and who holds a launch token. */
import { createHash } from 'node:crypto';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { branchName, streamKey, worktreePath } from '../core/stream-key.ts';
import type { Db } from '../sqlite/database.ts';
import type { Row } from './checks.ts';
import { runColumns, runOf, streamColumns } from './columns.ts';
import { createRecordCache, type RecordCache, readStream } from './record-cache.ts';
import type { StateStore } from './types.ts';

const PORTS_PER_STREAM = 10;
const LAST_PORT = 65_535;

type StreamMethods = Pick<StateStore, 'records' | 'ensureStream' | 'patchStream'>;
type RunMethods = Pick<
  StateStore,
  'openRun' | 'patchRun' | 'endRun' | 'openRecords' | 'runByTokenHash' | 'hasOpenRuns'
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
  const byStream = db.prepare('SELECT key FROM streams WHERE initiative_id = ? AND stream_id = ?').pluck();
  return {
    records: cache.records,
    ensureStream: (initiativeId, streamId, names) => {
      const known = cache.find(initiativeId, streamId);
      if (known !== null) return known;
      const key = db
        .transaction(() => {
          const taken = byStream.get(initiativeId, streamId) as string | undefined;
          return taken ?? allocate(db, initiativeId, streamId, names);
        })
        .immediate();
      cache.touch(key);
      return readStream(db, byKey.get(key) as Row);
    },
    patchStream: (key, patch) => {
      const { assignments, values } = streamColumns(patch);
      if (values.length === 0) return;
      const { changes } = db.prepare(`UPDATE streams SET ${assignments} WHERE key = ?`).run(...values, key);
      if (changes === 0) throw unknownRecord(`stream ${key}`);
      cache.touch(key);
    },
  };
}

function createRuns(db: Db, cache: RecordCache): RunMethods {
  // The indexes refuse a second open run of a stream, a number or a token that is taken.
  const insert = db.prepare(
    `INSERT OR IGNORE INTO runs (key, number, token_hash, agent_kind, started_at_ms, boot_id, session_id, base_sha)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
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
  return {
    openRun: (run) => {
      const { key, number, tokenHash, agentKind, startedAtMs, bootId, sessionId, baseSha } = run;
      const values = [key, number, tokenHash, agentKind, startedAtMs, bootId, sessionId, baseSha];
      const { changes } = insert.run(...values);
      cache.touch(key);
      return changes === 1;
    },
    patchRun: (key, number, patch) => {
      const { assignments, values } = runColumns(patch);
      if (values.length === 0) return;
      const statement = db.prepare(`UPDATE runs SET ${assignments} WHERE key = ? AND number = ?`);
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
    openRecords: () => (open.all() as Row[]).map((row) => readStream(db, row)),
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
  return new OrchestrateError(
    EXIT.state,
    `orchestrate's state knows no ${what}`,
    'orchestrate status shows what it knows',
  );
}

/** Gives a stream its key, branch, path and ports; call it inside an IMMEDIATE transaction. */
function allocate(
  db: Db,
  initiativeId: string,
  streamId: string,
  names: Parameters<StateStore['ensureStream']>[2],
): string {
  const isTaken = db.prepare('SELECT 1 FROM streams WHERE key = ?');
  const sha256Hex = (text: string) => createHash('sha256').update(text).digest('hex');
  const key = streamKey(initiativeId, streamId, sha256Hex, (key) => isTaken.get(key) !== undefined);
  db.prepare(
    'INSERT INTO streams (key, initiative_id, stream_id, branch, worktree, port) VALUES (?, ?, ?, ?, ?, ?)',
  ).run(
    key,
    initiativeId,
    streamId,
    branchName(names.branchPrefix, key),
    worktreePath(names.worktreeRoot, key),
    freePort(db, initiativeId, names.portBase),
  );
  return key;
}

/** The lowest range that no stream of this initiative holds, nor one of another initiative whose worker still lives. */
function freePort(db: Db, initiativeId: string, portBase: number): number {
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
  while (range < ranges && used.has(portBase + PORTS_PER_STREAM * range)) range++;
  // More streams than ports: they share, since only a few run at once.
  return portBase + PORTS_PER_STREAM * (range < ranges ? range : used.size % ranges);
}
