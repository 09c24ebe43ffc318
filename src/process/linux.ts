/** Reads processes from /proc (Linux). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
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
  directories() {
    const found = new Map<number, string>();
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const directory = fromProc(() => readlinkSync(`/proc/${pid}/cwd`));
      if (directory !== null) found.set(Number(pid), directory);
    }
    return found;
  },
};
