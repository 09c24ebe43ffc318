/** The one place that runs git: clean environment, out of a Ctrl-C's reach, in bounds of time and of arguments, waiting for other git processes. */
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { NotStarted, type RunResult, run as runProgram } from '../process/run.ts';
import { gitEnvironment } from './environment.ts';
import { type GitResult, isPassing, outputOf } from './failure.ts';

const LOCK_WAIT_MS = 5_000;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;
/** No command of ours takes longer unless something is wrong: a dead network disk, a filter that waits for somebody. */
const LONGEST_READ_MS = 2 * 60_000;
/** The first checkout of a very large repository takes minutes. */
const LONGEST_WRITE_MS = 30 * 60_000;
/** A listing of a repository with a million files has room in it. */
const OUTPUT_LIMIT = 256 << 20;

export type CommandOptions = {
  /** Where git runs; the main checkout when left out. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: Readonly<Record<string, string>>;
  /** Ended, and an error, when it takes longer; the door's own limit when left out. */
  readonly timeLimitMs?: number;
  /** Its stdin. */
  readonly input?: string | Uint8Array;
};

export type Door = {
  readonly root: string;
  readonly commonDir: string;
  readonly log: (message: string) => void;
  /** The environment of a command that changes nothing, for what reads by other means than this door. */
  readonly environment: () => Record<string, string>;
  /** Runs a command that changes nothing; the result may be a failure. */
  ask(args: readonly string[], options?: CommandOptions): Promise<GitResult>;
  /** Runs a command that changes nothing and returns what it printed; throws exit 3 when it fails. */
  read(args: readonly string[], options?: CommandOptions): Promise<string>;
  /** The same, returning the very bytes. */
  bytes(args: readonly string[], options?: CommandOptions): Promise<Buffer>;
  /** Runs a command that changes something, waiting for other git processes; the result may be a failure. */
  attempt(args: readonly string[], options?: CommandOptions): Promise<GitResult>;
  /** The same, returning what it printed; throws exit 3 when it fails. */
  write(args: readonly string[], options?: CommandOptions): Promise<string>;
};

export type DoorOptions = {
  readonly root: string;
  readonly commonDir: string;
  readonly mark?: string | null;
  readonly log?: (message: string) => void;
  /** How long a command may wait for other git processes, in all; 5 s when left out. */
  readonly lockWaitMs?: number;
};

/** Opens the door to the git of PATH for one project. */
export function openDoor(options: DoorOptions): Door {
  const log = options.log ?? (() => undefined);
  const lockWaitMs = options.lockWaitMs ?? LOCK_WAIT_MS;
  const environment = (writes: boolean, command: CommandOptions) =>
    gitEnvironment({
      base: process.env,
      mark: options.mark ?? null,
      ceiling: dirname(options.root),
      writes,
      extra: command.env ?? {},
      config: command.config ?? {},
    });
  const run = (args: readonly string[], writes: boolean, command: CommandOptions) =>
    runOnce(args, {
      cwd: command.cwd ?? options.root,
      timeLimitMs: command.timeLimitMs ?? (writes ? LONGEST_WRITE_MS : LONGEST_READ_MS),
      log,
      env: environment(writes, command),
      ...(command.input === undefined ? {} : { input: command.input }),
    });
  const attempt: Door['attempt'] = (args, command = {}) =>
    untilPassed(lockWaitMs, () => run(args, true, command));
  return {
    root: options.root,
    commonDir: options.commonDir,
    log,
    environment: () => environment(false, {}),
    ask: (args, command = {}) => run(args, false, command),
    read: async (args, command = {}) => outputOf(args, await run(args, false, command)),
    bytes: async (args, command = {}) => {
      const result = await run(args, false, command);
      outputOf(args, result);
      return result.bytes;
    },
    attempt,
    write: async (args, command = {}) => outputOf(args, await attempt(args, command)),
  };
}

/** Repeats a command that another git process is in the way of, with growing, scattered pauses; gives the last result when time is up. */
async function untilPassed(waitMs: number, run: () => Promise<GitResult>): Promise<GitResult> {
  const deadline = performance.now() + waitMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const result = await run();
    if (result.code === 0 || !isPassing(result.err) || performance.now() > deadline) return result;
    await sleep(pause * (0.5 + Math.random()));
  }
}

