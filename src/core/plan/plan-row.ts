/** Reads what one row of the store says about a stream; reports what it cannot make sense of, and never throws. */

import { printable } from '../printable.ts';
import { streamIdProblem } from '../stream-key.ts';
import type { PlanProblem } from '../types.ts';

/** A task's row as read from a store, nothing of it checked. Times in ms since the epoch. */
export type PlanRow = {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly notes: string | null;
  readonly blockedReason: string | null;
  /** The parsed metadata; anything that JSON can hold. */
  readonly metadata: unknown;
  /** Why the metadata could not be parsed. */
  readonly metadataError: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** A row that belongs to a stream, with the parts of its metadata that a plan is made of. */
export type StreamTask = {
  readonly row: PlanRow;
  readonly stream: string;
  readonly name: string | null;
  readonly phase: string | null;
  /** As spelled in the store: stream ids, or titles of tasks. */
  readonly dependencies: readonly string[];
  readonly files: readonly string[];
};

/** How a task is named in a message: its title, on one line and not too long. */
export function quoted(text: string): string {
  return `"${printable(text, 80)}"`;
}

type TellProblem = (problem: PlanProblem) => void;
type Metadata = Readonly<Record<string, unknown>>;

/** The stream task that a row is, or null for a task outside any stream; problems are passed to `report`. */
export function readRow(row: PlanRow, report: TellProblem): StreamTask | null {
  const metadata = metadataOf(row, report);
  const id = metadata?.['streamId'];
  if (metadata === null || id === null || id === undefined) return null;
  const stream = textOf(id);
  const problem = stream === null ? `is ${kindOf(id)}, not text` : streamIdProblem(stream);
  if (stream === null || problem !== null) {
    const shown = stream === null || stream === '' ? '' : `: ${quoted(stream)}`;
    report(problemOf(row, 'bad-stream-id', `its stream id ${problem}${shown}`, null));
    return null;
  }
  return {
    row,
    stream,
    name: readText(row, metadata, 'streamName', stream, report),
    phase: readText(row, metadata, 'streamPhase', stream, report),
    dependencies: union(
      readList(row, metadata, 'dependencies', stream, report),
      readList(row, metadata, 'streamDependencies', stream, report),
    ),
    // A planner may write the only file as a plain text; nothing depends on how it is spelled.
    files:
      typeof metadata['files'] === 'string'
        ? [metadata['files']]
        : readList(row, metadata, 'files', stream, report),
  };
}

function metadataOf(row: PlanRow, report: TellProblem): Metadata | null {
  if (row.metadataError !== null) {
    const why = printable(row.metadataError, 200);
    report(problemOf(row, 'bad-metadata', `its metadata cannot be read: ${why}`, null));
    return null;
  }
  if (row.metadata === null || row.metadata === undefined) return null;
  if (typeof row.metadata === 'object' && !Array.isArray(row.metadata)) return row.metadata as Metadata;
  report(problemOf(row, 'bad-metadata', `its metadata is ${kindOf(row.metadata)}, not an object`, null));
  return null;
}

function readText(
  row: PlanRow,
  metadata: Metadata,
  key: string,
  stream: string,
  report: TellProblem,
): string | null {
  const value = metadata[key];
  if (value === null || value === undefined) return null;
  const text = textOf(value);
  if (text === null) report(problemOf(row, 'bad-metadata', `${key} is ${kindOf(value)}, not text`, stream));
  return text === null || text.trim() === '' ? null : text;
}

function readList(
  row: PlanRow,
  metadata: Metadata,
  key: 'dependencies' | 'streamDependencies' | 'files',
  stream: string,
  report: TellProblem,
): readonly string[] {
  const value = metadata[key];
  if (value === null || value === undefined) return NOTHING;
  const isList = Array.isArray(value);
  if (isList && value.every((item) => textOf(item) !== null)) return value.map(String);
  const code = key === 'files' ? 'bad-metadata' : 'bad-dependencies';
  const what = isList ? `${key} holds more than texts` : `${key} is ${kindOf(value)}, not a list`;
  report(problemOf(row, code, what, stream));
  return NOTHING;
}

function problemOf(
  row: PlanRow,
  code: PlanProblem['code'],
  what: string,
  stream: string | null,
): PlanProblem {
  const message = `task ${printable(row.id, 80)} ${quoted(row.title)}: ${what}`;
  return { code, message, streams: stream === null ? [] : [stream], tasks: [row.id] };
}

const NOTHING: readonly string[] = [];

/** Most plans say the same under both names. */
function union(a: readonly string[], b: readonly string[]): readonly string[] {
  if (b.every((each, at) => each === a[at])) return a;
  return a.length === 0 ? b : [...a, ...b];
}

/** Texts as they are, numbers as they are written; null for anything else. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : null;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  const kinds: Readonly<Record<string, string>> = {
    string: 'a string',
    number: 'a number',
    boolean: 'true or false',
    object: 'an object',
  };
  return kinds[typeof value] ?? typeof value;
}
