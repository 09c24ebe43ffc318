/** Cuts a byte stream into lines with memory bounded whatever arrives; does not know what a line means. */

/** One line, or what is left of one that was too long: its first and last bytes and its length. */
export type Line =
  | { readonly kind: 'line'; readonly bytes: Buffer }
  | { readonly kind: 'too-long'; readonly head: Buffer; readonly tail: Buffer; readonly length: number };

/** How much of the start and the end of a line that was too long is kept. */
const KEPT_BYTES = 512;

const NEWLINE = 0x0a;

/** Collects chunks into lines of at most `maxBytes`; the rest of a longer line is counted and dropped. */
export class LineReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;
  #overflow: { head: Buffer; tail: Buffer } | null = null;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes, in order. */
  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
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
  end(): Line | null {
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

  #finish(): Line {
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
