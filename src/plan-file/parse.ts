/** From the text of a plan file, in either form, to the plan that is stored, or to everything that is wrong with it, by line. */
import type * as z from 'zod';
import { nearest } from '../core/nearest.ts';
import type { PlanInput } from '../core/plan/plan-input.ts';
import { printable } from '../core/printable.ts';
import { dotted, JSON_WORDING, valueProblem, type Wording } from '../core/schema-issue.ts';
import { type PlanFileProblem, type ReadDocument, readDocument } from './document.ts';
import {
  type FlatPlan,
  type FlatTask,
  flatPlan,
  METADATA_KEYS,
  type NestedPlan,
  nestedPlan,
} from './schema.ts';

/** What reading a plan file yields: the plan, or where and why it is none. */
type PlanFileResult =
  | { readonly ok: true; readonly plan: PlanInput }
  | { readonly ok: false; readonly problems: readonly PlanFileProblem[] };

/** All keys that some object of a plan file may have, to suggest one for a key that is unknown. */
const KEYS = [
  ...['initiative', 'prd', 'streams', 'tasks', 'id', 'title', 'description', 'content', 'name', 'phase'],
  ...['dependencies', 'files', 'agent', 'assignedAgent', 'acceptanceCriteria', 'metadata'],
];

/** YAML has maps, and an empty value is what a key without one has. */
const WORDING: Wording = {
  kinds: {
    ...JSON_WORDING.kinds,
    string: 'text',
    boolean: 'true or false (quote it if it is text)',
    object: 'a map',
    null: 'empty',
  },
  missing: 'is missing',
};

/** So many problems are enough to work on; finding the lines of a million would take for ever. */
const MAX_PROBLEMS = 20;

/**
 * Reads a plan in YAML or JSON, with streams that hold tasks or as Task Copilot's flat list of tasks. Whether its
 * dependencies make sense is not looked at here: `planOfInput` does that.
 */
export function parsePlanFile(text: string): PlanFileResult {
  const document = readDocument(text);
  if (!('value' in document)) return { ok: false, problems: document };
  const { value } = document;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return failed({ line: 1, path: '', message: 'a plan is a map with the key "streams" (or "tasks")' });
  }
  if ('tasks' in value && 'streams' in value) {
    const message = 'a plan has either "streams" or "tasks", not both';
    return failed({ line: document.lineOf([], 'tasks'), path: '', message });
  }
  if ('tasks' in value) {
    const flat = flatPlan.safeParse(value);
    if (!flat.success) return refused(flat.error, document);
    const misspelt = flat.data.tasks.flatMap((task, at) => misspeltKeys(task, at, document));
    return misspelt.length > 0
      ? { ok: false, problems: misspelt }
      : { ok: true, plan: normalizeFlat(flat.data) };
  }
  const nested = nestedPlan.safeParse(value);
  return nested.success ? { ok: true, plan: normalizeNested(nested.data) } : refused(nested.error, document);
}

function failed(problem: PlanFileProblem): PlanFileResult {
  return { ok: false, problems: [problem] };
}

function refused(error: z.ZodError, document: ReadDocument): PlanFileResult {
  return {
    ok: false,
    problems: error.issues.slice(0, MAX_PROBLEMS).flatMap((issue) => problemsOf(issue, document)),
  };
}

function problemsOf(issue: z.core.$ZodIssue, { value, lineOf }: ReadDocument): PlanFileProblem[] {
  const path = dotted(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .slice(0, MAX_PROBLEMS)
      .map((key) => ({ line: lineOf(issue.path, key), path, message: unknownKey(key, KEYS) }));
  }
  return [{ line: lineOf(issue.path), path, message: valueProblem(issue, value, WORDING) }];
}

/** The metadata of Task Copilot is open, but a key that is nearly one that we read is a mistake. */
function misspeltKeys(task: FlatTask, at: number, { lineOf }: ReadDocument): PlanFileProblem[] {
  const path = ['tasks', at, 'metadata'];
  return Object.keys(task.metadata)
    .filter((key) => !METADATA_KEYS.includes(key) && isNearlyKnown(key))
    .map((key) => ({
      line: lineOf(path, key),
      path: dotted(path),
      message: unknownKey(key, METADATA_KEYS),
    }));
}

