/** The tools task_create, task_get, task_list, and task_update: the one that workers report with. */
import * as z from 'zod';
import { Refusal } from '../tools/rows.ts';
import { createTask } from '../tools/task-create.ts';
import { type TaskUpdate, updateTask } from '../tools/task-update.ts';
import { getTask, listTasks } from '../tools/tasks.ts';
import { tool } from './call.ts';
import { id, label, taskMetadata, taskStatus, text, title } from './fields.ts';

const create = tool({
  name: 'task_create',
  description:
    'Create a task. For parallel work give metadata.streamId, metadata.streamName, metadata.files and metadata.dependencies (stream ids, [] for none).',
  input: z.object({
    title: title.describe('Title of the task'),
    description: text.optional().describe('What is to be done'),
    prdId: id.optional().describe('PRD that the task belongs to'),
    parentId: id.optional().describe('Task that this one is a part of'),
    assignedAgent: label.optional().describe('Agent that is to do it, such as me, qa, doc'),
    metadata: taskMetadata
      .optional()
      .describe('streamId, streamName, streamPhase, files, dependencies and more'),
  }),
  changes: true,
  run: ({ db }, input) => createTask(db, input),
});

const update = tool({
  name: 'task_update',
  description:
    'Change a task: in_progress when you begin it, completed with notes when it is done, blocked with blockedReason when you cannot go on. Metadata is merged, notes are replaced.',
  input: z.object({
    id: id.describe('Id of the task'),
    status: taskStatus.optional().describe('New status'),
    assignedAgent: label.optional().describe('Agent that does it'),
    notes: text.optional().describe('What was done and how it was checked'),
    blockedReason: text.optional().describe('What stands in the way'),
    metadata: taskMetadata.optional().describe('Keys to add or replace'),
  }),
  changes: true,
  run: ({ db }, { id: taskId, ...change }) => answer(updateTask(db, taskId, change), taskId),
});

function answer(result: TaskUpdate, id: string): unknown {
  switch (result.kind) {
    case 'not-found':
      return 'Task not found';
    case 'archived':
      throw new Refusal(
        `Cannot update archived task ${id}. This task belongs to stream "${result.stream}" which was archived when switching to initiative ${result.byInitiative}. Use stream_unarchive to restore the stream first.`,
      );
    case 'unverified':
      throw new Refusal(
        `Verification failed - task cannot be completed: it needs ${result.missing.map(({ text }) => text).join(' and ')}.`,
      );
    case 'bad-metadata':
      throw new Refusal(`metadata: what is stored for task ${id} is no JSON object; it cannot be merged.`);
    case 'updated':
      return {
        id,
        status: result.status,
        updatedAt: result.updatedAt,
        ...commitRequest(result),
      };
  }
}

/** Asks for a commit where the task wants one on completion; we never make it ourselves. */
function commitRequest({ task, status, metadata }: Extract<TaskUpdate, { kind: 'updated' }>): {
  autoCommitRequested?: true;
  suggestedCommitMessage?: string;
} {
  const completes = status === 'completed' && task.status !== 'completed';
  if (!completes || metadata['autoCommitOnComplete'] !== true) return {};
  return { autoCommitRequested: true, suggestedCommitMessage: `${task.title}\n\n${task.id}` };
}

const get = tool({
  name: 'task_get',
  description: 'Show a task in full.',
  input: z.object({
    id: id.describe('Id of the task'),
    includeSubtasks: z.boolean().optional().describe('Also list its subtasks'),
    includeWorkProducts: z.boolean().optional().describe('Also list its work products'),
  }),
  changes: false,
  run: ({ db }, input) => {
    const include = {
      subtasks: input.includeSubtasks ?? false,
      workProducts: input.includeWorkProducts ?? false,
    };
    return getTask(db, input.id, include) ?? 'Task not found';
  },
});

const list = tool({
  name: 'task_list',
  description:
    'List tasks, oldest first. Give streamId for the tasks of one stream (archived ones only with includeArchived).',
  input: z.object({
    prdId: id.optional().describe('Only tasks of this PRD'),
    parentId: id.nullish().describe('Only parts of this task; null: only tasks that are no part of another'),
    status: taskStatus.optional().describe('Only tasks of this status'),
    assignedAgent: label.optional().describe("Only this agent's tasks"),
    streamId: id.optional().describe('Only tasks of this stream'),
    'metadata.streamId': id.optional().describe('The same as streamId'),
    metadata: z
      .looseObject({ streamId: id.optional() })
      .optional()
      .describe('{streamId}: the same as streamId'),
    includeArchived: z.boolean().optional().describe('Archived tasks too (default: only without a streamId)'),
  }),
  changes: false,
  nullable: ['parentId'],
  run: ({ db }, input) => {
    const streamId = input.streamId ?? input['metadata.streamId'] ?? input.metadata?.streamId;
    return listTasks(db, {
      prdId: input.prdId,
      parentId: input.parentId,
      status: input.status,
      assignedAgent: input.assignedAgent,
      streamId,
      includeArchived: input.includeArchived ?? streamId === undefined,
    });
  },
});

export const TASK_TOOLS = [create, get, list, update];
