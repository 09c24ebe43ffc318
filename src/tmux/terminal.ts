/** What concerns the person's own terminal: attaching, the command for it, and messages on its status line. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import type { Client } from './client.ts';
import { parseServerIdentity } from './identity.ts';
import { checkPane } from './names.ts';
import type { TmuxFacts } from './types.ts';
import { plainText, textArgument } from './words.ts';

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
 * The command a person types to attach to session `name`. Inside another server's pane plain `tmux` means that
 * server, so that the default one has to be named there.
 */
export function attachCommand(socket: string | null, env: NodeJS.ProcessEnv, name: string): string {
  const elsewhere =
    env['TMUX'] !== undefined && env['TMUX'] !== '' && !/\/default,\d+,\d+$/.test(env['TMUX']);
  const server = socket === null ? (elsewhere ? ' -L default' : '') : serverFlag(socket);
  return `tmux${server} attach -t ${shellWord(`=${name}`)}`;
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
  const value = textArgument([...plainText(text)].slice(0, MESSAGE_LENGTH).join(''));
  const shows = clients.text
    .split('\n')
    .filter((name) => name !== '')
    .flatMap((name) => [
      ...[';', 'display-message', '-d', String(MESSAGE_MS), '-c', name],
      ...['-t', target, '#{@orchestrate_message}'],
    ]);
  await client.run(['set-option', '-t', target, '--', '@orchestrate_message', value, ...shows]);
}
