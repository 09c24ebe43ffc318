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
PRAGMA user_version = 1;
