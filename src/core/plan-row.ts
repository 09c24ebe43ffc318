/** Reads what one row of the store says about a stream; reports what it can't make sense of, and never throws. */
import { streamIdProblem } from './names.ts';
import { printable } from './printable.ts';
import type { PlanProblem } from './types.ts';

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

/** The stream task that a row is, or null for a task outside any stream; problems are passed to `report`. */
export function readRow(row: PlanRow, report: (problem: PlanProblem) => void): StreamTask | null {
  const task = `task ${printable(row.id, 80)} ${quoted(row.title)}`;
  const refuse = (code: PlanProblem['code'], what: string, stream: string | null = null) =>
    report({ code, message: `${task}: ${what}`, streams: stream === null ? [] : [stream], tasks: [row.id] });

  if (row.metadataError !== null) {
    refuse('bad-metadata', `its metadata can't be read: ${printable(row.metadataError, 200)}`);
    return null;
  }
  if (row.metadata === null || row.metadata === undefined) return null;
  if (typeof row.metadata !== 'object' || Array.isArray(row.metadata)) {
    refuse('bad-metadata', `its metadata is ${kindOf(row.metadata)}, not an object`);
    return null;
  }
  const metadata = row.metadata as Readonly<Record<string, unknown>>;
  const id = metadata['streamId'];
  if (id === null || id === undefined) return null;
  const stream = textOf(id);
  if (stream === null) {
    refuse('bad-stream-id', `its stream id is ${kindOf(id)}, not text`);
    return null;
  }
  const problem = streamIdProblem(stream);
  if (problem !== null) {
    refuse('bad-stream-id', `its stream id ${problem}${stream === '' ? '' : `: ${quoted(stream)}`}`);
    return null;
  }
  return readStreamTask(row, metadata, stream, (code, what) => refuse(code, what, stream));
}

function readStreamTask(
  row: PlanRow,
  metadata: Readonly<Record<string, unknown>>,
  stream: string,
  refuse: (code: PlanProblem['code'], what: string) => void,
): StreamTask {
  const text = (key: string): string | null => {
    const value = metadata[key];
    if (value === null || value === undefined) return null;
    const read = textOf(value);
    if (read === null) refuse('bad-metadata', `${key} is ${kindOf(value)}, not text`);
    return read === null || read.trim() === '' ? null : read;
  };
  const list = (key: string, code: PlanProblem['code']): readonly string[] => {
    const value = metadata[key];
    if (value === null || value === undefined) return [];
    const read = Array.isArray(value) ? value.map(textOf) : null;
    if (read?.every((item) => item !== null)) return read;
    refuse(code, read === null ? `${key} is ${kindOf(value)}, not a list` : `${key} holds more than texts`);
    return [];
  };
  return {
    row,
    stream,
    name: text('streamName'),
    phase: text('streamPhase'),
    dependencies: [
      ...list('dependencies', 'bad-dependencies'),
      ...list('streamDependencies', 'bad-dependencies'),
    ],
    // A planner may write the only file as a plain text; nothing depends on how it is spelled.
    files: typeof metadata['files'] === 'string' ? [metadata['files']] : list('files', 'bad-metadata'),
  };
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
    string: 'a text',
    number: 'a number',
    boolean: 'true or false',
    object: 'an object',
  };
  return kinds[typeof value] ?? typeof value;
}
