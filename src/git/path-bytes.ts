/** Paths as git keeps them: bytes, which need not be UTF-8, in strings of one character for each byte. */
import { isUtf8 } from 'node:buffer';

/** What git listed by `-z`, as it is. */
export function listedBytes(out: Buffer): string[] {
  return out.toString('latin1').split('\0');
}

/** Lines for git's stdin with `-z`. */
export function bytesFor(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\0`).join(''), 'latin1');
}

/** The path as text; of one that is not UTF-8 each such byte is told by its number. */
export function asText(bytes: string): string {
  if (isText(bytes)) return Buffer.from(bytes, 'latin1').toString('utf8');
  return bytes.replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** True for a path that text can name. */
export function isText(bytes: string): boolean {
  return isUtf8(Buffer.from(bytes, 'latin1'));
}

/** False for a text that may stand for a path that is not UTF-8, by `asText` or as git's output reads: typed, it names no file. */
export function canBeTyped(text: string): boolean {
  return !/\\x[0-9a-f]{2}|\ufffd/.test(text);
}

/** Its place below a directory, for the file system. */
export function placeBelow(root: string, bytes: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(bytes, 'latin1')]);
}
