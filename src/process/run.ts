/** Runs a program to its end, within limits of time and output that hold; does not know what the program is for. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';

/** What to run. Arguments arrive as they are: to no shell are they anything but data. */
export type RunRequest = {
  /** A path, or a name that is looked up in the PATH of `env`. */
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; nothing is inherited beside it. */
  readonly env: NodeJS.ProcessEnv;
  /** Its stdin; nothing when left out. */
  readonly input?: string | Uint8Array;
  /** Null: as long as it takes. */
  readonly timeLimitMs: number | null;
  /** Most bytes that it may print, both streams together; 64 MiB when left out. */
  readonly outputLimit?: number;
  /** Ends the program; the call then fails with the signal's reason (an AbortError). */
  readonly abort?: AbortSignal | undefined;
};

/** How a program ended and what it printed. */
export type RunResult = {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** The limit at which it was ended; null when it ended by itself. */
  readonly limit: 'time' | 'output' | null;
};

/** What kept a program from being started. */
export type Obstacle = 'no program' | 'no directory' | 'open files' | 'processes' | 'other';

/** A program could not be started at all. */
export class NotStarted extends OrchestrateError {
  readonly obstacle: Obstacle;

  constructor(obstacle: Obstacle, message: string, fix: string, cause: unknown) {
    super(EXIT.environment, message, fix, { cause });
    this.obstacle = obstacle;
  }
}

export const OUTPUT_LIMIT = 64 << 20;
/** Time between asking a program to end and killing it. */
export const GRACE_MS = 500;
/** How long output is waited for once the program has ended: what it left running may hold its pipes for ever. */
const DRAIN_MS = 2_000;

/** Another way to run a program; null for a request that it cannot serve, of which nothing was run then. */
export type Other = (request: RunRequest) => Promise<RunResult | null>;

let byOther: Other | null = null;

/** From now on `run` asks `other` first, within the same limits. */
export function startBy(other: Other): void {
  byOther = other;
}

/**
 * Runs a program in a process group of its own, so that no Ctrl-C of the terminal reaches it. At a limit the whole group is
 * ended, and the call comes back whoever else may hold the program's pipes. Throws `NotStarted` for one that could not be
 * started, and an AbortError when `abort` fires; every other ending is a result.
 */
export async function run(request: RunRequest): Promise<RunResult> {
  request.abort?.throwIfAborted();
  const result = (await byOther?.(request)) ?? null;
  if (result !== null) return result;
  const child = started(request);
  const ended = watch(child, request);
  // A program that ends without reading its input closes the pipe first; how it ended tells why.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(request.input);
  return ended;
}

/**
 * Runs a program that only looks, and waits for it without letting anything else go on: for what has to be known before the
 * first line of a command. Throws `NotStarted` as `run` does; an end by a signal (also at the time limit) has no exit code.
 */
export function runSync({
  file,
  args,
  cwd,
  env,
  timeLimitMs,
}: Pick<RunRequest, 'file' | 'args' | 'cwd' | 'env'> & { readonly timeLimitMs: number }): Pick<
  RunResult,
  'exitCode' | 'stdout' | 'stderr'
> {
  const ended = spawnSync(file, args, {
    cwd,
    env,
    timeout: timeLimitMs,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: OUTPUT_LIMIT,
  });
  if (ended.error !== undefined && ended.status === null && ended.signal === null)
    throw notStarted(ended.error, file, cwd);
  return { exitCode: ended.status, stdout: ended.stdout, stderr: ended.stderr };
}

