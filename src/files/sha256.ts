/** Stands for a text by its SHA-256. */
import { createHash } from 'node:crypto';

/** All 64 hexadecimal digits. */
export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** In base64, as a page's security policy names the texts it lets act. */
export function sha256Base64(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** A short name for a text: its first 16 digits. A project's root is known by it to tmux and to marks of processes. */
export function tagOf(text: string): string {
  return sha256(text).slice(0, 16);
}
