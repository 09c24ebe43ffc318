/** The tables of orchestrate's own memory, and how its file is opened; knows no meaning of what they hold. */
import { dirname, join } from 'node:path';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { shellWord } from '../core/shell-word.ts';
import { type Db, openDatabase, placeOf } from '../sqlite/database.ts';
import { guarded, type StoreFile, tooNew, unusable } from '../sqlite/failures.ts';
import { sqliteDriver } from '../sqlite/load-driver.ts';
import { leaseIsHeld } from './lease.ts';

const LABEL = "orchestrate's state";
/** The file of the poller's lease, beside the state. */
const LOCK_FILE = 'lock.db';

/** What the first release made. */
const FIRST_TABLES = `
CREATE TABLE streams (
  key TEXT PRIMARY KEY NOT NULL,
  initiative_id TEXT NOT NULL,
  stream_id TEXT NOT NULL,
  branch TEXT NOT NULL,
  worktree TEXT NOT NULL,
  port INTEGER NOT NULL,
  intent TEXT NOT NULL DEFAULT 'none' CHECK (intent IN ('none', 'stopped', 'parked')),
  intent_at_ms INTEGER NOT NULL DEFAULT 0,
  attempts_cleared_at_ms INTEGER NOT NULL DEFAULT 0,
  requested_at_ms INTEGER NOT NULL DEFAULT 0,
  resolve INTEGER NOT NULL DEFAULT 0,
  verify_requested INTEGER NOT NULL DEFAULT 0,
  base TEXT,
  conflict TEXT,
  verified TEXT,
  launch_failure TEXT,
  UNIQUE (initiative_id, stream_id)
);
CREATE TABLE runs (
  key TEXT NOT NULL REFERENCES streams (key),
  number INTEGER NOT NULL,
  token_hash TEXT NOT NULL UNIQUE,
  agent_kind TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  claimed_at_ms INTEGER,
  ended_at_ms INTEGER,
  worker TEXT,
  pane TEXT,
  server TEXT,
  boot_id TEXT NOT NULL,
  session_id TEXT,
  base_sha TEXT NOT NULL,
  exit_code INTEGER,
  outcome TEXT,
  reason TEXT,
  retry_at_ms INTEGER,
  verdict TEXT,
  nudges INTEGER NOT NULL DEFAULT 0,
  last_nudge_at_ms INTEGER,
  stop_gate TEXT,
  continued TEXT,
  usage TEXT,
  paused TEXT,
  PRIMARY KEY (key, number)
);
CREATE UNIQUE INDEX one_open_run ON runs (key) WHERE ended_at_ms IS NULL;
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  key TEXT,
  run INTEGER,
  kind TEXT NOT NULL,
  message TEXT NOT NULL
);
CREATE INDEX events_of_key ON events (key, id);
CREATE TABLE gate_results (
  key TEXT NOT NULL,
  sha TEXT NOT NULL,
  name TEXT NOT NULL,
  command TEXT NOT NULL,
  exit_code INTEGER,
  timed_out INTEGER NOT NULL,
  log TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER NOT NULL
);
CREATE INDEX gate_results_of_key ON gate_results (key, sha);
CREATE TABLE initiative_bases (initiative_id TEXT PRIMARY KEY NOT NULL, branch TEXT NOT NULL, sha TEXT NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);
CREATE TABLE poller (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  pid INTEGER NOT NULL,
  start TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  config_hash TEXT NOT NULL
);
`;

