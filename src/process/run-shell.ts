/** Runs a command of the user's own configuration with log, time limit and mark; knows nothing of what it is for. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { messageOf } from '../core/errors.ts';
import { openCappedLog } from './capped-log.ts';
import { endTree } from './end-tree.ts';
import type { ProcessTable } from './process-table.ts';
import { notStarted } from './run.ts';
import { type CommandResult, MARK_VARIABLE, type Processes } from './types.ts';

type Request = Parameters<Processes['runShell']>[0];
type Ended = Omit<CommandResult, 'timedOut'>;

/** Time between asking a command that took too long to end, and killing it. */
const GRACE_MS = 2_000;
/** Exit code of a command that could not be run at all, as shells give it. */
const NOT_RUN = 127;

/** See `Processes.runShell`. What cannot be started (no such directory) is a result: 127, with the cause in the log. */
export async function runShell(table: ProcessTable, request: Request): Promise<CommandResult> {
  request.abort?.throwIfAborted();
  const log = await openCappedLog(request.log);
  try {
    return await runLogged(table, request, log.fd);
  } finally {
    await log.close();
  }
}

async function runLogged(table: ProcessTable, request: Request, log: number): Promise<CommandResult> {
  // A mark of its own below the caller's: ending this command must not end others with the same mark.
  const mark = `${request.mark}/${randomBytes(4).toString('hex')}`;
  const child = spawn('/bin/sh', ['-c', request.command], {
    cwd: request.cwd,
    env: { ...request.env, [MARK_VARIABLE]: mark },
    detached: true,
    stdio: [request.input === undefined ? 'ignore' : 'pipe', log, log],
  });
  giveInput(child.stdin, request.input);
  const ended = new Promise<Ended>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
    child.once('error', (error) => {
      const why = messageOf(notStarted(error, '/bin/sh', request.cwd));
      writeSync(log, `orchestrate: cannot run this in ${request.cwd}: ${why}\n`);
      resolve({ exitCode: NOT_RUN, signal: null });
    });
  });
  const root = child.pid === undefined ? null : table.identify(child.pid);
  const end = () => endTree(table, { roots: root === null ? [] : [root], mark, graceMs: GRACE_MS });
  const result = await watchOver(request, ended, end);
  if (request.endLeftovers === true) await end();
  return result;
}

/** A command that ends without reading its input closes the pipe: no failure of ours. */
function giveInput(stdin: Writable | null, input: string | undefined): void {
  stdin?.on('error', () => undefined);
  stdin?.end(input);
}

/** The result of the command, whose whole tree `end` ends when the time is up or the caller aborts; then it is no result. */
async function watchOver(
  { timeoutMs, abort }: Pick<Request, 'timeoutMs' | 'abort'>,
  ended: Promise<Ended>,
  end: () => Promise<readonly unknown[]>,
): Promise<CommandResult> {
  const limit = stopRequest(timeoutMs, abort);
  const first = await Promise.race([ended, limit.reached]);
  limit.forget();
  if (typeof first !== 'string') return { ...first, timedOut: false };
  const survivors = await end();
  if (first === 'abort') throw abort?.reason;
  const result = survivors.length > 0 ? { exitCode: null, signal: 'SIGKILL' } : await ended;
  return { ...result, timedOut: true };
}

/** Resolves when the time is up or the caller aborts; `forget` drops timer and listener. */
function stopRequest(
  timeoutMs: number,
  abort: AbortSignal | undefined,
): { reached: Promise<'timeout' | 'abort'>; forget(): void } {
  let forget = (): void => undefined;
  const reached = new Promise<'timeout' | 'abort'>((resolve) => {
    const timer = setTimeout(() => resolve('timeout'), timeoutMs);
    const onAbort = (): void => resolve('abort');
    abort?.addEventListener('abort', onAbort, { once: true });
    forget = () => {
      clearTimeout(timer);
      abort?.removeEventListener('abort', onAbort);
    };
  });
  return { reached, forget: () => forget() };
}
