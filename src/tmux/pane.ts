/** Opens a tagged window in our session, and acts on single panes only while they carry our tag. */
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
 * They run in one go with the command that makes the pane, before tmux looks at ended processes again, so that even an
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
    command('set-option', '-w', '-t', target, 'automatic-rename', 'off'),
    ...(tag.log === null
      ? []
      : [command('pipe-pane', '-t', target, `ulimit -c 0; ulimit -f ${LOG_BLOCKS}; exec cat >> ${tag.log}`)]),
  ];
}

/**
 * Opens a window after the last one of our session, with `cwd` as its directory, without taking focus. It runs `sh
 * ./keeper` for a worker, so that nothing of its output is lost, else `sh ./wrapper`. Null when the session of `handle` is
 * not there any more. Throws exit 3 when tmux refuses.
 */
export async function openPane(
  client: Client,
  root: string,
  handle: SessionHandle,
  tag: PaneTag,
  cwd: string,
): Promise<{ pane: string; pid: number } | null> {
  const target = `${handle.sessionId}:{end}`;
  const made = 'O|#{pane_id}|#{pane_pid}';
  const script = tag.role === 'worker' ? './keeper' : './wrapper';
  const commands = [
    command('new-window', '-d', '-P', '-F', made, '-n', tag.name, '-a', '-t', target, '/bin/sh', script),
    ...tagCommands(root, target, tag),
    ...hookCommands(root, handle.sessionId, target),
    command('display-message', '-p', '-t', target, `T|#{pane_id}|#{@orchestrate_role}|#{@orchestrate_key}`),
    // Ends that tmux missed while it made this pane: another worker's, or that of an agent that ended at once.
    command('if-shell', '-b', ...COLLECT.slice(1)),
  ];
  const reply = await client.run(onOurSession(root, handle, commands), cwd);
  if (reply.status === 'absent' || /^can't find session/.test(reply.status === 'failed' ? reply.why : ''))
    return null;
  if (isNotOurs(reply)) return null;
  return checkOpened(client, tag, reply);
}

/** True when the condition of a command did not hold. */
function isNotOurs(reply: Reply): boolean {
  return reply.status === 'ok' && reply.text.trim() === NOT_OURS;
}

/** The pane that was made, after checking that the tags went to that one (a user's hook could move windows meanwhile). */
async function checkOpened(
  client: Client,
  tag: PaneTag,
  reply: Exclude<Reply, { status: 'absent' }>,
): Promise<{ pane: string; pid: number }> {
  const opened = /^O\|(%\d+)\|(\d+)$/m.exec(reply.text);
  const [, pane = '', pid] = opened ?? [];
  const tagged = reply.text.includes(`\nT|${pane}|${tag.role}|${tag.key}\n`);
  if (reply.status === 'ok' && opened !== null && tagged) return { pane, pid: Number(pid) };
  if (opened !== null) await client.run(['kill-pane', '-t', pane]);
  const why = reply.status === 'failed' ? reply.why : 'the new window could not be told from others';
  throw tmuxError(`open a window for ${tag.name}`, { status: 'failed', why, text: reply.text });
}

/** How panes of ours are told from others: by our tag, and by what was written down of them. */
export type Ours = { readonly client: Client; readonly root: string; recorded(): readonly RecordedPane[] };

/**
 * Runs `commands` if `pane` is alive or dead one of ours (`owner`: of that very run), in one step with the check.
 * False when it isn't there or isn't ours; throws exit 3 when tmux can't be asked.
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
