/** The kinds of value that tools take, with their bounds: ids, single lines, longer texts, metadata; knows no tool. */
import * as z from 'zod';
import { TASK_STATUSES } from '../../core/types.ts';
import { depthExceeds } from './message.ts';

const KB = 1024;

/** Largest values taken. */
const LIMITS = {
  idCharacters: 200,
  lineCharacters: 1000,
  pathCharacters: 4096,
  textBytes: 64 * KB,
  contentBytes: 1024 * KB,
  metadataBytes: 64 * KB,
  metadataDepth: 20,
  listItems: 1000,
} as const;

// Tab, line feed and carriage return are what a longer text may hold of the control characters.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const FORBIDDEN_IN_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;
const FORBIDDEN_IN_LINE = /\p{Cc}/u;
const LONE_SURROGATE = /\p{Cs}/u;

function hasBadCharacters(value: string, forbidden: RegExp): boolean {
  return forbidden.test(value) || LONE_SURROGATE.test(value);
}

function singleLine(maxCharacters: number) {
  return z
    .string()
    .min(1, 'must not be empty')
    .max(maxCharacters, `must not be longer than ${maxCharacters} characters`)
    .refine(
      (value) => !hasBadCharacters(value, FORBIDDEN_IN_LINE),
      'must be one line without control characters',
    );
}

function multiLine(maxBytes: number) {
  return z
    .string()
    .refine((value) => !hasBadCharacters(value, FORBIDDEN_IN_TEXT), 'must not contain control characters')
    .refine((value) => Buffer.byteLength(value) <= maxBytes, `must not be larger than ${maxBytes / KB} KB`);
}

/** An id of a row, an initiative or a stream. */
export const id = singleLine(LIMITS.idCharacters).refine((value) => value.trim() !== '', 'must not be blank');

/** A title. */
export const title = singleLine(LIMITS.lineCharacters).refine(
  (value) => value.trim() !== '',
  'must not be blank',
);

/** A short label, such as an agent's name. */
export const label = singleLine(LIMITS.lineCharacters);

/** A description, notes or a reason. */
export const text = multiLine(LIMITS.textBytes);

/** The content of a PRD or a work product. */
export const content = multiLine(LIMITS.contentBytes);

/** File paths or patterns. */
export const files = z.array(singleLine(LIMITS.pathCharacters)).max(LIMITS.listItems);

/** A task's status. */
export const taskStatus = z.enum(TASK_STATUSES);

/** Free metadata, within its bounds of size, depth and characters. */
export const metadata = z.looseObject({}).superRefine(checkBounds);

const streamIds = z.array(id).max(LIMITS.listItems);

/** A task's metadata: free, but what the plan is built from has the right shape. */
export const taskMetadata = z
  .looseObject({
    streamId: id.nullish().describe('Stream that the task belongs to'),
    streamName: label.nullish().describe('Readable name of the stream'),
    streamPhase: label.nullish().describe('foundation, parallel (default) or integration'),
    dependencies: streamIds.optional().describe('Ids of the streams that must be done first; [] for none'),
    streamDependencies: streamIds.optional().describe('The same as dependencies'),
    files: files.optional().describe('Paths that the stream changes'),
    acceptanceCriteria: z
      .union([z.array(text), text])
      .optional()
      .describe('How to tell that the task is done'),
    complexity: label.nullish(),
    verificationRequired: z.boolean().nullish(),
  })
  .superRefine(checkBounds);

function checkBounds(value: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  const problem = metadataProblem(value);
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
}

function metadataProblem(value: Readonly<Record<string, unknown>>): string | null {
  if (depthExceeds(value, LIMITS.metadataDepth)) {
    return `must not be nested deeper than ${LIMITS.metadataDepth} levels`;
  }
  const json = JSON.stringify(value);
  if (Buffer.byteLength(json) > LIMITS.metadataBytes) {
    return `must not be larger than ${LIMITS.metadataBytes / KB} KB`;
  }
  return holdsBadText(value) ? 'must not contain control characters' : null;
}

/** Looks at every key and text; the depth has been bounded before. */
function holdsBadText(value: unknown): boolean {
  if (typeof value === 'string') return hasBadCharacters(value, FORBIDDEN_IN_TEXT);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([key, item]) => hasBadCharacters(key, FORBIDDEN_IN_LINE) || holdsBadText(item),
  );
}
