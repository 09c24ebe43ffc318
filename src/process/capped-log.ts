/** A log that never grows past a limit; the command that writes into it does not notice and ends as it would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { replaceFile } from '../files/replace-file.ts';
import { scratchDirectory } from '../files/scratch.ts';
import { notStarted, run } from './run.ts';

/** Largest log, but for the end of what a command printed beyond it. */
export const LOG_BYTES = 32 << 20;
/** What one command appended to is cut to its end once it is half of that, so that the next one has room. */
const FORMER_BYTES = 1 << 20;
/** How much of the end is kept of what a command printed beyond the limit. */
const END_BYTES = 64 << 10;
/** How long the log is waited for once its command has ended: what that left running may write on. */
const DRAIN_MS = 1_000;

/**
 * Appends its stdin to the file $1, whose size is at most $2 blocks of 512 bytes, and then the last $3 bytes. It reads on at the
 * limit, and on a full disk, since a pipe without a reader would end the command.
 */
const WRITER = [
  '(ulimit -c 0; ulimit -f "$2"; exec cat >> "$1") && exit',
  'printf "\\norchestrate: this log is full; of what the command printed from here on only the end is kept\\n" >> "$1"',
  'exec tail -c "$3" >> "$1"',
].join('\n');

/** Where a command may write: a pipe, since some programs open their output again by its name. */
export type CappedLog = {
  readonly fd: number;
  /** Lets go of the pipe; resolves once what was written is in the file, or after some time when somebody still writes. */
  close(): Promise<void>;
};

/** Opens the log at `path` (0600, made when missing) for appending. Throws what keeps it from being written. */
export async function openCappedLog(path: string): Promise<CappedLog> {
  makeRoom(path);
  const pipe = await makePipe(dirname(path));
  let writer: ChildProcess;
  try {
    writer = startWriter(path, pipe.from);
    await once(writer, 'spawn');
  } catch (thrown) {
    closeSync(pipe.to);
    throw notStarted(thrown, '/bin/sh', '/');
  } finally {
    closeSync(pipe.from);
  }
  const ended = once(writer, 'exit');
  // Somebody who writes on must not keep this process.
  writer.unref();
  return {
    fd: pipe.to,
    async close() {
      closeSync(pipe.to);
      await Promise.race([ended, sleep(DRAIN_MS)]);
    },
  };
}

/** Starts what moves the pipe's bytes into the file. */
function startWriter(path: string, from: number): ChildProcess {
  const args = ['-c', WRITER, 'orchestrate-log', path, `${LOG_BYTES / 512}`, `${END_BYTES}`];
  return spawn('/bin/sh', args, {
    cwd: '/',
    // No mark of ours: it ends by itself, after all who write.
    env: { PATH: `/usr/bin:/bin:${process.env['PATH'] ?? ''}` },
    // In a group of its own: a Ctrl-C in the terminal must not take the pipe's reader away.
    detached: true,
    stdio: [from, 'ignore', 'ignore'],
  });
}

/**
 * A pipe of the kernel's: those that Node makes for a child are sockets, which cannot be opened by name. `beside`: where it
 * is made without a temporary directory.
 */
async function makePipe(beside: string): Promise<{ readonly from: number; readonly to: number }> {
  const directory = scratchDirectory('pipe', beside);
  try {
    const path = join(directory, 'pipe');
    const made = await run({
      file: 'mkfifo',
      args: ['-m', '600', path],
      cwd: directory,
      env: { PATH: `/usr/bin:/bin:${process.env['PATH'] ?? ''}` },
      timeLimitMs: null,
    });
    if (made.exitCode !== 0)
      throw new Error(`cannot make a pipe in ${directory}: ${made.stderr.toString().trim()}`);
    // Opened both ways first, since each end alone waits for the other.
    const both = openSync(path, 'r+');
    try {
      return { from: openSync(path, 'r'), to: openSync(path, 'w') };
    } finally {
      closeSync(both);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Makes the file when it is missing, and cuts one that is half full to its end. */
function makeRoom(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
  const { size } = statSync(path);
  if (size <= LOG_BYTES / 2) return;
  const end = Buffer.alloc(FORMER_BYTES);
  const file = openSync(path, 'r');
  try {
    readSync(file, end, 0, FORMER_BYTES, size - FORMER_BYTES);
  } finally {
    closeSync(file);
  }
  const note = Buffer.from('orchestrate: what was here before is left out\n');
  replaceFile(path, Buffer.concat([note, end]), 0o600);
}
