/** The rules of a plan file, in both its forms, as zod schemas; knows values, not the text they were written in. */
import * as z from 'zod';
import { streamIdProblem } from '../core/stream-key.ts';
import { STREAM_PHASES } from '../core/types.ts';

const title = z.string().refine((text) => text.trim() !== '', 'must not be empty');
/** A key without a value (YAML's null) is a key left out. */
const text = z.string().nullable().default(null);
const texts = z.array(z.string()).nullable().default(null);
const streamId = z.string().superRefine((id, context) => {
  const problem = streamIdProblem(id);
  if (problem !== null) context.addIssue({ code: 'custom', message: `the stream id ${problem}` });
});

const initiative = z
  .strictObject({
    id: streamIdLike('the initiative id'),
    title: title.nullable().default(null),
    description: text,
  })
  .nullable()
  .default(null);
const prd = z
  .strictObject({ title: title.nullable().default(null), description: text, content: text })
  .nullable()
  .default(null);

const task = z.strictObject({ title, description: text, agent: text, acceptanceCriteria: texts });

const stream = z.strictObject({
  id: streamId,
  name: text,
  phase: z.enum(STREAM_PHASES).nullable().default(null),
  dependencies: texts,
  files: texts,
  tasks: z.array(task).min(1, 'a stream needs a task'),
});

/** Streams that hold their tasks. */
export const nestedPlan = z.strictObject({
  initiative,
  prd,
  streams: z.array(stream).min(1, 'a plan needs a stream').superRefine(eachIdOnce).superRefine(eachTitleOnce),
});

const flatTask = z.strictObject({
  title,
  description: text,
  assignedAgent: text,
  metadata: z.looseObject({
    streamId,
    streamName: text,
    streamPhase: z.enum(STREAM_PHASES).nullable().default(null),
    dependencies: texts,
    streamDependencies: texts,
    files: texts,
    acceptanceCriteria: texts,
  }),
});

/** Task Copilot's form: a list of tasks, each of which names its stream in its metadata. */
export const flatPlan = z.strictObject({
  initiative,
  prd,
  tasks: z.array(flatTask).min(1, 'a plan needs a task').superRefine(eachFlatTitleOnce),
});

export type NestedPlan = z.infer<typeof nestedPlan>;
export type FlatPlan = z.infer<typeof flatPlan>;
export type FlatTask = FlatPlan['tasks'][number];

/** Keys of a task's metadata that Task Copilot or orchestrate reads; others are stored as given. */
export const METADATA_KEYS = [
  ...Object.keys(flatTask.shape.metadata.shape),
  'activationMode',
  'complexity',
  'verificationRequired',
  'qualityGates',
  'isolatedWorktree',
  'worktreePath',
  'branchName',
  'mergeConflicts',
  'autoCommitOnComplete',
];

function streamIdLike(what: string) {
  return z.string().superRefine((id, context) => {
    const problem = streamIdProblem(id);
    if (problem !== null) context.addIssue({ code: 'custom', message: `${what} ${problem}` });
  });
}

type Refinement = { addIssue(issue: { code: 'custom'; message: string; path: PropertyKey[] }): void };

function eachIdOnce(streams: readonly { readonly id: string }[], context: Refinement): void {
  const first = new Map<string, number>();
  for (const [at, { id }] of streams.entries()) {
    const earlier = first.get(id);
    if (earlier === undefined) first.set(id, at);
    else refuse(context, [at, 'id'], `the stream id ${JSON.stringify(id)} is taken by streams[${earlier}]`);
  }
}

function eachTitleOnce(
  streams: readonly { readonly tasks: readonly { readonly title: string }[] }[],
  context: Refinement,
): void {
  for (const [at, { tasks }] of streams.entries()) {
    const titles = tasks.map((one) => one.title);
    for (const { again, message } of repeated(titles, 'tasks'))
      refuse(context, [at, 'tasks', again, 'title'], message);
  }
}

function eachFlatTitleOnce(
  tasks: readonly { readonly title: string; readonly metadata: { readonly streamId: string } }[],
  context: Refinement,
): void {
  const names = tasks.map((one) => `${one.metadata.streamId}\u0000${one.title}`);
  for (const { again, message } of repeated(names, 'tasks')) refuse(context, [again, 'title'], message);
}

/** A task is known by its stream and title when a plan is imported again, so these must not repeat. */
function repeated(names: readonly string[], list: string): { again: number; message: string }[] {
  const first = new Map<string, number>();
  return names.flatMap((name, at) => {
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, at);
    return earlier === undefined
      ? []
      : [{ again: at, message: `the same title as ${list}[${earlier}] of the same stream` }];
  });
}

function refuse(context: Refinement, path: PropertyKey[], message: string): void {
  context.addIssue({ code: 'custom', message, path });
}
