/** The tools work_product_store, work_product_get, work_product_list and progress_summary. */
import * as z from 'zod';
import { getProduct, listProducts, storeProduct } from '../tools/products.ts';
import { progressSummary } from '../tools/progress.ts';
import { taskRow } from '../tools/rows.ts';
import { content, id, metadata, title } from './fields.ts';
import { requireOwnTask } from './scope.ts';
import { tool } from './tool.ts';

const TYPES = [
  'technical_design',
  'implementation',
  'test_plan',
  'security_review',
  'documentation',
  'architecture',
  'other',
] as const;

const store = tool({
  name: 'work_product_store',
  description:
    'Store what a task brought forth (a design, a test plan, …) and get back its id and a summary.',
  input: z.object({
    taskId: id.describe('Task that it belongs to'),
    type: z.enum(TYPES).describe('Kind of work product'),
    title: title.describe('Title'),
    content: content.describe('The work product in full'),
    metadata: metadata.optional().describe('Free'),
    confidence: z.number().optional().describe('How sure you are of it, 0 to 1'),
  }),
  changes: true,
  run: ({ db, scope }, input) => {
    const task = scope === null ? null : taskRow(db, input.taskId);
    if (scope !== null && task !== null) requireOwnTask(scope, task);
    return storeProduct(db, input);
  },
});

const get = tool({
  name: 'work_product_get',
  description: 'Show a work product in full.',
  input: z.object({ id: id.describe('Id of the work product') }),
  changes: false,
  run: ({ db }, input) => getProduct(db, input.id) ?? 'Work product not found',
});

const list = tool({
  name: 'work_product_list',
  description: 'List the work products of a task, newest first, with summaries.',
  input: z.object({ taskId: id.describe('Id of the task') }),
  changes: false,
  run: ({ db }, input) => listProducts(db, input.taskId),
});

const progress = tool({
  name: 'progress_summary',
  description: 'Sum up the progress of an initiative: PRDs, tasks, work products, velocity, latest activity.',
  input: z.object({
    initiativeId: id.optional().describe('Initiative; default: the current one'),
    minConfidence: z.number().min(0).max(1).optional().describe('Only work products at least this sure'),
  }),
  changes: false,
  run: ({ db }, input) => progressSummary(db, input) ?? 'No initiative found',
});

export const PRODUCT_TOOLS = [store, get, list, progress];
