/** How records of streams, runs and the poller are kept in columns, and read back: a value that is not one of ours is an error with its name. */
import type { Landing, Run, StreamRecord } from '../core/types.ts';
import type { NewLanding, PollerRow, RunPatch, StreamPatch } from './types.ts';
import {
  absentAs,
  type Check,
  fieldsOf,
  listOf,
  mapOf,
  nameOf,
  nullable,
  number,
  parsed,
  type Row,
  refuse,
  text,
  truth,
  UnreadableValue,
} from './value-checks.ts';
import { CAUSES, INTENTS, KINDS, OUTCOMES, STEPS, STRATEGIES } from './vocabularies.ts';

/** A value that a column can hold. */
export type ColumnValue = string | number | null;

type Codec<T> = {
  readonly column: string;
  readonly encode: (value: T) => ColumnValue;
  readonly decode: Check<T>;
};
type Codecs<Fields> = { readonly [Field in keyof Required<Fields>]: Codec<Required<Fields>[Field]> };

const plain = <T extends ColumnValue>(column: string, decode: Check<T>): Codec<T> => ({
  column,
  encode: (value) => value,
  decode,
});
const flag = (column: string): Codec<boolean> => ({
  column,
  encode: (value) => (value ? 1 : 0),
  decode: (value) => (value === 0 || value === 1 ? value === 1 : refuse(value, '0 or 1')),
});
/** A value of several parts, kept as JSON; null is NULL. */
const parts = <T>(column: string, check: Check<T>): Codec<T | null> => ({
  column,
  encode: (value) => (value === null ? null : JSON.stringify(value)),
  decode: nullable((value) => check(parsed(text(value)))),
});

const USAGE = fieldsOf({
  tokens: nullable(number),
  cachedTokens: nullable(number),
  costUsd: nullable(number),
});

const STREAM_CODECS: Codecs<StreamPatch> = {
  branch: plain('branch', text),
  worktree: plain('worktree', text),
  intent: plain('intent', nameOf('an intent', INTENTS)),
  intentAtMs: plain('intent_at_ms', number),
  intentReason: plain('intent_reason', nullable(text)),
  clearedAfterRun: plain('cleared_after_run', number),
  requestedEvent: plain('requested_event', number),
  resolve: flag('resolve'),
  verifyRequested: flag('verify_requested'),
  verifyAnswer: parts('verify_answer', fieldsOf({ ok: truth, message: text })),
  syncRequested: flag('sync_requested'),
  assignment: parts(
    'assignment',
    fieldsOf({
      afterRun: number,
      merges: listOf(fieldsOf({ name: text, sha: text })),
      files: listOf(text),
      notes: nullable(text),
    }),
  ),
  fresh: flag('fresh'),
  branchMade: flag('branch_made'),
  ahead: parts(
    'ahead',
    fieldsOf({ path: text, parents: nullable(listOf(text)), bases: listOf(text), setUp: nullable(text) }),
  ),
  base: parts('base', fieldsOf({ sha: text, parents: listOf(text), atMs: number })),
  conflict: parts('conflict', fieldsOf({ parents: listOf(text), files: listOf(text) })),
  verified: parts(
    'verified',
    fieldsOf({ sha: text, atMs: number, adopted: truth, run: number, parents: listOf(text) }),
  ),
  trouble: parts(
    'trouble',
    fieldsOf({
      kind: nameOf('a step', STEPS),
      message: text,
      fix: text,
      cause: absentAs(null, nullable(nameOf('a cause', { 'git-config': true }))),
      atMs: number,
      count: number,
    }),
  ),
  step: parts('step', fieldsOf({ kind: nameOf('a step', STEPS), sinceMs: number })),
  told: plain('told', nullable(text)),
  changes: parts(
    'changes',
    fieldsOf({ base: text, head: text, commits: number, added: number, removed: number }),
  ),
  landedAnswer: parts('landed_answer', fieldsOf({ branch: text, tip: text, head: text, landed: truth })),
  landingClash: parts(
    'landing_clash',
    fieldsOf({ branch: text, tip: text, head: text, files: listOf(text), against: listOf(text) }),
  ),
  removing: parts('removing', fieldsOf({ pid: number, start: text })),
};

