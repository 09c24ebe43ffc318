/** Task Copilot's store as the rest of orchestrate sees it: the plan, its tasks, updates and imports; knows nothing of runs. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import type { Task } from '../core/types.ts';
import { importPlan } from './plan-import.ts';
import { openRepository, type RepositoryOptions } from './repository.ts';
import { currentInitiative } from './tools/initiatives.ts';
import {
  currentPlan,
  earlierPlans,
  type MetadataCache,
  namedInitiative,
  readTask,
  readTasks,
} from './tools/plan-rows.ts';
import type { CopilotDb } from './tools/rows.ts';
import { cancelStream } from './tools/stream-cancel.ts';
import { type TaskUpdate, updateTask } from './tools/task-update.ts';
import type { PlanStore, TaskPatch } from './types.ts';

/**
 * Opens the plan store at `path` (a tasks.db). Throws exit 3, 4 or 6 as `openCopilotDatabase` says; so do all its methods
 * when the file becomes unreadable, stays locked longer than the busy timeout, or turns out corrupt. A file that takes its
 * place is read from then on.
 */
export function openPlanStore(path: string, options: RepositoryOptions): PlanStore {
  const repository = openRepository(path, options);
  const metadata: MetadataCache = { byText: new Map() };
  const readPlan = repository.kept((db) => currentPlan(db, metadata));
  repository.changeToken();
  return {
    path,
    waitAtMost: repository.waitAtMost,
    readPlan,
    earlierPlans: () => repository.read(earlierPlans),
    currentInitiative: () => repository.read((db) => namedInitiative(currentInitiative(db))),
    listTasks: ({ stream, status, all = false } = {}) => {
      const tasks = repository.read((db) => readTasks(db, all ? 'all' : 'current', stream, metadata));
      return tasks.filter((task) => status === undefined || task.status === status);
    },
    getTask: (id) => repository.read((db) => readTask(db, id)),
    updateTask: (id, patch, scope) => repository.write((db) => patchTask(db, id, patch), scope),
    cancelStream: (streamId) => repository.write((db) => cancelStream(db, streamId)),
    importPlan: (plan, how) => importPlan(repository, plan, how),
    changeToken: repository.changeToken,
    close: repository.close,
  };
}

function patchTask(db: CopilotDb, id: string, patch: TaskPatch): Task {
  const update = updateTask(db, id, patch);
  if (update.kind !== 'updated') throw refusedUpdate(id, update);
  const task = readTask(db, id);
  if (task === null) throw new Error(`task ${id} vanished inside a transaction`);
  return task;
}

function refusedUpdate(id: string, update: Exclude<TaskUpdate, { kind: 'updated' }>): OrchestrateError {
  switch (update.kind) {
    case 'not-found':
      return new OrchestrateError(EXIT.input, `there is no task ${id}`, 'orchestrate task list');
    case 'archived':
      return new OrchestrateError(
        EXIT.input,
        `task ${id} belongs to stream ${update.stream}, archived when initiative ${update.byInitiative} was linked; work on a task of the current initiative`,
        'orchestrate task list',
      );
    case 'unverified':
      return new OrchestrateError(
        EXIT.input,
        `task ${id} cannot be completed yet, it lacks ${update.missing.map(({ text }) => text).join(' and ')}`,
        update.missing.map(({ fix }) => fix).join('; '),
      );
    case 'bad-metadata':
      return new OrchestrateError(
        EXIT.input,
        `the metadata of task ${id} is no JSON object`,
        'correct it in the store',
      );
  }
}
