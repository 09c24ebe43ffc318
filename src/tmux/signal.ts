/** Wakes whoever waits for an end: a channel of tmux, made reliable; knows nothing of why one waits. */
import { type Client, type Reply, tmuxError } from './client.ts';
import { projectTag } from './names.ts';
import { command, NOT_OURS, onOurSession, type SessionHandle } from './words.ts';

/*
 * tmux keeps one signal for a channel nobody waits on, but a second one takes the first away again, so that two workers
 * ending between two waits would go unheard. An option of our session therefore says that a signal is on its way, and
 * nobody sends another; it is cleared before waiting and, in the server, as soon as the wait ends.
 */
const PENDING = '@orchestrate_pending';

function channelOf(root: string): string {
  return `orchestrate-${projectTag(root)}`;
}

function setPending(sessionId: string, value: '1' | ''): string {
  return command('set-option', '-t', `${sessionId}:`, PENDING, value);
}

/** The command that signals. Braces are tmux's way to nest commands. */
function signalCommand(root: string, sessionId: string): string {
  const unlessPending = command('if-shell', '-F', '-t', `${sessionId}:`, `#{?${PENDING},,1}`);
  return `${unlessPending} { ${setPending(sessionId, '1')} ; ${command('wait-for', '-S', channelOf(root))} }`;
}

/** Commands that make the end of the pane at `target`, and the closing of any window or pane of our session, a signal. */
export function hookCommands(root: string, sessionId: string, target: string): string[] {
  const signal = `{ ${signalCommand(root, sessionId)} }`;
  return [
    `${command('set-hook', '-p', '-t', target, 'pane-died')} ${signal}`,
    `${command('set-hook', '-p', '-t', target, 'pane-exited')} ${signal}`,
    `${command('set-hook', '-t', `${sessionId}:`, 'window-unlinked')} ${signal}`,
    // A pane that the user closes beside others ends no window, and tmux tells its end to nobody.
    `${command('set-hook', '-t', `${sessionId}:`, 'after-kill-pane')} ${signal}`,
  ];
}

/** Signals; without effect when our session has ended. */
async function signal(client: Client, root: string, session: SessionHandle): Promise<void> {
  await client.run(onOurSession(root, session, [signalCommand(root, session.sessionId)]));
}

/**
 * Resolves at the next signal (at once for one sent since the last wait) or when the server ends; throws an AbortError at
 * `abort`, exit 3 when it cannot wait.
 */
export async function waitForSignal(
  client: Client,
  root: string,
  session: SessionHandle,
  abort: AbortSignal,
): Promise<void> {
  abort.throwIfAborted();
  const clear = setPending(session.sessionId, '');
  const wait = [clear, command('wait-for', channelOf(root)), clear];
  const kill = new AbortController();
  // A client that is killed goes on waiting as far as the server knows, and takes the next signal with it: so it is woken.
  const wake = async (): Promise<void> => {
    await signal(client, root, session);
    kill.abort(abort.reason);
  };
  let woken: Promise<void> = Promise.resolve();
  const onAbort = (): void => {
    woken = wake();
  };
  abort.addEventListener('abort', onAbort, { once: true });
  try {
    const reply = await client.wait(onOurSession(root, session, wait), kill.signal);
    abort.throwIfAborted();
    checkWaited(reply);
  } finally {
    abort.removeEventListener('abort', onAbort);
    await woken;
  }
}

function checkWaited(reply: Reply): void {
  const why = 'our session has ended';
  if (reply.status !== 'ok') throw tmuxError('be waited for', reply);
  if (reply.text.trim() === NOT_OURS) throw tmuxError('be waited for', { status: 'failed', why, text: '' });
}
