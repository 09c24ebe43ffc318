/** How our panes are asked for in one call, and how the answer is read; strict: what can't be read is unknown, never empty. */
import { constants } from 'node:os';
import { isViewLine, parseView, viewWords } from './layout/view-look.ts';
import { projectTag } from './names.ts';
import type { PaneFact, ViewFacts } from './types.ts';

/** A server's answer, before its process was looked up. */
export type LookAnswer = {
  /** True when the end of some process seems not to have reached tmux yet: its pane's output has ended, no more. */
  readonly unsettled: boolean;
  readonly socketPath: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly session: { readonly id: string; readonly name: string } | null;
  readonly panes: readonly PaneFact[];
  /** Null when there is no session of ours, or its panes could not be told apart. */
  readonly view: ViewFacts | null;
};

/*
 * Fields are joined by `|`. Those that may hold anything (a session's name, the socket's path) stand last. The tags of
 * panes and of sessions have different names, since a pane's format also sees the options of its session, and a
 * session's those of its active pane.
 */
const SERVER = 'S|#{pid}|#{start_time}|#{version}|#{socket_path}';
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
    ...['list-panes', '-a', '-f', `#{==:#{@orchestrate_project},${tag}}`, '-F', PANE, ';'],
    ...viewWords(tag),
  ];
}

/**
 * A shell that ends at once, run by tmux: tmux then collects every process that has ended. It misses some ends itself,
 * while it has its own helpers (utempter) started and waited for around the making of a pane.
 */
export const COLLECT = ['if-shell', ':', ''] as const;

/** Reads what `lookWords` printed. Null for anything that isn't such an answer. */
export function parseLook(text: string): LookAnswer | null {
  const all = text.split('\n').filter((line) => line !== '');
  const lines = all.filter((line) => !isViewLine(line));
  const server = /^S\|(\d+)\|(\d+)\|([^|]*)\|(.+)$/.exec(lines[0] ?? '');
  if (server === null) return null;
  const [, pid, startedAt = '', version = '', socketPath = ''] = server;
  const tellsHow = !version.startsWith('3.2');
  const sessions = lines.flatMap((line) => parseSession(line) ?? []);
  const session = sessions[0] ?? null;
  const panes = new Map<string, PaneFact>();
  for (const line of lines.slice(1 + sessions.length)) {
    const pane = parsePane(line, tellsHow);
    if (pane === null) return null;
    // A window linked into several sessions is listed once in each: ours counts.
    if (!panes.has(pane.id) || pane.session === session?.name) panes.set(pane.id, pane);
  }
  const unsettled = tellsHow && lines.some((line) => UNSETTLED.test(line));
  const view = parseView(all.filter(isViewLine));
  return { socketPath, pid: Number(pid), startedAt, session, panes: [...panes.values()], view, unsettled };
}

function parseSession(line: string): { id: string; name: string } | null {
  const [, id, name] = /^N\|(\$\d+)\|(.*)$/.exec(line) ?? [];
  return id === undefined || name === undefined ? null : { id, name };
}

/** Dead, with neither status nor signal. */
const UNSETTLED = /^P\|%\d+\|@\d+\|\d+\|1\|\|\|/;

const PANE_LINE =
  /^P\|(?<id>%\d+)\|(?<window>@\d+)\|(?<pid>\d+)\|(?<dead>[01]?)\|(?<status>\d*)\|(?<signal>[A-Z0-9]*)\|(?<active>[01])\|(?<width>\d+)\|(?<height>\d+)\|(?<role>[a-z]*)\|(?<key>[a-z0-9-]*)\|(?<run>\d*)\|(?<session>.*)$/;

/** One pane, without the end of its process where tmux doesn't know how that ended (`tellsHow`: it would). */
function parsePane(line: string, tellsHow: boolean): PaneFact | null {
  const field = PANE_LINE.exec(line)?.groups;
  if (field === undefined) return null;
  const exitCode = exitCodeOf(field['status'] ?? '', field['signal'] ?? '');
  const dead = field['dead'] === '1' && (exitCode !== null || !tellsHow);
  return {
    id: field['id'] ?? '',
    windowId: field['window'] ?? '',
    session: field['session'] ?? '',
    role: field['role'] ?? '',
    key: field['key'] ?? '',
    run: Number(field['run'] ?? ''),
    pid: Number(field['pid']),
    dead,
    exitCode: dead ? exitCode : null,
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
