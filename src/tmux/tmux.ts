/** Puts the parts of the tmux door together; holds nothing but which server it last saw. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { ringBell } from './bell.ts';
import { type Client, createClient, tmuxError } from './client.ts';
import { type Identify, livingServer } from './identity.ts';
import { bindKeys } from './key-table.ts';
import { arrangeView, clearRequest, setView } from './layout/view.ts';
import { look, type Memory, type SeenSession } from './look.ts';
import { checkKey, checkPane, sessionNames } from './names.ts';
import { type Ours, onOurPane, openPane, type PaneTag } from './pane.ts';
import { preparePaneLog } from './pane-log.ts';
import { ensureSession, type OurSession } from './session.ts';
import { waitForSignal } from './signal.ts';
import { attach, attachCommand, attachCommandToPane, message, passThrough } from './terminal.ts';
import { capture, sendKey, typeLines, typeText } from './type-text.ts';
import type { OpenWindowRequest, ServerIdentity, Tmux, TmuxFacts } from './types.ts';
import { judgeVersion } from './version.ts';
import { command } from './words.ts';

export type TmuxOptions = {
  /** Top level of the main checkout. */
  readonly projectRoot: string;
  /**
   * Name or path of the server's socket. Null: the user's default server (`TMUX_TMPDIR` is honoured), also when
   * orchestrate is called from inside another server, so that every terminal means the same one.
   */
  readonly socket: string | null;
  /** The caller's environment. */
  readonly env: NodeJS.ProcessEnv;
  /** Who a pid is (the process door's `identify`). */
  readonly identify: Identify;
  /** Writes `wrapper` and `launch` for the summary into a fresh run directory below the project, and returns it. */
  prepareSummary(): string | Promise<string>;
  /** Told when a pane cannot be logged. */
  readonly warn?: (message: string) => void;
  /** Told when the socket of a living server was gone and is there again. */
  readonly onSocketRestored?: (message: string) => void;
  /** Another configuration file than the user's, for a server that we start (tests). */
  readonly configFile?: string;
};

/** The door to tmux for one project. */
export function createTmux(options: TmuxOptions): Tmux {
  const { projectRoot: root, env, socket } = options;
  const client = createClient(options);
  const memory: Memory = { identity: null, session: null, whole: false, recorded: [] };
  const eyes = { client, root, identify: options.identify, onSocketRestored: options.onSocketRestored };
  const lookAt: Tmux['look'] = (last, recorded) => look(eyes, memory, last, recorded);
  const facts = () => factsOrThrow(lookAt);
  const ensured = oneAtATime(() =>
    ensureSession({ client, root, look: () => lookAt(null), prepareSummary: options.prepareSummary }),
  );
  const door: Door = { client, root, ensured, seen: () => memory.session, recorded: () => memory.recorded };
  return {
    socket: socket ?? 'default',
    checkVersion: () => checkVersion(client),
    look: lookAt,
    ensureSession: async () => {
      const { server, sessionId, session } = await ensured();
      return { server, sessionId, session };
    },
    serverOfWholeSession: () => (memory.whole ? (memory.session?.server ?? null) : null),
    openWindow: (request) => openWindow(door, options, request),
    openOrchestrator: (runDir) => openOrchestrator(door, runDir),
    typeText: (pane, text, mayEnter) => typeText(door, pane, text, mayEnter),
    typeLines: (pane, lines) => typeLines(door, pane, lines),
    sendKey: (pane, key) => sendKey(door, pane, key),
    capture: (pane, shown) => capture(client, pane, shown),
    closePane: (pane, owner) => closePane(door, pane, owner),
    waitForSignal: async (abort) => waitForSignal(client, root, await seenSession(door, lookAt), abort),
    attach: async (pane) => attach(client, env, await facts(), pane),
    attachCommand: () => attachCommand(socket, env, memory.session?.name ?? sessionNames(root)[0]),
    formerServer: (server, pane) => formerServer(server, pane, options),
    setView: async (on) => setView(client, root, await seenSession(door, lookAt), on),
    arrangeView: async (seen, request) =>
      arrangeView(client, root, await seenSession(door, lookAt), seen, request),
    bindKeys: async () => bindKeys(client, root, await seenSession(door, lookAt)),
    clearRequest: async () => clearRequest(client, root, await seenSession(door, lookAt)),
    bell: (pane) => ringBell(client, root, pane),
    passThrough: async (sequenceFor) => {
      const { sessionId } = await facts();
      return sessionId === null ? 0 : passThrough(client, root, sessionId, sequenceFor);
    },
    message: async (text) => {
      const { sessionId } = await facts();
      if (sessionId !== null) await message(client, sessionId, text);
    },
  };
}

