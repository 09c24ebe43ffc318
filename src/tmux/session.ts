/** Finds our session by its tag or makes it, however the user's tmux is configured; touches nobody else's. */
import { randomBytes } from 'node:crypto';
import { relative } from 'node:path';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import type { Known } from '../core/types.ts';
import { type Client, type Reply, tmuxError } from './client.ts';
import { parseServerIdentity } from './identity.ts';
import { projectTag, sessionNames } from './names.ts';
import { openPane, type PaneTag, tagCommands, untagCommands } from './pane.ts';
import type { PaneFact, ServerIdentity, TmuxFacts } from './types.ts';
import { command } from './words.ts';

/** Our session, found or made. */
export type OurSession = {
  readonly server: ServerIdentity;
  readonly serverPid: number;
  readonly sessionId: string;
  readonly session: string;
  readonly panes: readonly PaneFact[];
};

export type SessionDoors = {
  readonly client: Client;
  readonly root: string;
  look(): Promise<Known<TmuxFacts>>;
  /** Writes the launch of the summary into a fresh run directory and returns that. */
  prepareSummary(): string | Promise<string>;
};

/** Size of windows while nobody is attached: full-screen agents draw badly at tmux's 80 by 24. */
const SIZE = { width: 200, height: 50 };

const SUMMARY: PaneTag = { role: 'summary', name: 'status', key: '', run: 0, keepOnExit: true, log: null };

/** The session, made (with its summary window) when missing. Throws exit 3 when tmux cannot be asked or refuses. */
export async function ensureSession(doors: SessionDoors): Promise<OurSession> {
  const before = await lookOrThrow(doors);
  const found = ourSession(before);
  if (found !== null) return withSummary(doors, found);
  await createSession(doors, before.server === null);
  const made = ourSession(await lookOrThrow(doors));
  if (made !== null) return made;
  throw new OrchestrateError(
    EXIT.environment,
    'tmux ended our session as soon as it was made (does its configuration set exit-unattached?)',
    'name a server of its own: "tmux": {"socket": "orchestrate"} in .claude/orchestrator/config.json',
  );
}

async function lookOrThrow(doors: SessionDoors): Promise<TmuxFacts> {
  const facts = await doors.look();
  if (facts.known) return facts.value;
  throw tmuxError('be asked', { status: 'failed', why: facts.why, text: '' });
}

function ourSession(facts: TmuxFacts): OurSession | null {
  const { server, session, sessionId, panes } = facts;
  if (server === null || session === null || sessionId === null) return null;
  return { server, serverPid: parseServerIdentity(server)?.pid ?? 0, session, sessionId, panes };
}

/** Opens the summary window again when someone closed it, and puts a new one in place of an ended one. */
async function withSummary(doors: SessionDoors, session: OurSession): Promise<OurSession> {
  const summaries = session.panes.filter((pane) => pane.role === 'summary');
  if (summaries.some((pane) => !pane.dead)) return session;
  const cwd = await doors.prepareSummary();
  await openPane(doors.client, doors.root, session, SUMMARY, cwd);
  for (const pane of summaries) await doors.client.run(['kill-pane', '-t', pane.id]);
  return session;
}

const whyNot = (reply: Reply) => ({
  why: reply.status === 'ok' ? 'it does not say what it made' : reply.why,
});

/** Makes the session under the first name that no stranger has; a session of ours made meanwhile by another process is fine. */
async function createSession(doors: SessionDoors, noServer: boolean): Promise<void> {
  const wrapper = wrapperPath(doors.root, await doors.prepareSummary());
  const boot = noServer ? await bootServer(doors.client) : null;
  try {
    for (const name of sessionNames(doors.root)) {
      const reply = await doors.client.run(newSessionWords(doors.root, name, wrapper), doors.root);
      if (reply.status !== 'absent' && (await isMade(doors, reply.text))) return;
      const taken = reply.status === 'failed' && reply.why.startsWith('duplicate session');
      if (!taken) throw tmuxError('make our session', { status: 'failed', text: '', ...whyNot(reply) });
      if (ourSession(await lookOrThrow(doors)) !== null) return;
    }
    throw tmuxError('make our session', { status: 'failed', why: 'all its names are taken', text: '' });
  } finally {
    if (boot !== null) await doors.client.run(['kill-session', '-t', `=${boot}`]);
  }
}

/**
 * Starts the server with a session of its own that lasts until ours is there. A server keeps its first client's directory
 * and command line for ever: so this one has nothing of the project in it.
 */
async function bootServer(client: Client): Promise<string> {
  const name = `orchestrate-boot-${randomBytes(4).toString('hex')}`;
  const stay = ['set-option', '-t', `=${name}:`, 'destroy-unattached', 'off'];
  const made = ['new-session', '-d', '-P', '-F', 'O|#{session_id}', '-s', name, 'sleep', '60'];
  const reply = await client.run([...made, ';', ...stay]);
  // With a session there, what failed was a hook of the user's.
  const failed = reply.status === 'absent' || (reply.status === 'failed' && !reply.text.startsWith('O|'));
  if (failed) throw tmuxError('be started', reply);
  return name;
}

/** The wrapper's path from the project's root: fixed words, while the root itself may have any name. */
function wrapperPath(root: string, runDir: string): string {
  const path = `${relative(root, runDir)}/wrapper`;
  if (/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)+$/.test(path) && !path.startsWith('..')) return path;
  throw new TypeError(`not a run directory below the project: ${runDir}`);
}

/**
 * True when the session was made, with the tags on the pane that it was made with: where a hook of the user's has put
 * another pane into its place (or given the session another name), they are put right by id. What a hook prints, or that it
 * failed, is not ours.
 */
async function isMade({ client, root }: SessionDoors, text: string): Promise<boolean> {
  const [, sessionId, pane] = /^O\|(\$\d+)\|(%\d+)$/m.exec(text) ?? [];
  if (sessionId === undefined || pane === undefined) return false;
  const tagged = /^T\|(%\d+)$/m.exec(text)?.[1];
  if (tagged === pane) return true;
  const stray = tagged === undefined ? [] : untagCommands(tagged);
  const commands = [...stray, ...sessionCommands(root, `${sessionId}:`), ...tagCommands(root, pane, SUMMARY)];
  const reply = await client.run(['if-shell', '-F', '1', commands.join(' ; ')]);
  if (reply.status === 'failed') throw tmuxError('make our session', reply);
  return true;
}

/** What our session needs however the user's tmux is configured, and what it is known by. */
function sessionCommands(root: string, session: string): string[] {
  return [
    command('set-option', '-t', session, 'destroy-unattached', 'off'),
    command('set-option', '-t', session, '@orchestrate_session', projectTag(root)),
    command('set-option', '-t', session, 'default-size', `${SIZE.width}x${SIZE.height}`),
  ];
}

/** One chain, so that `destroy-unattached` finds no moment between making the session and being switched off for it. */
function newSessionWords(root: string, name: string, wrapper: string): string[] {
  const session = `=${name}:`;
  const size = ['-x', String(SIZE.width), '-y', String(SIZE.height)];
  const options = [
    ...sessionCommands(root, session),
    ...tagCommands(root, session, SUMMARY),
    command('display-message', '-p', '-t', session, 'T|#{pane_id}'),
  ];
  const made = ['-P', '-F', 'O|#{session_id}|#{pane_id}'];
  const create = ['new-session', '-d', ...made, '-s', name, '-n', SUMMARY.name, ...size, '/bin/sh', wrapper];
  return [...create, ';', 'if-shell', '-F', '1', options.join(' ; ')];
}