const STREAM_NAMES: Codecs<Omit<StreamRecord, keyof StreamPatch | 'runs'>> = {
  key: plain('key', text),
  initiativeId: plain('initiative_id', text),
  streamId: plain('stream_id', text),
  port: plain('port', number),
};

const RUN_CODECS: Codecs<RunPatch> = {
  claimedAtMs: plain('claimed_at_ms', nullable(number)),
  endedAtMs: plain('ended_at_ms', nullable(number)),
  worker: parts('worker', fieldsOf({ pid: number, start: text })),
  pane: plain('pane', nullable(text)),
  server: plain('server', nullable(text)),
  sessionId: plain('session_id', nullable(text)),
  baseSha: plain('base_sha', text),
  exitCode: plain('exit_code', nullable(number)),
  outcome: plain('outcome', nullable(nameOf('an outcome', OUTCOMES))),
  reason: plain('reason', nullable(text)),
  retryAtMs: plain('retry_at_ms', nullable(number)),
  verdict: parts(
    'verdict',
    fieldsOf({
      sha: nullable(text),
      atMs: number,
      rest: absentAs(null, nullable(number)),
      ok: truth,
      cause: nullable(nameOf('a cause', CAUSES)),
      message: text,
      parents: absentAs([], listOf(text)),
      gate: absentAs(null, nullable(fieldsOf({ name: text, log: text, times: number }))),
    }),
  ),
  nudges: plain('nudges', number),
  lastNudgeAtMs: plain('last_nudge_at_ms', nullable(number)),
  lastNudgeRest: plain('last_nudge_rest', nullable(number)),
  rest: parts('rest', fieldsOf({ number, sinceMs: nullable(number), isOver: truth })),
  stopGate: parts(
    'stop_gate',
    fieldsOf({ refusals: number, inARow: number, signature: text, atMs: number, gaveUp: nullable(text) }),
  ),
  continued: parts(
    'continued',
    fieldsOf({ count: number, atMs: number, rest: absentAs(null, nullable(number)) }),
  ),
  usage: parts('usage', USAGE),
  reviewUsage: parts('review_usage', USAGE),
  paused: parts(
    'paused',
    fieldsOf({
      totalMs: number,
      sinceMs: nullable(number),
      userMs: absentAs(0, number),
      forUser: absentAs(false, truth),
    }),
  ),
  toldOf: parts('told_of', listOf(text)),
};

const RUN_NAMES: Codecs<Omit<Run, keyof RunPatch>> = {
  key: plain('key', text),
  number: plain('number', number),
  agentKind: plain('agent_kind', nameOf('an agent kind', KINDS)),
  startedAtMs: plain('started_at_ms', number),
  bootId: plain('boot_id', text),
};

const LANDING_CODECS: Codecs<Landing> = {
  number: plain('number', number),
  initiativeId: plain('initiative_id', text),
  key: plain('key', text),
  head: plain('head', text),
  branch: plain('branch', text),
  commits: {
    column: 'commits',
    encode: (commits) => JSON.stringify(commits),
    decode: (value) => listOf(text)(parsed(text(value))),
  },
  strategy: plain('strategy', nameOf('a strategy', STRATEGIES)),
  run: plain('run', number),
  atMs: plain('at_ms', number),
};

const PROJECT_CODECS: Codecs<ProjectFacts> = {
  tmuxServer: plain('tmux_server', nullable(text)),
  gitConfig: parts('git_config', mapOf(text)),
};

const POLLER_CODECS: Codecs<PollerRow> = {
  pid: plain('pid', number),
  start: plain('start', text),
  sinceMs: plain('since_ms', number),
  sinceEvent: plain('since_event', number),
  configHash: plain('config_hash', text),
  only: parts('only', listOf(text)),
  maxWorkers: plain('max_workers', nullable(number)),
};

