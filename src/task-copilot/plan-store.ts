/** Task Copilot's store as the rest of orchestrate sees it: the plan, its tasks, updates and imports; knows nothing of runs. */

import { EXIT, OrchestrateError } from '../core/errors.ts';
import { buildPlan } from '../core/plan/plan.ts';
import type { Initiative, Plan, Task } from '../core/types.ts';
import { type Db, dataVersionOf } from '../sqlite/database.ts';
import { guarded, type Place } from '../sqlite/failures.ts';
import { timeText } from './clock-text.ts';
import { importPlan } from './plan-import.ts';
import { type CopilotOptions, copilotPlace, openCopilotDatabase } from './store-schema.ts';
import {
  countArchivedStreamTasks,
  type MetadataCache,
  readPlanRows,
  readTask,
  readTasks,
  type TaskScope,
} from './task-rows.ts';
import { type TaskUpdate, updateTaskRow } from './task-update.ts';
import * as initiatives from './tools/initiatives.ts';
import type { CopilotDb } from './tools/tool-database.ts';
import type { PlanStore, TaskPatch } from './types.ts';

/**
 * Opens the plan store at `path` (a tasks.db). Throws exit 3, 4 or 6 as `openCopilotDatabase` says; so do all its methods
 * when the file becomes unreadable, stays locked longer than the busy timeout, or turns out corrupt.
 */
export function openPlanStore(path: string, options: CopilotOptions): PlanStore {
  const db = openCopilotDatabase(path, options);
  const place = copilotPlace(path, options.busyTimeoutMs);
  const dataVersion = dataVersionOf(db);
  const plans = cachedPlans(db, dataVersion);
  const run = <T>(work: () => T): T => guarded(place, work);
  const write = <T>(work: (copilot: CopilotDb) => T): T =>
    run(() => {
      plans.forget();
      return db.transaction(() => work({ sql: db, now: timeText(Date.now()) })).immediate();
    });

  return {
    path,
    readPlan: () => run(() => plans.read()),
    earlierPlans: () => run(() => db.transaction(() => earlierPlans(db))()),
    currentInitiative: () => run(() => currentInitiative(db)),
    listTasks: (filter = {}) =>
      run(() => {
        const tasks = db.transaction(() =>
          readTasks(db, scopeOf(db, filter.all === true ? 'all' : 'current')),
        )();
        return tasks.filter(
          (task) =>
            (filter.stream === undefined || task.stream === filter.stream) &&
            (filter.status === undefined || task.status === filter.status),
        );
      }),
    getTask: (id) => run(() => readTask(db, id)),
    updateTask: (id, patch) => write((copilot) => updateTask(copilot, id, patch, place)),
    importPlan: (plan, how) =>
      run(() => {
        plans.forget();
        return importPlan(db, plan, how);
      }),
    changeToken: () => run(dataVersion),
    close: () => db.close(),
  };
}

/** The plan read last, kept until another connection commits or this one writes. */
function cachedPlans(db: Db, dataVersion: () => number) {
  let version = -1;
  let kept: Plan | null = null;
  const metadata: MetadataCache = new Map();
  return {
    forget: () => {
      kept = null;
    },
    read(): Plan {
      if (kept !== null && dataVersion() === version) return kept;
      return db.transaction(() => {
        const rows = readPlanRows(db, scopeOf(db, 'current'), metadata);
        const plan = buildPlan(rows, currentInitiative(db), countArchivedStreamTasks(db));
        version = dataVersion();
        kept = plan;
        return plan;
      })();
    },
  };
}

/** The plans of every other initiative that has streams, the latest first. */
function earlierPlans(db: Db): Plan[] {
  const others = db
    .prepare(
      'SELECT id, title FROM initiatives WHERE id IS NOT NULL AND id IS NOT ? ORDER BY updated_at DESC',
    )
    .all(currentInitiative(db)?.id ?? null) as Initiative[];
  return [...others, null]
    .map((initiative) => {
      const scope = { initiativeId: initiative?.id ?? null, which: 'earlier' } as const;
      return buildPlan(readPlanRows(db, scope), initiative, 0);
    })
    .filter(({ streams }) => streams.length > 0);
}

function scopeOf(db: Db, which: TaskScope['which']): TaskScope {
  return { initiativeId: currentInitiative(db)?.id ?? null, which };
}

function currentInitiative(db: Db): Initiative | null {
  const row = initiatives.currentInitiative({ sql: db, now: '' });
  return row === null ? null : { id: row.id, title: row.title };
}

function updateTask(copilot: CopilotDb, id: string, patch: TaskPatch, place: Place): Task {
  const update = updateTaskRow(copilot, id, patch);
  if (update.kind !== 'updated') throw refusedUpdate(id, update);
  const task = readTask(copilot.sql, id);
  if (task === null) throw new Error(`task ${id} vanished from ${place.path} inside a transaction`);
  return task;
}

function refusedUpdate(id: string, update: Exclude<TaskUpdate, { kind: 'updated' }>): OrchestrateError {
  switch (update.kind) {
    case 'not-found':
      return new OrchestrateError(
        EXIT.input,
        `there is no task ${id}`,
        'orchestrate task list shows the tasks and their ids',
      );
    case 'archived':
      return new OrchestrateError(
        EXIT.input,
        `task ${id} belongs to stream ${update.stream}, archived when initiative ${update.byInitiative} was linked`,
        'work on a task of the current initiative: orchestrate task list',
      );
    case 'unverified':
      return new OrchestrateError(
        EXIT.input,
        `task ${id} can't be completed yet, it lacks ${update.missing.join(' and ')}`,
        `orchestrate task update ${id} --status completed --notes "what was done and how it was checked"`,
      );
    case 'bad-metadata':
      return new OrchestrateError(
        EXIT.input,
        `the metadata of task ${id} is no JSON object`,
        'correct it in the store',
      );
  }
}