/** As a shell gives it, without the signal's number. */
const ENDED_BY_SIGNAL = 128;

type Invocation = {
  readonly cwd: string;
  readonly timeLimitMs: number;
  readonly env: Record<string, string>;
  readonly log: (message: string) => void;
  readonly input?: string | Uint8Array;
};

async function runOnce(
  args: readonly string[],
  { cwd, timeLimitMs, env, log, ...stdin }: Invocation,
): Promise<Answer> {
  const startedMs = performance.now();
  const result = await runProgram({
    file: 'git',
    args,
    cwd,
    env,
    ...stdin,
    timeLimitMs,
    outputLimit: OUTPUT_LIMIT,
  }).catch((error: unknown) => {
    throw error instanceof NotStarted && error.obstacle === 'no program' ? missingGit() : error;
  });
  const code = result.exitCode ?? `by ${result.signal}`;
  log(`git ${args.join(' ')}: exit ${code}, ${Math.round(performance.now() - startedMs)} ms`);
  if (result.limit !== null) throw overLimit(args, result.limit, timeLimitMs);
  return answerOf(result);
}

/** A result with the very bytes of what was printed. */
type Answer = GitResult & { readonly bytes: Buffer };

/** Exit codes are answers (merge-tree: 1 is a conflict); an end by a signal is none, so it gets a code and words of its own. */
function answerOf({ exitCode, signal, stdout, stderr }: RunResult): Answer {
  const err = stderr.toString('utf8');
  const out = stdout.toString('utf8');
  return exitCode === null
    ? { code: ENDED_BY_SIGNAL, out, err: `${err}\nfatal: git was ended by ${signal}\n`, bytes: stdout }
    : { code: exitCode, out, err, bytes: stdout };
}

function overLimit(args: readonly string[], limit: 'time' | 'output', timeLimitMs: number): OrchestrateError {
  const how =
    limit === 'time'
      ? `did not end within ${timeLimitMs / 1_000} s`
      : `printed more than ${OUTPUT_LIMIT >> 20} MiB`;
  return new OrchestrateError(
    EXIT.environment,
    `git ${args[0]} ${how}, so it was ended`,
    'run the same by hand, to see what holds it up',
  );
}

/** The first version whose `merge-tree` merges without a worktree. */
const OLDEST = { major: 2, minor: 38 } as const;

/** The version that `git --version` names; throws exit 3 for one that is too old, or none. */
export function acceptedVersion(said: string): string {
  // Builds put their own words behind it: "git version 2.39.3 (Apple Git-146)", "git version 2.45.1.windows.1".
  const found = /^git version (\d+)\.(\d+)(?:\.(\d+))?/.exec(said);
  if (found === null) {
    throw new OrchestrateError(
      EXIT.environment,
      `git --version said ${JSON.stringify(printable(said.trim(), 80))}, which names no version`,
      'put git 2.38 or newer first in PATH',
    );
  }
  const [major = 0, minor = 0, patch = 0] = found.slice(1).map((part) => Number(part ?? 0));
  const version = `${major}.${minor}.${patch}`;
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return version;
  throw new OrchestrateError(
    EXIT.environment,
    `git ${version} is too old: 2.38 or newer is needed`,
    'install git 2.38 or newer',
  );
}

/** The error for a PATH without git. */
export function missingGit(): OrchestrateError {
  return new OrchestrateError(EXIT.environment, 'git was not found in PATH', 'install git 2.38 or newer');
}

/** Far below the smallest limit of the platforms (256 KB for all arguments), since the environment counts too. */
const LONGEST = 60_000;

/** The paths in order, in pieces of at most `LONGEST` bytes; a single longer path is a piece of its own. */
export function inChunks(paths: readonly string[]): string[][] {
  const chunks: string[][] = [];
  let room = 0;
  for (const path of paths) {
    const size = Buffer.byteLength(path) + 1;
    if (size > room || chunks.length === 0) {
      chunks.push([]);
      room = LONGEST;
    }
    chunks.at(-1)?.push(path);
    room -= size;
  }
  return chunks;
}