/** SQL that sets columns, and the values for its placeholders. */
type Assignments = { readonly assignments: string; readonly values: readonly ColumnValue[] };

/** What sets the columns of a stream's patch; fields that are undefined are left alone. */
export const streamColumns = (patch: StreamPatch): Assignments => assigned(columnsOf(patch, STREAM_CODECS));
/** What sets the columns of a run's patch; fields that are undefined are left alone. */
export const runColumns = (patch: RunPatch): Assignments => assigned(columnsOf(patch, RUN_CODECS));
/** The columns of the poller's row and their values. */
export const pollerColumns = (row: PollerRow): readonly [string, ColumnValue][] =>
  columnsOf(row, POLLER_CODECS);

/** The columns of a landing and their values. */
export const landingColumns = (landing: NewLanding): readonly [string, ColumnValue][] =>
  columnsOf(landing as Partial<Landing>, LANDING_CODECS as Codecs<Partial<Landing>>);

function columnsOf<Fields extends object>(fields: Fields, codecs: Codecs<Fields>): [string, ColumnValue][] {
  return (Object.entries(codecs) as [keyof Fields, Codec<unknown>][])
    .filter(([field]) => fields[field] !== undefined)
    .map(([field, { column, encode }]) => [column, encode(fields[field])]);
}

function assigned(columns: readonly [string, ColumnValue][]): Assignments {
  return {
    assignments: columns.map(([column]) => `${column} = ?`).join(', '),
    values: columns.map(([, value]) => value),
  };
}

const readRun = decoderOf<Omit<Run, keyof RunPatch> & RunPatch>({ ...RUN_NAMES, ...RUN_CODECS });
const readStreamRow = decoderOf<Omit<StreamRecord, 'runs'>>({
  ...STREAM_NAMES,
  ...STREAM_CODECS,
} as Codecs<Omit<StreamRecord, 'runs'>>);
const readLanding = decoderOf(LANDING_CODECS);
const readProject = decoderOf(PROJECT_CODECS);
const readPoller = decoderOf(POLLER_CODECS);

/** The run of a row; throws `UnreadableValue` for a row that this release cannot read. */
export function runOf(row: Row): Run {
  return readRun(row, `run ${String(row['number'])}: `) as Run;
}

/** A stream's record by its row and its runs; throws `UnreadableValue` for a row that this release cannot read. */
export function streamRecordOf(row: Row, runs: readonly Run[]): StreamRecord {
  return Object.assign(readStreamRow(row, ''), { runs });
}

/** The landing of a row; throws `UnreadableValue` for a row that this release cannot read. */
export function landingOf(row: Row): Landing {
  return readLanding(row, `landing ${String(row['number'])}: `);
}

/** What is one of its kind in a project. */
export type ProjectFacts = {
  readonly tmuxServer: string | null;
  readonly gitConfig: Readonly<Record<string, string>> | null;
};

/** The project's facts by their row; throws `UnreadableValue` for a row that this release cannot read. */
export function projectOf(row: Row): ProjectFacts {
  return readProject(row, 'the project: ');
}

/** The poller of its row; throws `UnreadableValue` for a row that this release cannot read. */
export function pollerOf(row: Row): PollerRow {
  return readPoller(row, 'the poller: ');
}

/** Reads what rows hold; the list of fields is made once, since there may be a thousand rows. */
function decoderOf<Fields>(codecs: Codecs<Fields>): (row: Row, named: string) => Required<Fields> {
  const each = Object.entries(codecs as Readonly<Record<string, Codec<unknown>>>);
  return (row, named) => {
    const fields: Record<string, unknown> = {};
    for (const [field, { column, decode }] of each) {
      try {
        fields[field] = decode(row[column]);
      } catch (error) {
        throw error instanceof UnreadableValue
          ? new UnreadableValue(`${named}${column} ${error.message}`)
          : error;
      }
    }
    return fields as Required<Fields>;
  };
}
