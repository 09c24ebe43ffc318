/** The one place that runs git: clean environment, own session for what changes something, bounded waits for other git processes. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { gitEnvironment } from './environment.ts';
import { type GitResult, isPassing, outputOf } from './failure.ts';

const LOCK_WAIT_MS = 5_000;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

export type CommandOptions = {
  /** Where git runs; the main checkout when left out. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: Readonly<Record<string, string>>;
};

export type Door = {
  readonly root: string;
  readonly commonDir: string;
  readonly log: (message: string) => void;
  /** Runs a command that changes nothing; the result may be a failure. */
  ask(args: readonly string[], options?: CommandOptions): Promise<GitResult>;
  /** Runs a command that changes nothing and returns what it printed; throws exit 3 when it fails. */
  read(args: readonly string[], options?: CommandOptions): Promise<string>;
  /** Runs a command that changes something, out of reach of a Ctrl-C, waiting for other git processes; the result may be a failure. */
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
  const run = (args: readonly string[], writes: boolean, command: CommandOptions) =>
    runOnce(args, {
      cwd: command.cwd ?? options.root,
      writes,
      log,
      env: gitEnvironment({
        base: process.env,
        mark: options.mark ?? null,
        ceiling: dirname(options.root),
        writes,
        extra: command.env ?? {},
        config: command.config ?? {},
      }),
    });
  const attempt: Door['attempt'] = (args, command = {}) =>
    untilPassed(lockWaitMs, () => run(args, true, command));
  return {
    root: options.root,
    commonDir: options.commonDir,
    log,
    ask: (args, command = {}) => run(args, false, command),
    read: async (args, command = {}) => outputOf(args, await run(args, false, command)),
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

type Invocation = {
  readonly cwd: string;
  readonly writes: boolean;
  readonly env: Record<string, string>;
  readonly log: (message: string) => void;
};

async function runOnce(args: readonly string[], invocation: Invocation): Promise<GitResult> {
  if (!existsSync(invocation.cwd)) throw missingDirectory(invocation.cwd);
  const startedMs = performance.now();
  const result = await spawnGit(args, invocation);
  invocation.log(
    `git ${args.join(' ')}: exit ${result.code}, ${Math.round(performance.now() - startedMs)} ms`,
  );
  // Node says ENOENT for git and for its directory alike; setsid says it in words.
  if (/spawn \S+ ENOENT|^setsid: failed to execute/m.test(result.err)) {
    throw existsSync(invocation.cwd) ? missingGit() : missingDirectory(invocation.cwd);
  }
  return result;
}

async function spawnGit(args: readonly string[], invocation: Invocation): Promise<GitResult> {
  const { simpleGit } = await import('simple-git');
  let result: GitResult | null = null;
  const git = simpleGit({
    baseDir: invocation.cwd,
    trimmed: false,
    // In a session of its own a command is not reached by the terminal's Ctrl-C. setsid keeps the pid: no extra process.
    binary: invocation.writes && hasSetsid() ? ['setsid', 'git'] : 'git',
    // At the streams' end all output has been read. At the exit, where simple-git would take the result 50 ms later, it may
    // not have been: on a busy machine that made an answer an empty one.
    completion: { onClose: true, onExit: false },
    // Arguments and environment are composed in this directory from checked parts; these guards are for text of users.
    unsafe: {
      allowUnsafeConfigEnvCount: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeHooksPath: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeEditor: true,
      allowUnsafePager: true,
      allowUnsafeAskPass: true,
    },
    // Exit codes are answers here (merge-tree: 1 is a conflict), so every ending is taken as it is.
    errors: (_error, ended) => {
      result = {
        code: ended.exitCode,
        out: Buffer.concat(ended.stdOut).toString('utf8'),
        err: Buffer.concat(ended.stdErr).toString('utf8'),
      };
      return undefined;
    },
  });
  // simple-git holds a silent command's result back for 50 ms in case output is still to come; at the streams' end none is.
  git.outputHandler((_binary, stdout) => {
    stdout.once('end', () => stdout.emit('data', Buffer.alloc(0)));
  });
  try {
    await git.env(invocation.env).raw([...args]);
  } catch (error) {
    throw new OrchestrateError(
      EXIT.environment,
      `can't run git: ${messageOf(error)}`,
      'check the limits on processes and open files (ulimit -a), then run the command again',
      { cause: error },
    );
  }
  if (result === null) throw new Error('git ended without a result');
  return result;
}

let setsidLookup: { readonly path: string; readonly found: boolean } | null = null;

/** Whether PATH has setsid (Linux does, macOS does not); looked up once for each PATH. */
function hasSetsid(): boolean {
  const path = process.env['PATH'] ?? '';
  if (setsidLookup?.path !== path) {
    setsidLookup = {
      path,
      found: path.split(delimiter).some((folder) => isExecutable(join(folder, 'setsid'))),
    };
  }
  return setsidLookup.found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function missingGit(): OrchestrateError {
  return new OrchestrateError(EXIT.environment, 'git was not found in PATH', 'install git 2.38 or newer');
}

function missingDirectory(path: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.environment,
    `the directory ${JSON.stringify(path)} does not exist`,
    'restore it, or run orchestrate from an existing directory',
  );
}