/** A server that still lives, of which the pane is, and how to get there; null when it is gone. */
function formerServer(
  server: string,
  pane: string,
  { identify }: TmuxOptions,
): ReturnType<Tmux['formerServer']> {
  const { socketPath } = livingServer(server, identify) ?? { socketPath: null };
  if (socketPath === null) return null;
  return { socketPath, attachCommand: attachCommandToPane(socketPath, pane) };
}

/** What opening a window needs: the client, our session as last seen, and how to find or make it. */
type Door = Ours & {
  ensured(): Promise<OurSession>;
  seen(): SeenSession | null;
};

/** Calls that come while one is under way share its result: thirty launches at once make one session. */
function oneAtATime<T>(make: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | null = null;
  return () => {
    underWay ??= make().finally(() => {
      underWay = null;
    });
    return underWay;
  };
}

/** Our session as last seen, looked for when none was. Throws exit 3 when there is none. */
async function seenSession(door: Door, lookAt: Tmux['look']): Promise<SeenSession> {
  if (door.seen() === null) await factsOrThrow(lookAt);
  const seen = door.seen();
  if (seen !== null) return seen;
  throw tmuxError('be waited for', { status: 'failed', why: 'we have no session', text: '' });
}

async function factsOrThrow(lookAt: Tmux['look']): Promise<TmuxFacts> {
  const facts = await lookAt(null);
  if (facts.known) return facts.value;
  throw tmuxError('be asked', { status: 'failed', why: facts.why, text: '' });
}

async function checkVersion(client: Client): Promise<string> {
  const reply = await client.run(['-V']);
  if (reply.status !== 'ok') throw tmuxError('be run', reply);
  const verdict = judgeVersion(reply.text);
  if (!verdict.ok) {
    const fix = 'install tmux 3.2 or newer';
    throw new OrchestrateError(EXIT.environment, verdict.why, fix);
  }
  // Its answer doesn't matter here; a directory for sockets that cannot be used does.
  const probe = await client.run(['list-sessions']);
  if (probe.status === 'failed' && probe.why !== 'no current target') throw tmuxError('be asked', probe);
  return verdict.version;
}

async function openWindow(
  door: Door,
  options: Pick<TmuxOptions, 'warn'>,
  request: OpenWindowRequest,
): Promise<{ pane: string; pid: number; server: ServerIdentity }> {
  const { run, runDir, keepOnExit } = request;
  const key = checkKey(request.key);
  const log = preparePaneLog(door.root, runDir);
  if (log.path === null) options.warn?.(`the output of ${key} is not logged: ${log.why}`);
  // Also without a log: tmux may miss the end of a pane's process, but then hears of the end of the reader.
  const tag: PaneTag = { role: 'worker', name: key, key, run, keepOnExit, log: log.path ?? '/dev/null' };
  return openTagged(door, tag, runDir);
}

const ORCHESTRATOR: PaneTag = {
  role: 'orchestrator',
  name: 'orchestrator',
  key: '',
  run: 0,
  keepOnExit: true,
  log: null,
};

async function openOrchestrator(door: Door, runDir: string): Promise<{ pane: string; pid: number }> {
  const former = (await door.ensured()).panes.filter((pane) => pane.role === 'orchestrator');
  const alive = former.find((pane) => !pane.dead);
  if (alive !== undefined) return { pane: alive.id, pid: alive.pid };
  const { pane, pid } = await openTagged(door, ORCHESTRATOR, runDir);
  for (const dead of former) await closePane(door, dead.id);
  return { pane, pid };
}

/** Opens the window in our session as it was last seen, which costs one call; looks again when that one has ended. */
async function openTagged(
  door: Door,
  tag: PaneTag,
  cwd: string,
): Promise<{ pane: string; pid: number; server: ServerIdentity }> {
  for (const find of [door.seen, door.ensured, door.ensured]) {
    const session = await find();
    const opened = session === null ? null : await openPane(door.client, door.root, session, tag, cwd);
    if (session !== null && opened !== null) return { ...opened, server: session.server };
  }
  const why = 'our session ends as soon as it is made';
  throw tmuxError(`open a window for ${tag.name}`, { status: 'failed', why, text: '' });
}

async function closePane(
  ours: Ours,
  pane: string,
  owner?: { readonly key: string; readonly run: number },
): Promise<void> {
  await onOurPane(ours, checkPane(pane), command('kill-pane', '-t', pane), owner ?? null);
}
