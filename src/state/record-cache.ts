/** Keeps the records of one initiative in memory, so that a tick over a thousand streams reads nothing that didn't change. */
import type { Run, StreamRecord } from '../core/types.ts';
import { type Db, dataVersionOf } from '../sqlite/database.ts';
import type { Row } from './checks.ts';
import { runOf, streamOf } from './columns.ts';

/** One stream with its runs, as its row tells. */
export function readStream(db: Db, row: Row): StreamRecord {
  const runs = db.prepare('SELECT * FROM runs WHERE key = ? ORDER BY number').all(row['key']) as Row[];
  return streamOf(row, runs.map(runOf));
}

/** Records read before: all are read anew after another connection's commit, single ones after a change of our own. */
export type RecordCache = {
  /** The record of `key` was changed by this connection. */
  touch(key: string): void;
  records(initiativeId: string): ReadonlyMap<string, StreamRecord>;
  /** A record that is surely current without reading anything, or null. */
  find(initiativeId: string, streamId: string): StreamRecord | null;
};

/** A cache over the state at `db`. */
export function createRecordCache(db: Db): RecordCache {
  const dataVersion = dataVersionOf(db);
  let version = -1;
  let initiative: string | null = null;
  let kept: ReadonlyMap<string, StreamRecord> = new Map();
  let byStream: ReadonlyMap<string, string> = new Map();
  const touched = new Set<string>();

  const keep = (records: ReadonlyMap<string, StreamRecord>) => {
    kept = records;
    byStream = new Map([...records.values()].map((record) => [record.streamId, record.key]));
    touched.clear();
  };
  const readAll = (initiativeId: string) =>
    db.transaction(() => {
      keep(readRecords(db, initiativeId));
      initiative = initiativeId;
      version = dataVersion();
    })();
  const readTouched = (initiativeId: string) => {
    // Callers may hold the former map for a whole tick, so it is replaced, not changed.
    const records = new Map(kept);
    const byKey = db.prepare('SELECT * FROM streams WHERE key = ? AND initiative_id = ?');
    for (const key of touched) {
      const row = byKey.get(key, initiativeId) as Row | undefined;
      if (row !== undefined) records.set(key, readStream(db, row));
    }
    keep(records);
  };
  const isCurrent = (initiativeId: string) => initiative === initiativeId && dataVersion() === version;

  return {
    touch: (key) => {
      touched.add(key);
    },
    records(initiativeId) {
      if (!isCurrent(initiativeId)) readAll(initiativeId);
      else if (touched.size > 0) readTouched(initiativeId);
      return kept;
    },
    find(initiativeId, streamId) {
      if (!isCurrent(initiativeId)) return null;
      const key = byStream.get(streamId);
      return key === undefined || touched.has(key) ? null : (kept.get(key) ?? null);
    },
  };
}

function readRecords(db: Db, initiativeId: string): ReadonlyMap<string, StreamRecord> {
  const runs = new Map<string, Run[]>();
  const rows = db
    .prepare(
      `SELECT r.* FROM runs r JOIN streams s ON s.key = r.key WHERE s.initiative_id = ? ORDER BY r.key, r.number`,
    )
    .all(initiativeId) as Row[];
  for (const run of rows.map(runOf)) {
    const same = runs.get(run.key);
    if (same === undefined) runs.set(run.key, [run]);
    else same.push(run);
  }
  const streams = db
    .prepare('SELECT * FROM streams WHERE initiative_id = ? ORDER BY rowid')
    .all(initiativeId) as Row[];
  return new Map(
    streams.map((row) => [String(row['key']), streamOf(row, runs.get(String(row['key'])) ?? [])]),
  );
}
