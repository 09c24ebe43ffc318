/** Names made from stream ids: what an id may be, and the key, branch and worktree path that stand for it outside the store. */

const MAX_ID = 200;
/** Longest key. */
export const MAX_KEY = 40;
/** Names that the log of the poller and windows of our own have; another log of ours has a dot in its name, as no key has. */
const RESERVED: ReadonlySet<string> = new Set(['orchestrator', 'status']);
/** Hex digits that follow a key: six in general, more only where six are taken. */
const HEX_LENGTHS = [6, 12, 24, 32] as const;

/** True for a text that can be a stream's key: safe as branch part, path part, window name and file name. */
export function isKey(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,39}$/.test(text);
}

/**
 * What is wrong with a stream id, in words that follow "the stream id"; null when it can be used. Everything else is
 * data: spaces, quotes, slashes, shell and tmux syntax, any script.
 */
export function streamIdProblem(id: string): string | null {
  if (id === '') return 'is empty';
  if (id.length > MAX_ID && [...id].length > MAX_ID) return `is longer than ${MAX_ID} characters`;
  if (id.includes('\u0000')) return 'contains a NUL character';
  if (/[\n\r\u0085\u2028\u2029]/.test(id)) return 'contains a line break';
  if (/\p{Cc}/u.test(id)) return 'contains a control character';
  // A lone surrogate does not survive UTF-8: it would come back from the store as another id.
  if (/\p{Cs}/u.test(id)) return 'contains half of a surrogate pair';
  return null;
}

/**
 * The key of a stream: its id in lower case, reduced to `[a-z0-9-]`; where more than letter case was lost, or the plain
 * key is taken, a hash of (initiative, id) follows, and `s-` stands for an id of which nothing is left.
 *
 * @param sha256Hex SHA-256 of a text (UTF-8) as 64 lower-case hex digits; given by the caller, since core does no I/O.
 * @param isTaken whether another stream, of whatever initiative, has this key already.
 * @throws Error when every candidate is taken, which no honest `isTaken` answers.
 */
export function streamKey(
  initiativeId: string,
  streamId: string,
  sha256Hex: (text: string) => string,
  isTaken: (key: string) => boolean,
): string {
  const lower = streamId.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const free = (key: string) => !RESERVED.has(key) && !isTaken(key);
  if (isKey(lower) && free(lower)) return lower;

  const reduced = lower.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '') || 's';
  const hash = sha256Hex(`${initiativeId}\u0000${streamId}`);
  for (const length of HEX_LENGTHS) {
    const stem = reduced.slice(0, MAX_KEY - 1 - length).replace(/-+$/, '');
    const key = `${stem}-${hash.slice(0, length)}`;
    if (free(key)) return key;
  }
  throw new Error(`every key for a stream is taken: ${reduced.slice(0, MAX_KEY)}`);
}

/** The branch of a stream; `prefix` as configured, e.g. `orchestrate/`. */
export function branchName(prefix: string, key: string): string {
  return `${prefix}${key}`;
}

/** The worktree path of a stream; `root` is the directory that holds all worktrees, without a trailing slash. */
export function worktreePath(root: string, key: string): string {
  return `${root}/${key}`;
}
