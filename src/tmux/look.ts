/** Looks at our session and panes in one call; tells "no server" from "could not look", and mends a lost socket. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import type { Known } from '../core/types.ts';
import { statIfPresent } from '../files/present.ts';
import type { Client, Reply } from './client.ts';
import { COLLECT, lookWords, ownPanes, parseLook } from './format.ts';
import { type Identify, livingServer, parseServerIdentity, serverIdentity } from './identity.ts';
import type { RecordedPane, ServerIdentity, TmuxFacts } from './types.ts';
import type { SessionHandle } from './words.ts';

/** How long a server may take to make its socket again. */
const RESTORE_MS = 2_000;
const RESTORE_STEP_MS = 20;

/** What a look found when no server runs. */
const NOTHING: TmuxFacts = { server: null, session: null, sessionId: null, panes: [] };

/** Our session as a look saw it. */
export type SeenSession = SessionHandle & { readonly name: string; readonly server: ServerIdentity };

/**
 * What the last look saw: the server, whose process doesn't change (and asking for it costs a process on some systems),
 * our session, which may have ended since (null when there was none), and what was written down of panes.
 */
export type Memory = {
  identity: ServerIdentity | null;
  session: SeenSession | null;
  /** It has a summary that lives. */
  whole: boolean;
  recorded: readonly RecordedPane[];
};

/** What a look needs besides: the client, whose panes, who a pid is, and who is told of a restored socket. */
export type Eyes = {
  readonly client: Client;
  readonly root: string;
  readonly identify: Identify;
  readonly onSocketRestored?: ((message: string) => void) | undefined;
};

/** One look. `last` is the server known from before, whose socket may have been removed under it. */
export async function look(
  { client, root, identify, onSocketRestored }: Eyes,
  memory: Memory,
  last: ServerIdentity | null,
  recorded: readonly RecordedPane[] = memory.recorded,
): Promise<Known<TmuxFacts>> {
  memory.recorded = recorded;
  const words = lookWords(root, recorded);
  let reply = await client.run(words);
  const known = last ?? memory.identity;
  if (reply.status === 'absent' && known !== null) {
    reply = await restoreSocket(reply, known, identify, () => client.run(words));
    if (reply.status === 'ok')
      onSocketRestored?.('the socket of the tmux server was gone; the server made it again');
  }
  if (reply.status === 'ok' && parseLook(reply.text)?.unsettled === true) {
    reply = await client.run([...COLLECT, ';', ...words]);
  }
  return factsOf(named(reply, known, identify), identify, memory);
}

/** A server that gives no answer is named by its pid where that is known, so that the user can see to it. */
function named(reply: Reply, known: ServerIdentity | null, identify: Identify): Reply {
  if (reply.status !== 'failed' || reply.silent !== true || known === null) return reply;
  const living = livingServer(known, identify);
  return living === null ? reply : { ...reply, why: `${reply.why} (pid ${living.pid})` };
}

function factsOf(reply: Reply, identify: Identify, memory: Memory): Known<TmuxFacts> {
  if (reply.status === 'absent') {
    memory.session = null;
    memory.whole = false;
    return { known: true, value: NOTHING };
  }
  // list-panes says this on a server without any session; the lines before it were printed.
  if (reply.status === 'failed' && reply.why !== 'no current target') return { known: false, why: reply.why };
  const answer = parseLook(reply.text);
  if (answer === null)
    return { known: false, why: `tmux answered something else: ${reply.text.slice(0, 100)}` };
  const server = identityOf(answer, identify, memory);
  const { session, panes, view } = answer;
  memory.session =
    session === null ? null : { name: session.name, sessionId: session.id, serverPid: answer.pid, server };
  const own = ownPanes(panes, server, memory.recorded);
  memory.whole = session !== null && own.some(({ role, dead }) => role === 'summary' && !dead);
  return {
    known: true,
    value: {
      server,
      session: session?.name ?? null,
      sessionId: session?.id ?? null,
      panes: own,
      ...(view === null ? {} : { view }),
    },
  };
}

function identityOf(
  answer: { socketPath: string; pid: number; startedAt: string },
  identify: Identify,
  memory: Memory,
): ServerIdentity {
  const before = memory.identity === null ? null : parseServerIdentity(memory.identity);
  const same =
    before?.pid === answer.pid &&
    before.startedAt === answer.startedAt &&
    before.socketPath === answer.socketPath;
  if (same && memory.identity !== null) return memory.identity;
  const { socketPath, pid, startedAt } = answer;
  memory.identity = serverIdentity({ socketPath, pid, startedAt, processStart: identify(pid)?.start ?? '' });
  return memory.identity;
}

/**
 * When the server known as `last` lives though its socket is gone, asks it (SIGUSR1) to make the socket again and looks
 * once more. Answers `failed` when that doesn't help: a second server must not be started beside it.
 */
async function restoreSocket(
  absent: Extract<Reply, { status: 'absent' }>,
  last: ServerIdentity,
  identify: Identify,
  again: () => Promise<Reply>,
): Promise<Reply> {
  const living = livingServer(last, identify);
  if (living === null) return absent;
  const found = await withDirectory(absent, dirname(living.socketPath), again);
  if (found.status !== 'absent' || living.socketPath !== found.socketPath) return found;
  process.kill(living.pid, 'SIGUSR1');
  for (const endMs = performance.now() + RESTORE_MS; performance.now() < endMs; ) {
    await pause(RESTORE_STEP_MS);
    const reply = await again();
    if (reply.status !== 'absent') return reply;
    if (livingServer(last, identify) === null) return reply;
  }
  const why = `the tmux server (pid ${living.pid}) lives, but its socket ${living.socketPath} is lost`;
  return { status: 'failed', why, text: '' };
}

/** Without its directory (a temporary one that was cleaned away) tmux looks for the server in another one: it is made again. */
async function withDirectory(
  absent: Extract<Reply, { status: 'absent' }>,
  directory: string,
  again: () => Promise<Reply>,
): Promise<Reply> {
  if (statIfPresent(directory) !== null) return absent;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    const why = `the directory of the tmux server's socket is gone and cannot be made again: ${messageOf(thrown)}`;
    return { status: 'failed', why, text: '' };
  }
  return again();
}
