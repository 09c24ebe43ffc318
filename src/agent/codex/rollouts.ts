/** The rollout file in which Codex keeps a session: finds it, reads its end (the turn under way, the error it ended by), and tells people what it says. */
import { realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fieldsOf, parseObject, stringOf } from '../../core/json-fields.ts';
import type { Run } from '../../core/types.ts';
import { eachGrownLine, type ReadUpTo } from '../../files/grown-lines.ts';
import {
  ifPresent,
  listIfPresent,
  readIfPresent,
  readPartIfPresent,
  statIfPresent,
} from '../../files/present.ts';
import type { ToldLine } from '../port.ts';

export type CodexPaths = { readonly config: string; readonly sessions: string };

/** Where Codex keeps its things: `CODEX_HOME`, else `~/.codex`. Never written by us. */
export function codexPaths(env: Readonly<Record<string, string | undefined>>): CodexPaths {
  const home = env['CODEX_HOME'] || path.join(env['HOME'] || os.homedir(), '.codex');
  return { config: path.join(home, 'config.toml'), sessions: path.join(home, 'sessions') };
}

/** True when the user's configuration says that this project is trusted. */
export function isTrusted({ config }: CodexPaths, projectRoot: string): boolean {
  const text = readIfPresent(config) ?? '';
  const section = text.split(`[projects.${JSON.stringify(projectRoot)}]`)[1]?.split('\n[')[0] ?? '';
  return /trust_level\s*=\s*"trusted"/.test(section);
}

/** What a rollout says of its session: the last begin or end of a turn, and the error by which that turn ended (`limit`: time cures it). */
export type RolloutState = {
  readonly turn: { readonly kind: 'begun' | 'ended' | 'aborted'; readonly atMs: number } | null;
  readonly error: { readonly text: string; readonly limit: boolean } | null;
};

/** The session of a run. */
export type RunRollout = RolloutState & {
  readonly id: string;
  readonly file: string;
  readonly modifiedAtMs: number;
};

/** A rollout as far as it was read. */
type Book = { readTo: ReadUpTo | null; state: RolloutState };

const NOTHING_SAID: RolloutState = { turn: null, error: null };
const HEAD_BYTES = 64 * 1024;
/** A session's file is named by the local day on which it began; a run may begin just before midnight. */
const DAYS_BACK = 2;

/**
 * Reads below `sessions`; remembers where the session of a run is, and reads on from where it was: a turn can write more than
 * any tail would hold. Of a session that goes on, what earlier runs left there is not this run's.
 */
export function createRollouts(sessions: string): { of(run: Run, worktree: string): RunRollout | null } {
  const files = new Map<string, string>();
  const books = new Map<string, Book>();
  return {
    of: (run, worktree) => {
      const name = `${run.key}#${run.number}`;
      const file = files.get(name) ?? findRollout(sessions, run, worktree);
      const stat = file === null ? null : statIfPresent(file);
      if (file === null || stat === null) return null;
      files.set(name, file);
      const book = books.get(file) ?? { readTo: null, state: NOTHING_SAID };
      books.set(file, book);
      book.readTo = eachGrownLine(
        file,
        book.readTo,
        (line) => {
          book.state = afterLine(book.state, line);
        },
        () => {
          book.state = NOTHING_SAID;
        },
      );
      const isOwn = book.state.turn !== null && book.state.turn.atMs >= run.startedAtMs;
      const state = isOwn ? book.state : NOTHING_SAID;
      return { ...state, id: idOf(file), file, modifiedAtMs: stat.mtimeMs };
    },
  };
}

/** What lines of a rollout say, the last of which is its last. */
export function readRollout(lines: readonly string[]): RolloutState {
  return lines.reduce(afterLine, NOTHING_SAID);
}

function afterLine(state: RolloutState, line: string): RolloutState {
  if (!line.includes('"event_msg"')) return state;
  const entry = parseObject(line);
  const payload = fieldsOf(entry?.['payload']);
  const atMs = Date.parse(stringOf(entry?.['timestamp']) ?? '');
  if (payload['type'] === 'error') return { ...state, error: errorOf(payload) };
  const kind = TURNS[stringOf(payload['type']) ?? ''];
  if (kind === undefined || Number.isNaN(atMs)) return state;
  return { turn: { kind, atMs }, error: kind === 'begun' ? null : state.error };
}

const TURNS: Readonly<Record<string, 'begun' | 'ended' | 'aborted'>> = {
  task_started: 'begun',
  task_complete: 'ended',
  turn_aborted: 'aborted',
};

function errorOf(payload: Readonly<Record<string, unknown>>): NonNullable<RolloutState['error']> {
  const cause = JSON.stringify(payload['codex_error_info'] ?? '');
  const limit = /usage_limit|rate_limit|overloaded|server_error|connection_failed/.test(cause);
  return { text: stringOf(payload['message']) ?? 'the service failed', limit };
}

