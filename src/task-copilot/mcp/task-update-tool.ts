/** The tool task_update: the one that workers report with. */
import * as z from 'zod';
import { type TaskUpdate, updateTaskRow } from '../task-update.ts';
import { activationMode } from '../tools/classify.ts';
import { refuseCycle } from '../tools/cycle-refusal.ts';
import { type Metadata, parseMetadata, type TaskRow, taskRow } from '../tools/rows.ts';
import { bothKeys } from '../tools/task-create.ts';
import { type CopilotDb, Refusal } from '../tools/tool-database.ts';
import { id, label, taskMetadata, taskStatus, text } from './fields.ts';
import { requireAllowedUpdate } from './scope.ts';
import { tool } from './tool.ts';

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
  run: ({ db, scope }, input) => {
    const task = taskRow(db, input.id);
    if (task === null) return 'Task not found';
    if (scope !== null) {
      requireAllowedUpdate(scope, task, { status: input.status, streamId: input.metadata?.['streamId'] });
    }
    const metadata = input.metadata && checkedMetadata(db, task, input.metadata);
    const result = updateTaskRow(db, task.id, { ...input, metadata });
    return answer(result, task, { ...parseMetadata(task.metadata), ...metadata });
  },
});

/** New metadata with what readers of either dependency key need; throws Refusal for a mode or a cycle that can't be. */
function checkedMetadata(db: CopilotDb, task: TaskRow, given: Metadata): Metadata {
  if (given['activationMode'] !== undefined) activationMode(given['activationMode'], '');
  const metadata = { ...given, ...bothKeys(given) };
  const merged = { ...parseMetadata(task.metadata), ...metadata };
  refuseCycle(db, { ...task, initiativeId: task.initiative_id, metadata: merged });
  return metadata;
}

function answer(result: TaskUpdate, task: TaskRow, metadata: Metadata): unknown {
  switch (result.kind) {
    case 'not-found':
      return 'Task not found';
    case 'archived':
      throw new Refusal(
        `Cannot update archived task ${task.id}. This task belongs to stream "${result.stream}" which was archived when switching to initiative ${result.byInitiative}. Use stream_unarchive to restore the stream first.`,
      );
    case 'unverified':
      throw new Refusal(
        `Verification failed - task cannot be completed: it needs ${result.missing.join(' and ')}.`,
      );
    case 'bad-metadata':
      throw new Refusal(
        `metadata: what is stored for task ${task.id} is no JSON object; it can't be merged.`,
      );
    case 'updated':
      return {
        id: task.id,
        status: result.status,
        updatedAt: result.updatedAt,
        ...commitRequest(result, task, metadata),
      };
  }
}

/** Asks for a commit where the task wants one on completion; we never make it ourselves. */
function commitRequest(
  result: { readonly before: string; readonly status: string },
  task: TaskRow,
  metadata: Metadata,
): { autoCommitRequested?: true; suggestedCommitMessage?: string } {
  const completes = result.status === 'completed' && result.before !== 'completed';
  if (!completes || metadata['autoCommitOnComplete'] !== true) return {};
  return { autoCommitRequested: true, suggestedCommitMessage: `${task.title}\n\n${task.id}` };
}

export const TASK_UPDATE_TOOLS = [update];
