/** The tools initiative_link and initiative_get. */
import * as z from 'zod';
import { knownToMemoryCopilot } from '../memory-copilot.ts';
import { currentInitiative, findInitiative, getInitiative, linkInitiative } from '../tools/initiatives.ts';
import { Refusal } from '../tools/tool-database.ts';
import { id, text, title } from './fields.ts';
import { requirePerson } from './scope.ts';
import { type ToolContext, tool } from './tool.ts';

const link = tool({
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
    requirePerson(context.scope, 'initiative_link');
    refuseUnknown(context, input.initiativeId);
    refuseWhileWorkersLive(context, input.initiativeId);
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

function refuseWhileWorkersLive(context: ToolContext, initiativeId: string): void {
  const current = currentInitiative(context.db);
  if (current === null || current.id === initiativeId || !context.workersLive(initiativeId)) return;
  throw new Refusal(
    `Workers of initiative ${current.id} are still running; linking ${initiativeId} would archive their streams. Stop them first: orchestrate stop`,
  );
}

const get = tool({
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

export const INITIATIVE_TOOLS = [link, get];
