/** How our panes are asked for in one call, and how the answer is read; strict: what cannot be read is unknown, never empty. */
import { constants } from 'node:os';
import { isViewLine, parseView, viewWords } from './layout/view-look.ts';
import { checkPane, projectTag } from './names.ts';
import type { PaneFact, RecordedPane, ViewFacts } from './types.ts';
import { optionIf } from './words.ts';

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
 * session's those of its active pane. A worker can set the tags of its pane to anything, so tmux prints only what can be a
 * tag: no value may look like another line of the answer.
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
  optionIf('@orchestrate_role', '[a-z]+'),
  optionIf('@orchestrate_key', '[a-z0-9-]+'),
  optionIf('@orchestrate_run', '[0-9]+'),
  '#{session_name}',
].join('|');

/** The tmux commands of a look at the project's session, its tagged panes and those that were written down. */
export function lookWords(root: string, recorded: readonly RecordedPane[] = []): string[] {
  const tag = projectTag(root);
  const tagged = `#{==:#{@orchestrate_project},${tag}}`;
  const ids = recorded.map(({ id }) => checkPane(id)).join('|');
  const ours = ids === '' ? tagged : `#{||:${tagged},#{m/r:^(${ids})$,#{pane_id}}}`;
  return [
    ...['display-message', '-p', SERVER, ';'],
    ...['list-sessions', '-f', `#{==:#{@orchestrate_session},${tag}}`, '-F', SESSION, ';'],
    ...['list-panes', '-a', '-f', ours, '-F', PANE, ';'],
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

/** What tmux itself says of a pane, then the rest; how its process ended is not known where its words are not ours. */
const PANE_LINE =
  /^P\|(?<id>%\d+)\|(?<window>@\d+)\|(?<pid>\d+)\|(?<dead>[^|]*)\|(?<status>[^|]*)\|(?<signal>[^|]*)\|(?<role>[^|]*)\|(?<key>[^|]*)\|(?<run>[^|]*)\|(?<session>.*)$/;

/** One pane, without the end of its process where tmux doesn't know how that ended (`tellsHow`: it would). */
function parsePane(line: string, tellsHow: boolean): PaneFact | null {
  const field = PANE_LINE.exec(line)?.groups;
  if (field === undefined) return null;
  const status = field['status'] ?? '';
  const signal = field['signal'] ?? '';
  const exitCode = exitCodeOf(status, signal);
  const dead = field['dead'] === '1' && (status !== '' || signal !== '' || !tellsHow);
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
  };
}

/**
 * Exit status, or 128+n. tmux tells a signal by number, or by the system's name for it without SIG (in capitals or not);
 * 3.2 not at all. Null for what is none of these.
 */
function exitCodeOf(status: string, signal: string): number | null {
  if (/^\d+$/.test(status)) return Number(status);
  if (/^\d+$/.test(signal)) return 128 + Number(signal);
  const byName = Object.entries(constants.signals).find(([name]) => name === `SIG${signal.toUpperCase()}`);
  return byName === undefined ? null : 128 + byName[1];
}

/**
 * The panes as they are: those that were written down for a run on this server are that run's, and no other pane is,
 * whatever tags a program has set since.
 */
export function ownPanes(
  panes: readonly PaneFact[],
  server: string,
  recorded: readonly RecordedPane[],
): PaneFact[] {
  const here = recorded.filter((each) => each.server === server);
  const byId = new Map(here.map((each) => [each.id, each]));
  const runs = new Set(here.map(({ key, run }) => `${key}#${run}`));
  return panes.flatMap((pane) => {
    const own = byId.get(pane.id);
    if (own !== undefined) return [{ ...pane, role: 'worker', key: own.key, run: own.run }];
    return pane.role === '' || runs.has(`${pane.key}#${pane.run}`) ? [] : [pane];
  });
}
