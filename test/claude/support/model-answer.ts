/** Writes one answer of the Messages API, as one JSON body or as a stream of server-sent events. */
import type { ServerResponse } from 'node:http';

/** A content block of a message, as far as the tests look at it. */
export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown }
  | { readonly type: 'tool_result'; readonly tool_use_id: string; readonly content: unknown };

const USAGE = {
  input_tokens: 10,
  output_tokens: 10,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};
const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

/** Answers with these blocks; the turn ends unless one of them is a tool call. */
export function answerMessage(response: ServerResponse, content: readonly Block[], streaming: boolean): void {
  const stop_reason = content.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn';
  const id = `msg_${Math.random().toString(36).slice(2)}`;
  const message = {
    id,
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5',
    usage: USAGE,
    stop_sequence: null,
  };
  if (!streaming) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...message, content, stop_reason }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  sendEvent(response, { type: 'message_start', message: { ...message, content: [], stop_reason: null } });
  content.forEach((block, index) => {
    sendEvent(response, { type: 'content_block_start', index, content_block: emptied(block) });
    sendEvent(response, { type: 'content_block_delta', index, delta: deltaOf(block) });
    sendEvent(response, { type: 'content_block_stop', index });
  });
  sendEvent(response, { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: USAGE });
  sendEvent(response, { type: 'message_stop' });
  response.end();
}

/** Answers with an API error. */
export function answerError(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  message: string,
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(
    JSON.stringify({ type: 'error', error: { type: ERROR_TYPES[status] ?? 'api_error', message } }),
  );
}

function sendEvent(
  response: ServerResponse,
  event: { readonly type: string; readonly [key: string]: unknown },
): void {
  response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

function emptied(block: Block): unknown {
  if (block.type === 'text') return { type: 'text', text: '' };
  return { ...block, input: {} };
}

function deltaOf(block: Block): unknown {
  if (block.type === 'text') return { type: 'text_delta', text: block.text };
  const input = block.type === 'tool_use' ? block.input : {};
  return { type: 'input_json_delta', partial_json: JSON.stringify(input) };
}
