/** Reads the lines of a Claude Code conversation, from its transcript or from `--output-format stream-json` (both have the same shape), and tells them to people. */

import { fieldsOf, parseObject, stringOf } from '../../core/json-fields.ts';
import { printable } from '../../core/printable.ts';
import type { ToldLine } from '../port.ts';

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
  const entry = parseObject(line);
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
    const call = toolCallOf(stringOf(block['name']), block['input']);
    return [{ kind: 'call', atMs, id: stringOf(block['id']) ?? '', ...call }];
  });
}

function userItems(entry: Line, atMs: number | null): ConversationItem[] {
  const content = fieldsOf(entry['message'])['content'];
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
  const content = fieldsOf(entry['message'])['content'];
  return Array.isArray(content) ? content.map(fieldsOf) : [];
}

function resultText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => stringOf(fieldsOf(part)['text']) ?? '').join('\n');
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
export function toolCallOf(
  name: string | null,
  input: unknown,
): { readonly tool: string; readonly target: string } {
  const tool = (name ?? 'a tool').replace(OF_TASKS, '');
  const target = targetOf(input);
  if (tool !== 'task_update') return { tool, target };
  const { status, notes, blockedReason } = fieldsOf(input);
  const change = stringOf(status) === null ? '' : ` -> ${stringOf(status)}`;
  const words = stringOf(blockedReason) ?? stringOf(notes);
  const why = words === null ? '' : `: ${words}`;
  return { tool, target: printable(`${target}${change}${why}`.trim(), TARGET_LIMIT) };
}

/** What a tool call is about, in a few words that print safely. */
function targetOf(input: unknown): string {
  const record = fieldsOf(input);
  const name = TELLING_INPUTS.find((candidate) => typeof record[candidate] === 'string');
  const value = name === undefined ? '' : (stringOf(record[name]) ?? '');
  return printable(value.trim(), TARGET_LIMIT);
}

function timeOf(value: unknown): number | null {
  const atMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? null : atMs;
}

const RESULT_LINES = 3;
const PROMPT_LINES = 2;

/** Lines of a transcript (or of `stream-json` output) as readable lines; bookkeeping lines vanish. */
export function readableTranscript(lines: readonly string[]): ToldLine[] {
  return lines.flatMap(parseConversationLine).flatMap(readableItem);
}

/** A line of `--output-format stream-json` as readable ones; null for anything else that stands in a pane, other programs' JSON too. */
export function readableOutput(line: string): ToldLine[] | null {
  return line.startsWith('{"') && line.includes('"session_id":"') ? readableTranscript([line.trim()]) : null;
}

/** One item as readable lines. */
function readableItem(item: ConversationItem): ToldLine[] {
  switch (item.kind) {
    case 'prompt':
      return block(item.atMs, '> ', item.text, PROMPT_LINES);
    case 'said':
      return block(item.atMs, '', item.text, Number.POSITIVE_INFINITY);
    case 'call':
      return [{ atMs: item.atMs, text: callLine(item.tool, item.target) }];
    case 'result':
      return block(item.atMs, item.failed ? '  ! ' : '  | ', resultWords(item.text), RESULT_LINES);
    case 'api-error':
      return [{ atMs: item.atMs, text: `! ${item.text} (${item.error})` }];
    case 'turn-end':
      return endText(item.atMs, item.text, item.failed);
  }
}

/** A tool's answer for people: of a record of Task Copilot, which it is and what it has become; all else as it is. */
function resultWords(text: string): string {
  if (!text.startsWith('{"')) return text;
  const { id, status, title } = parseObject(text) ?? {};
  if (stringOf(id) === null) return text;
  const name = stringOf(title) === null ? '' : ` "${stringOf(title)}"`;
  return `${stringOf(id)}${name}${stringOf(status) === null ? '' : ` is ${stringOf(status)}`}`;
}

function callLine(tool: string, target: string): string {
  return tool === 'Bash' ? `$ ${target}` : `* ${tool} ${target}`;
}

/** The text's first lines, the rest counted; a worker's own words whole. */
function block(atMs: number | null, mark: string, text: string, limit: number): ToldLine[] {
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '');
  const shown = lines.slice(0, limit).map((line) => ({ atMs, text: `${mark}${line}` }));
  const hidden = lines.length - shown.length;
  return hidden > 0
    ? [...shown, { atMs, text: `${mark}… ${hidden} more ${hidden === 1 ? 'line' : 'lines'}` }]
    : shown;
}

/** A headless run ends with its result, whose text was said before; an interactive turn ends without a word. */
function endText(atMs: number | null, text: string | null, failed: boolean): ToldLine[] {
  if (!failed) return text === null ? [] : [{ atMs, text: '= finished' }];
  return [{ atMs, text: `! ended with an error${text === null ? '' : `: ${text}`}` }];
}