/** By the run's session when it is known, else the newest one that began in its worktree, or a directory of it, since. */
function findRollout(sessions: string, run: Run, worktree: string): string | null {
  const files = recentFiles(sessions, run);
  const { sessionId } = run;
  if (sessionId !== null) return files.find((file) => idOf(file) === sessionId) ?? null;
  return files.find((file) => beganIn(file, worktree, run.startedAtMs)) ?? null;
}

/** Rollout files, newest first: of the days around the run's begin, or all when its session began earlier. */
function recentFiles(sessions: string, run: Run): string[] {
  const names = rolloutsBelow(sessions, run.sessionId !== null);
  const from = new Date(run.startedAtMs - DAYS_BACK * 86_400_000).toISOString().slice(0, 10);
  const recent = names.filter((name) => run.sessionId !== null || path.basename(name).slice(8, 18) >= from);
  return recent.sort((a, b) => (path.basename(a) < path.basename(b) ? 1 : -1));
}

function rolloutsBelow(sessions: string, all: boolean): string[] {
  const below = (directories: string[]): string[] =>
    directories.flatMap((directory) =>
      [...listIfPresent(directory)].sort().map((name) => path.join(directory, name)),
    );
  const days = below(below(below([sessions])));
  const files = below(all ? days : days.slice(-DAYS_BACK - 1));
  return files.filter((file) => /^rollout-.*\.jsonl$/.test(path.basename(file)));
}

/** `rollout-<time>-<id>.jsonl`. */
function idOf(file: string): string {
  return path.basename(file, '.jsonl').slice(-36);
}

function beganIn(file: string, worktree: string, sinceMs: number): boolean {
  const [first = ''] = (readPartIfPresent(file, 0, HEAD_BYTES) ?? '').split('\n');
  const time = Date.parse(/"timestamp":"([^"]+)"/.exec(first)?.[1] ?? '');
  const cwd = /"cwd":("(?:[^"\\]|\\.)*")/.exec(first)?.[1];
  if (cwd === undefined || time < sinceMs) return false;
  const at = JSON.parse(cwd) as string;
  return [worktree, ifPresent(() => realpathSync(worktree))].some(
    (place) => at === place || at.startsWith(`${place}/`),
  );
}

/** Lines of a rollout as readable ones: what was said on both sides, and which tools were called. */
export function readableRollout(lines: readonly string[]): ToldLine[] {
  return lines.flatMap((line) => {
    const entry = line.includes('"response_item"') ? parseObject(line) : null;
    if (entry === null) return [];
    const atMs = Date.parse(stringOf(entry['timestamp']) ?? '');
    return textsOf(fieldsOf(entry['payload'])).map((text) => ({
      atMs: Number.isNaN(atMs) ? null : atMs,
      text,
    }));
  });
}

function textsOf(item: Readonly<Record<string, unknown>>): string[] {
  if (item['type'] === 'function_call' || item['type'] === 'custom_tool_call')
    return [
      `* ${stringOf(item['name']) ?? 'a tool'} ${stringOf(item['arguments'] ?? item['input']) ?? ''}`.trim(),
    ];
  if (item['type'] !== 'message' || item['role'] === 'developer') return [];
  const content = Array.isArray(item['content']) ? item['content'].map(fieldsOf) : [];
  const text = content
    .map((part) => stringOf(part['text']) ?? '')
    .join('\n')
    .trim();
  // What Codex itself puts before a prompt stands in tags.
  if (text === '' || (item['role'] === 'user' && text.startsWith('<'))) return [];
  return text.split('\n').map((line) => (item['role'] === 'user' ? `> ${line}` : line));
}

/** A line of `codex exec --json` as readable ones; null for anything else that stands in a pane. */
export function readableOutput(line: string): ToldLine[] | null {
  if (!/^\{"type":"(thread|turn|item)\./.test(line)) return null;
  const entry = parseObject(line.trim()) ?? {};
  const at = (text: string): ToldLine[] => text.split('\n').map((each) => ({ atMs: null, text: each }));
  if (entry['type'] === 'turn.completed') return at('= finished');
  if (entry['type'] === 'turn.failed')
    return at(`! ended with an error: ${stringOf(fieldsOf(entry['error'])['message']) ?? ''}`);
  return entry['type'] === 'item.completed' ? at(itemText(fieldsOf(entry['item']))) : [];
}

function itemText(item: Readonly<Record<string, unknown>>): string {
  const field = (name: string): string => stringOf(item[name]) ?? '';
  switch (item['type']) {
    case 'agent_message':
      return field('text');
    case 'error':
      return `! ${field('message')}`;
    case 'command_execution':
      return `$ ${field('command')}`;
    default:
      return `* ${field('tool') || field('type')}`;
  }
}