/** Facts that were JSON under names in `meta` become columns; what a former poller had under way is forgotten. */
const FACTS_IN_COLUMNS = `
ALTER TABLE streams ADD COLUMN fresh INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN branch_made INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN trouble TEXT;
ALTER TABLE streams ADD COLUMN step TEXT;
ALTER TABLE streams ADD COLUMN told TEXT;
ALTER TABLE streams ADD COLUMN changes TEXT;
ALTER TABLE poller ADD COLUMN only TEXT;
CREATE TABLE project (one INTEGER PRIMARY KEY CHECK (one = 1), tmux_server TEXT, git_config TEXT);
INSERT INTO project (one) VALUES (1);
UPDATE project SET tmux_server = (SELECT value FROM meta WHERE name = 'tmux-server'),
  git_config = (SELECT value FROM meta WHERE name = 'git-config');
UPDATE poller SET only = (SELECT value FROM meta WHERE name = 'poller-only');
UPDATE streams SET fresh = EXISTS (SELECT 1 FROM meta WHERE name = 'fresh:' || key),
  branch_made = EXISTS (SELECT 1 FROM meta WHERE name = 'branch-of:' || key),
  changes = (SELECT value FROM meta WHERE name = 'changes:' || key),
  trouble = (SELECT json_extract(e.value, '$[1]') FROM meta, json_each(meta.value) e
    WHERE name = 'troubles' AND json_extract(e.value, '$[0]') = streams.key),
  told = (SELECT json_extract(e.value, '$[1]') FROM meta, json_each(meta.value) e
    WHERE name = 'notified' AND json_extract(e.value, '$[0]') = streams.key);
DROP TABLE meta;
`;

/** What was verified is said by the run it followed and the heads it contains, not by the time. */
const VERIFIED_BY_RUN = `
UPDATE streams SET verified = json_set(verified,
  '$.run', (SELECT COALESCE(MAX(number), 0) FROM runs
    WHERE runs.key = streams.key AND started_at_ms <= json_extract(verified, '$.atMs')),
  '$.parents', json(COALESCE(json_extract(base, '$.parents'), '[]')))
  WHERE verified IS NOT NULL;
`;

/** Orders are by the numbers of runs and events; a launch that failed is a failed step as any other. */
const ORDER_BY_NUMBER = `
ALTER TABLE streams ADD COLUMN cleared_after_run INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN requested_event INTEGER NOT NULL DEFAULT 0;
UPDATE streams SET
  cleared_after_run = (SELECT COALESCE(MAX(number), 0) FROM runs
    WHERE runs.key = streams.key AND ended_at_ms <= attempts_cleared_at_ms),
  requested_event = (SELECT COALESCE(MAX(id), 0) FROM events WHERE at_ms <= requested_at_ms),
  trouble = CASE WHEN json_extract(launch_failure, '$.atMs') > attempts_cleared_at_ms
    THEN json_set(launch_failure, '$.kind', 'launch') ELSE trouble END;
ALTER TABLE poller ADD COLUMN since_event INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams DROP COLUMN attempts_cleared_at_ms;
ALTER TABLE streams DROP COLUMN requested_at_ms;
ALTER TABLE streams DROP COLUMN launch_failure;
`;

/** Answers to the operator: how a check that was asked for went, and a limit of workers handed to a living poller. */
const OPERATOR_ANSWERS = `
ALTER TABLE streams ADD COLUMN verify_answer TEXT;
ALTER TABLE poller ADD COLUMN max_workers INTEGER;
`;

/** What landed as which commits; whether a stream has landed, or why it did not. */
const LANDINGS = `
CREATE TABLE landings (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  initiative_id TEXT NOT NULL,
  key TEXT NOT NULL,
  head TEXT NOT NULL,
  branch TEXT NOT NULL,
  commits TEXT NOT NULL,
  strategy TEXT NOT NULL,
  run INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  UNIQUE (key, head, branch)
);
ALTER TABLE streams ADD COLUMN landed_answer TEXT;
ALTER TABLE streams ADD COLUMN landing_clash TEXT;
`;

/** A cap that parked a stream says so itself. */
const REASON_OF_INTENT = `
ALTER TABLE streams ADD COLUMN intent_reason TEXT;
UPDATE streams SET intent_reason = (SELECT reason FROM runs
  WHERE runs.key = streams.key AND outcome = 'stopped' AND reason LIKE '%(limits.%)'
    AND number = (SELECT MAX(number) FROM runs AS last WHERE last.key = streams.key))
  WHERE intent = 'parked';
`;

/** Streams that follow what they build on, and what the user gives an agent to do besides its tasks. */
const FOLLOWING = `
ALTER TABLE streams ADD COLUMN sync_requested INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN assignment TEXT;
ALTER TABLE streams ADD COLUMN review_usage TEXT;
ALTER TABLE runs ADD COLUMN told_of TEXT;
`;

