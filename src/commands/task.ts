/** `task list|show|update`: the store from a shell; inside a run it obeys the run's scope. */
import { openProject, type Project } from '../app/project.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { TASK_STATUSES, type Task, type TaskStatus } from '../core/types.ts';
import { findTask, namesOf, oneStream } from '../operator/find-stream.ts';
import { inScope, readRun } from '../operator/run-scope.ts';
import type { PlanStore, TaskPatch } from '../task-copilot/types.ts';
import { choiceFlag, type Flags, textFlag, usageError } from './definition.ts';
import type { Io } from './io.ts';

/** Notes and reasons beyond this are refused: they are for users. */
const MOST_TEXT = 64 * 1024;

async function withStore(
  io: Io,
  work: (store: PlanStore, project: Project) => number | Promise<number>,
): Promise<number> {
  const project = openProject(io);
  try {
    return await work(await project.planStore(), project);
  } finally {
    project.close();
  }
}

/** `task list`: oldest first; inside a run those of its stream unless another is named. */
export async function list(_args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withStore(io, (store, project) => {
    const tasks = store.listTasks(filterOf(store, flags, project));
    if (io.json) io.print(JSON.stringify({ schemaVersion: 1, tasks: tasks.map(jsonOf) }));
    else io.print(tasks.length === 0 ? 'no tasks' : tasks.map(lineOf).join('\n'));
    return EXIT.ok;
  });
}

function filterOf(
  store: PlanStore,
  flags: Flags,
  { env }: Project,
): { stream?: string; status?: TaskStatus; all: boolean } {
  const own = env['ORCHESTRATE_TOKEN'] ? env['ORCHESTRATE_STREAM'] : undefined;
  const all = flags['all'] === true;
  const named = textFlag(flags, 'stream');
  const stream = named === undefined ? own : streamOf(store, named, all);
  const status = choiceFlag(flags, 'status', TASK_STATUSES);
  return {
    all,
    ...(stream === undefined ? {} : { stream }),
    ...(status === undefined ? {} : { status }),
  };
}

/** The id that `named` stands for in the current plan, or (`all`) in an earlier one. */
function streamOf(store: PlanStore, named: string, all: boolean): string {
  const plans = [store.readPlan(), ...(all ? store.earlierPlans() : [])];
  const streams = plans.flatMap((plan) => namesOf(plan, new Map()));
  return oneStream(named, [...new Map(streams.map((each) => [each.id, each])).values()]);
}

/** Everything about a task that has something to say, for the user. */
function pageOf(task: Task): string[] {
  const facts = [
    ['agent', task.assignedAgent],
    ['blocked', task.status === 'blocked' ? task.blockedReason : null],
    ['notes', task.notes],
  ] as const;
  const description = task.description === null ? [] : ['', ...task.description.split('\n')];
  return [
    lineOf(task),
    ...facts.flatMap(([name, text]) => (text === null ? [] : [`  ${name}: ${printable(text)}`])),
    ...description.map((line) => printable(line)),
    ...task.acceptanceCriteria.map((criterion) => `  - ${printable(criterion)}`),
  ];
}

/** `task show ID`. */
export async function show(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withStore(io, (store) => {
    const task = findTask(store, args[0] ?? '');
    if (io.json) io.print(JSON.stringify({ schemaVersion: 1, task: jsonOf(task) }));
    else for (const line of pageOf(task)) io.print(line);
    return EXIT.ok;
  });
}

/** `task update ID --status … --notes … --blocked-reason …`. */
export async function update(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withStore(io, async (store, project) => {
    const worker = await readRun(project);
    const task = findTask(store, args[0] ?? '');
    const patch = patchOf(flags);
    const change = () => store.updateTask(task.id, patch, worker?.scope ?? null);
    const updated = inScope(worker, 'task update', change);
    io.print(io.json ? JSON.stringify({ schemaVersion: 1, task: jsonOf(updated) }) : lineOf(updated));
    return EXIT.ok;
  });
}

function patchOf(flags: Flags): TaskPatch {
  const status = choiceFlag(flags, 'status', TASK_STATUSES);
  const notes = boundedText(flags, 'notes');
  const blockedReason = boundedText(flags, 'blocked-reason');
  if (status === undefined && notes === undefined && blockedReason === undefined) {
    throw usageError(
      'nothing to update: give --status, --notes or --blocked-reason',
      'orchestrate task update --help',
    );
  }
  return {
    ...(status === undefined ? {} : { status }),
    ...(notes === undefined ? {} : { notes }),
    ...(blockedReason === undefined ? {} : { blockedReason }),
  };
}

function boundedText(flags: Flags, name: string): string | undefined {
  const text = textFlag(flags, name);
  if (text === undefined || Buffer.byteLength(text) <= MOST_TEXT) return text;
  throw new OrchestrateError(
    EXIT.input,
    `--${name} is longer than ${MOST_TEXT} bytes`,
    'keep it short; details belong in a file or a commit message',
  );
}

function lineOf(task: Task): string {
  return `${task.id}  ${task.status.padEnd(11)}  ${printable(task.stream ?? '-')}  ${printable(task.title)}`;
}

function jsonOf(task: Task) {
  const { id, title, description, status, stream, assignedAgent, blockedReason, notes } = task;
  return { id, title, description, status, stream, assignedAgent, blockedReason, notes };
}
