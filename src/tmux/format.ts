/** How our panes are asked for in one call, and how the answer is read; strict: what can't be read is unknown, never empty. */
import { constants } from 'node:os';
import { projectTag } from './names.ts';
import type { PaneFact } from './types.ts';

/** A server's answer, before its process was looked up. */
export type LookAnswer = {
  readonly socketPath: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly session: { readonly id: string; readonly name: string } | null;
  readonly panes: readonly PaneFact[];
};

/*
 * Fields are joined by `|`. Those that may hold anything (a session's name, the socket's path) stand last. The tags of
 * panes and of sessions have different names, since a pane's format also sees the options of its session, and a
 * session's those of its active pane.
 */
const SERVER = 'S|#{pid}|#{start_time}|#{socket_path}';
const SESSION = 'N|#{session_id}|#{session_name}';
const PANE = [
  'P',
  '#{pane_id}',
  '#{window_id}',
  '#{pane_pid}',
  '#{pane_dead}',
  '#{pane_dead_status}',
  '#{pane_dead_signal}',
  '#{pane_active}',
  '#{pane_width}',
  '#{pane_height}',
  '#{@orchestrate_role}',
  '#{@orchestrate_key}',
  '#{@orchestrate_run}',
  '#{session_name}',
].join('|');

/** The tmux commands of a look at the project's session and panes. */
export function lookWords(root: string): string[] {
  const tag = projectTag(root);
  return [
    ...['display-message', '-p', SERVER, ';'],
    ...['list-sessions', '-f', `#{==:#{@orchestrate_session},${tag}}`, '-F', SESSION, ';'],
    ...['list-panes', '-a', '-f', `#{==:#{@orchestrate_project},${tag}}`, '-F', PANE],
  ];
}

/** Reads what `lookWords` printed. Null for anything that isn't such an answer. */
export function parseLook(text: string): LookAnswer | null {
  const lines = text.split('\n').filter((line) => line !== '');
  const server = /^S\|(\d+)\|(\d+)\|(.+)$/.exec(lines[0] ?? '');
  if (server === null) return null;
  let session: LookAnswer['session'] = null;
  const panes = new Map<string, PaneFact>();
  for (const line of lines.slice(1)) {
    const named = /^N\|(\$\d+)\|(.*)$/.exec(line);
    if (named !== null) {
      session ??= { id: named[1] ?? '', name: named[2] ?? '' };
      continue;
    }
    const pane = parsePane(line);
    if (pane === null) return null;
    // A window linked into several sessions is listed once in each: ours counts.
    if (!panes.has(pane.id) || pane.session === session?.name) panes.set(pane.id, pane);
  }
  const [, pid, startedAt = '', socketPath = ''] = server;
  return { socketPath, pid: Number(pid), startedAt, session, panes: [...panes.values()] };
}

const PANE_LINE =
  /^P\|(?<id>%\d+)\|(?<window>@\d+)\|(?<pid>\d+)\|(?<dead>[01]?)\|(?<status>\d*)\|(?<signal>[A-Z0-9]*)\|(?<active>[01])\|(?<width>\d+)\|(?<height>\d+)\|(?<role>[a-z]*)\|(?<key>[a-z0-9-]*)\|(?<run>\d*)\|(?<session>.*)$/;

function parsePane(line: string): PaneFact | null {
  const field = PANE_LINE.exec(line)?.groups;
  if (field === undefined) return null;
  const dead = field['dead'] === '1';
  return {
    id: field['id'] ?? '',
    windowId: field['window'] ?? '',
    session: field['session'] ?? '',
    role: field['role'] ?? '',
    key: field['key'] ?? '',
    run: Number(field['run'] ?? ''),
    pid: Number(field['pid']),
    dead,
    exitCode: dead ? exitCodeOf(field['status'] ?? '', field['signal'] ?? '') : null,
    active: field['active'] === '1',
    width: Number(field['width']),
    height: Number(field['height']),
  };
}

/** Exit status, or 128+n; tmux tells a signal by number or by name (without SIG), and 3.2 not at all. */
function exitCodeOf(status: string, signal: string): number | null {
  if (status !== '') return Number(status);
  if (signal === '') return null;
  const byName = Object.entries(constants.signals).find(([name]) => name === `SIG${signal}`);
  const number = byName?.[1] ?? Number(signal);
  return Number.isInteger(number) ? 128 + number : null;
}
