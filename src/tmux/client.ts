/** Runs one tmux client process and says how it went; knows where the server is, nothing of what is asked of it. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { NotStarted, type RunRequest, type RunResult, run } from '../process/run.ts';
import { handTerminal } from '../process/run-at-terminal.ts';

/**
 * `absent`: no server is at `socketPath`. `failed`: tmux refused, or could not be asked; `text` is what it printed all the
 * same. `silent`: the server is there but gave no answer in time, as one that is stopped or swapped out.
 */
export type Reply =
  | { readonly status: 'ok'; readonly text: string }
  | { readonly status: 'absent'; readonly why: string; readonly socketPath: string }
  | { readonly status: 'failed'; readonly why: string; readonly text: string; readonly silent?: boolean };

export type Client = {
  /** Runs commands (chained by the argument `;`) from `cwd`, which is what tmux takes a new pane's directory from. */
  run(words: readonly string[], cwd?: string): Promise<Reply>;
  /** The same, with `input` as its stdin. */
  feed(words: readonly string[], input: string): Promise<Reply>;
  /** The same, waiting as long as it takes; fails with an AbortError at `abort`. */
  wait(words: readonly string[], abort: AbortSignal): Promise<Reply>;
  /** The same on the terminal of this process, with `env`; resolves with the exit code. */
  hand(words: readonly string[], env: NodeJS.ProcessEnv): Promise<number>;
};

/** Where a client finds its server, and the environment it may pass on. */
export type ClientOptions = {
  /** Null for the user's default server, a name, or a path (with a `/`). */
  readonly socket: string | null;
  readonly env: NodeJS.ProcessEnv;
  /** Another configuration file than the user's (tests). */
  readonly configFile?: string | undefined;
};

/** A server that doesn't answer within this time is not known, rather than gone. */
const TIMEOUT_MS = 5_000;
/** One that gave no answer is not waited for that long again until it does: commands ask it several times. */
const SILENT_TIMEOUT_MS = 1_000;

/**
 * What a server that we start may keep for ever: where to find its configuration, how to show text. TMUX is left out, so
 * that without a configured socket it is always the user's default server, also from inside another one.
 */
const SERVER_VARIABLES =
  /^(HOME|PATH|SHELL|TERM|LANG|LANGUAGE|LC_[A-Z]+|USER|LOGNAME|TMUX_TMPDIR|XDG_CONFIG_HOME|TZ|EDITOR|VISUAL)$/;

function serverEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => SERVER_VARIABLES.test(name)));
}

function socketArguments({ socket, configFile }: ClientOptions): string[] {
  const config = configFile === undefined ? [] : ['-f', configFile];
  // -u: else characters outside ASCII come back as `_` when our own environment names no UTF-8 locale.
  const server = socket === null ? ['-L', 'default'] : [socket.includes('/') ? '-S' : '-L', socket];
  return ['-u', ...config, ...server];
}

/** Reads tmux's own words: these two are how a client says that there is no server. */
function replyOf(ended: RunResult): Reply {
  const said = ended.stderr.toString('utf8').trim();
  const text = ended.stdout.toString('utf8');
  const absent =
    /^error connecting to (.*) \(No such file or directory\)$/s.exec(said) ??
    /^no server running on (.*)$/s.exec(said);
  if (absent !== null) return { status: 'absent', why: said, socketPath: absent[1] ?? '' };
  // A client that could not make the socket says so and exits 0, and so does one that is ended at its limit.
  const fine = ended.exitCode === 0 && ended.limit === null && !said.startsWith('error creating ');
  if (fine) return { status: 'ok', text };
  return { status: 'failed', why: reasonOf(ended, said), text, silent: ended.limit === 'time' };
}

function reasonOf({ limit, exitCode, signal }: RunResult, said: string): string {
  if (limit === 'time') return 'the tmux server does not answer';
  if (limit === 'output') return 'tmux printed more than could be true';
  if (said !== '') return said.replaceAll('\n', '; ');
  return exitCode === null ? `tmux was ended by ${signal}` : `tmux exited ${exitCode}`;
}

/** What could not even be asked is an answer too: nothing is known of the server. */
function unasked(error: unknown): Reply {
  if (!(error instanceof NotStarted)) throw error;
  const why = error.obstacle === 'no program' ? NOT_INSTALLED : error.message;
  return { status: 'failed', why, text: '' };
}

const NOT_INSTALLED = 'tmux is not installed';

/** A client for the server that the options name. */
export function createClient(options: ClientOptions): Client {
  const args = socketArguments(options);
  const env = serverEnvironment(options.env);
  let silent = false;
  const ask = async (words: readonly string[], how: Partial<RunRequest> = {}): Promise<Reply> => {
    const timeLimitMs = silent ? SILENT_TIMEOUT_MS : TIMEOUT_MS;
    const request = { file: 'tmux', args: [...args, ...words], cwd: '/', env, timeLimitMs };
    const reply = await run({ ...request, ...how }).then(replyOf, unasked);
    silent = reply.status === 'failed' && reply.silent === true;
    return reply;
  };
  return {
    run: (words, cwd = '/') => ask(words, { cwd }),
    feed: (words, input) => ask(words, { input }),
    wait: (words, abort) => ask(words, { abort, timeLimitMs: null }),
    hand: (words, given) => handTerminal('tmux', [...args, ...words], given),
  };
}

/** The error for something tmux would not do; `what` completes "tmux could not …". */
export function tmuxError(what: string, reply: Exclude<Reply, { status: 'ok' }>): OrchestrateError {
  return new OrchestrateError(EXIT.environment, `tmux could not ${what}: ${reply.why}`, remedyFor(reply.why));
}

function remedyFor(why: string): string {
  if (why === NOT_INSTALLED) return 'install tmux 3.2 or newer';
  if (why.includes('limit on open files')) return 'ulimit -n 4096';
  const directory =
    /unsafe permissions|too long|create directory|Permission denied|error creating|not a directory/i;
  if (directory.test(why))
    return 'unset TMUX_TMPDIR, or point it at a short directory that only you can write to (chmod 700)';
  return 'orchestrate doctor';
}
