/** Finds a conversation's transcript and reads its end (the call under way, the error it ended by) and whether what was typed arrived; cheap, since asked at every tick. */
import path from 'node:path';
import { parseObject, stringOf } from '../../core/json-fields.ts';
import { lastLines } from '../../core/printable.ts';
import { eachGrownLine, endOfFile } from '../../files/grown-lines.ts';
import { listIfPresent, readPartIfPresent, statIfPresent } from '../../files/present.ts';
import type { Heard } from '../port.ts';
import { type ConversationItem, parseConversationLine } from './conversation.ts';

/** What the end of a transcript says. */
export type TranscriptTail = {
  readonly modifiedAtMs: number;
  /** The last tool call without a result, e.g. `Bash npm test`. */
  readonly openCall: { readonly text: string; readonly atMs: number | null } | null;
  /** What the last `git commit` said, when it failed. */
  readonly failedCommit: string | null;
  /** Set when the last thing that happened was an error of the service. */
  readonly apiError: Extract<ConversationItem, { kind: 'api-error' }> | null;
};

export type Transcripts = {
  /** Path of a conversation's transcript; null when it has none. */
  find(sessionId: string): string | null;
  /** Null when the conversation has no transcript (yet). */
  tail(sessionId: string): TranscriptTail | null;
  /**
   * Id of the newest conversation named `name` that went on from this one by `/clear`; itself when none did; null without a
   * transcript, and for one in which nothing has been said, since Claude Code refuses to go on with it.
   */
  newest(sessionId: string, name: string): string | null;
};

const TAIL_BYTES = 32 * 1024;
/** One tool call can carry a whole file, and bookkeeping of 50 KB may follow the last word of a turn. */
const LONGEST_TAIL = 64 * TAIL_BYTES;
const HEAD_BYTES = 4 * 1024;

/** Reads below `projects`; remembers where transcripts are and re-reads one only when it changed. */
export function createTranscripts(projects: string): Transcripts {
  const paths = new Map<string, string>();
  const tails = new Map<string, { readonly size: number; readonly tail: TranscriptTail }>();

  const find = (sessionId: string): string | null => {
    const known = paths.get(sessionId);
    if (known !== undefined && statIfPresent(known) !== null) return known;
    const found = search(projects, sessionId);
    if (found !== null) paths.set(sessionId, found);
    return found;
  };
  return {
    find,
    tail: (sessionId) => {
      const file = find(sessionId);
      const stat = file === null ? null : statIfPresent(file);
      if (file === null || stat === null) return null;
      const last = tails.get(sessionId);
      if (last !== undefined && last.size === stat.size && last.tail.modifiedAtMs === stat.mtimeMs)
        return last.tail;
      const tail = { modifiedAtMs: stat.mtimeMs, ...readTail(lastItems(file, stat.size)) };
      tails.set(sessionId, { size: stat.size, tail });
      return tail;
    },
    newest: (sessionId, name) => {
      const file = find(sessionId);
      const newest = file === null ? null : newestNamed(file, name);
      return newest === null || !hasMessage(newest) ? null : path.basename(newest, '.jsonl');
    },
  };
}

/** The last items: as much of the end as it takes to find any. */
function lastItems(file: string, size: number): readonly ConversationItem[] {
  for (let length = TAIL_BYTES; ; length *= 4) {
    const text = readPartIfPresent(file, Math.max(0, size - length), length) ?? '';
    const items = text.split('\n').flatMap(parseConversationLine);
    if (items.some(({ kind }) => kind !== 'turn-end') || length >= Math.min(size, LONGEST_TAIL)) return items;
  }
}

/** What the last items of a conversation say. */
export function readTail(items: readonly ConversationItem[]): Omit<TranscriptTail, 'modifiedAtMs'> {
  const turn = items.slice(items.findLastIndex(({ kind }) => kind === 'prompt') + 1);
  const answered = new Set(turn.flatMap((item) => (item.kind === 'result' ? [item.callId] : [])));
  const calls = turn.flatMap((item) => (item.kind === 'call' && !answered.has(item.id) ? [item] : []));
  const open = calls.at(-1);
  const last = items.findLast((item) => item.kind !== 'turn-end');
  return {
    failedCommit: failedCommitOf(items),
    openCall: open === undefined ? null : { text: `${open.tool} ${open.target}`.trim(), atMs: open.atMs },
    apiError: last?.kind === 'api-error' ? last : null,
  };
}

