/** Turns what the planner prints (`--output-format stream-json`) into lines for whoever waits: the PRD, each task, what goes wrong; pure. */

import { MCP_NAME } from '../agent/run-files.ts';
import { fieldsOf, parseObject } from '../core/json-fields.ts';
import { printable } from '../core/printable.ts';

/** What has been seen so far. */
export type PlannerProgress = {
  /** Takes one event; returns the line to show, null for none. */
  readonly note: (event: PlannerEvent) => string | null;
  /** What it is doing, as far as its last event tells: `reading src/db.ts`, `thinking`. */
  readonly doing: () => string;
  /** State of our MCP server as the planner told it; null before it did, or when it knows none. */
  readonly server: () => string | null;
  /** How the planner says it ended; null when it never did. */
  readonly result: () => { readonly isError: boolean; readonly text: string } | null;
};

type Call = Extract<PlannerEvent, { kind: 'call' }>;

const LONGEST = 100;
const CREATORS = new Set(['prd_create', 'task_create'].map((name) => `mcp__${MCP_NAME}__${name}`));

/** `verbose`: what the planner says is shown too. */
export function createProgress(verbose: boolean): PlannerProgress {
  const calls = new Map<string, Call>();
  let server: string | null = null;
  let doing = 'starting';
  let result: ReturnType<PlannerProgress['result']> = null;
  const note = (event: PlannerEvent): string | null => {
    switch (event.kind) {
      case 'started':
        server = event.server;
        doing = 'thinking';
        return null;
      case 'call':
        calls.set(event.id, event);
        doing = doingOf(event);
        return null;
      case 'answer':
        doing = 'thinking';
        return answerLine(calls.get(event.id), event);
      case 'text':
        return verbose && event.text.trim() !== '' ? `  ${printable(event.text, 400)}` : null;
      case 'retry':
        return `  … the model cannot be reached (${printable(event.error, LONGEST)}), attempt ${event.attempt}`;
      case 'result':
        result = event;
        return null;
    }
  };
  return { note, doing: () => doing, server: () => server, result: () => result };
}

/** How the doing of what is told again when it has succeeded begins. */
export const WRITES = 'writing down';

/** What a call does, in words for whoever waits. */
function doingOf({ tool, input }: Call): string {
  if (tool === 'Read') return `reading ${shown(input['file_path'])}`;
  if (tool === 'Grep' || tool === 'Glob') return `looking for ${shown(input['pattern'])}`;
  if (CREATORS.has(tool)) return `${WRITES} ${shown(input['title'])}`;
  return `using ${printable(tool.replace(/^mcp__.*__/, ''), LONGEST)}`;
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

/** What one line says. */
type PlannerEvent =
  /** It began; `server` is the state of our MCP server, null when it knows none. */
  | { readonly kind: 'started'; readonly server: string | null }
  | { readonly kind: 'call'; readonly id: string; readonly tool: string; readonly input: Fields }
  | { readonly kind: 'answer'; readonly id: string; readonly isError: boolean; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  /** The model's API failed and is asked again. */
  | { readonly kind: 'retry'; readonly attempt: number; readonly error: string }
  | { readonly kind: 'result'; readonly isError: boolean; readonly text: string };

type Fields = Readonly<Record<string, unknown>>;

/** The events of a line; none for one that is no JSON object or says nothing of interest. */
export function readPlannerLine(line: string): PlannerEvent[] {
  const message = parseObject(line) ?? {};
  switch (message['type']) {
    case 'system':
      return systemEvents(message);
    case 'assistant':
    case 'user':
      return listOf(fieldsOf(message['message'])['content']).flatMap((block) => blockEvents(fieldsOf(block)));
    case 'result':
      return [{ kind: 'result', isError: message['is_error'] === true, text: resultText(message) }];
    default:
      return [];
  }
}

function systemEvents(message: Fields): PlannerEvent[] {
  if (message['subtype'] === 'init') {
    const server = listOf(message['mcp_servers'])
      .map(fieldsOf)
      .find(({ name }) => name === MCP_NAME);
    return [{ kind: 'started', server: server === undefined ? null : textOf(server['status']) }];
  }
  if (message['subtype'] !== 'api_retry') return [];
  const error = [message['error_status'], message['error']]
    .map(textOf)
    .filter((part) => part !== '')
    .join(' ');
  return [{ kind: 'retry', attempt: Number(message['attempt'] ?? 0), error }];
}

function blockEvents(block: Fields): PlannerEvent[] {
  switch (block['type']) {
    case 'text':
      return [{ kind: 'text', text: textOf(block['text']) }];
    case 'tool_use': {
      const { id, name, input } = block;
      return [{ kind: 'call', id: textOf(id), tool: textOf(name), input: fieldsOf(input) }];
    }
    case 'tool_result': {
      const { tool_use_id: id, is_error: isError, content } = block;
      return [{ kind: 'answer', id: textOf(id), isError: isError === true, text: contentText(content) }];
    }
    default:
      return [];
  }
}

/** A tool's answer is a text, or blocks of text. */
function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .map((block) => textOf(fieldsOf(block)['text']))
    .join('\n');
}

/** Without a result text (an error at the end) what its errors say, or the name of the ending. */
function resultText(message: Fields): string {
  const text = textOf(message['result']);
  if (text !== '') return text;
  const errors = listOf(message['errors']).map(textOf).join('; ');
  return errors === '' ? textOf(message['subtype']) : errors;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
