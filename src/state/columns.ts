/** How records of streams and runs are kept in columns, and read back. */
import type { Intent, Run, StreamRecord } from '../core/types.ts';
import type { RunPatch, StreamPatch } from './types.ts';

/** A value that a column can hold. */
export type ColumnValue = string | number | null;
/** A row as the driver returns it. */
export type Row = Readonly<Record<string, unknown>>;

type Codec = { readonly column: string; readonly encode: (value: unknown) => ColumnValue };
type Codecs<Patch> = { readonly [Field in keyof Required<Patch>]: Codec };

const plain = (column: string): Codec => ({ column, encode: (value) => value as ColumnValue });
const flag = (column: string): Codec => ({ column, encode: (value) => (value === true ? 1 : 0) });
const json = (column: string): Codec => ({
  column,
  encode: (value) => (value === null ? null : JSON.stringify(value)),
});

export const STREAM_CODECS: Codecs<StreamPatch> = {
  intent: plain('intent'),
  intentAtMs: plain('intent_at_ms'),
  attemptsClearedAtMs: plain('attempts_cleared_at_ms'),
  requestedAtMs: plain('requested_at_ms'),
  resolve: flag('resolve'),
  verifyRequested: flag('verify_requested'),
  base: json('base'),
  conflict: json('conflict'),
  verified: json('verified'),
  launchFailure: json('launch_failure'),
};

export const RUN_CODECS: Codecs<RunPatch> = {
  claimedAtMs: plain('claimed_at_ms'),
  endedAtMs: plain('ended_at_ms'),
  worker: json('worker'),
  pane: plain('pane'),
  server: plain('server'),
  sessionId: plain('session_id'),
  baseSha: plain('base_sha'),
  exitCode: plain('exit_code'),
  outcome: plain('outcome'),
  reason: plain('reason'),
  retryAtMs: plain('retry_at_ms'),
  verdict: json('verdict'),
  nudges: plain('nudges'),
  lastNudgeAtMs: plain('last_nudge_at_ms'),
  stopGate: json('stop_gate'),
  continued: json('continued'),
  usage: json('usage'),
  paused: json('paused'),
};

/** The columns that a patch sets, and their values; fields that are undefined are left alone. */
export function columnsOf<Patch extends object>(
  patch: Patch,
  codecs: Codecs<Patch>,
): { assignments: string; values: ColumnValue[] } {
  const fields = (Object.keys(codecs) as (keyof Patch)[]).filter((field) => patch[field] !== undefined);
  return {
    assignments: fields.map((field) => `${codecs[field].column} = ?`).join(', '),
    values: fields.map((field) => codecs[field].encode(patch[field])),
  };
}

/** A run as its row tells. */
export function runOf(row: Row): Run {
  return {
    key: text(row, 'key'),
    number: number(row, 'number'),
    agentKind: row['agent_kind'] === 'custom' ? 'custom' : 'claude',
    startedAtMs: number(row, 'started_at_ms'),
    claimedAtMs: maybeNumber(row, 'claimed_at_ms'),
    endedAtMs: maybeNumber(row, 'ended_at_ms'),
    worker: parsed<Run['worker']>(row, 'worker'),
    pane: maybeText(row, 'pane'),
    server: maybeText(row, 'server'),
    bootId: text(row, 'boot_id'),
    sessionId: maybeText(row, 'session_id'),
    baseSha: text(row, 'base_sha'),
    exitCode: maybeNumber(row, 'exit_code'),
    outcome: maybeText(row, 'outcome') as Run['outcome'],
    reason: maybeText(row, 'reason'),
    retryAtMs: maybeNumber(row, 'retry_at_ms'),
    verdict: parsed<Run['verdict']>(row, 'verdict'),
    nudges: number(row, 'nudges'),
    lastNudgeAtMs: maybeNumber(row, 'last_nudge_at_ms'),
    stopGate: parsed<Run['stopGate']>(row, 'stop_gate'),
    continued: parsed<Run['continued']>(row, 'continued'),
    usage: parsed<Run['usage']>(row, 'usage'),
    paused: parsed<Run['paused']>(row, 'paused'),
  };
}

/** A stream's record as its row and its runs tell. */
export function streamOf(row: Row, runs: readonly Run[]): StreamRecord {
  return {
    key: text(row, 'key'),
    initiativeId: text(row, 'initiative_id'),
    streamId: text(row, 'stream_id'),
    intent: text(row, 'intent') as Intent,
    intentAtMs: number(row, 'intent_at_ms'),
    attemptsClearedAtMs: number(row, 'attempts_cleared_at_ms'),
    requestedAtMs: number(row, 'requested_at_ms'),
    resolve: row['resolve'] === 1,
    verifyRequested: row['verify_requested'] === 1,
    branch: text(row, 'branch'),
    worktree: text(row, 'worktree'),
    port: number(row, 'port'),
    base: parsed<StreamRecord['base']>(row, 'base'),
    conflict: parsed<StreamRecord['conflict']>(row, 'conflict'),
    verified: parsed<StreamRecord['verified']>(row, 'verified'),
    launchFailure: parsed<StreamRecord['launchFailure']>(row, 'launch_failure'),
    runs,
  };
}

function text(row: Row, column: string): string {
  return String(row[column]);
}

function maybeText(row: Row, column: string): string | null {
  const value = row[column];
  return typeof value === 'string' ? value : null;
}

function number(row: Row, column: string): number {
  return Number(row[column]);
}

function maybeNumber(row: Row, column: string): number | null {
  const value = row[column];
  return typeof value === 'number' ? value : null;
}

function parsed<T>(row: Row, column: string): T | null {
  const value = maybeText(row, column);
  return value === null ? null : (JSON.parse(value) as T);
}
