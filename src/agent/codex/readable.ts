/** Tells people what Codex wrote down: its rollout file, and the lines of `codex exec --json`. */
import { parseRecord, recordOf, stringOf } from '../json.ts';
import type { ToldLine } from '../port.ts';

/** Lines of a rollout as readable ones: what was said on both sides, and which tools were called. */
export function readableRollout(lines: readonly string[]): ToldLine[] {
  return lines.flatMap((line) => {
    const entry = line.includes('"response_item"') ? parseRecord(line) : null;
    if (entry === null) return [];
    const atMs = Date.parse(stringOf(entry['timestamp']) ?? '');
    return textsOf(recordOf(entry['payload'])).map((text) => ({
      atMs: Number.isNaN(atMs) ? null : atMs,
      text,
    }));
  });
}

function textsOf(item: Readonly<Record<string, unknown>>): string[] {
  if (item['type'] === 'function_call' || item['type'] === 'custom_tool_call')
    return [
      `* ${stringOf(item['name']) ?? 'a tool'} ${stringOf(item['arguments'] ?? item['input']) ?? ''}`.trim(),
    ];
  if (item['type'] !== 'message' || item['role'] === 'developer') return [];
  const content = Array.isArray(item['content']) ? item['content'].map(recordOf) : [];
  const text = content
    .map((part) => stringOf(part['text']) ?? '')
    .join('\n')
    .trim();
  // What Codex itself puts before a prompt stands in tags.
  if (text === '' || (item['role'] === 'user' && text.startsWith('<'))) return [];
  return text.split('\n').map((line) => (item['role'] === 'user' ? `> ${line}` : line));
}

/** A line of `codex exec --json` as readable ones; null for anything else that stands in a pane. */
export function readableOutput(line: string): ToldLine[] | null {
  if (!/^\{"type":"(thread|turn|item)\./.test(line)) return null;
  const entry = parseRecord(line.trim()) ?? {};
  const at = (text: string): ToldLine[] => text.split('\n').map((each) => ({ atMs: null, text: each }));
  if (entry['type'] === 'turn.completed') return at('= finished');
  if (entry['type'] === 'turn.failed')
    return at(`! ended with an error: ${stringOf(recordOf(entry['error'])['message']) ?? ''}`);
  return entry['type'] === 'item.completed' ? at(itemText(recordOf(entry['item']))) : [];
}

function itemText(item: Readonly<Record<string, unknown>>): string {
  const field = (name: string): string => stringOf(item[name]) ?? '';
  switch (item['type']) {
    case 'agent_message':
      return field('text');
    case 'error':
      return `! ${field('message')}`;
    case 'command_execution':
      return `$ ${field('command')}`;
    default:
      return `* ${field('tool') || field('type')}`;
  }
}