function started({ file, args, cwd, env, input }: RunRequest): ChildProcess {
  try {
    return spawn(file, args, {
      cwd,
      env,
      detached: true,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
  } catch (thrown) {
    throw notStarted(thrown, file, cwd);
  }
}

/** Follows a started program until it has ended and its output is read, or a limit or an abort ends the waiting. */
function watch(child: ChildProcess, request: RunRequest): Promise<RunResult> {
  const { abort, timeLimitMs, outputLimit = OUTPUT_LIMIT } = request;
  return new Promise((resolve, reject) => {
    let ended: RunResult['limit'] | 'abort' = null;
    const timers: NodeJS.Timeout[] = [];
    const after = (ms: number, act: () => void): void => void timers.push(setTimeout(act, ms));
    const output = collect(child, () => {
      if (output.bytes() > outputLimit) end('output');
    });
    const leave = (): void => {
      for (const timer of timers) clearTimeout(timer);
      abort?.removeEventListener('abort', onAbort);
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.destroy();
      child.unref();
    };
    const finish = (): void => {
      leave();
      const { exitCode, signalCode: signal } = child;
      const [stdout, stderr] = [output.of('stdout'), output.of('stderr')];
      if (ended === 'abort') reject(abort?.reason);
      else resolve({ exitCode, signal, stdout, stderr, limit: ended });
    };
    const end = (why: 'time' | 'output' | 'abort'): void => {
      if (ended !== null || hasExited(child)) return;
      ended = why;
      signalGroup(child, 'SIGTERM');
      after(GRACE_MS, () => {
        signalGroup(child, 'SIGKILL');
        finish();
      });
    };
    const onAbort = (): void => end('abort');
    abort?.addEventListener('abort', onAbort, { once: true });
    if (timeLimitMs !== null) after(timeLimitMs, () => end('time'));
    child.once('error', (error) => {
      leave();
      reject(notStarted(error, request.file, request.cwd));
    });
    child.once('exit', () => {
      if (ended === null) {
        after(DRAIN_MS, () => setImmediate(finish));
        return;
      }
      // What it started may have stayed.
      signalGroup(child, 'SIGKILL');
      finish();
    });
    child.once('close', finish);
  });
}

/** Keeps what the program prints; `onMore` is called after each piece. */
function collect(
  child: ChildProcess,
  onMore: () => void,
): { bytes(): number; of(stream: 'stdout' | 'stderr'): Buffer } {
  const pieces: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  let bytes = 0;
  for (const stream of ['stdout', 'stderr'] as const) {
    // Without a free file descriptor there are no pipes, whatever the types say.
    child[stream]?.on('data', (piece: Buffer) => {
      pieces[stream].push(piece);
      bytes += piece.length;
      onMore();
    });
  }
  return { bytes: () => bytes, of: (stream) => Buffer.concat(pieces[stream]) };
}

function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Signals the program and all that it started in its group; not to be called later than its exit is told: its number may go to another. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    // Gone already; or, on macOS, only a zombie is left, or the group is not made yet.
    if (code !== 'ESRCH' && code !== 'EPERM') throw thrown;
    child.kill(signal);
  }
}

/** What the system said when it could not start `file` in `cwd`, as an error with its remedy. */
export function notStarted(thrown: unknown, file: string, cwd: string): NotStarted {
  const { code } = thrown as NodeJS.ErrnoException;
  const make = (obstacle: Obstacle, message: string, fix: string): NotStarted =>
    new NotStarted(obstacle, message, fix, thrown);
  // The system says ENOENT of the program and of the directory alike.
  if ((code === 'ENOENT' || code === 'ENOTDIR') && !existsSync(cwd)) {
    return make(
      'no directory',
      `the directory ${JSON.stringify(cwd)} does not exist`,
      'restore it, or go to a directory that is there',
    );
  }
  if (code === 'ENOENT') return make('no program', `${file} was not found in PATH`, `install ${file}`);
  if (code === 'EMFILE' || code === 'ENFILE') {
    return make(
      'open files',
      `cannot run ${file}: the limit on open files is reached (${code})`,
      'ulimit -n 4096',
    );
  }
  if (code === 'EAGAIN') {
    return make(
      'processes',
      `cannot run ${file}: the limit on processes is reached (EAGAIN): end some`,
      'ulimit -u',
    );
  }
  return make('other', `cannot run ${file}: ${messageOf(thrown)}`, 'orchestrate doctor');
}
