/** Reads one line of a Claude Code conversation, from its transcript or from `--output-format stream-json`; both have the same shape. */
import { printable } from '../../core/printable.ts';
import { parseRecord, recordOf, stringOf } from '../json.ts';

/** One thing that happened in a conversation. `atMs` is null where the line carries no time. */
export type ConversationItem = { readonly atMs: number | null } & (
  | { readonly kind: 'prompt'; readonly text: string }
  | { readonly kind: 'said'; readonly text: string }
  | { readonly kind: 'call'; readonly id: string; readonly tool: string; readonly target: string }
  | { readonly kind: 'result'; readonly callId: string; readonly text: string; readonly failed: boolean }
  /** A turn that ended by an error of the service; `error` is Claude Code's word for it, such as `rate_limit`. */
  | {
      readonly kind: 'api-error';
      readonly error: string;
      readonly status: number | null;
      readonly text: string;
    }
  /** The end of a turn. */
  | { readonly kind: 'turn-end'; readonly text: string | null; readonly failed: boolean }
);

type Line = Readonly<Record<string, unknown>>;

/** The items of one line; none for bookkeeping lines, for a subagent's lines and for anything that is not JSON. */
export function parseConversationLine(line: string): readonly ConversationItem[] {
  if (!line.startsWith('{')) return [];
  const entry = parseRecord(line);
  if (entry === null || entry['isSidechain'] === true || typeof entry['parent_tool_use_id'] === 'string')
    return [];
  const atMs = timeOf(entry['timestamp']);
  switch (entry['type']) {
    case 'assistant':
      return assistantItems(entry, atMs);
    case 'user':
      return entry['isMeta'] === true ? [] : userItems(entry, atMs);
    case 'system':
      return entry['subtype'] === 'turn_duration'
        ? [{ kind: 'turn-end', atMs, text: null, failed: false }]
        : [];
    case 'result':
      return [
        { kind: 'turn-end', atMs, text: stringOf(entry['result']), failed: entry['is_error'] === true },
      ];
    default:
      return [];
  }
}

function assistantItems(entry: Line, atMs: number | null): ConversationItem[] {
  const blocks = blocksOf(entry);
  if (entry['isApiErrorMessage'] === true || entry['is_api_error_message'] === true) {
    const text = blocks.map((block) => stringOf(block['text']) ?? '').join(' ');
    const status = entry['apiErrorStatus'];
    return [
      {
        kind: 'api-error',
        atMs,
        error: stringOf(entry['error']) ?? 'unknown',
        status: typeof status === 'number' ? status : null,
        text,
      },
    ];
  }
  return blocks.flatMap((block): ConversationItem[] => {
    if (block['type'] === 'text') return saidItem('said', block['text'], atMs);
    if (block['type'] !== 'tool_use') return [];
    const call = callOf(stringOf(block['name']), block['input']);
    return [{ kind: 'call', atMs, id: stringOf(block['id']) ?? '', ...call }];
  });
}

function userItems(entry: Line, atMs: number | null): ConversationItem[] {
  const content = recordOf(entry['message'])['content'];
  if (typeof content === 'string') return saidItem('prompt', content, atMs);
  return blocksOf(entry).flatMap((block): ConversationItem[] => {
    if (block['type'] === 'text') return saidItem('prompt', block['text'], atMs);
    if (block['type'] !== 'tool_result') return [];
    const callId = stringOf(block['tool_use_id']) ?? '';
    return [
      {
        kind: 'result',
        atMs,
        callId,
        text: resultText(block['content']),
        failed: block['is_error'] === true,
      },
    ];
  });
}

function saidItem(kind: 'prompt' | 'said', value: unknown, atMs: number | null): ConversationItem[] {
  const text = stringOf(value)?.trim() ?? '';
  return text === '' ? [] : [{ kind, atMs, text }];
}

function blocksOf(entry: Line): readonly Line[] {
  const content = recordOf(entry['message'])['content'];
  return Array.isArray(content) ? content.map(recordOf) : [];
}

function resultText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => stringOf(recordOf(part)['text']) ?? '').join('\n');
}

/** Inputs that say best what a call is about, the most telling first. */
const TELLING_INPUTS = [
  'command',
  'file_path',
  'notebook_path',
  'pattern',
  'path',
  'url',
  'query',
  'description',
  'taskId',
  'id',
  'streamId',
  'skill',
  'prompt',
] as const;
const TARGET_LIMIT = 160;

/** Task Copilot's tools, by whichever server: the name says enough. */
const OF_TASKS = /^mcp__task-copilot__/;

/** Tool and target of a call as they are told; of a task's update what is new. */
export function callOf(
  name: string | null,
  input: unknown,
): { readonly tool: string; readonly target: string } {
  const tool = (name ?? 'a tool').replace(OF_TASKS, '');
  const target = targetOf(input);
  if (tool !== 'task_update') return { tool, target };
  const { status, notes, blockedReason } = recordOf(input);
  const change = stringOf(status) === null ? '' : ` -> ${stringOf(status)}`;
  const words = stringOf(blockedReason) ?? stringOf(notes);
  const why = words === null ? '' : `: ${words}`;
  return { tool, target: printable(`${target}${change}${why}`.trim(), TARGET_LIMIT) };
}

/** What a tool call is about, in a few words that print safely. */
function targetOf(input: unknown): string {
  const record = recordOf(input);
  const name = TELLING_INPUTS.find((candidate) => typeof record[candidate] === 'string');
  const value = name === undefined ? '' : (stringOf(record[name]) ?? '');
  return printable(value.trim(), TARGET_LIMIT);
}

function timeOf(value: unknown): number | null {
  const atMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? null : atMs;
}
