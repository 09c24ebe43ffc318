/** The tools prd_create, prd_get and prd_list. */
import * as z from 'zod';
import { createPrd, getPrd, listPrds } from '../tools/prds.ts';
import { content, id, metadata, text, title } from './fields.ts';
import { requirePerson } from './scope.ts';
import { tool } from './tool.ts';

const create = tool({
  name: 'prd_create',
  description: 'Create a PRD (product requirements document) in the current initiative.',
  input: z.object({
    title: title.describe('Title of the PRD'),
    description: text.optional().describe('One or two sentences'),
    content: content.describe('The requirements in full, as Markdown'),
    metadata: metadata.optional().describe('Free: priority, complexity, tags, milestones, scopeLocked'),
  }),
  changes: true,
  run: ({ db, scope }, input) => {
    requirePerson(scope, 'prd_create');
    return createPrd(db, input);
  },
});

const get = tool({
  name: 'prd_get',
  description: 'Show a PRD and how many of its tasks are completed.',
  input: z.object({
    id: id.describe('Id of the PRD'),
    includeContent: z.boolean().optional().describe('Also give the full content'),
  }),
  changes: false,
  run: ({ db }, input) => getPrd(db, input.id, input.includeContent ?? false) ?? 'PRD not found',
});

const list = tool({
  name: 'prd_list',
  description: 'List PRDs, newest first, with their progress.',
  input: z.object({
    initiativeId: id.optional().describe('Only those of this initiative'),
    status: z.enum(['active', 'archived', 'cancelled']).optional().describe('Only those of this status'),
  }),
  changes: false,
  run: ({ db }, input) => listPrds(db, input),
});

export const PRD_TOOLS = [create, get, list];
