/** Makes an agent's conversation readable: what it said, which tools it called on what, and how their results begin. */
import { type ConversationItem, parseConversationLine } from '../../agent/claude/conversation.ts';
import type { LogLine } from './log-line.ts';

const RESULT_LINES = 3;
const PROMPT_LINES = 2;

/** Lines of a transcript (or of `stream-json` output) as readable lines; bookkeeping lines vanish. */
export function readableTranscript(lines: readonly string[]): LogLine[] {
  return lines.flatMap(parseConversationLine).flatMap(readableItem);
}

/** One item as readable lines. */
export function readableItem(item: ConversationItem): LogLine[] {
  switch (item.kind) {
    case 'prompt':
      return block(item.atMs, '> ', item.text, PROMPT_LINES);
    case 'said':
      return block(item.atMs, '', item.text, Number.POSITIVE_INFINITY);
    case 'call':
      return [{ atMs: item.atMs, text: callText(item.tool, item.target) }];
    case 'result':
      return block(item.atMs, item.failed ? '  ! ' : '  | ', item.text, RESULT_LINES);
    case 'api-error':
      return [{ atMs: item.atMs, text: `! ${item.text} (${item.error})` }];
    case 'turn-end':
      return endText(item.atMs, item.text, item.failed);
  }
}

function callText(tool: string, target: string): string {
  return tool === 'Bash' ? `$ ${target}` : `* ${tool} ${target}`;
}

/** The text's first lines, the rest counted; a worker's own words whole. */
function block(atMs: number | null, mark: string, text: string, limit: number): LogLine[] {
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '');
  const shown = lines.slice(0, limit).map((line) => ({ atMs, text: `${mark}${line}` }));
  const hidden = lines.length - shown.length;
  return hidden > 0
    ? [...shown, { atMs, text: `${mark}… ${hidden} more ${hidden === 1 ? 'line' : 'lines'}` }]
    : shown;
}

/** A headless run ends with its result, whose text was said before; an interactive turn ends without a word. */
function endText(atMs: number | null, text: string | null, failed: boolean): LogLine[] {
  if (!failed) return text === null ? [] : [{ atMs, text: '= finished' }];
  return [{ atMs, text: `! ended with an error${text === null ? '' : `: ${text}`}` }];
}
