/** The server's end of MCP over stdio: one JSON-RPC message a line, bounded memory, ends with its input; knows no tools. */
import type { Readable, Writable } from 'node:stream';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { type LineError, type MessageLine, readLine } from './message.ts';

/** Longest line taken, in bytes: the largest tool argument (1 MB) fits even when every character of it is escaped. */
export const MAX_LINE_BYTES = 7 * 1024 * 1024;

/** How long requests under way may still take after the input has ended. */
const DRAIN_MS = 10_000;

/**
 * Reads requests from `input` and writes answers to `output`. Closes when the input has ended and every request has been
 * answered (or after a bounded wait), or when nobody reads the output any more. While the reader of the output is slow
 * the input rests, so that neither side of the process grows.
 */
export class LineTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  readonly #input: Readable;
  readonly #output: Writable;
  readonly #reader = new LineReader(MAX_LINE_BYTES);
  readonly #unanswered = new Set<RequestId>();
  #ended = false;
  #closed = false;
  #isPausing = false;
  #drainTimer: NodeJS.Timeout | null = null;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  async start(): Promise<void> {
    this.#input.on('data', this.#onData);
    this.#input.once('end', this.#onEnd);
    this.#input.once('close', this.#onEnd);
    this.#input.once('error', this.#onFailure);
    this.#output.once('error', this.#onFailure);
    this.#output.once('close', this.#onEnd);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    this.#write(message);
    if ('id' in message && message.id !== undefined && !('method' in message)) {
      this.#unanswered.delete(message.id);
    }
    await this.#closeWhenDone();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#drainTimer !== null) clearTimeout(this.#drainTimer);
    this.#input.off('data', this.#onData);
    this.#input.pause();
    this.onclose?.();
  }

  readonly #onData = (chunk: Buffer): void => {
    for (const line of this.#reader.push(chunk)) this.#handle(line);
  };

  readonly #onEnd = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    const rest = this.#reader.end();
    if (rest !== null) this.#handle(rest);
    this.#drainTimer = setTimeout(() => this.#closeNow(), DRAIN_MS);
    void this.#closeWhenDone();
  };

  readonly #onFailure = (error: Error): void => {
    this.onerror?.(error);
    this.#closeNow();
  };

  #handle(line: MessageLine): void {
    const reading = readLine(line);
    if (reading.kind === 'error') this.#write(reading.answer);
    if (reading.kind !== 'message') return;
    this.#track(reading.message);
    this.onmessage?.(reading.message);
  }

  /** Remembers which requests an answer is due to; a cancelled one gets none. */
  #track(message: JSONRPCMessage): void {
    if (!('method' in message)) return;
    if ('id' in message) this.#unanswered.add(message.id);
    const cancelled =
      message.method === 'notifications/cancelled' ? message.params?.['requestId'] : undefined;
    if (typeof cancelled === 'string' || typeof cancelled === 'number') this.#unanswered.delete(cancelled);
  }

  #write(message: JSONRPCMessage | LineError): void {
    if (this.#closed || this.#output.destroyed) return;
    if (this.#output.write(`${JSON.stringify(message)}\n`) || this.#ended) return;
    if (this.#isPausing) return;
    this.#isPausing = true;
    this.#input.pause();
    this.#output.once('drain', () => {
      this.#isPausing = false;
      if (!this.#closed) this.#input.resume();
    });
  }

  async #closeWhenDone(): Promise<void> {
    if (this.#ended && this.#unanswered.size === 0) await this.close();
  }

  #closeNow(): void {
    void this.close();
  }
}

/** How much of the start and the end of a line that was too long is kept. */
const KEPT_BYTES = 512;

const NEWLINE = 0x0a;

/** Collects chunks into lines of at most `maxBytes`; the rest of a longer line is counted and dropped. */
class LineReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;
  #overflow: { head: Buffer; tail: Buffer } | null = null;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes, in order. */
  push(chunk: Buffer): MessageLine[] {
    const lines: MessageLine[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      this.#take(chunk.subarray(from, at));
      lines.push(this.#finish());
      from = at + 1;
    }
    this.#take(chunk.subarray(from));
    return lines;
  }

  /** The unfinished line at the end of the stream, or null when there is none. */
  end(): MessageLine | null {
    return this.#length === 0 ? null : this.#finish();
  }

  #take(part: Buffer): void {
    if (part.length === 0) return;
    this.#length += part.length;
    if (this.#overflow !== null) {
      this.#overflow.tail = lastBytes(Buffer.concat([this.#overflow.tail, lastBytes(part)]));
      return;
    }
    this.#chunks.push(part);
    if (this.#length <= this.#maxBytes) return;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#overflow = { head: Buffer.from(all.subarray(0, KEPT_BYTES)), tail: lastBytes(all) };
  }

  #finish(): MessageLine {
    const length = this.#length;
    const overflow = this.#overflow;
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#length = 0;
    this.#overflow = null;
    if (overflow !== null) return { kind: 'too-long', ...overflow, length };
    return { kind: 'line', bytes: Buffer.concat(chunks) };
  }
}

/** A copy of the last bytes, so that the chunk itself can be freed. */
function lastBytes(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(Math.max(0, bytes.length - KEPT_BYTES)));
}
