/** Opens a tagged window in our session, and acts on single panes only while they carry our tag. */
import { randomBytes } from 'node:crypto';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { type Client, type Reply, tmuxError } from './client.ts';
import { COLLECT } from './format.ts';
import { parseServerIdentity } from './identity.ts';
import { projectTag } from './names.ts';
import { hookCommands } from './signal.ts';
import type { RecordedPane } from './types.ts';
import { allOf, command, NOT_OURS, onOurSession, type SessionHandle } from './words.ts';

/** A log of a pane's output ends at this many blocks (512 bytes, 1,024 in some shells), so that no program fills the disk. */
const LOG_BLOCKS = 262_144;

/** A window of ours in the list of windows: by the stream's name where it is known; the window's own name stays its key. */
const WINDOW_STATUS = '#I:#{?@orchestrate_name,#{@orchestrate_name},#W}#{?window_flags,#{window_flags}, }';

/** What holds for each of our windows: a smaller terminal shows a part of it and leaves it as large as the largest has it. */
const WINDOW_OPTIONS: readonly (readonly [string, string])[] = [
  ['automatic-rename', 'off'],
  ['window-size', 'largest'],
  ['window-status-format', WINDOW_STATUS],
  ['window-status-current-format', WINDOW_STATUS],
];

/** What a new window is for, and how its pane is found again. */
export type PaneTag = {
  readonly role: 'worker' | 'summary' | 'orchestrator';
  /** Window name: fixed words or a stream key. */
  readonly name: string;
  /** Stream key, empty for other roles. */
  readonly key: string;
  readonly run: number;
  readonly keepOnExit: boolean;
  /** Log of the pane's output, a path that is safe in a shell; null for none. */
  readonly log: string | null;
};

/**
 * Commands that make the pane at `target` ours: tags first, then what must hold however the user's tmux is configured.
 * They run in one go with the command that starts its program, before tmux looks at ended processes again, so that even an
 * agent that exits at once leaves its exit status and signals its end.
 */
export function tagCommands(root: string, target: string, tag: PaneTag): string[] {
  const option = (...words: string[]): string => command('set-option', '-p', '-t', target, ...words);
  const run = String(tag.run);
  return [
    option('@orchestrate_project', projectTag(root)),
    option('@orchestrate_role', tag.role),
    ...(tag.key === '' ? [] : [option('@orchestrate_key', tag.key), option('@orchestrate_run', run)]),
    option('remain-on-exit', tag.keepOnExit ? 'on' : 'off'),
    option('allow-rename', 'off'),
    option('synchronize-panes', 'off'),
    ...windowCommands(target),
    ...(tag.log === null
      ? []
      : [command('pipe-pane', '-t', target, `ulimit -c 0; ulimit -f ${LOG_BLOCKS}; exec cat >> ${tag.log}`)]),
  ];
}

/** Commands that give the window of the pane at `target` what holds for each of ours: also one that a pane was moved into. */
export function windowCommands(target: string): string[] {
  return WINDOW_OPTIONS.map(([name, value]) => command('set-option', '-w', '-t', target, name, value));
}

/** Commands that take from a pane what `tagCommands` gave it by mistake. */
export function untagCommands(target: string): string[] {
  const names = [
    '@orchestrate_project',
    '@orchestrate_role',
    'remain-on-exit',
    'allow-rename',
    'synchronize-panes',
  ];
  return names.map((name) => command('set-option', '-p', '-u', '-t', target, name));
}

/**
 * Opens a window after the last one of our session, with `cwd` as its directory, without taking focus. It runs `sh
 * ./keeper` for a worker, so that nothing of its output is lost, else `sh ./wrapper`. Null when the session of `handle` is
 * not there any more. Throws exit 3 when tmux refuses.
 *
 * One call makes the window and tags its pane, which is told from others by a word in its command line: hooks of the user's act
 * on new windows at once (split them, move them), and then no other name is sure to mean the pane that was made. Where they did,
 * so that the last window is another one, a second call tags the pane by its id.
 */
