/** What concerns the user's own terminal: attaching, the command for it, and messages on its status line. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { writeToTerminal } from './bell.ts';
import type { Client } from './client.ts';
import { parseServerIdentity } from './identity.ts';
import { checkPane, projectTag } from './names.ts';
import type { TmuxFacts } from './types.ts';
import { textArgument, textOnOneLine } from './words.ts';

/** Longest message: more than a status line shows. */
const MESSAGE_LENGTH = 300;
/** Long enough to be read. */
const MESSAGE_MS = 5_000;

/** True when the terminal of `env` is itself a pane of that server. */
export function isInside(env: NodeJS.ProcessEnv, facts: Pick<TmuxFacts, 'server'>): boolean {
  const server = facts.server === null ? null : parseServerIdentity(facts.server);
  const [pid, ...path] = (env['TMUX'] ?? '').split(',').reverse().slice(1);
  return server !== null && Number(pid) === server.pid && path.reverse().join(',') === server.socketPath;
}

/**
 * Hands the terminal to tmux at `pane`, or at the summary of our session when null; inside a pane of the same server the client
 * switches instead. Resolves with tmux's exit code. Throws exit 6 when there is no session.
 */
export async function attach(
  client: Client,
  env: NodeJS.ProcessEnv,
  facts: TmuxFacts,
  pane: string | null,
): Promise<number> {
  if (facts.sessionId === null) {
    throw new OrchestrateError(
      EXIT.state,
      'there is no session of this project to attach to',
      'orchestrate start',
    );
  }
  const summary = facts.panes.find(({ role, dead }) => role === 'summary' && !dead)?.id ?? null;
  const at = pane ?? summary;
  const target = at === null ? `${facts.sessionId}:` : checkPane(at);
  if (isInside(env, facts)) return client.hand(['switch-client', '-t', target], env);
  // Without TMUX, or tmux refuses to run inside another one.
  const { TMUX: _outer, ...outside } = env;
  return client.hand(['attach-session', '-t', target], outside);
}

/**
 * The command the user types to attach to session `name`. Inside another server's pane plain `tmux` means that
 * server, so that the default one has to be named there.
 */
export function attachCommand(socket: string | null, env: NodeJS.ProcessEnv, name: string): string {
  const elsewhere =
    env['TMUX'] !== undefined && env['TMUX'] !== '' && !/\/default,\d+,\d+$/.test(env['TMUX']);
  const server = socket === null ? (elsewhere ? ' -L default' : '') : serverFlag(socket);
  return `tmux${server} attach -t ${shellWord(`=${name}`)}`;
}

/** The same to a pane of the server on that socket, whatever its session is called. */
export function attachCommandToPane(socket: string, pane: string): string {
  return `tmux${serverFlag(socket)} attach -t ${shellWord(checkPane(pane))}`;
}

function serverFlag(socket: string): string {
  return ` ${socket.includes('/') ? '-S' : '-L'} ${shellWord(socket)}`;
}

/** `=` begins a word that zsh expands, so it is quoted too. */
function shellWord(word: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * Shows `text` on the status line of every client that looks at our session. The text is put into an option and shown
 * from there: the value of an option is not expanded, so `#(…)` in it runs nothing.
 */
export async function message(client: Client, sessionId: string, text: string): Promise<void> {
  const target = `${sessionId}:`;
  const clients = await client.run(['list-clients', '-t', target, '-F', '#{client_name}']);
  if (clients.status !== 'ok' || clients.text.trim() === '') return;
  const value = textArgument([...textOnOneLine(text)].slice(0, MESSAGE_LENGTH).join(''));
  const shows = clients.text
    .split('\n')
    .filter((name) => name !== '')
    .flatMap((name) => [
      ...[';', 'display-message', '-d', String(MESSAGE_MS), '-c', name],
      ...['-t', target, '#{@orchestrate_message}'],
    ]);
  await client.run(['set-option', '-t', target, '--', '@orchestrate_message', value, ...shows]);
}

/** Roles of panes in which programs of ours run: what they may pass to the terminal around tmux is ours to say. */
const OWN_ROLES = ['summary', 'orchestrator'];

/**
 * Has every terminal that shows our session act on a control sequence, through a pane of ours that is seen there; agents'
 * panes are left alone. `sequenceFor` gives it for a kind of terminal. Returns how many terminals were reached.
 */
export async function passThrough(
  client: Client,
  root: string,
  sessionId: string,
  sequenceFor: (terminal: string) => string,
): Promise<number> {
  const target = `${sessionId}:`;
  const format =
    '#{pane_id}|#{pane_dead}|#{window_active_clients}|#{@orchestrate_project}|#{@orchestrate_role}|#{pane_tty}';
  const panes = await client.run(['list-panes', '-s', '-t', target, '-F', format]);
  const clients = await client.run(['list-clients', '-t', target, '-F', '#{client_termname}']);
  if (panes.status !== 'ok' || clients.status !== 'ok') return 0;
  const terminals = clients.text.split('\n').filter((name) => name !== '');
  const seen = panes.text
    .split('\n')
    .map((line) => line.split('|'))
    .find(
      ([, dead, watching, project, role = '', tty = '']) =>
        dead === '0' &&
        watching !== '0' &&
        project === projectTag(root) &&
        OWN_ROLES.includes(role) &&
        tty.startsWith('/dev/'),
    );
  if (seen === undefined || terminals.length === 0) return 0;
  const [pane = '', , , , , tty = ''] = seen;
  // Before 3.3 there is no such option, and it is always so.
  await client.run(['set-option', '-q', '-p', '-t', checkPane(pane), 'allow-passthrough', 'on']);
  const sequences = new Set(terminals.map(sequenceFor));
  await writeToTerminal(tty, [...sequences].map(passedThrough).join(''));
  return terminals.length;
}

/** Wrapped so that tmux hands it to the terminal around it. */
function passedThrough(sequence: string): string {
  return `\u001bPtmux;${sequence.replaceAll('\u001b', '\u001b\u001b')}\u001b\\`;
}
