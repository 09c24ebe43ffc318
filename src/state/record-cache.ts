/** Keeps the records of one initiative in memory, so that a tick over a thousand streams reads nothing that didn't change. */
import type { StreamRecord } from '../core/types.ts';
import { type Db, dataVersionOf, prepared } from '../sqlite/database.ts';
import { runOf, streamRecordOf } from './columns.ts';
import type { ReadStreams, Unreadable } from './types.ts';
import { type Row, UnreadableValue } from './value-checks.ts';

/** One stream with its runs, as its row tells; throws `UnreadableValue` naming the stream. */
export function readStream(db: Db, row: Row): StreamRecord {
  return streamWith(row, runRows(db, row));
}

function runRows(db: Db, row: Row): Row[] {
  return prepared(db, 'SELECT * FROM runs WHERE key = ? ORDER BY number').all(row['key']) as Row[];
}

function streamWith(row: Row, runs: readonly Row[]): StreamRecord {
  try {
    return streamRecordOf(row, runs.map(runOf));
  } catch (error) {
    if (!(error instanceof UnreadableValue)) throw error;
    throw new UnreadableValue(`stream ${JSON.stringify(row['stream_id'])}: ${error.message}`);
  }
}

/** The streams of some rows; one that cannot be read is named apart and takes no other with it. */
export function readStreams(db: Db, rows: readonly Row[]): ReadStreams {
  return readEach(rows, (row) => runRows(db, row));
}

function readEach(rows: readonly Row[], runsOf: (row: Row) => readonly Row[]): ReadStreams {
  const readable = new Map<string, StreamRecord>();
  const unreadable = new Map<string, Unreadable>();
  for (const row of rows) {
    const key = String(row['key']);
    try {
      readable.set(key, streamWith(row, runsOf(row)));
    } catch (error) {
      if (!(error instanceof UnreadableValue)) throw error;
      unreadable.set(key, { streamId: String(row['stream_id']), why: error.message });
    }
  }
  return { readable, unreadable };
}

/** Records read before: all are read again after another connection's commit, single ones after a change of our own. */
export type RecordCache = {
  /** The record of `key` was changed by this connection. */
  touch(key: string): void;
  records(initiativeId: string): ReadStreams;
  /** A record that is surely current without reading anything, or null. */
  find(initiativeId: string, streamId: string): StreamRecord | null;
};

/** More than so many changed records are read faster with all the others, by one query each for streams and runs. */
const MOST_SINGLE = 20;

/** A cache over the state at `db`. */
export function createRecordCache(db: Db): RecordCache {
  const dataVersion = dataVersionOf(db);
  let version = -1;
  let initiative: string | null = null;
  let kept: ReadStreams = { readable: new Map(), unreadable: new Map() };
  let byStream: ReadonlyMap<string, string> = new Map();
  const touched = new Set<string>();

  const keep = (streams: ReadStreams) => {
    kept = streams;
    byStream = new Map([...streams.readable.values()].map((record) => [record.streamId, record.key]));
    touched.clear();
  };
  const readAll = (initiativeId: string) =>
    db.transaction(() => {
      keep(readInitiative(db, initiativeId));
      initiative = initiativeId;
      version = dataVersion();
    })();
  const readTouched = (initiativeId: string) => {
    const byKey = prepared(db, 'SELECT * FROM streams WHERE key = ? AND initiative_id = ?');
    const rows = [...touched].flatMap((key) => {
      const row = byKey.get(key, initiativeId) as Row | undefined;
      return row === undefined ? [] : [row];
    });
    keep(replaced(kept, readStreams(db, rows)));
  };
  const isCurrent = (initiativeId: string) => initiative === initiativeId && dataVersion() === version;

  return {
    touch: (key) => {
      touched.add(key);
    },
    records(initiativeId) {
      if (!isCurrent(initiativeId) || touched.size > MOST_SINGLE) readAll(initiativeId);
      else if (touched.size > 0) readTouched(initiativeId);
      return kept;
    },
    find(initiativeId, streamId) {
      if (!isCurrent(initiativeId)) return null;
      const key = byStream.get(streamId);
      return key === undefined || touched.has(key) ? null : (kept.readable.get(key) ?? null);
    },
  };
}

/** What was read again in place of what was read before. Callers may hold the former maps for a whole tick: they stay as they are. */
function replaced(before: ReadStreams, fresh: ReadStreams): ReadStreams {
  const [readable, unreadable] = [new Map(before.readable), new Map(before.unreadable)];
  for (const [key, record] of fresh.readable) {
    readable.set(key, record);
    unreadable.delete(key);
  }
  for (const [key, why] of fresh.unreadable) {
    unreadable.set(key, why);
    readable.delete(key);
  }
  return { readable, unreadable };
}

/** Streams and runs of one initiative, by one query each. */
function readInitiative(db: Db, initiativeId: string): ReadStreams {
  const runs = new Map<string, Row[]>();
  const rows = db
    .prepare(
      `SELECT r.* FROM runs r JOIN streams s ON s.key = r.key WHERE s.initiative_id = ? ORDER BY r.key, r.number`,
    )
    .all(initiativeId) as Row[];
  for (const row of rows) {
    const key = String(row['key']);
    const same = runs.get(key);
    if (same === undefined) runs.set(key, [row]);
    else same.push(row);
  }
  const streams = db
    .prepare('SELECT * FROM streams WHERE initiative_id = ? ORDER BY rowid')
    .all(initiativeId) as Row[];
  return readEach(streams, (row) => runs.get(String(row['key'])) ?? []);
}