export async function openPane(
  client: Client,
  root: string,
  handle: SessionHandle,
  tag: PaneTag,
  cwd: string,
): Promise<{ pane: string; pid: number } | null> {
  const target = `${handle.sessionId}:{end}`;
  const mark = `made-${randomBytes(6).toString('hex')}`;
  const script = tag.role === 'worker' ? './keeper' : './wrapper';
  const made = ['new-window', '-d', '-P', '-F', 'O|#{pane_id}', '-n', tag.name, '-a', '-t', target];
  const make = command(...made, '/bin/sh', script, mark);
  const isMade = command('if-shell', '-F', '-t', target, `#{m:*${mark}*,#{pane_start_command}}`);
  const put = `${isMade} { ${ownCommands(root, handle, tag, target)} }`;
  const reply = await client.run(onOurSession(root, handle, [make, put]), cwd);
  const pane = reply.status === 'absent' ? undefined : /^O\|(%\d+)$/m.exec(reply.text)?.[1];
  // What else was printed is of a hook of the user's, whether or not that failed.
  if (pane !== undefined) {
    const pid = taggedPid(reply, pane, tag) ?? (await tagById({ client, root, handle, tag }, pane));
    return { pane, pid };
  }
  if (reply.status === 'absent' || /^can't find session/.test(reply.status === 'failed' ? reply.why : ''))
    return null;
  if (isNotOurs(reply)) return null;
  const why = reply.status === 'failed' ? reply.why : 'it does not say which pane it made';
  throw tmuxError(`open a window for ${tag.name}`, { status: 'failed', why, text: reply.text });
}

/** Commands that make the new pane at `target` ours, and say that they did. */
function ownCommands(root: string, handle: SessionHandle, tag: PaneTag, target: string): string {
  return [
    ...tagCommands(root, target, tag),
    ...hookCommands(root, handle.sessionId, target),
    command(
      'display-message',
      '-p',
      '-t',
      target,
      'T|#{pane_id}|#{pane_pid}|#{@orchestrate_role}|#{@orchestrate_key}',
    ),
    // Ends that tmux missed while it made this pane: another worker's, or that of an agent that ended at once.
    command('if-shell', '-b', ...COLLECT.slice(1)),
  ].join(' ; ');
}

/** The pid of the pane's program, where it was said that the pane is ours; else null. */
function taggedPid(reply: Reply, pane: string, tag: PaneTag): number | null {
  if (reply.status === 'absent') return null;
  const said = new RegExp(`^T\\|${pane}\\|(\\d+)\\|${tag.role}\\|${tag.key}$`, 'm').exec(reply.text);
  return said === null ? null : Number(said[1]);
}

/** True when the condition of a command did not hold. */
function isNotOurs(reply: Reply): boolean {
  return reply.status === 'ok' && reply.text.trim() === NOT_OURS;
}

/** A new pane, and what it is to be. */
type Put = {
  readonly client: Client;
  readonly root: string;
  readonly handle: SessionHandle;
  readonly tag: PaneTag;
};

/** Tags the pane by its id, in one go; returns its pid. A pane that does not become ours is closed. */
async function tagById({ client, root, handle, tag }: Put, pane: string): Promise<number> {
  const isThere = `#{==:#{pane_id},${pane}}`;
  const commands = ownCommands(root, handle, tag, pane);
  const reply = await client.run(['if-shell', '-F', '-t', pane, isThere, commands]);
  const pid = taggedPid(reply, pane, tag);
  if (pid !== null) return pid;
  await client.run(['kill-pane', '-t', pane]);
  const why = reply.status === 'ok' ? 'its pane could not be made ours' : reply.why;
  throw tmuxError(`open a window for ${tag.name}`, { status: 'failed', why, text: '' });
}

/** How panes of ours are told from others: by our tag, and by what was written down of them. */
export type Ours = { readonly client: Client; readonly root: string; recorded(): readonly RecordedPane[] };

/**
 * Runs `commands` if `pane` is alive or dead one of ours (`owner`: of that very run), in one step with the check.
 * False when it isn't there or isn't ours; throws exit 3 when tmux cannot be asked.
 */
export async function onOurPane(
  { client, root, recorded }: Ours,
  pane: string,
  commands: string,
  owner: { readonly key: string; readonly run: number } | null = null,
): Promise<boolean> {
  const written = recorded().find(
    (each) => each.id === pane && (owner === null || (owner.key === each.key && owner.run === each.run)),
  );
  const tags = allOf([
    `#{==:#{@orchestrate_project},${projectTag(root)}}`,
    ...(owner === null
      ? []
      : [`#{==:#{@orchestrate_key},${owner.key}}`, `#{==:#{@orchestrate_run},${owner.run}}`]),
  ]);
  const ours = written === undefined ? tags : `#{||:${tags},${onServer(written.server)}}`;
  const condition = allOf([`#{==:#{pane_id},${pane}}`, ours]);
  const reply = await client.run([
    'if-shell',
    '-F',
    '-t',
    pane,
    condition,
    commands,
    `display-message -p ${NOT_OURS}`,
  ]);
  if (reply.status === 'failed') throw tmuxError(`act on pane ${pane}`, reply);
  return reply.status === 'ok' && !isNotOurs(reply);
}

/** A condition that holds on that server alone: there an id is never given to another pane. */
function onServer(server: string): string {
  const parts = parseServerIdentity(server);
  if (parts === null) return '0';
  return allOf([`#{==:#{pid},${parts.pid}}`, `#{==:#{start_time},${parts.startedAt}}`]);
}

/** The error for a pane that is gone or no longer ours. */
export function paneGone(pane: string): OrchestrateError {
  return new OrchestrateError(EXIT.refused, `pane ${pane} is gone or not one of ours`, 'orchestrate status');
}
