/** A door to the repository whose new objects nobody keeps: for asking what would be, with nothing left behind. */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { scratchDirectory } from '../files/scratch.ts';
import { checkedSha } from './checked-names.ts';
import type { Door } from './door.ts';

/** A door whose new objects go into a directory of their own, `objects`. */
export type Scratch = Door & { readonly objects: string };

/** Does something with such a door; the directory is removed afterwards. */
export async function withScratchObjects<T>(door: Door, work: (scratch: Scratch) => Promise<T>): Promise<T> {
  const folder = scratchDirectory('objects', door.commonDir);
  mkdirSync(join(folder, 'pack'));
  const env = {
    GIT_OBJECT_DIRECTORY: folder,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(join(door.commonDir, 'objects')),
  };
  try {
    return await work({ ...withEnvironment(door, env), objects: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A path as an element of a list that is separated by colons. */
function quoted(path: string): string {
  return /[:"\n]/.test(path) ? JSON.stringify(path) : path;
}

/** The same door, with variables for every command; nothing it writes has to survive a power cut. */
function withEnvironment(door: Door, env: Readonly<Record<string, string>>): Door {
  const there = (options: Parameters<Door['ask']>[1] = {}) => ({
    ...options,
    env: { ...env, ...options.env },
    config: { 'core.fsync': 'none', ...options.config },
  });
  return {
    ...door,
    ask: (args, options) => door.ask(args, there(options)),
    read: (args, options) => door.read(args, there(options)),
    bytes: (args, options) => door.bytes(args, there(options)),
    attempt: (args, options) => door.attempt(args, there(options)),
    write: (args, options) => door.write(args, there(options)),
  };
}

const SHA1_LENGTH = 40;
const NOBODY = 'orchestrate <orchestrate@localhost>';

/**
 * A commit that nobody will see: it only says what to take for known. It is written here, without a process, as git's loose
 * objects are: there may be one a stream.
 */
export function syntheticCommit({ objects }: Scratch, tree: string, parents: readonly string[]): string {
  const links = [...new Set(parents)].map((parent) => `parent ${checkedSha(parent)}\n`).join('');
  // No older than its parents: walks through history go by dates.
  const who = `${NOBODY} ${Math.floor(Date.now() / 1000)} +0000`;
  const body = `tree ${checkedSha(tree)}\n${links}author ${who}\ncommitter ${who}\n\nwhat is known\n`;
  const object = `commit ${Buffer.byteLength(body)}\0${body}`;
  const sha = createHash(tree.length === SHA1_LENGTH ? 'sha1' : 'sha256')
    .update(object)
    .digest('hex');
  const folder = join(objects, sha.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, sha.slice(2)), deflateSync(object));
  return sha;
}