/** Rests of agents are numbered; what reviews used is their run's. */
const RESTS_AND_REVIEWS = `
ALTER TABLE runs ADD COLUMN rest TEXT;
ALTER TABLE runs ADD COLUMN last_nudge_rest INTEGER;
ALTER TABLE runs ADD COLUMN review_usage TEXT;
UPDATE runs SET review_usage = (SELECT review_usage FROM streams WHERE streams.key = runs.key)
  WHERE number = (SELECT MAX(number) FROM runs AS last WHERE last.key = runs.key);
ALTER TABLE streams DROP COLUMN review_usage;
`;

/** What keeps a run from being opened where `clean` is at work. */
const REMOVALS = `
ALTER TABLE streams ADD COLUMN removing TEXT;
`;

/** What was made ready for a stream before it could start. */
const AHEAD_OF_NEED = `
ALTER TABLE streams ADD COLUMN ahead TEXT;
`;

/** SQL that leads from each version (kept in `user_version`) to the next; a released one is never changed. */
const MIGRATIONS: readonly string[] = [
  FIRST_TABLES,
  FACTS_IN_COLUMNS,
  VERIFIED_BY_RUN,
  ORDER_BY_NUMBER,
  OPERATOR_ANSWERS,
  LANDINGS,
  REASON_OF_INTENT,
  FOLLOWING,
  RESTS_AND_REVIEWS,
  REMOVALS,
  AHEAD_OF_NEED,
];
const STATE_VERSION = MIGRATIONS.length;

/** How to open the state; it is created unless `create` is false. */
export type StateOptions = { readonly create?: boolean; readonly busyTimeoutMs?: number };

/** The state's place, for `guarded`. */
export function statePlace(path: string, options: StateOptions): StoreFile {
  return placeOf(path, { ...options, label: LABEL });
}

/**
 * Opens the state at `path`, creating it (0600, directories 0700) when missing; several processes may do so at once.
 * Throws exit 6 for one that is corrupt, newer, or something else; it stays as it is.
 */
export function openStateDatabase(path: string, options: StateOptions): Db {
  if (path === IN_MEMORY) return openInMemory();
  const place = statePlace(path, options);
  const db = openDatabase(path, {
    ...options,
    create: options.create ?? true,
    label: LABEL,
    missingFix: 'orchestrate start',
    inspect: refuseForeign,
  });
  try {
    guarded(place, () => migrate(db, place));
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** Path that stands for a state of this process alone, which leaves no file. */
export const IN_MEMORY = ':memory:';

function openInMemory(): Db {
  const db = new (sqliteDriver())(IN_MEMORY);
  migrate(db, null);
  return db;
}

/** Brings the tables to this version in one transaction. Throws exit 4 while a poller of an earlier release acts. */
function migrate(db: Db, place: StoreFile | null): void {
  if (versionOf(db) === STATE_VERSION) return;
  db.transaction(() => {
    const version = versionOf(db);
    if (version > 0 && place !== null) refuseLivingPoller(db, place);
    for (const sql of MIGRATIONS.slice(version)) db.exec(sql);
    db.pragma(`user_version = ${STATE_VERSION}`);
  }).immediate();
}

/** A poller of an earlier release would go on by the tables as it knows them. */
function refuseLivingPoller(db: Db, place: StoreFile): void {
  if (!leaseIsHeld(join(dirname(place.path), LOCK_FILE))) return;
  const pid = db.prepare('SELECT pid FROM poller').pluck().get();
  throw new OrchestrateError(
    EXIT.busy,
    `${LABEL} ${place.path} is of an earlier orchestrate, which still runs${pid === undefined ? '' : ` (pid ${pid})`}: end it first, agents go on`,
    pid === undefined ? `lsof ${shellWord(join(dirname(place.path), LOCK_FILE))}` : `kill ${pid}`,
  );
}

function refuseForeign(db: Db, place: StoreFile): void {
  const version = versionOf(db);
  if (version > STATE_VERSION) throw tooNew(place, `version ${version}`, String(STATE_VERSION));
  const tables = Number(db.prepare('SELECT count(*) FROM sqlite_master').pluck().get());
  if (version === 0 && tables > 0) throw unusable(place, 'it holds something else');
}

function versionOf(db: Db): number {
  return Number(db.pragma('user_version', { simple: true }));
}
