/** Judges one line from the client: a JSON-RPC message, or the error to answer; does not know what methods exist. */
import {
  type JSONRPCMessage,
  JSONRPCMessageSchema,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { isObject } from '../../core/json-fields.ts';

/** One line, or what is left of one that was too long: its first and last bytes and its length. */
export type MessageLine =
  | { readonly kind: 'line'; readonly bytes: Buffer }
  | { readonly kind: 'too-long'; readonly head: Buffer; readonly tail: Buffer; readonly length: number };

/** JSON-RPC's codes for what is not a message. */
const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

/** Nesting beyond this is refused before anything walks the message recursively. */
const MAX_DEPTH = 100;

/** The answer to a line that is no message; `id` is null when the line doesn't tell it. */
export type LineError = {
  readonly jsonrpc: '2.0';
  readonly id: RequestId | null;
  readonly error: { readonly code: number; readonly message: string };
};

/** What a line means. */
export type Reading =
  | { readonly kind: 'message'; readonly message: JSONRPCMessage }
  | { readonly kind: 'error'; readonly answer: LineError }
  | { readonly kind: 'blank' };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads one line. Blank lines mean nothing; everything else is a message or an error that says what is wrong. */
export function readLine(line: MessageLine): Reading {
  if (line.kind === 'too-long') {
    return failure(
      INVALID_REQUEST,
      `Request too large: ${line.length} bytes in one line`,
      idOfTruncated(line.head, line.tail),
    );
  }
  const text = decode(line.bytes);
  if (text === null) return failure(PARSE_ERROR, 'Parse error: the line is not UTF-8');
  if (text.trim() === '') return { kind: 'blank' };
  const parsed = parse(text);
  if (!parsed.ok) return failure(PARSE_ERROR, `Parse error: ${parsed.why}`);
  return checkMessage(parsed.value);
}

function decode(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function parse(text: string): { ok: true; value: unknown } | { ok: false; why: string } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The engine quotes the line in its message; only where it failed is ours to repeat.
    const at = /position \d+/.exec(error.message)?.[0];
    return { ok: false, why: at === undefined ? 'the line is not JSON' : `the line is not JSON (at ${at})` };
  }
}

function checkMessage(value: unknown): Reading {
  if (!isObject(value)) return failure(INVALID_REQUEST, 'Invalid request: not a JSON-RPC message object');
  const id = requestId(value['id']);
  if (value['jsonrpc'] !== '2.0')
    return failure(INVALID_REQUEST, 'Invalid request: jsonrpc must be "2.0"', id);
  if (value['id'] !== undefined && id === null) {
    return failure(INVALID_REQUEST, 'Invalid request: id must be a string or a whole number');
  }
  const isAnswer = 'result' in value || 'error' in value;
  if (!isAnswer && typeof value['method'] !== 'string') {
    return failure(INVALID_REQUEST, 'Invalid request: method must be a string', id);
  }
  if (value['params'] !== undefined && !isObject(value['params'])) {
    return failure(INVALID_REQUEST, 'Invalid request: params must be an object', id);
  }
  if (depthExceeds(value, MAX_DEPTH)) {
    return failure(INVALID_REQUEST, `Invalid request: nested deeper than ${MAX_DEPTH} levels`, id);
  }
  // The SDK drops a message that its own schema refuses, and its sender would wait for ever.
  const parsed = JSONRPCMessageSchema.safeParse(value);
  if (!parsed.success) return failure(INVALID_REQUEST, 'Invalid request: not a JSON-RPC 2.0 message', id);
  return { kind: 'message', message: parsed.data };
}

/** True when objects and arrays in `value` nest deeper than `limit`; walks without recursion. */
export function depthExceeds(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return true;
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
    level = level.filter((item) => typeof item === 'object' && item !== null);
  }
  return false;
}

/**
 * The request id of a line too long to keep, so that its sender need not wait for its time limit: clients put the id
 * at the very start or the very end of a message.
 */
function idOfTruncated(head: Buffer, tail: Buffer): RequestId | null {
  const start = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15}|"[\w.-]{1,100}")\s*,/;
  const end = /"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d{1,15}|"[\w.-]{1,100}")\s*\}\s*$/;
  const found = start.exec(head.toString('latin1')) ?? end.exec(tail.toString('latin1'));
  return found?.[1] === undefined ? null : requestId(JSON.parse(found[1]));
}

function failure(code: number, message: string, id: RequestId | null = null): Reading {
  return { kind: 'error', answer: { jsonrpc: '2.0', id, error: { code, message } } };
}

function requestId(value: unknown): RequestId | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}
