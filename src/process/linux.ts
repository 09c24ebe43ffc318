/** Reads processes from /proc (Linux). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { blockFor } from '../core/block.ts';
import { parseProcStat } from '../core/proc-stat.ts';
import type { ProcessIdentity } from '../core/types.ts';
import type { ProcessRow, ProcessTable } from './process-table.ts';
import { MARK_VARIABLE } from './types.ts';

/** What `look` finds in /proc, null when the process is gone or not ours to read. */
function fromProc(look: () => string): string | null {
  try {
    return look();
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return null;
    throw thrown;
  }
}

function readProc(path: string): string | null {
  return fromProc(() => readFileSync(path, 'utf8'));
}

function pidsNow(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function row(pid: number): ProcessRow | null {
  const text = readProc(`/proc/${pid}/stat`);
  const stat = text === null ? null : parseProcStat(text);
  if (stat === null || stat.state === 'Z' || stat.state === 'X') return null;
  return { pid: stat.pid, start: stat.start, ppid: stat.ppid, group: stat.sid };
}

/** How the mark begins in an environment, with the end of the variable before it. */
const MARK = `\0${MARK_VARIABLE}=`;

/** How often the environment of a process is read that has none, and for how long it is left alone between. */
const TRIES = 20;
const BETWEEN_MS = 1;

/**
 * The environment of a process. One that is just becoming another program (exec) shows none for a moment, and no command line
 * either: by that it is told from one that was given none, and by having a program from a thread of the kernel.
 */
function environmentOf(pid: number): string | null {
  for (let tries = 1; ; tries += 1) {
    const environment = readProc(`/proc/${pid}/environ`);
    if (environment !== '' || tries === TRIES || fromProc(() => readlinkSync(`/proc/${pid}/exe`)) === null)
      return environment;
    if (readProc(`/proc/${pid}/cmdline`) !== '') return readProc(`/proc/${pid}/environ`);
    blockFor(BETWEEN_MS);
  }
}

function markOf(pid: number): string | null {
  const environment = environmentOf(pid);
  // Looked for without taking it to pieces: a search reads the environment of every process there is.
  const from = `\0${environment ?? ''}`.indexOf(MARK);
  return environment === null || from < 0
    ? null
    : (environment.slice(from + MARK.length - 1).split('\0', 1)[0] ?? null);
}

/** The space in which a process knows others by number; null when it is gone, not ours to read, or the system has but one. */
function spaceOf(pid: number | 'self'): string | null {
  return fromProc(() => readlinkSync(`/proc/${pid}/ns/pid`));
}

export const linuxTable: ProcessTable = {
  bootId: () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  identify(pid: number): ProcessIdentity | null {
    const found = pid > 0 ? row(pid) : null;
    return found === null ? null : { pid: found.pid, start: found.start };
  },
  rows: () => pidsNow().flatMap((pid) => row(pid) ?? []),
  marks(pids = pidsNow()) {
    const marks = new Map<number, string>();
    for (const pid of pids) {
      const mark = markOf(pid);
      if (mark !== null) marks.set(pid, mark);
    }
    return marks;
  },
  numbersAsWe: (pid) => spaceOf(pid) === spaceOf('self'),
  directories() {
    const found = new Map<number, string>();
    for (const pid of pidsNow()) {
      const directory = fromProc(() => readlinkSync(`/proc/${pid}/cwd`));
      if (directory !== null) found.set(pid, directory);
    }
    return found;
  },
};
