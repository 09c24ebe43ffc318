/** Turns what the planner does into lines for whoever waits: one for the PRD, one a task, and what goes wrong on the way. */
import { printable } from '../core/printable.ts';
import { SERVER_NAME } from './draft-store.ts';
import type { PlannerEvent } from './stream-json.ts';

/** What has been seen so far. */
export type Progress = {
  /** Takes one event; returns the line to show, null for none. */
  readonly note: (event: PlannerEvent) => string | null;
  /** State of our MCP server as the planner told it; null before it did, or when it knows none. */
  readonly server: () => string | null;
  /** How the planner says it ended; null when it never did. */
  readonly result: () => { readonly isError: boolean; readonly text: string } | null;
};

type Call = Extract<PlannerEvent, { kind: 'call' }>;

const LONGEST = 100;
const CREATORS = new Set(['prd_create', 'task_create'].map((name) => `mcp__${SERVER_NAME}__${name}`));

/** `verbose`: what the planner says is shown too. */
export function createProgress(verbose: boolean): Progress {
  const calls = new Map<string, Call>();
  let server: string | null = null;
  let result: ReturnType<Progress['result']> = null;
  const note = (event: PlannerEvent): string | null => {
    switch (event.kind) {
      case 'started':
        server = event.server;
        return null;
      case 'call':
        calls.set(event.id, event);
        return null;
      case 'answer':
        return answerLine(calls.get(event.id), event);
      case 'text':
        return verbose && event.text.trim() !== '' ? `  ${printable(event.text, 400)}` : null;
      case 'retry':
        return `  … the model can't be reached (${printable(event.error, LONGEST)}), attempt ${event.attempt}`;
      case 'result':
        result = event;
        return null;
    }
  };
  return { note, server: () => server, result: () => result };
}

function answerLine(
  call: Call | undefined,
  answer: Extract<PlannerEvent, { kind: 'answer' }>,
): string | null {
  if (call === undefined || !CREATORS.has(call.tool)) return null;
  const title = shown(call.input['title']);
  const label = call.tool.endsWith('prd_create') ? 'PRD' : streamOf(call.input['metadata']);
  if (!answer.isError) return `  ✓ ${label}: ${title}`;
  return `  ✗ ${label}: ${title}: ${printable(answer.text, 200)}`;
}

function streamOf(metadata: unknown): string {
  const value = typeof metadata === 'object' && metadata !== null && 'streamId' in metadata;
  return value ? shown(metadata.streamId) : 'no stream';
}

function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? printable(String(value), LONGEST) : '?';
}
