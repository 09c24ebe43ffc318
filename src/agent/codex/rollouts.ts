/** The rollout file in which Codex keeps a session: finds it, reads its end (the turn under way, the error it ended by), and tells people what it says. */
import { realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fieldsOf, parseObject, stringOf } from '../../core/json-fields.ts';
import type { Run } from '../../core/types.ts';
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

/** What the end of a rollout says. */
export type RolloutTail = {
  readonly id: string;
  readonly file: string;
  readonly modifiedAtMs: number;
  readonly size: number;
  /** The last begin or end of a turn. */
  readonly turn: { readonly kind: 'begun' | 'ended' | 'aborted'; readonly atMs: number } | null;
  /** The error by which the last turn ended; `limit`: time cures it. */
  readonly error: { readonly text: string; readonly limit: boolean } | null;
};

const TAIL_BYTES = 256 * 1024;
const HEAD_BYTES = 64 * 1024;
/** A session's file is named by the local day on which it began; a run may begin just before midnight. */
const DAYS_BACK = 2;

/** Reads below `sessions`; remembers where the session of a run is, and reads a file again only when it changed. */
export function createRollouts(sessions: string): { of(run: Run, worktree: string): RolloutTail | null } {
  const files = new Map<string, string>();
  const tails = new Map<string, RolloutTail>();
  return {
    of: (run, worktree) => {
      const name = `${run.key}#${run.number}`;
      const file = files.get(name) ?? findRollout(sessions, run, worktree);
      if (file === null) return null;
      files.set(name, file);
      const stat = statIfPresent(file);
      if (stat === null) return null;
      const last = tails.get(file);
      // Two lines may be written within one tick of the file system's clock.
      if (last?.modifiedAtMs === stat.mtimeMs && last.size === stat.size) return last;
      const id = idOf(file);
      const tail = {
        id,
        file,
        modifiedAtMs: stat.mtimeMs,
        size: stat.size,
        ...readTail((readPartIfPresent(file, -TAIL_BYTES, TAIL_BYTES) ?? '').split('\n')),
      };
      tails.set(file, tail);
      return tail;
    },
  };
}

/** What the last lines of a rollout say. */
export function readTail(lines: readonly string[]): Pick<RolloutTail, 'turn' | 'error'> {
  let turn: RolloutTail['turn'] = null;
  let error: RolloutTail['error'] = null;
  for (const line of lines) {
    if (!line.includes('"event_msg"')) continue;
    const entry = parseObject(line);
    const payload = fieldsOf(entry?.['payload']);
    const atMs = Date.parse(stringOf(entry?.['timestamp']) ?? '');
    const kind = TURNS[stringOf(payload['type']) ?? ''];
    if (kind !== undefined && !Number.isNaN(atMs)) turn = { kind, atMs };
    if (kind === 'begun') error = null;
    if (payload['type'] === 'error') error = errorOf(payload);
  }
  return { turn, error };
}

const TURNS: Readonly<Record<string, 'begun' | 'ended' | 'aborted'>> = {
  task_started: 'begun',
  task_complete: 'ended',
  turn_aborted: 'aborted',
};

function errorOf(payload: Readonly<Record<string, unknown>>): NonNullable<RolloutTail['error']> {
  const cause = JSON.stringify(payload['codex_error_info'] ?? '');
  const limit = /usage_limit|rate_limit|overloaded|server_error|connection_failed/.test(cause);
  return { text: stringOf(payload['message']) ?? 'the service failed', limit };
}

/** By the run's session when it is known, else the newest one that began in its worktree since. */
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
  return [worktree, ifPresent(() => realpathSync(worktree))].includes(JSON.parse(cwd) as string);
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
