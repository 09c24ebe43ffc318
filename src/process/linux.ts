/** Reads processes from /proc (Linux). */
import { readdirSync, readFileSync } from 'node:fs';
import { parseProcStat } from '../core/proc-stat.ts';
import type { ProcessIdentity } from '../core/types.ts';
import type { ProcessRow, ProcessTable } from './table.ts';
import { MARK_VARIABLE } from './types.ts';

/** A file of /proc, null when the process is gone or not ours to read. */
function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return null;
    throw thrown;
  }
}

function row(pid: number | string): ProcessRow | null {
  const text = readProc(`/proc/${pid}/stat`);
  const stat = text === null ? null : parseProcStat(text);
  if (stat === null || stat.state === 'Z' || stat.state === 'X') return null;
  return { pid: stat.pid, start: stat.start, ppid: stat.ppid, group: stat.sid };
}

function markOf(pid: number): string | null {
  const environment = readProc(`/proc/${pid}/environ`);
  const prefix = `${MARK_VARIABLE}=`;
  const entry = environment?.split('\0').find((each) => each.startsWith(prefix));
  return entry?.slice(prefix.length) ?? null;
}

export const linuxTable: ProcessTable = {
  bootId: () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  identify(pid: number): ProcessIdentity | null {
    const found = pid > 0 ? row(pid) : null;
    return found === null ? null : { pid: found.pid, start: found.start };
  },
  rows: () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => row(pid) ?? []),
  marks(pids) {
    const marks = new Map<number, string>();
    for (const pid of pids) {
      const mark = markOf(pid);
      if (mark !== null) marks.set(pid, mark);
    }
    return marks;
  },
};
