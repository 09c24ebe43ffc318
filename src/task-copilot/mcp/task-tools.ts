/** The tools task_create, task_get and task_list. */
import * as z from 'zod';
import { taskRow } from '../tools/rows.ts';
import { streamPrd } from '../tools/stream-groups.ts';
import { createTask, type NewTask } from '../tools/task-create.ts';
import { getTask, listTasks } from '../tools/tasks.ts';
import { Refusal } from '../tools/tool-database.ts';
import { id, label, taskMetadata, taskStatus, text, title } from './fields.ts';
import { type RunScope, requireOwnStream, requireOwnTask, ScopeRefusal } from './scope.ts';
import { type ToolContext, tool } from './tool.ts';

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
  run: (context, input) =>
    createTask(context.db, context.scope === null ? input : ownTask(context, context.scope, input)),
});

/** A worker's new task: in its own stream and that stream's PRD, unless it asks for another, which is refused. */
function ownTask({ db }: ToolContext, scope: RunScope, input: NewTask): NewTask {
  const { prdId, parentId } = input;
  const metadata = { streamId: scope.streamId, ...input.metadata };
  requireOwnStream(scope, metadata.streamId);
  const own = streamPrd(db, scope);
  if (prdId !== undefined && prdId !== own) {
    throw new ScopeRefusal(scope, `This run may only add tasks to the PRD of its stream, ${own ?? 'none'}.`);
  }
  const parent = parentId === undefined ? null : taskRow(db, parentId);
  if (parentId !== undefined && parent === null) throw new Refusal(`parentId: there is no task ${parentId}`);
  if (parent !== null) requireOwnTask(scope, parent);
  return { ...input, prdId: own ?? undefined, metadata };
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

export const TASK_TOOLS = [create, get, list];