/** What the last call that commits said, in its last lines; null when it went well, or there was none. */
function failedCommitOf(items: readonly ConversationItem[]): string | null {
  const commit = items.findLast((item) => item.kind === 'call' && /\bgit\b.*\bcommit\b/.test(item.target));
  const result = items.find(
    (item) => item.kind === 'result' && commit?.kind === 'call' && item.callId === commit.id,
  );
  if (result?.kind !== 'result' || !result.failed) return null;
  return lastLines(result.text.replace(/^Exit code \d+\n/, ''));
}

/** Looks for `<id>.jsonl` in every directory of `projects`: the directory's name is made from a path in a way that may change. */
function search(projects: string, sessionId: string): string | null {
  if (!/^[\w-]+$/.test(sessionId)) return null;
  for (const directory of listIfPresent(projects)) {
    const file = path.join(projects, directory, `${sessionId}.jsonl`);
    if (statIfPresent(file) !== null) return file;
  }
  return null;
}

/** The transcripts in the directory of this one (none for none), oldest first: no other stream has a conversation there. */
export function conversationsBeside(file: string | null): readonly string[] {
  if (file === null) return [];
  const directory = path.dirname(file);
  return listIfPresent(directory)
    .filter((entry) => entry.endsWith('.jsonl'))
    .map((entry) => path.join(directory, entry))
    .map((each) => ({ each, bornMs: statIfPresent(each)?.birthtimeMs ?? 0 }))
    .sort((a, b) => a.bornMs - b.bornMs)
    .map(({ each }) => each);
}

/** Conversations made by `/clear` lie beside the first one and carry the same name at their head. */
function newestNamed(file: string, name: string): string {
  const directory = path.dirname(file);
  const mark = `"agentName":${JSON.stringify(name)}`;
  const newer = listIfPresent(directory)
    .filter((entry) => entry.endsWith('.jsonl') && path.join(directory, entry) !== file)
    .map((entry) => ({
      path: path.join(directory, entry),
      at: statIfPresent(path.join(directory, entry))?.mtimeMs ?? 0,
    }))
    .filter(({ at }) => at > (statIfPresent(file)?.mtimeMs ?? 0))
    .sort((a, b) => b.at - a.at)
    .find((candidate) => readPartIfPresent(candidate.path, 0, HEAD_BYTES)?.includes(mark) === true);
  return newer?.path ?? file;
}

/** A message stands behind at most some bookkeeping. (Inside a text the quotes would be escaped.) */
function hasMessage(file: string): boolean {
  return /"type":"(user|assistant)"/.test(readPartIfPresent(file, 0, LONGEST_TAIL) ?? '');
}

/** Lines that mark the taking or the queueing of what was typed. */
const TELLING = /"type":"(user|queue-operation)"/;

/** Characters looked for: a long text is kept in several pieces, and Claude Code drops spaces at its ends. */
const EXCERPT = 60;

/** Begins to listen now; the result is asked again and again with the text's first line. */
export function listenTo(transcript: string): (firstLine: string) => Heard {
  let readTo = endOfFile(transcript);
  const lines: string[] = [];
  return (firstLine) => {
    const onLine = (line: string): void => void (TELLING.test(line) && lines.push(line));
    readTo = eachGrownLine(transcript, readTo, onLine);
    const excerpt = [...firstLine.trim()].slice(0, EXCERPT).join('').trimEnd();
    const written = JSON.stringify(excerpt).slice(1, -1);
    const telling = lines.filter((line) => line.includes(written)).map(parseObject);
    if (telling.some((entry) => entry?.['type'] === 'user')) return 'taken';
    return telling.some((entry) => stringOf(entry?.['operation']) === 'enqueue') ? 'queued' : null;
  };
}