function isNearlyKnown(key: string): boolean {
  const meant = key.length > 40 ? null : nearest(key, METADATA_KEYS);
  return meant !== null && Math.abs(meant.length - key.length) <= 3;
}

/** Words that other tools have for our keys. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  needs: 'dependencies',
  requires: 'dependencies',
  after: 'dependencies',
  deps: 'dependencies',
  criteria: 'acceptanceCriteria',
  assignee: 'agent',
  steps: 'tasks',
  paths: 'files',
};
/** Letters that a key has to begin with to be another form of the same word: `depends_on` of `dependencies`. */
const SAME_STEM = 6;

/** The key that a word with the same meaning, or the same stem, stands for. */
function meantBy(key: string, known: readonly string[]): string | null {
  const word = key.toLowerCase().replace(/[^a-z]/g, '');
  const other = OTHER_WORDS[word];
  const stem = word.slice(0, SAME_STEM);
  const sameStem =
    stem.length === SAME_STEM ? known.find((each) => each.toLowerCase().startsWith(stem)) : undefined;
  return other !== undefined && known.includes(other) ? other : (sameStem ?? null);
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key.slice(0, 60), known) ?? meantBy(key, known);
  return `unknown key "${printable(key, 60)}"${meant === null ? '' : ` (did you mean "${meant}"?)`}`;
}

type InputTask = PlanInput['tasks'][number];

/** The plan in a nested file; tasks keep their order, stream by stream. */
function normalizeNested(file: NestedPlan): PlanInput {
  const tasks = file.streams.flatMap((stream) => {
    const dependencies = unique(stream.dependencies ?? []);
    return stream.tasks.map((task) => ({
      title: task.title,
      description: task.description,
      assignedAgent: task.agent,
      metadata: {
        streamId: stream.id,
        streamName: stream.name ?? stream.id,
        streamPhase: stream.phase ?? defaultPhase(dependencies),
        files: stream.files ?? [],
        dependencies,
        streamDependencies: dependencies,
        acceptanceCriteria: task.acceptanceCriteria ?? [],
      },
    }));
  });
  return inputOf(file, tasks);
}

/** The plan in a flat file; what else the metadata holds is kept as it is. */
function normalizeFlat(file: FlatPlan): PlanInput {
  const dependenciesOf = new Map<string, string[]>();
  for (const { metadata } of file.tasks) {
    const own = [...(metadata.dependencies ?? []), ...(metadata.streamDependencies ?? [])];
    dependenciesOf.set(metadata.streamId, unique([...(dependenciesOf.get(metadata.streamId) ?? []), ...own]));
  }
  const tasks = file.tasks.map((task) => {
    const { streamId, streamName, streamPhase, files, acceptanceCriteria, ...others } = task.metadata;
    const dependencies = unique([
      ...(task.metadata.dependencies ?? []),
      ...(task.metadata.streamDependencies ?? []),
    ]);
    return {
      title: task.title,
      description: task.description,
      assignedAgent: task.assignedAgent,
      metadata: {
        ...others,
        streamId,
        ...(streamName === null ? {} : { streamName }),
        streamPhase: streamPhase ?? defaultPhase(dependenciesOf.get(streamId) ?? []),
        files: files ?? [],
        dependencies,
        streamDependencies: dependencies,
        acceptanceCriteria: acceptanceCriteria ?? [],
      },
    };
  });
  return inputOf(file, tasks);
}

/** What the file leaves open is not made up here: a plan that is updated has it already. */
function inputOf({ initiative, prd }: Pick<NestedPlan, 'initiative' | 'prd'>, tasks: InputTask[]): PlanInput {
  return { initiative, prd: prd ?? { title: null, description: null, content: null }, tasks };
}

function defaultPhase(dependencies: readonly string[]): string {
  return dependencies.length === 0 ? 'foundation' : 'parallel';
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
