/** Reads the lines that Claude Code prints headless (`--output-format stream-json`) into what matters of them; pure. */

/** What one line says. */
export type PlannerEvent =
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
export function readPlannerLine(line: string, serverName: string): PlannerEvent[] {
  const message = parse(line);
  switch (message['type']) {
    case 'system':
      return systemEvents(message, serverName);
    case 'assistant':
    case 'user':
      return listOf(fields(message['message'])['content']).flatMap((block) => blockEvents(fields(block)));
    case 'result':
      return [{ kind: 'result', isError: message['is_error'] === true, text: resultText(message) }];
    default:
      return [];
  }
}

function systemEvents(message: Fields, serverName: string): PlannerEvent[] {
  if (message['subtype'] === 'init') {
    const server = listOf(message['mcp_servers'])
      .map(fields)
      .find(({ name }) => name === serverName);
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
      return [{ kind: 'call', id: textOf(id), tool: textOf(name), input: fields(input) }];
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
    .map((block) => textOf(fields(block)['text']))
    .join('\n');
}

/** Without a result text (an error at the end) what its errors say, or the name of the ending. */
function resultText(message: Fields): string {
  const text = textOf(message['result']);
  if (text !== '') return text;
  const errors = listOf(message['errors']).map(textOf).join('; ');
  return errors === '' ? textOf(message['subtype']) : errors;
}

function parse(line: string): Fields {
  try {
    return fields(JSON.parse(line));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
