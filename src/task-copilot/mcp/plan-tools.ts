/** The tools about what tasks belong to and bring forth: initiatives, PRDs, work products, and the summary of progress. */
import * as z from 'zod';
import { requireNoRun } from '../../core/scope.ts';
import { knownToMemoryCopilot } from '../memory-copilot.ts';
import { PRD_STATUSES, WORK_PRODUCT_TYPES } from '../tables.ts';
import { currentInitiative, findInitiative, getInitiative, linkInitiative } from '../tools/initiatives.ts';
import { createPrd, getPrd, listPrds } from '../tools/prds.ts';
import { getProduct, listProducts, storeProduct } from '../tools/products.ts';
import { progressSummary } from '../tools/progress.ts';
import { Refusal } from '../tools/rows.ts';
import { type ToolContext, tool } from './call.ts';
import { content, id, metadata, text, title } from './fields.ts';

const linkTool = tool({
  name: 'initiative_link',
  description:
    'Make an initiative the current one, creating it if needed. The streams of earlier initiatives are archived. Call this before creating a PRD.',
  input: z.object({
    initiativeId: id.describe('Id of the initiative'),
    title: title.describe('Title of the initiative'),
    description: text.optional().describe('What the initiative is about'),
  }),
  changes: true,
  run: (context, input) => {
    requireNoRun(context.db.scope, 'initiative_link');
    refuseUnknown(context, input.initiativeId);
    if (currentInitiative(context.db)?.id !== input.initiativeId) context.refuseSwitch(input.initiativeId);
    const { created, archivedTasks } = linkInitiative(context.db, input);
    return {
      initiativeId: input.initiativeId,
      workspaceCreated: created,
      dbPath: context.workspace,
      archivedStreamsCount: archivedTasks,
    };
  },
});

/** Where Memory Copilot keeps the initiatives, one must have been started there; otherwise linking creates it. */
function refuseUnknown(context: ToolContext, initiativeId: string): void {
  if (findInitiative(context.db, initiativeId) !== null) return;
  if (knownToMemoryCopilot(context.memoryDbPath, initiativeId) !== 'unknown') return;
  throw new Refusal(
    `Initiative not found in Memory Copilot: ${initiativeId}. Start it there first (initiative_start), then link it with the id it gives you.`,
  );
}

const getInitiativeTool = tool({
  name: 'initiative_get',
  description: 'Show an initiative (default: the current one) with its counts.',
  input: z.object({
    initiativeId: id.optional().describe('Id of the initiative; default: the current one'),
    id: id.optional().describe('The same as initiativeId'),
  }),
  changes: false,
  run: ({ db }, input) => {
    const asked = input.initiativeId ?? input.id;
    return getInitiative(db, asked) ?? (asked === undefined ? 'No initiative found' : 'Initiative not found');
  },
});

const createPrdTool = tool({
  name: 'prd_create',
  description: 'Create a PRD (product requirements document) in the current initiative.',
  input: z.object({
    title: title.describe('Title of the PRD'),
    description: text.optional().describe('One or two sentences'),
    content: content.describe('The requirements in full, as Markdown'),
    metadata: metadata
      .optional()
      .describe(
        'Free: priority, complexity, tags, milestones; "scopeLocked": false lets every agent add tasks (a feature is locked without it)',
      ),
  }),
  changes: true,
  run: (context, input) => {
    // It makes one then, and streams that had none become other streams.
    if (currentInitiative(context.db) === null) context.refuseSwitch(null);
    return createPrd(context.db, input);
  },
});

const getPrdTool = tool({
  name: 'prd_get',
  description: 'Show a PRD and how many of its tasks are completed.',
  input: z.object({
    id: id.describe('Id of the PRD'),
    includeContent: z.boolean().optional().describe('Also give the full content'),
  }),
  changes: false,
  run: ({ db }, input) => getPrd(db, input.id, input.includeContent ?? false) ?? 'PRD not found',
});

const listPrdsTool = tool({
  name: 'prd_list',
  description: 'List PRDs, newest first, with their progress.',
  input: z.object({
    initiativeId: id.optional().describe('Only those of this initiative'),
    status: z.enum(PRD_STATUSES).optional().describe('Only those of this status'),
  }),
  changes: false,
  run: ({ db }, input) => listPrds(db, input),
});

const storeProductTool = tool({
  name: 'work_product_store',
  description: 'Store what a task produced (a design, a test plan, …) and get back its id and a summary.',
  input: z.object({
    taskId: id.describe('Task that it belongs to'),
    type: z.enum(WORK_PRODUCT_TYPES).describe('Kind of work product'),
    title: title.describe('Title'),
    content: content.describe('The work product in full'),
    metadata: metadata.optional().describe('Free'),
    confidence: z.number().optional().describe('How sure you are of it, 0 to 1'),
  }),
  changes: true,
  run: ({ db }, input) => storeProduct(db, input),
});

const getProductTool = tool({
  name: 'work_product_get',
  description: 'Show a work product in full.',
  input: z.object({ id: id.describe('Id of the work product') }),
  changes: false,
  run: ({ db }, input) => getProduct(db, input.id) ?? 'Work product not found',
});

const listProductsTool = tool({
  name: 'work_product_list',
  description: 'List the work products of a task, newest first, with summaries.',
  input: z.object({ taskId: id.describe('Id of the task') }),
  changes: false,
  run: ({ db }, input) => listProducts(db, input.taskId),
});

const progressTool = tool({
  name: 'progress_summary',
  description: 'Sum up the progress of an initiative: PRDs, tasks, work products, velocity, latest activity.',
  input: z.object({
    initiativeId: id.optional().describe('Initiative; default: the current one'),
    minConfidence: z.number().min(0).max(1).optional().describe('Only work products at least this sure'),
  }),
  changes: false,
  run: ({ db }, input) => progressSummary(db, input),
});

export const INITIATIVE_TOOLS = [linkTool, getInitiativeTool];
export const PRD_TOOLS = [createPrdTool, getPrdTool, listPrdsTool];
export const PRODUCT_TOOLS = [storeProductTool, getProductTool, listProductsTool, progressTool];
